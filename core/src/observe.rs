//! What this node has seen of another node's session, and since when.
//!
//! Silence counts from the *completion* of the first read that returned a version (A5), for as long as
//! the record itself says (A7). A stale read can only make it count from later. It never ends a
//! session: that takes a compare-and-swap over the very version observed.

use alloc::string::String;

use crate::demise::Demise;
use crate::id::{SessionId, Version};
use crate::mutant::{Mutant, Rules};
use crate::record::{Leader, SessionRecord, SessionState};
use crate::time::Instant;
use crate::timing::Promise;

/// The newest that is known of one session record.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// Its version.
    pub(crate) version: Version,
    /// When a read that returned this version first completed.
    pub(crate) since: Instant,
    /// When it was last seen alive or heard to be renewed; its end is no renewal. For people.
    pub(crate) renewed: Option<Instant>,
    /// What it says; `Err` when it cannot be read: held, whoever holds it.
    pub(crate) record: Result<SessionRecord, String>,
    /// How often it moved while alive, since we look: somebody renews it.
    pub(crate) moves: u32,
    /// A write over this version was refused: it is gone, though our reads still show it. Nothing more is tried on it.
    pub(crate) gone: bool,
}

/// Whether a group's leader still holds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It may be acting, or nothing is known.
    Held,
    /// Its session is ended in the store, for good.
    Ended(SessionState, Option<Demise>),
    /// Its node has a later session (A4).
    Replaced(Option<Demise>),
}

impl Observed {
    pub(crate) fn first(now: Instant, version: Version, record: Result<SessionRecord, String>) -> Self {
        let ended = record.as_ref().is_ok_and(|record| record.state != SessionState::Alive);
        Self { version, since: now, renewed: (!ended).then_some(now), record, moves: 0, gone: false }
    }

    /// Takes what a look found; an older version is a stale read and changes nothing. Says if it is news.
    pub(crate) fn look(&mut self, now: Instant, version: Version, record: &Result<SessionRecord, String>) -> bool {
        if version <= self.version {
            return false;
        }
        if record.as_ref().is_ok_and(|record| record.state == SessionState::Alive) {
            self.moves = self.moves.saturating_add(1);
            self.renewed = Some(now);
        }
        self.version = version;
        self.since = now;
        self.gone = false;
        self.record = record.clone();
        true
    }

    /// A renewal of that session was heard, beside the log.
    pub(crate) fn heard(&mut self, now: Instant, session: SessionId) {
        if self.alive(session) {
            self.since = now;
            self.renewed = Some(now);
            self.moves = self.moves.saturating_add(1);
        }
    }

    /// Whether it is this session that stands there, not ended.
    pub(crate) fn alive(&self, session: SessionId) -> bool {
        self.record.as_ref().is_ok_and(|record| record.session == session && record.state == SessionState::Alive)
    }

    /// When silence will have lasted long enough to end it.
    pub(crate) fn silent_at(&self, rules: Rules, own: Promise) -> Option<Instant> {
        let record = self.record.as_ref().ok().filter(|record| record.state == SessionState::Alive)?;
        let promise = if rules.breaks(Mutant::TtlFromOwnConfiguration) { own } else { record.promise };
        let silence = if rules.breaks(Mutant::NoMarginOnObserver) {
            core::time::Duration::from_nanos(promise.ttl_ns)
        } else {
            promise.silence()
        };
        Some(self.since + silence)
    }

    /// Whether the session that leads has lost its hold, as far as this record tells.
    pub(crate) fn hold(&self, rules: Rules, leader: &Leader) -> Hold {
        let Ok(record) = &self.record else { return Hold::Held };
        let replaced = if rules.breaks(Mutant::UnequalIsReplaced) {
            record.session != leader.session
        } else {
            record.session.ordinal > leader.session.ordinal
        };
        if replaced {
            return Hold::Replaced(record.demise_of(leader.session.ordinal));
        }
        if record.session == leader.session && record.state != SessionState::Alive {
            return Hold::Ended(record.state, record.demise);
        }
        Hold::Held
    }
}
