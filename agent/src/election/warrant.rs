//! What a candidate was promised, and until when: it stands where a guard would.
//!
//! ```text
//!         Start                    promise(now), while its deadline is ahead
//!  idle ─────────> granted ──────────────────┐
//!    ^                │  Signal, Kill, End   │
//!    │                v                      │
//!    └─ Gone ──── revoked: promises nothing <┘     over once the candidate says so, or all it was promised has run out
//! ```
//! The candidate counts from before it asked, so by the same clock it never believes longer than was promised here. A
//! promise is never taken back: only said to be over by whom it was given to, or by the time.

use std::time::Duration;

use hotseat_core::{
    Epoch, GroupId, GuardCommand, GuardReport, Input, Instant, Nonce, Proof, Role, Secret, ServiceInput,
};

/// A leadership that the protocol has started.
#[derive(Debug)]
struct Granted {
    group: GroupId,
    run: u64,
    epoch: Epoch,
    revoked: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Warrant {
    session: Nonce,
    secret: Secret,
    /// When the session's lease ends unless it is renewed.
    deadline: Instant,
    granted: Option<Granted>,
    /// The latest instant until which the candidate may believe that it leads.
    promised: Option<Instant>,
    /// The session is to end.
    ending: bool,
}

impl Warrant {
    /// For a session of this id; the secret is for its proof.
    pub(super) fn new(session: Nonce, secret: Secret) -> Self {
        let deadline = Instant::from_nanos(0);
        Self { session, secret, deadline, granted: None, promised: None, ending: false }
    }

    /// That it is there, as a guard says it.
    pub(super) fn ready(&self) -> Input {
        let (proof, session) = (self.secret.hash(), self.session);
        Input::Guard(GuardReport::Ready { proof, session, contained: String::from("program") })
    }

    /// Takes what a guard would be told.
    pub(super) fn command(&mut self, command: GuardCommand) -> Option<Input> {
        match command {
            GuardCommand::Deadline(at) => self.deadline = self.deadline.max(at),
            GuardCommand::End => {
                self.ending = true;
                self.revoke();
            }
            GuardCommand::Signal(..) | GuardCommand::Kill(..) => self.revoke(),
            GuardCommand::Start { group, run, role: Role::Leader(epoch) } if !self.ending => {
                self.granted = Some(Granted { group: group.clone(), run, epoch, revoked: false });
                return Some(Input::Service(group, run, ServiceInput::Started));
            }
            // An election has no standbys that run.
            GuardCommand::Start { .. } => {}
        }
        None
    }

    /// Promises that the candidate leads for so long from now on.
    pub(super) fn promise(&mut self, now: Instant) -> Option<(Epoch, Duration)> {
        let epoch = self.leads(now)?;
        self.promised = self.promised.max(Some(self.deadline));
        Some((epoch, self.deadline.since(now)))
    }

    /// The epoch that it could promise now.
    pub(super) fn leads(&self, now: Instant) -> Option<Epoch> {
        self.granted.as_ref().filter(|granted| !granted.revoked && now < self.deadline).map(|granted| granted.epoch)
    }

    /// Whether it led, and does no more.
    pub(super) fn spent(&self, now: Instant) -> bool {
        self.ending || self.granted.is_some() && self.leads(now).is_none()
    }

    /// The candidate says that it does nothing as leader any more.
    pub(super) fn resigned(&mut self) {
        self.promised = None;
        self.revoke();
    }

    /// Until when the candidate may believe that it leads, if it ever did.
    pub(super) fn promised(&self) -> Option<Instant> {
        self.promised
    }

    /// When there may be something to report, while something is being waited for.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let revoked = self.granted.as_ref().is_some_and(|granted| granted.revoked);
        self.promised.filter(|_| revoked || self.ending)
    }

    /// What a guard would report by now: the end of what was granted, then of everything.
    pub(super) fn report(&mut self, now: Instant) -> Option<Input> {
        if self.promised.is_some_and(|until| now < until) {
            return None;
        }
        if let Some(over) = self.granted.take_if(|granted| granted.revoked) {
            return Some(Input::Service(over.group, over.run, ServiceInput::Gone));
        }
        if self.ending {
            self.ending = false;
            let proof = Proof { session: self.session, secret: self.secret, demise: None };
            return Some(Input::Guard(GuardReport::Proven(proof)));
        }
        None
    }

    fn revoke(&mut self) {
        if let Some(granted) = &mut self.granted {
            granted.revoked = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn group() -> GroupId {
        GroupId::new("lock.0.a").expect("a name")
    }

    fn granted(deadline: u64) -> Warrant {
        let mut warrant = Warrant::new(Nonce(1), Secret([2; 32]));
        assert!(warrant.command(GuardCommand::Deadline(at(deadline))).is_none());
        let started = warrant.command(GuardCommand::Start { group: group(), run: 1, role: Role::Leader(EPOCH) });
        assert!(matches!(started, Some(Input::Service(_, 1, ServiceInput::Started))));
        warrant
    }

    fn gone(report: Option<Input>) -> bool {
        matches!(report, Some(Input::Service(_, 1, ServiceInput::Gone)))
    }

    #[test]
    fn a_promise_ends_with_the_lease() {
        let mut warrant = granted(100);
        assert_eq!(warrant.promise(at(40)), Some((EPOCH, Duration::from_millis(60))));
        assert!(warrant.report(at(99)).is_none());
        assert_eq!(warrant.promise(at(100)), None);
        assert!(warrant.spent(at(100)));
    }

    #[test]
    fn what_was_promised_is_waited_for() {
        for command in [GuardCommand::Signal(group(), 1), GuardCommand::Kill(group(), 1), GuardCommand::End] {
            let mut warrant = granted(100);
            assert!(warrant.promise(at(40)).is_some());
            warrant.command(command);
            // The lease goes on, and is nobody's any more.
            warrant.command(GuardCommand::Deadline(at(200)));
            assert_eq!((warrant.promise(at(50)), warrant.wake_at()), (None, Some(at(100))));
            assert!(warrant.report(at(99)).is_none());
            assert!(gone(warrant.report(at(100))));
        }
    }

    #[test]
    fn who_resigns_is_not_waited_for() {
        let mut warrant = granted(100);
        assert!(warrant.promise(at(40)).is_some());
        warrant.resigned();
        assert!(gone(warrant.report(at(41))));
        assert_eq!(warrant.promise(at(42)), None);
    }

    #[test]
    fn the_proof_comes_last_and_once() {
        let mut warrant = granted(100);
        assert!(warrant.promise(at(40)).is_some());
        warrant.command(GuardCommand::End);
        assert!(warrant.report(at(99)).is_none());
        assert!(gone(warrant.report(at(100))));
        assert!(matches!(warrant.report(at(100)), Some(Input::Guard(GuardReport::Proven(_)))));
        assert!(warrant.report(at(100)).is_none());
        let late = GuardCommand::Start { group: group(), run: 2, role: Role::Leader(EPOCH) };
        let mut ending = granted(100);
        ending.command(GuardCommand::End);
        assert!(ending.command(late).is_none(), "a session that ends starts nothing");
    }
}
