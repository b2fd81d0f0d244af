//! The one thread that writes the log: it takes what has gathered, writes it in one commit, and tells who waits.
//!
//! The first failure is the last thing it does: after a failed fsync nobody knows what is on the disk, so every later
//! deed fails with the same reason (fail-stop). It ends when the journal and all its readers are gone.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openraft::storage::IOFlushed;
use tokio::sync::{mpsc, oneshot, watch};

use super::disk::{Batch, Disk, Sealed};
use super::types::{LogId, Types, Vote};

/// Deeds that may wait: as many as openraft hands over while one slow fsync is under way, and then it waits.
const WAITING_MAX: usize = 1024;

/// Entries of one commit together: more would make the first wait for the last.
const BATCH_LEN_MAX: usize = 4 * 1024 * 1024;

/// Something to be made durable, in order.
pub(super) enum Deed {
    /// A promise to a candidate, or to oneself.
    Vote(Vote, Told),
    /// New entries; the last one's turn.
    Append(Vec<Sealed>, u64, IOFlushed<Types>),
    /// No entries from here on.
    Truncate(u64, Told),
    /// No entries up to here; nobody waits, since a longer log is no harm.
    Purge(LogId),
}

/// Who waits for a deed.
pub(super) type Told = oneshot::Sender<io::Result<()>>;

/// The scribe, seen from outside.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    /// Taken away at the end, so that the thread ends whoever still holds a handle.
    deeds: Arc<Mutex<Option<mpsc::Sender<Deed>>>>,
    state: Arc<State>,
    ended: watch::Receiver<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when the present commit is under way.
    busy: Mutex<Option<Instant>>,
    failure: Mutex<Option<String>>,
    /// The turn of the last append that is on disk.
    flushed: std::sync::atomic::AtomicU64,
}

impl Scribe {
    /// Starts the thread, which owns `disk` from now on.
    pub(super) fn start(disk: Arc<Disk>) -> io::Result<Scribe> {
        let (deeds, queue) = mpsc::channel(WAITING_MAX);
        let (end, ended) = watch::channel(false);
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::Builder::new().name("raft-log".to_owned()).spawn(move || {
            work(&disk, &shared, queue);
            drop(disk);
            end.send_replace(true);
        })?;
        Ok(Scribe { deeds: Arc::new(Mutex::new(Some(deeds))), state, ended })
    }

    /// Hands a deed over; waits while too many wait.
    pub(super) async fn hand(&self, deed: Deed) -> io::Result<()> {
        let deeds = self.deeds.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let deeds = deeds.ok_or_else(|| io::Error::other("the log is closed"))?;
        deeds.send(deed).await.map_err(|_| io::Error::other("the thread that writes the log is gone"))
    }

    /// Nothing more is written; what was handed over is.
    pub(super) fn close(&self) {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Hands a deed over that somebody waits for.
    pub(super) async fn done(&self, deed: impl FnOnce(Told) -> Deed) -> io::Result<()> {
        let (told, waits) = oneshot::channel();
        self.hand(deed(told)).await?;
        waits.await.unwrap_or_else(|_| Err(io::Error::other("the thread that writes the log is gone")))
    }

    /// The turn of the last append that is on disk.
    pub(super) fn flushed(&self) -> u64 {
        self.state.flushed.load(std::sync::atomic::Ordering::Acquire)
    }

    /// For how long the disk has been at the present commit.
    pub(super) fn stalled(&self) -> Duration {
        let busy = self.state.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Why nothing is written any more.
    pub(super) fn failure(&self) -> Option<String> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What becomes true when the thread has let go of the disk.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }
}

fn work(disk: &Disk, state: &State, mut queue: mpsc::Receiver<Deed>) {
    while let Some(first) = queue.blocking_recv() {
        let deeds = gather(first, &mut queue);
        let failed = state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let written = match failed {
            Some(reason) => Err(io::Error::other(reason)),
            None => write(disk, state, &deeds),
        };
        tell(state, deeds, &written);
    }
}

fn gather(first: Deed, queue: &mut mpsc::Receiver<Deed>) -> Vec<Deed> {
    let mut len = weight(&first);
    let mut deeds = vec![first];
    while len < BATCH_LEN_MAX {
        let Ok(deed) = queue.try_recv() else { break };
        len += weight(&deed);
        deeds.push(deed);
    }
    deeds
}

fn weight(deed: &Deed) -> usize {
    match deed {
        Deed::Append(entries, ..) => entries.iter().map(Sealed::len).sum(),
        Deed::Vote(..) | Deed::Truncate(..) | Deed::Purge(_) => 0,
    }
}

fn write(disk: &Disk, state: &State, deeds: &[Deed]) -> io::Result<()> {
    let busy = |since| *state.busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
    busy(Some(Instant::now()));
    let written = commit(disk, deeds);
    busy(None);
    if let Err(error) = &written {
        *state.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }
    written
}

fn commit(disk: &Disk, deeds: &[Deed]) -> io::Result<()> {
    let mut batch = disk.begin()?;
    for deed in deeds {
        put(&mut batch, deed)?;
    }
    batch.commit()
}

fn put(batch: &mut Batch<'_>, deed: &Deed) -> io::Result<()> {
    match deed {
        Deed::Vote(vote, _) => batch.vote(vote),
        Deed::Append(entries, ..) => batch.append(entries),
        Deed::Truncate(start, _) => batch.truncate(*start),
        Deed::Purge(upto) => batch.purge(upto),
    }
}

fn tell(state: &State, deeds: Vec<Deed>, written: &io::Result<()>) {
    let outcome = || match written {
        Ok(()) => Ok(()),
        Err(error) => Err(io::Error::other(error.to_string())),
    };
    for deed in deeds {
        match deed {
            Deed::Vote(_, told) | Deed::Truncate(_, told) => drop(told.send(outcome())),
            Deed::Append(_, turn, flushed) => {
                if written.is_ok() {
                    state.flushed.store(turn, std::sync::atomic::Ordering::Release);
                }
                flushed.io_completed(outcome());
            }
            Deed::Purge(_) => {}
        }
    }
}
