//! TCP between nodes: found dead soon, and connected again soon after a partition has healed.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustix::net::sockopt;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

/// To find a host's address.
const LOOKUP_MAX: Duration = Duration::from_secs(2);

/// To reach it. Far more than a round trip around the world.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// A lost first packet is repeated by the kernel after a second at the earliest. A further attempt beside the first
/// is made after this, longer than nearly all round trips, …
const STAGGER: Duration = Duration::from_millis(250);

/// … and then so often: a link is back that soon after the network is.
const STAGGER_NEXT: Duration = Duration::from_millis(100);

/// Attempts at once: as many as begin within [`CONNECT_MAX`].
const ATTEMPTS_MAX: usize = 20;

/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 4;

/// An idle connection is probed after this, …
const IDLE: Duration = Duration::from_secs(10);
/// … then so often, …
const PROBE: Duration = Duration::from_secs(5);
/// … and this many times.
const PROBES: u32 = 3;

/// Small frames leave at once; what is not acknowledged in this time ends the connection. So does a peer that reads
/// nothing for so long, once the buffers on the way are full.
pub(super) fn prepare(stream: &TcpStream, silence: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, IDLE)?;
    sockopt::set_tcp_keepintvl(stream, PROBE)?;
    sockopt::set_tcp_keepcnt(stream, PROBES)?;
    bear(stream, silence)
}

/// Changes how long that time is, once it is known what a connection is for.
pub(super) fn bear(stream: impl AsFd, silence: Duration) -> io::Result<()> {
    let silence = u32::try_from(silence.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(stream, silence)?)
}

/// Connects to `host:port`.
pub(super) async fn connect(address: &str) -> io::Result<TcpStream> {
    let late = |what| move |_| io::Error::new(io::ErrorKind::TimedOut, what);
    let found = timeout(LOOKUP_MAX, lookup_host(address)).await.map_err(late("its name was not found in time"))??;
    let targets: Vec<_> = found.take(ADDRESSES_MAX).collect();
    if targets.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "its name has no address"));
    }
    timeout(CONNECT_MAX, race(&targets)).await.map_err(late("it does not answer"))?
}

async fn race(targets: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::from_iter([TcpStream::connect(targets[0])]);
    let mut started = 1;
    loop {
        let pause = if started == 1 { STAGGER } else { STAGGER_NEXT };
        tokio::select! {
            Some(result) = attempts.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(why) if attempts.is_empty() && started >= targets.len() => return Err(why),
                Err(_) if attempts.is_empty() => {}
                Err(_) => continue,
            },
            () = sleep(pause), if started < ATTEMPTS_MAX => {}
        }
        attempts.push(TcpStream::connect(targets[started % targets.len()]));
        started += 1;
    }
}
