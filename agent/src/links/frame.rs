//! Frames: `length(4) kind(1) id(8) body`, big-endian. A length is believed only up to the lane's bound, and memory is
//! taken as the bytes come in, never on the word of a length.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// Length, kind and id.
pub(super) const HEAD: usize = 13;

/// A frame that has begun has this long to be complete: 16 MiB over a slow line between continents.
const FRAME_TIME: Duration = Duration::from_secs(60);

/// Taken for a body at first; more as it comes in.
const FIRST_PIECE: usize = 16 * 1024;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Who is there: the first frame from each side.
    Hello,
    /// Instead of a hello: why not. The body is text for people.
    Refusal,
    /// The same, to a node that was removed from the cluster: it is for good.
    Removed,
    Request,
    Answer,
    /// Instead of an answer: why not. The body is text for people.
    Failure,
    /// Needs no answer.
    Message,
    /// A request to the links themselves: a new certificate, please.
    Renew,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Hello,
        Self::Refusal,
        Self::Removed,
        Self::Request,
        Self::Answer,
        Self::Failure,
        Self::Message,
        Self::Renew,
    ];

    const fn byte(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Refusal => 2,
            Self::Request => 3,
            Self::Answer => 4,
            Self::Failure => 5,
            Self::Message => 6,
            Self::Renew => 7,
            Self::Removed => 8,
        }
    }
}

/// What stands before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: Kind,
    /// Ties an answer to its request.
    pub(super) id: u64,
}

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) id: u64,
    pub(super) body: Vec<u8>,
}

impl Frame {
    pub(super) fn new(kind: Kind, body: Vec<u8>) -> Self {
        Self { kind, id: 0, body }
    }

    pub(super) fn head(&self) -> [u8; HEAD] {
        let length = u32::try_from(self.body.len()).expect("a lane's bound is far below 4 GiB");
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&length.to_be_bytes());
        head[4] = self.kind.byte();
        head[5..].copy_from_slice(&self.id.to_be_bytes());
        head
    }

    /// Head and body in one piece.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [&self.head(), self.body.as_slice()].concat()
    }
}

fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn parse(head: [u8; HEAD], max: usize) -> io::Result<Head> {
    let [a, b, c, d, kind, id @ ..] = head;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > max {
        return Err(bad(format!("a frame of {length} bytes, and {max} is the most here")));
    }
    let found = Kind::ALL.into_iter().find(|it| it.byte() == kind);
    let kind = found.ok_or_else(|| bad(format!("a frame of the unknown kind {kind}")))?;
    Ok(Head { length, kind, id: u64::from_be_bytes(id) })
}

/// Waits for the next frame, however long that takes. None: the other side has ended.
pub(super) async fn read_head(reader: &mut (impl AsyncBufRead + Unpin), max: usize) -> io::Result<Option<Head>> {
    if reader.fill_buf().await?.is_empty() {
        return Ok(None);
    }
    let mut head = [0; HEAD];
    in_time(reader.read_exact(&mut head)).await?;
    parse(head, max).map(Some)
}

/// The body that follows a head.
pub(super) async fn read_body(reader: &mut (impl AsyncRead + Unpin), head: Head) -> io::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(head.length.min(FIRST_PIECE));
    in_time(reader.take(head.length as u64).read_to_end(&mut body)).await?;
    if body.len() < head.length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(body) }
}

/// One frame, or an error.
pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin), max: usize) -> io::Result<Frame> {
    let head = read_head(reader, max).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Frame { kind: head.kind, id: head.id, body: read_body(reader, head).await? })
}

async fn in_time<T>(reading: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "a frame that was begun did not end");
    timeout(FRAME_TIME, reading).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::runtime::Builder;

    fn read_all(mut bytes: &[u8], max: usize) -> Vec<io::Result<Frame>> {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let mut found = Vec::new();
        while !bytes.is_empty() && found.last().is_none_or(Result::is_ok) {
            found.push(runtime.block_on(read(&mut bytes, max)));
        }
        found
    }

    #[test]
    fn a_length_is_not_believed() {
        let mut head = Frame::new(Kind::Request, Vec::new()).head();
        head[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(read_all(&head, 1024).pop().unwrap().unwrap_err().to_string().contains("4294967295"));
        // As long as is allowed, and then nothing: an end, and no 16 MiB taken on its word.
        head[..4].copy_from_slice(&(16 * 1024 * 1024_u32).to_be_bytes());
        let error = read_all(&head, 16 * 1024 * 1024).pop().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    proptest! {
        #[test]
        fn frames_come_back(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5)) {
            let frames = bodies.iter().map(|body| Frame { kind: Kind::Answer, id: 7, body: body.clone() });
            let bytes: Vec<_> = frames.flat_map(|frame| frame.bytes()).collect();
            let found: Vec<_> = read_all(&bytes, 200).into_iter().map(|frame| frame.unwrap().body).collect();
            prop_assert_eq!(found, bodies);
        }

        #[test]
        fn noise_never_panics_nor_exceeds(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let found = read_all(&bytes, 64);
            prop_assert!(found.iter().flatten().all(|frame| frame.body.len() <= 64));
        }
    }
}
