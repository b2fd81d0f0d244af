//! Sockets that listen. Tokio's own let 128 connections wait to be accepted; what comes in excess is dropped, and its
//! client tries again after a whole second: longer than a change of leader takes.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted: all that clients open anew at once when a leader has changed. The kernel
/// takes the lesser of this and `net.core.somaxconn`, which is 4096 as well.
const BACKLOG: u32 = 4096;

/// Listens at `address`, also where connections of an earlier listener are still closing; port 0 is any free one.
///
/// # Errors
/// When the address is not this machine's, taken, or denied.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_may_wait_to_be_accepted() {
        let listener = listen(([127, 0, 0, 1], 0).into()).expect("loopback has a free port");
        let to = listener.local_addr().expect("it listens");
        // None of them is accepted meanwhile. One too many would be tried again after seconds, and hang here for ever.
        let mut waiting = Vec::new();
        for _ in 0..400 {
            waiting.push(tokio::net::TcpStream::connect(to).await.expect("it waits in line"));
        }
        assert!(listen(to).is_err(), "the port is taken");
    }
}
