//! The loop of one candidate: it feeds the protocol's value, and tells the candidate where it stands.
//!
//! ```text
//!  Waiting ──the protocol starts it──> Leading ──resigned, silent, the lease lapsed, the agent stops──> Leaving ──> done
//!     └────────────────────── resigned, silent, the agent stops ─────────────────────────────────────────^
//! ```
//! A candidate stands once: who led and does no more stands anew, under another name. It ends when the session is released
//! in the store, or when it can no longer be.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use hotseat_client::{HOLD_MAX, Stand as Ask, StandState, Standing};
use hotseat_core::{Action, GroupId, Input, Instant, Node, Secret, Timing};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::WatchStream;

use super::warrant::Warrant;
use crate::clock::{self, Alarm};
use crate::driver::Message;
use crate::lock::Word;
use crate::random;
use crate::tasks::Tasks;

/// Questions of one candidate that may be held at once: it asks one at a time, and again when an answer was lost.
const HELD_MAX: usize = 4;

/// A question, and where its answer goes.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) ask: Ask,
    pub(super) came: Instant,
    pub(super) reply: oneshot::Sender<Result<Standing, String>>,
}

/// What a stand is made of.
pub(super) struct Parts {
    pub(super) node: Node,
    pub(super) group: GroupId,
    pub(super) timing: Timing,
    pub(super) tasks: Tasks,
    /// What comes of the tasks.
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) calls: mpsc::Receiver<Call>,
    /// Grows when a lock may have changed hands.
    pub(super) changes: watch::Receiver<u64>,
    /// Whether the agent stops.
    pub(super) closing: watch::Receiver<bool>,
    /// The agent's loop, which speaks to the voters.
    pub(super) voice: mpsc::Sender<Message>,
}

/// See the module.
pub(super) struct Stand {
    parts: Parts,
    warrant: Option<Warrant>,
    held: VecDeque<Call>,
    /// When the candidate was last known to listen.
    heard: Instant,
    /// Reports that are due to the protocol.
    due: VecDeque<Input>,
    leaving: bool,
    over: bool,
}

impl Stand {
    pub(super) fn new(parts: Parts) -> Self {
        let (held, due) = (VecDeque::new(), VecDeque::new());
        Self { parts, warrant: None, held, heard: clock::now(), due, leaving: false, over: false }
    }

    /// Runs until the candidate leads no more, and nothing is left of it in the store.
    pub(super) async fn run(mut self) -> std::io::Result<()> {
        let mut alarm = Alarm::new()?;
        let mut changes = WatchStream::new(self.parts.changes.clone());
        let mut closing = WatchStream::new(self.parts.closing.clone());
        self.feed(Input::Tick);
        while !self.over {
            self.mind();
            alarm.set(self.wake_at())?;
            tokio::select! {
                biased;
                Some(call) = self.parts.calls.recv() => self.take(call),
                Some(message) = self.parts.inbox.recv() => self.receive(message),
                Some(true) = closing.next() => self.leave(),
                Some(_) = changes.next() => self.feed(Input::Hint),
                rung = alarm.ring() => {
                    rung?;
                    self.feed(Input::Tick);
                }
            }
        }
        self.answer(clock::now(), |_, _| true);
        Ok(())
    }

    fn wake_at(&self) -> Option<Instant> {
        let now = clock::now();
        let hold = self.held.iter().map(|call| call.came + self.hold(now)).min();
        let silent = self.held.is_empty().then(|| self.silent_at());
        let warrant = self.warrant.as_ref().and_then(Warrant::wake_at);
        [self.parts.node.wake_at(now), warrant, hold, silent.filter(|_| !self.leaving)].into_iter().flatten().min()
    }

    /// A promise that has run out is renewed by nobody; a candidate that waits is allowed some delay.
    fn silent_at(&self) -> Instant {
        let promised = self.warrant.as_ref().and_then(Warrant::promised);
        promised.unwrap_or(self.heard + self.parts.timing.ttl() * 2)
    }

    /// For how long a question without news is held.
    fn hold(&self, now: Instant) -> Duration {
        let leads = self.warrant.as_ref().is_some_and(|warrant| warrant.leads(now).is_some());
        let hold = if leads { self.parts.timing.renewal() } else { self.parts.timing.ttl() };
        hold.min(HOLD_MAX)
    }

    /// What is due by time, or by what was learnt.
    fn mind(&mut self) {
        let now = clock::now();
        if self.held.is_empty() && now >= self.silent_at() {
            self.leave();
        }
        if self.warrant.as_ref().is_some_and(|warrant| warrant.spent(now)) {
            // The protocol would try again; a candidate that led and was told so stands anew.
            self.leave();
        }
        while let Some(report) = self.warrant.as_mut().and_then(|warrant| warrant.report(clock::now())) {
            self.feed(report);
        }
        let hold = self.hold(now);
        self.answer(now, |call, state| match (state, call.ask.seen) {
            // Who resigns wants to know when others may lead: answered at the end.
            _ if call.ask.resign => false,
            (StandState::Waiting, None) => now >= call.came + hold,
            (StandState::Leading, Some(_)) => now >= call.came + hold,
            (StandState::Waiting, Some(_)) | (StandState::Leading, None) | (StandState::Over, _) => true,
        });
    }

    fn take(&mut self, call: Call) {
        self.heard = clock::now();
        if call.ask.resign {
            if let Some(warrant) = &mut self.warrant {
                warrant.resigned();
            }
            self.leave();
        }
        self.held.push_back(call);
        if self.held.len() > HELD_MAX {
            // Whoever asked first has long given up.
            self.held.pop_front();
        }
    }

    /// Answers the questions for which it is time.
    fn answer(&mut self, now: Instant, due: impl Fn(&Call, StandState) -> bool) {
        let state = self.state(now);
        for call in std::mem::take(&mut self.held) {
            if !due(&call, state) {
                self.held.push_back(call);
                continue;
            }
            self.heard = now;
            let standing = self.standing(&call, state);
            drop(call.reply.send(Ok(standing)));
        }
    }

    fn state(&self, now: Instant) -> StandState {
        match &self.warrant {
            _ if self.leaving => StandState::Over,
            Some(warrant) if warrant.leads(now).is_some() => StandState::Leading,
            Some(_) | None => StandState::Waiting,
        }
    }

    fn standing(&mut self, call: &Call, state: StandState) -> Standing {
        let now = clock::now();
        let held_ns = nanos(now.since(call.came));
        let promise = self.warrant.as_mut().filter(|_| state == StandState::Leading && !call.ask.resign);
        match promise.and_then(|warrant| warrant.promise(now)) {
            Some((epoch, left)) => {
                Standing { state: StandState::Leading, epoch: epoch.0, lease_left_ns: nanos(left), held_ns }
            }
            None => {
                let view = self.parts.node.view(now);
                let group = view.groups.iter().find(|group| group.id == self.parts.group);
                let state = if state == StandState::Leading { StandState::Over } else { state };
                Standing { state, epoch: group.map_or(0, |group| group.epoch.0), lease_left_ns: 0, held_ns }
            }
        }
    }

    /// Stops in order: what was promised runs out or is given back first, see [`Warrant`].
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.leaving, true) {
            self.feed(Input::Stop);
        }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Input(input) => self.feed(input),
            Message::LookFailed(why) => {
                tracing::debug!("the store does not answer: {why}");
                self.feed(Input::LookFailed);
            }
            Message::Job(_)
            | Message::Follower(_)
            | Message::Lock(_)
            | Message::Ordered
            | Message::Peers(_)
            | Message::Stop
            | Message::Reload(_) => {}
        }
    }

    /// Takes a step, and does what comes of it.
    fn feed(&mut self, input: Input) {
        self.due.push_back(input);
        while let Some(input) = self.due.pop_front() {
            let now = clock::now();
            tracing::trace!("<- {input:?}");
            for action in self.parts.node.step(now, input) {
                tracing::trace!("-> {action:?}");
                self.act(now, action);
            }
        }
    }

    fn act(&mut self, now: Instant, action: Action) {
        match action {
            Action::Look => self.parts.tasks.look(now),
            Action::Write { ticket, key, expect, record } => self.parts.tasks.write(ticket, key, expect, record),
            // Late is as good as never: the next one follows soon.
            Action::Renew(renewal) => drop(self.parts.voice.try_send(Message::Lock(Word::Renew(renewal)))),
            Action::SpawnGuard => self.arm(),
            // A guard of an earlier `hotseat lock` in this place may still give its word.
            Action::AskGuard(session) => self.parts.tasks.ask_guard(session),
            Action::Guard(command) => {
                let report = self.warrant.as_mut().and_then(|warrant| warrant.command(command));
                self.due.extend(report);
            }
            Action::Tell(event) => tracing::debug!("{event:?}"),
            Action::Exit(_) => self.over = true,
            // A program has no readiness, health or role that we ask for; silent sessions are ended by agents.
            Action::CheckReady(..)
            | Action::CheckHealth(..)
            | Action::Turn(..)
            | Action::Announce(..)
            | Action::Withdraw(..)
            | Action::Drain(..)
            | Action::Ask(..)
            | Action::Answer(..)
            | Action::Keep(..) => {}
        }
    }

    /// A warrant for a new session. Without random bits there is none, and the session never begins.
    fn arm(&mut self) {
        let mut secret = [0; 32];
        let (Ok(session), Ok(())) = (random::nonce(), getrandom::fill(&mut secret)) else {
            self.over = true;
            return;
        };
        let warrant = Warrant::new(session, Secret(secret));
        self.due.push_back(warrant.ready());
        self.warrant = Some(warrant);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
