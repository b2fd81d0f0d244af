//! One record that this node writes: what is known of it, and which of our writes are not settled.
//!
//! A write is settled only when its nonce is seen, or its expected version is gone (A1). Until then it
//! may still land, so the next write goes over the *same* version: at most one of them can. Every
//! attempt keeps its own nonce and send time (A3). It never decides what to write.

use alloc::vec::Vec;

use crate::id::{Nonce, Version};
use crate::message::{Applied, Expect, Outcome, Ticket};
use crate::time::Instant;

/// Unsettled attempts remembered at most; the oldest is forgotten first. Should a forgotten one land, it is taken
/// for somebody else's write, which is safe: a renewal does not count, and a claim has to be made again.
const ATTEMPTS_MAX: usize = 16;

/// A record body that carries a nonce.
pub(crate) trait Body: Clone {
    fn nonce(&self) -> Nonce;
}

impl Body for crate::record::SessionRecord {
    fn nonce(&self) -> Nonce {
        self.nonce
    }
}

impl Body for crate::record::GroupRecord {
    fn nonce(&self) -> Nonce {
        self.nonce
    }
}

#[derive(Clone, Debug)]
struct Attempt<T> {
    ticket: Ticket,
    over: Version,
    sent: Instant,
    record: T,
}

/// What a look or an answer settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled<T> {
    /// Nothing new of our writes.
    Nothing,
    /// One of our writes stands, or stood.
    Applied(Applied<T>),
    /// The record moved, and not by us: our unsettled writes are void.
    Moved,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Register<T> {
    /// The newest version and body we know of. Version 0: absent.
    version: Version,
    body: Option<T>,
    /// When a read that returned this version first completed (A5).
    seen: Instant,
    attempts: Vec<Attempt<T>>,
    in_flight: Option<Ticket>,
}

impl<T: Body> Register<T> {
    pub(crate) const fn new() -> Self {
        Self { version: Version(0), body: None, seen: Instant::from_nanos(0), attempts: Vec::new(), in_flight: None }
    }

    pub(crate) fn body(&self) -> Option<&T> {
        self.body.as_ref()
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn seen(&self) -> Instant {
        self.seen
    }

    /// Whether a write may be sent now: none is in flight.
    pub(crate) fn free(&self) -> bool {
        self.in_flight.is_none()
    }

    /// Whether one of our writes may still land.
    pub(crate) fn unsettled(&self) -> bool {
        !self.attempts.is_empty()
    }

    pub(crate) fn awaits(&self, ticket: Ticket) -> bool {
        self.in_flight == Some(ticket)
    }

    /// Notes a write over the known version; the caller sends it.
    pub(crate) fn send(&mut self, now: Instant, ticket: Ticket, record: T) -> Expect {
        self.in_flight = Some(ticket);
        if self.attempts.len() == ATTEMPTS_MAX {
            self.attempts.remove(0);
        }
        self.attempts.push(Attempt { ticket, over: self.version, sent: now, record });
        if self.version == Version(0) { Expect::Absent } else { Expect::Version(self.version) }
    }

    /// Takes the answer to the write in flight.
    pub(crate) fn written(&mut self, now: Instant, ticket: Ticket, outcome: Outcome) -> Settled<T> {
        self.in_flight = None;
        let at = self.attempts.iter().position(|attempt| attempt.ticket == ticket);
        let Some(at) = at else { return Settled::Nothing };
        match outcome {
            Outcome::Unknown => Settled::Nothing,
            Outcome::Refused => {
                self.attempts.remove(at);
                Settled::Nothing
            }
            Outcome::Applied(version) => {
                let attempt = self.attempts.swap_remove(at);
                if version > self.version {
                    self.version = version;
                    self.body = Some(attempt.record.clone());
                    self.seen = now;
                }
                self.forget_void();
                Settled::Applied(Applied { record: attempt.record, sent: attempt.sent })
            }
        }
    }

    /// Takes what a look found. A version we have already gone past is an old read: ignored.
    pub(crate) fn looked(&mut self, now: Instant, version: Version, body: &T) -> Settled<T> {
        if version <= self.version {
            return Settled::Nothing;
        }
        self.version = version;
        self.body = Some(body.clone());
        self.seen = now;
        let ours = self.attempts.iter().rposition(|attempt| attempt.record.nonce() == body.nonce());
        let ours = ours.map(|at| self.attempts.swap_remove(at));
        self.forget_void();
        match ours {
            Some(attempt) => Settled::Applied(Applied { record: attempt.record, sent: attempt.sent }),
            None => Settled::Moved,
        }
    }

    /// Attempts over a version that is gone can never land any more (A1).
    fn forget_void(&mut self) {
        let version = self.version;
        self.attempts.retain(|attempt| attempt.over >= version);
    }

    /// Gives up on what was sent, as when the session that sent it is over.
    pub(crate) fn abandon(&mut self) {
        self.attempts.clear();
        self.in_flight = None;
    }
}
