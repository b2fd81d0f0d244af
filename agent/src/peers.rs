//! Words between agents, by UDP: hints that the store has changed, and guards' proofs of death.
//!
//! Nothing that comes in is trusted: a hint only makes this node look, and a proof has to match the hash in
//! the session's record. Losing all of it costs time, never safety.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotseat_core::{Demise, Input, Nonce, Proof, Secret};
use hotseat_guard::{Trigger, Word};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// What a hint looks like.
const HINT: &[u8] = b"HSHINT1";

/// Words taken in a second: far more than a busy cluster has to say. A flood beyond it is dropped, which costs time
/// and never safety, and each word makes one look at the store at the most.
const WORDS_MAX: u32 = 500;

/// Longer datagrams are not ours.
const DATAGRAM_MAX: usize = 512;

/// The UDP side of an agent's address.
#[derive(Clone, Debug)]
pub struct Peers {
    socket: Arc<UdpSocket>,
}

impl Peers {
    /// Binds the UDP port of the agent's address.
    ///
    /// # Errors
    /// When the port is in use or may not be used.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { socket: Arc::new(UdpSocket::bind(address).await?) })
    }

    /// Tells the others that the store has changed. Never blocks, never fails: what is lost is lost.
    pub fn hint(&self, others: &[SocketAddr]) {
        for other in others {
            drop(self.socket.try_send_to(HINT, *other));
        }
    }

    /// Hands what comes in to the loop. Ends when the loop does.
    pub async fn listen(self, inputs: mpsc::Sender<Input>) {
        let mut buffer = [0; DATAGRAM_MAX];
        let (mut second, mut words) = (Instant::now(), 0);
        while !inputs.is_closed() {
            // An error here is another's ICMP answer to something we sent: not ours to care about.
            let Ok((length, _)) = self.socket.recv_from(&mut buffer).await else { continue };
            if second.elapsed() >= Duration::from_secs(1) {
                (second, words) = (Instant::now(), 0);
            }
            words += 1;
            if words <= WORDS_MAX
                && let Some(input) = read(&buffer[..length])
                && inputs.send(input).await.is_err()
            {
                return;
            }
        }
    }
}

fn read(datagram: &[u8]) -> Option<Input> {
    if datagram == HINT {
        return Some(Input::Hint);
    }
    let word = Word::decode(datagram)?;
    let demise = word.trigger.map(|trigger| match trigger {
        Trigger::Agent => Demise::AgentGone,
        Trigger::Lease => Demise::LeaseOver,
        Trigger::Order => Demise::AsTold,
    });
    Some(Input::Proof(Proof { session: Nonce(u128::from_be_bytes(word.session)), secret: Secret(word.secret), demise }))
}
