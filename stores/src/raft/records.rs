//! The records, and what a command makes of them: the same on every member, at the same position of the log.
//!
//! No clock, no randomness, no disk. Nothing is ever taken away, and a version never comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::law::{Law, Standing};
use super::picture::Picture;
use super::types::{Command, LogEntry, LogId, Members, Outcome, Saved};
use crate::{Body, Entry, Key};

/// Bytes of all bodies and keys together; a write beyond is refused. They are held in memory, and a snapshot of them
/// goes to a new member whole.
pub(super) const STATE_LEN_MAX: usize = 64 * 1024 * 1024;

/// What one record costs beside its key and body.
const RECORD_LEN: usize = 128;

/// Everything the log has made so far.
pub(super) struct Records {
    law: Arc<dyn Law>,
    entries: BTreeMap<Key, Entry>,
    len: usize,
    identity: Option<String>,
    applied: Option<LogId>,
    members: Members,
}

impl Records {
    pub(super) fn new(law: Arc<dyn Law>) -> Records {
        let (applied, members) = (None, Members::default());
        Records { law, entries: BTreeMap::new(), len: 0, identity: None, applied, members }
    }

    /// Replaces everything by what a snapshot holds.
    pub(super) fn replace(&mut self, picture: Picture, applied: Option<LogId>, members: Members) {
        self.entries.clear();
        self.len = 0;
        self.identity = picture.identity;
        for saved in picture.records {
            self.put(saved.key, saved.version, saved.nonce, saved.body);
        }
        self.applied = applied;
        self.members = members;
    }

    /// All of it, to be kept or sent.
    pub(super) fn picture(&self) -> Picture {
        let records = self.entries.values().filter_map(saved).collect();
        Picture { identity: self.identity.clone(), records }
    }

    pub(super) fn list(&self) -> Vec<Entry> {
        self.entries.values().cloned().collect()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Entry> {
        self.entries.get(key).cloned()
    }

    pub(super) fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    pub(super) fn applied(&self) -> Option<LogId> {
        self.applied
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// Applies the next entry of the log.
    pub(super) fn apply(&mut self, entry: LogEntry) -> Outcome {
        self.applied = Some(entry.log_id);
        match entry.payload {
            openraft::EntryPayload::Blank => Outcome::Done,
            openraft::EntryPayload::Membership(members) => {
                self.members = Members::new(Some(entry.log_id), members);
                Outcome::Done
            }
            openraft::EntryPayload::Normal(command) => self.command(command),
        }
    }

    fn command(&mut self, command: Command) -> Outcome {
        match command {
            Command::Write { key, expect, nonce, body } => self.write(key, expect, nonce, body),
            Command::Adopt(records) => self.adopt(records),
            Command::Found(identity) => self.found(identity),
        }
    }

    fn write(&mut self, key: Key, expect: Option<u64>, nonce: u128, body: Body) -> Outcome {
        let standing = self.entries.get(&key);
        if let Some(standing) = standing.filter(|standing| standing.nonce == nonce) {
            // The same attempt, heard twice.
            return Outcome::Applied(standing.version);
        }
        let version = standing.map(|standing| standing.version);
        // Before the founding there is nothing a version could follow.
        if version != expect || self.identity.is_none() {
            return Outcome::Refused;
        }
        let gone = standing.and_then(|standing| Some(weight(&key, standing.body.as_ref().ok()?))).unwrap_or(0);
        let fits = self.len - gone + weight(&key, &body) <= STATE_LEN_MAX;
        if !fits || !self.law.allows(&Standing::new(&self.entries), &key, &body) {
            return Outcome::Refused;
        }
        let next = version.unwrap_or(0) + 1;
        self.put(key, next, nonce, body);
        Outcome::Applied(next)
    }

    /// A founding that was interrupted is taken up again: the same records may come twice.
    fn adopt(&mut self, records: Vec<Saved>) -> Outcome {
        if self.identity.is_some() {
            return Outcome::Refused;
        }
        for saved in records {
            self.put(saved.key, saved.version, saved.nonce, saved.body);
        }
        Outcome::Done
    }

    fn found(&mut self, identity: String) -> Outcome {
        if self.identity.is_some() {
            return Outcome::Refused;
        }
        self.identity = Some(identity);
        Outcome::Done
    }

    fn put(&mut self, key: Key, version: u64, nonce: u128, body: Body) {
        self.len += weight(&key, &body);
        let entry = Entry { key: key.clone(), version, nonce, body: Ok(body) };
        if let Some(Entry { key, body: Ok(body), .. }) = self.entries.insert(key, entry) {
            self.len -= weight(&key, &body);
        }
    }
}

fn weight(key: &Key, body: &Body) -> usize {
    RECORD_LEN + key.as_str().len() + body.len()
}

fn saved(entry: &Entry) -> Option<Saved> {
    let body = entry.body.as_ref().ok()?.clone();
    Some(Saved { key: entry.key.clone(), version: entry.version, nonce: entry.nonce, body })
}

#[cfg(test)]
mod tests {
    use super::super::law::Lawless;
    use super::*;

    fn records() -> Records {
        let mut records = Records::new(Arc::new(Lawless));
        assert_eq!(records.command(Command::Found("here".to_owned())), Outcome::Done);
        records
    }

    fn write(records: &mut Records, expect: Option<u64>, nonce: u128, len: usize) -> Outcome {
        let body = Body::new(vec![0; len]).unwrap();
        records.command(Command::Write { key: Key::parse("a").unwrap(), expect, nonce, body })
    }

    #[test]
    fn a_write_is_applied_once_however_often_it_is_heard() {
        let mut records = records();
        assert_eq!(write(&mut records, None, 1, 1), Outcome::Applied(1));
        assert_eq!(write(&mut records, None, 1, 1), Outcome::Applied(1));
        assert_eq!(write(&mut records, None, 2, 1), Outcome::Refused);
        assert_eq!(write(&mut records, Some(1), 3, 1), Outcome::Applied(2));
        assert_eq!(write(&mut records, Some(1), 3, 1), Outcome::Applied(2));
        assert_eq!(write(&mut records, None, 1, 1), Outcome::Refused, "the attempt is over");
    }

    #[test]
    fn nothing_is_written_before_the_founding_and_nothing_adopted_after() {
        let mut records = Records::new(Arc::new(Lawless));
        assert_eq!(write(&mut records, None, 1, 1), Outcome::Refused);
        assert_eq!(records.command(Command::Found("a".to_owned())), Outcome::Done);
        assert_eq!(records.command(Command::Found("b".to_owned())), Outcome::Refused);
        assert_eq!(records.command(Command::Adopt(Vec::new())), Outcome::Refused);
        assert_eq!(records.identity().as_deref(), Some("a"));
    }

    #[test]
    fn what_is_held_has_a_limit_and_a_replaced_body_no_longer_counts() {
        let mut records = records();
        let mut version = None;
        for nonce in 1..1000 {
            let written = write(&mut records, version, nonce, Body::LEN_MAX);
            version = Some(version.unwrap_or(0) + 1);
            assert_eq!(written, Outcome::Applied(version.unwrap()));
        }
        let mut refused = false;
        for number in 0..=STATE_LEN_MAX / Body::LEN_MAX {
            let key = Key::parse(&format!("k{number}")).unwrap();
            let body = Body::new(vec![0; Body::LEN_MAX]).unwrap();
            let written = records.command(Command::Write { key, expect: None, nonce: number as u128, body });
            refused |= written == Outcome::Refused;
        }
        assert!(refused && records.len <= STATE_LEN_MAX);
        // What is there can be replaced all the same.
        assert_eq!(write(&mut records, version, 1 << 70, Body::LEN_MAX), Outcome::Applied(version.unwrap() + 1));
    }
}
