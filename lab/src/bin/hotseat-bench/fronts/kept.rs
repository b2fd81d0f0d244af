//! A connection that is kept, and one question after the other on it. As little work as a client can do.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer that is measured is longer.
const ANSWER_MAX: usize = 8 * 1024;

/// See the module.
pub(crate) struct Kept {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Kept {
    pub(crate) async fn connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(512) })
    }

    /// Whether the other side has not closed it in the meantime.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stream.try_read(&mut [0]), Err(why) if why.kind() == io::ErrorKind::WouldBlock)
    }

    /// Asks, and reads one answer: head and body.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<&str> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match whole(&self.buffer) {
                Some(true) => break,
                Some(false) if self.buffer.len() < ANSWER_MAX => {}
                Some(false) | None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        str::from_utf8(&self.buffer).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// Whether an answer is complete. `None`: it is none whose end can be known.
fn whole(bytes: &[u8]) -> Option<bool> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Some(false) };
    let lines = str::from_utf8(&bytes[..head]).ok()?.split("\r\n");
    let length = lines.filter_map(|line| line.split_once(':'));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).last()?.1;
    Some(bytes.len() >= head + 4 + length.trim().parse::<usize>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let check = |bytes: &[u8], expected| assert_eq!(whole(bytes), expected, "{}", bytes.escape_ascii());
        check(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Some(true));
        check(b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", Some(true));
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", Some(false));
        check(b"HTTP/1.1 200 OK\r\ncontent-le", Some(false));
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", None);
    }
}
