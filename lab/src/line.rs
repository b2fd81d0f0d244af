//! An HTTP connection that is kept for one question after the other, as clients in a hurry keep it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Bytes of an answer: whatever says more than this is not what was asked.
const LEN_MAX: u64 = 1 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Line(BufReader<TcpStream>);

impl Line {
    /// Connects; no answer may take longer than `limit`.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn open(to: SocketAddr, limit: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks with a JSON body; the answer's status and body.
    ///
    /// # Errors
    /// When there is no answer in time, or no HTTP. The connection is of no use then.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: lab\r\nContent-Type: application/json\r\n");
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<(u16, String)> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(no_http)?;
        let mut length = None;
        loop {
            let field = self.line()?.to_ascii_lowercase();
            match field.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().ok(),
                Some(("transfer-encoding", _)) => length = None,
                Some(_) => {}
                None => break,
            }
        }
        let body = match length {
            Some(length) => self.bytes(length)?,
            None => self.chunks()?,
        };
        Ok((status, String::from_utf8(body).map_err(|_| no_http())?))
    }

    /// A line, without its end.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.by_ref().take(LEN_MAX).read_line(&mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.by_ref().take(length.min(LEN_MAX)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(no_http()) }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let length = u64::from_str_radix(&self.line()?, 16).map_err(|_| no_http())?;
            all.extend(self.bytes(length)?);
            // What ends a chunk, or all of them.
            self.line()?;
            if length == 0 {
                return Ok(all);
            }
        }
    }
}

fn no_http() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
