//! Asking the guard of an earlier session on this machine for its word.
//!
//! A guard listens on an abstract Unix socket named after its session from its start to its end; who connects gets the
//! secret once the death is proven. Nothing here trusts the answer: check it against the hash in the session's record.

use std::io::{self, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use crate::settings::SessionId;

/// Who may wait in the kernel's queue or with the guard at once; more try again.
const RETRY: Duration = Duration::from_millis(20);

/// What came of asking a guard for its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The secret: check it with [`proof_hash`](crate::proof_hash).
    Proof([u8; 32]),
    /// No such guard lives here (any more): wait for the ttl.
    NoGuard,
    /// There is a guard, but the death was not proven in time.
    Silent,
}

/// Asks the guard of `session`, on this machine, for its word; blocks for up to `timeout`.
///
/// ```
/// use hotseat_guard::{Answer, ask};
/// assert_eq!(ask([0; 16], std::time::Duration::from_secs(1)), Answer::NoGuard);
/// ```
#[must_use]
pub fn ask(session: SessionId, timeout: Duration) -> Answer {
    let until = Instant::now() + timeout;
    let Ok(address) = address(session) else {
        return Answer::NoGuard;
    };
    loop {
        match UnixStream::connect_addr(&address) {
            Ok(stream) => return listen_to(stream, until),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Answer::NoGuard,
            Err(_) if Instant::now() >= until => return Answer::Silent,
            Err(_) => std::thread::sleep(RETRY),
        }
    }
}

/// Waits for the secret; a guard that goes without having given it is no guard.
fn listen_to(mut stream: UnixStream, until: Instant) -> Answer {
    let mut secret = [0; 32];
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    if stream.set_read_timeout(Some(left)).is_err() {
        return Answer::Silent;
    }
    match stream.read_exact(&mut secret) {
        Ok(()) => Answer::Proof(secret),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Answer::Silent,
        Err(_) => Answer::NoGuard,
    }
}

/// The guard's side: the listener that carries the session's name.
pub(crate) fn listener(session: SessionId) -> io::Result<UnixListener> {
    let listener = UnixListener::bind_addr(&address(session)?)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn address(session: SessionId) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("hotseat/{}", hex(session)))
}

/// A session as it stands in the names of sockets and cgroups.
pub(crate) fn hex(session: SessionId) -> String {
    session.iter().map(|byte| format!("{byte:02x}")).collect()
}
