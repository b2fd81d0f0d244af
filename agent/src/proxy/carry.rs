//! Carrying bytes between a client and a service, until they are done or a newer epoch comes.

use super::accept::Shared;
use super::counters::Counted;
use super::course::Course;
use super::reach::Reached;
use super::speech::Speech;
use super::stream::{Heard, Stream};
use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A peer whose machine is gone without a word is noticed after this and nine more tries.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// Carries until both sides are done, one fails, or `reached.way` is over. The client came at `since`.
pub(super) async fn carry<S: Stream>(
    mut client: Heard<S>,
    reached: Reached,
    since: Instant,
    shared: &Shared,
    course: &mut Course,
) {
    let Reached { mut server, way, held } = reached;
    let _counted = Counted::new(&shared.counters.active);
    shared.counters.forwarded();
    shared.counters.tally.served(way.epoch, held.then(|| since.elapsed()));
    tune(client.socket());
    tune(&server);
    tokio::select! {
        // The epoch is looked at first, each time: before the first byte, and before any other.
        biased;
        () = course.outlives(&way) => {
            shared.counters.cut();
            reset(client.socket());
            reset(&server);
        }
        done = copy_bidirectional(&mut client, &mut server) => {
            if done.is_err() {
                // An end that was not orderly must not look orderly to the other side.
                reset(client.socket());
                reset(&server);
            }
        }
    }
}

/// Who speaks first on a connection on which nobody has spoken, or what.
pub(super) enum First {
    Http1,
    Http2,
    /// The service, or a client that does not speak HTTP, or leaves.
    Other,
    /// Nobody, and the way does not stand any more.
    Over,
}

/// Waits until somebody speaks.
pub(super) async fn first<S: Stream>(client: &mut Heard<S>, reached: &Reached, course: &mut Course) -> First {
    loop {
        match Speech::of(client.said()) {
            Speech::Http1 => return First::Http1,
            Speech::Http2 => return First::Http2,
            Speech::Other => return First::Other,
            Speech::Unclear => {}
        }
        tokio::select! {
            biased;
            () = course.differs(&reached.way) => return First::Over,
            _speaks = reached.server.readable() => return First::Other,
            heard = client.listen() => match heard {
                Ok(n) if n > 0 => {}
                Ok(_) | Err(_) => return First::Other,
            },
        }
    }
}

/// What fails here is a nicety; the connection works without.
pub(super) fn tune(stream: &TcpStream) {
    let _nicety = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _nicety = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Lets the coming close be a reset, which nobody mistakes for the end of an answer.
pub(super) fn reset(stream: &TcpStream) {
    // If it fails, the peer is gone already.
    let _gone = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
