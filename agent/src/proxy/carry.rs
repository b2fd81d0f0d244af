//! Carrying bytes between a client and the leader, until they are done or a newer epoch comes.

use super::accept::Shared;
use super::counters::Counted;
use super::course::Course;
use super::reach::Reached;
use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

/// A peer whose machine is gone without a word is noticed after this and nine more tries.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// Carries until both sides are done, one fails, or `reached.epoch` is over.
pub(super) async fn carry(mut client: TcpStream, reached: Reached, shared: &Shared, course: &mut Course) {
    let Reached { mut server, epoch } = reached;
    let _counted = Counted::new(&shared.counters.active);
    shared.counters.forwarded();
    tune(&client);
    tune(&server);
    tokio::select! {
        // The epoch is looked at first, each time: before the first byte, and before any other.
        biased;
        () = course.outlives(epoch) => {
            shared.counters.cut();
            reset(&client);
            reset(&server);
        }
        done = copy_bidirectional(&mut client, &mut server) => {
            if done.is_err() {
                // An end that was not orderly must not look orderly to the other side.
                reset(&client);
                reset(&server);
            }
        }
    }
}

/// What fails here is a nicety; the connection works without.
fn tune(stream: &TcpStream) {
    let _nicety = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _nicety = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Lets the coming close be a reset, which nobody mistakes for the end of an answer.
pub(super) fn reset(stream: &TcpStream) {
    // If it fails, the peer is gone already.
    let _gone = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
