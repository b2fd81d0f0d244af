//! A service that answers everything with the same few bytes, for as long as it is let: what costs is in front of it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The word that makes a process play it.
pub(crate) const BACKEND: &str = "backend";

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n";

/// The longest request of the bench's own, with what proxies add.
const REQUEST_MAX: usize = 4096;

/// Plays the service, when this process was started as one. Never returns then.
pub(crate) fn play_a_part(words: &[String]) -> bool {
    let [word, address] = words else { return false };
    if word != BACKEND {
        return false;
    }
    let address: SocketAddr = address.parse().expect("an address to listen at");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.unwrap();
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        }
    })
}

/// Requests have no body: an empty line is the end of one.
async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; REQUEST_MAX];
    let mut length = 0;
    loop {
        match stream.read(&mut buffer[length..]).await? {
            0 => return Ok(()),
            more => length += more,
        }
        if buffer[..length].ends_with(b"\r\n\r\n") {
            stream.write_all(ANSWER).await?;
            length = 0;
        }
    }
}
