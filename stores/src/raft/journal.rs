//! The log as openraft sees it: written through the scribe, read from memory where it is recent, else from disk.
//!
//! An entry can be read as soon as it is appended; that it is on disk is told later, by the scribe.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};

use super::disk::{Disk, Found, Sealed};
use super::scribe::{Deed, Scribe};
use super::types::{LogEntry, LogId, Types, Vote};

/// Recent entries that are kept in memory, although they are on disk, for members that are a little behind.
const RECENT_LEN_MAX: usize = 8 * 1024 * 1024;

/// Entries that go into one message to a member; less than a message may be long.
const SENT_LEN_MAX: usize = 1024 * 1024;

/// A log that has grown by so much is worth a snapshot, however few its entries.
const GROWN_LEN_MAX: usize = 64 * 1024 * 1024;

/// The log of one member.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    view: Arc<Mutex<View>>,
    scribe: Scribe,
    /// The scribe alone keeps the file open.
    disk: Weak<Disk>,
}

/// What is known of the log without asking the disk.
#[derive(Debug, Default)]
struct View {
    vote: Option<Vote>,
    purged: Option<LogId>,
    last: Option<LogId>,
    /// The end of the log without a gap; whatever is not on disk yet is here.
    recent: BTreeMap<u64, Recent>,
    recent_len: usize,
    turn: u64,
    /// Bytes appended since a snapshot was last asked for.
    grown_len: usize,
}

#[derive(Debug)]
struct Recent {
    entry: LogEntry,
    len: usize,
    turn: u64,
}

impl Journal {
    /// The log that was found on `disk`.
    pub(super) fn new(disk: &Arc<Disk>, scribe: Scribe, found: &Found) -> Journal {
        let view = View { vote: found.vote, purged: found.purged, last: found.last, ..View::default() };
        Journal { view: Arc::new(Mutex::new(view)), scribe, disk: Arc::downgrade(disk) }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the log ends.
    pub(super) fn last(&self) -> Option<LogId> {
        self.view().last
    }

    /// Whether the log has become long since this was last true.
    pub(super) fn has_grown(&self) -> bool {
        let mut view = self.view();
        let grown = view.grown_len > GROWN_LEN_MAX;
        if grown {
            view.grown_len = 0;
        }
        grown
    }

    /// Whether anybody still has the file open.
    pub(super) fn in_use(&self) -> bool {
        self.disk.strong_count() > 0
    }

    async fn read(&self, range: Range<u64>, len_max: usize) -> io::Result<Vec<LogEntry>> {
        let (older, recent) = self.view().split(range, len_max);
        if older.is_empty() {
            return Ok(recent);
        }
        let disk = self.disk.upgrade().ok_or_else(|| io::Error::other("the log is closed"))?;
        let read = tokio::task::spawn_blocking(move || disk.entries(older, len_max)).await;
        let (mut entries, all) =
            read.map_err(|panic| io::Error::other(format!("the log cannot be read: {panic}")))??;
        if all {
            entries.extend(recent);
        }
        Ok(entries)
    }
}

impl View {
    /// What has to come from disk, and what follows from memory.
    fn split(&self, range: Range<u64>, len_max: usize) -> (Range<u64>, Vec<LogEntry>) {
        let first = self.purged.map_or(0, |purged| purged.index() + 1);
        let end = self.last.map_or(0, |last| last.index() + 1).min(range.end);
        let start = range.start.max(first);
        let memory = self.recent.keys().next().map_or(end, |recent| *recent);
        let older = start..memory.min(end).max(start);
        let mut len = 0;
        let fits = |recent: &&Recent| {
            let first = len == 0;
            len += recent.len;
            first || len <= len_max
        };
        let recent = self.recent.range(older.end..end.max(older.end)).map(|(_, recent)| recent).take_while(fits);
        (older, recent.map(|recent| recent.entry.clone()).collect())
    }

    /// Takes entries in; returns their turn.
    fn push(&mut self, entries: &[(LogEntry, usize)]) -> u64 {
        self.turn += 1;
        for (entry, len) in entries {
            self.last = Some(entry.log_id);
            self.recent_len += len;
            self.grown_len += len;
            let recent = Recent { entry: entry.clone(), len: *len, turn: self.turn };
            self.recent.insert(entry.log_id.index(), recent);
        }
        self.turn
    }

    /// Forgets what is on disk and too much for memory, the oldest first.
    fn forget(&mut self, flushed: u64) {
        while self.recent_len > RECENT_LEN_MAX {
            let Some(oldest) = self.recent.first_entry() else { return };
            if oldest.get().turn > flushed {
                return;
            }
            self.recent_len -= oldest.remove().len;
        }
    }

    fn drop_range(&mut self, range: impl RangeBounds<u64>) {
        let gone: Vec<u64> = self.recent.range(range).map(|(index, _)| *index).collect();
        for index in gone {
            self.recent_len -= self.recent.remove(&index).map_or(0, |recent| recent.len);
        }
    }
}

impl RaftLogReader<Types> for Journal {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> io::Result<Vec<LogEntry>>
    where
        RB: RangeBounds<u64> + Clone + Debug + Send,
    {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(start) => start + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(end) => end.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        self.read(start..end, usize::MAX).await
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<LogEntry>> {
        self.read(start..end, SENT_LEN_MAX).await
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.view().vote)
    }
}

impl RaftLogStorage<Types> for Journal {
    type LogReader = Journal;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let view = self.view();
        Ok(LogState { last_purged_log_id: view.purged, last_log_id: view.last })
    }

    async fn get_log_reader(&mut self) -> Journal {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.scribe.done(|told| Deed::Vote(*vote, told)).await?;
        self.view().vote = Some(*vote);
        Ok(())
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry> + Send,
        I::IntoIter: Send,
    {
        let (mut sealed, mut kept) = (Vec::new(), Vec::new());
        for entry in entries {
            let bytes = Sealed::new(&entry);
            kept.push((entry, bytes.len()));
            sealed.push(bytes);
        }
        let flushed = self.scribe.flushed();
        let turn = {
            let mut view = self.view();
            view.forget(flushed);
            view.push(&kept)
        };
        self.scribe.hand(Deed::Append(sealed, turn, callback)).await
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> io::Result<()> {
        let start = last_log_id.map_or(0, |last| last.index() + 1);
        {
            let mut view = self.view();
            view.drop_range(start..);
            view.last = view.last.min(last_log_id);
        }
        self.scribe.done(|told| Deed::Truncate(start, told)).await
    }

    async fn purge(&mut self, log_id: LogId) -> io::Result<()> {
        {
            let mut view = self.view();
            view.drop_range(..=log_id.index());
            view.purged = Some(log_id);
            view.last = view.last.max(Some(log_id));
        }
        self.scribe.hand(Deed::Purge(log_id)).await
    }
}
