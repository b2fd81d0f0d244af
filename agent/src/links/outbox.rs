//! What is waiting to be written to one connection. Requests and answers are bounded by the budget they hold until they
//! are written; messages by their number: the oldest go first, for a renewal that has waited is worth less than a fresh one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::timeout;

use super::frame::{Frame, Kind};

/// Messages that may wait: several periods of the fastest renewals, with their acknowledgements.
const MESSAGES_MAX: usize = 32;

/// Frames up to this are copied together and written at once; longer ones are written by themselves.
const TOGETHER_MAX: usize = 64 * 1024;

/// A peer that takes nothing for this long is as good as gone.
const STALLED: Duration = Duration::from_secs(10);

/// A part of the budget, given back when the last who holds it lets go.
pub(super) type Share = Arc<OwnedSemaphorePermit>;

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<(Frame, Option<Share>)>,
    messages: usize,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    wake: Notify,
}

impl Outbox {
    /// Queues a frame that has paid for its place.
    pub(super) fn push(&self, frame: Frame, share: Share) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).frames.push_back((frame, Some(share)));
        self.wake.notify_one();
    }

    /// Queues a message, in the place of the oldest if there are too many.
    pub(super) fn push_message(&self, body: Vec<u8>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.messages == MESSAGES_MAX {
            let oldest = queue.frames.iter().position(|(frame, _)| frame.kind == Kind::Message);
            oldest.and_then(|at| queue.frames.remove(at)).expect("as many are counted as there are");
            queue.messages -= 1;
        }
        queue.frames.push_back((Frame::new(Kind::Message, body), None));
        queue.messages += 1;
        drop(queue);
        self.wake.notify_one();
    }

    fn pop(&self, room: usize) -> Option<(Frame, Option<Share>)> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, _) = queue.frames.front()?;
        if first.body.len() > room {
            return None;
        }
        queue.messages -= usize::from(first.kind == Kind::Message);
        queue.frames.pop_front()
    }

    /// Writes what is queued, for ever.
    pub(super) async fn write(&self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut together = Vec::new();
        loop {
            self.wake.notified().await;
            while let Some((frame, share)) = self.pop(usize::MAX) {
                together.extend(frame.head());
                let mut shares = vec![share];
                let mut rest = frame.body;
                if rest.len() <= TOGETHER_MAX {
                    together.append(&mut rest);
                    self.fill(&mut together, &mut shares);
                }
                in_time(writer.write_all(&together)).await?;
                write_long(writer, &rest).await?;
                in_time(writer.flush()).await?;
                together.clear();
            }
        }
    }

    fn fill(&self, together: &mut Vec<u8>, shares: &mut Vec<Option<Share>>) {
        while let Some((frame, share)) = self.pop(TOGETHER_MAX.saturating_sub(together.len())) {
            together.extend(frame.head());
            together.extend(&frame.body);
            shares.push(share);
        }
    }
}

/// In pieces, so that what stalls is the peer and not merely the line.
async fn write_long(writer: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    for piece in body.chunks(TOGETHER_MAX) {
        in_time(writer.write_all(piece)).await?;
    }
    Ok(())
}

async fn in_time(writing: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the other side does not take what is sent to it");
    timeout(STALLED, writing).await.map_err(late)?
}
