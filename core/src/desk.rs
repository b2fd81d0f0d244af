//! What one step works with: the time, who we are, and the actions that come of it.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use crate::demise::Demise;
use crate::id::{Nonce, SessionId};
use crate::message::{Action, Event, Expect, Ticket};
use crate::node::NodeConfig;
use crate::record::{Key, Record};
use crate::register::{Body, Register};
use crate::session::Session;
use crate::time::Instant;

/// Makes nonces: random by their seed, different by their count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nonces {
    seed: u128,
    count: u128,
}

impl Nonces {
    pub(crate) const fn new() -> Self {
        Self { seed: 0, count: 0 }
    }

    /// 128 fresh random bits, once per session.
    pub(crate) fn seed(&mut self, seed: Nonce) {
        self.seed = seed.0;
    }

    fn next(&mut self) -> Nonce {
        self.count += 1;
        Nonce(self.seed.wrapping_add(self.count))
    }
}

/// What has been told already and need not be told again.
pub(crate) type Damage = BTreeSet<Key>;

/// Who and when we are: what may be read but not changed in a step.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a NodeConfig,
    /// This node's session while its lease holds, else `None`: without it nothing may be done.
    pub(crate) session: Option<SessionId>,
    /// Why the session before that one ended, where it is known.
    pub(crate) before: Option<Demise>,
    /// When that session began.
    pub(crate) began: Instant,
    /// Whether the lease has at least half of its time to go: a session that may lapse at any moment claims nothing.
    pub(crate) fresh: bool,
    pub(crate) stopping: bool,
}

impl<'a> Post<'a> {
    pub(crate) fn of(now: Instant, config: &'a NodeConfig, session: &Session, stopping: bool) -> Self {
        Self {
            now,
            config,
            session: session.id.filter(|_| session.leased(now)),
            before: session.demise,
            began: session.began,
            fresh: session.fresh(now, &config.timing),
            stopping,
        }
    }
}

/// See the module.
pub(crate) struct Desk<'a> {
    pub(crate) post: Post<'a>,
    pub(crate) out: &'a mut Vec<Action>,
    pub(crate) nonces: &'a mut Nonces,
    pub(crate) tickets: &'a mut u64,
    pub(crate) told_damage: &'a mut Damage,
    /// Set when the store should be looked at soon.
    pub(crate) look: bool,
}

impl<'a> core::ops::Deref for Desk<'a> {
    type Target = Post<'a>;
    fn deref(&self) -> &Post<'a> {
        &self.post
    }
}

impl Desk<'_> {
    pub(crate) fn nonce(&mut self) -> Nonce {
        self.nonces.next()
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        *self.tickets += 1;
        Ticket(*self.tickets)
    }

    /// Sends a write of our own over what its register knows.
    pub(crate) fn send<T: Body>(&mut self, key: Key, register: &mut Register<T>, body: T, wrap: fn(T) -> Record) {
        let ticket = self.ticket();
        let record = wrap(body.clone());
        let expect = register.send(self.post.now, ticket, body);
        self.out.push(Action::Write { ticket, key, expect, record });
    }

    /// Mutants only: the write just sent goes over whatever is there.
    pub(crate) fn forget_expectation(&mut self) {
        if let Some(Action::Write { expect, .. }) = self.out.last_mut() {
            *expect = careless(*expect);
        }
    }

    /// Tells people, once, of a record that cannot be read.
    pub(crate) fn damaged<T>(&mut self, key: Key, what: &Result<T, String>) {
        if let Err(why) = what
            && self.told_damage.insert(key.clone())
        {
            self.out.push(Action::Tell(Event::Damaged(key, why.clone())));
        }
    }
}

#[cfg(feature = "mutants")]
fn careless(_: Expect) -> Expect {
    Expect::Anything
}

#[cfg(not(feature = "mutants"))]
fn careless(expect: Expect) -> Expect {
    expect
}
