//! The loop of one lock: it feeds the protocol's value, starts the command when that says so, and leaves when the
//! command has ended.
//!
//! ```text
//!  Waiting ──the protocol starts it──> Running ──it has ended, all of it──> Leaving ──released──> done
//!     │ tried, waited, or asked to end            │ the lease lapsed, the guard is gone
//!     └──────────────> Leaving                    └──── killed, by the guard ─────────────────> done
//! ```
//! It releases nothing before the guard has seen the whole tree gone: that is the protocol's rule, and not undone here.

mod deeds;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use hotseat_core::{
    Exit, GroupId, GuardReport, Input, Instant, Key, Look, Node, NodeName, Nonce, Outcome, Record, ServiceInput,
    SessionState, Ticket,
};
use hotseat_guard::Settings;
use rustix::process::{Signal, pidfd_send_signal};
use tokio::sync::mpsc;

use super::parcel;
use super::queue::Queue;
use super::run::{Failure, Options, Patience};
use super::seats::{self, Bench};
use super::sight;
use super::signals;
use super::silence::Silence;
use super::terms::Terms;
use super::verdict::{Ended, ended, held};
use crate::clock::{self, Alarm};
use crate::driver::Message;
use crate::records::Records;
use crate::supervisor::Supervisor;
use crate::tasks::Tasks;

/// The command, while it runs.
struct Running {
    group: GroupId,
    run: u64,
    answer: UnixStream,
    /// Signals that came before it was known to run: until then it would not hear them. `None` once it does.
    early: Option<BTreeSet<i32>>,
    /// How its main process ended.
    exit: Option<Ended>,
    /// Why the lock is lost.
    lost: Option<String>,
}

enum Stage {
    Waiting,
    Running(Running),
    Leaving(Result<Ended, Failure>),
}

/// See the module.
pub(super) struct Holder {
    node: Node,
    name: NodeName,
    terms: Terms,
    options: Options,
    bench: Bench,
    guard: Settings,
    supervisor: Supervisor,
    /// The newest guard's session.
    session: Nonce,
    /// The newest guard's process.
    guarding: Option<OwnedFd>,
    tasks: Tasks,
    records: Records,
    inbox: mpsc::Receiver<Message>,
    signals: mpsc::Receiver<i32>,
    stage: Stage,
    /// The newest look.
    seen: Look,
    silence: Silence,
    give_up_at: Option<Instant>,
    told: bool,
    /// The write that ends our session in order, and whether it stands.
    release: Option<Ticket>,
    released: bool,
    exit: Option<Exit>,
    over: Option<Ended>,
}

impl Holder {
    pub(super) fn new(
        options: Options,
        terms: Terms,
        name: NodeName,
        queue: Queue,
        records: Records,
        (sender, inbox): (mpsc::Sender<Message>, mpsc::Receiver<Message>),
        signals: mpsc::Receiver<i32>,
    ) -> Self {
        let bench =
            Bench::new(options.lock.clone(), options.seats, &queue, sight::signature(&terms.node, std::process::id()));
        let give_up_at = match options.patience {
            // Whether it is held shows before that; a store that hangs is not waited for.
            Patience::Try => Some(clock::now() + terms.timing.ttl() * 2),
            Patience::For(limit) => Some(clock::now() + limit),
            Patience::Forever => None,
        };
        Self {
            node: Node::new(seats::node_config(&terms, &name, &bench)),
            guard: terms.guard(name.as_str()),
            supervisor: Supervisor::new(options.exe.clone()),
            tasks: Tasks::new(sender, records.clone()),
            seen: Look { began: clock::now(), records: BTreeMap::new() },
            silence: Silence::default(),
            session: Nonce(0),
            guarding: None,
            stage: Stage::Waiting,
            told: !options.tell,
            release: None,
            released: false,
            exit: None,
            over: None,
            name,
            terms,
            options,
            bench,
            records,
            inbox,
            signals,
            give_up_at,
        }
    }

    /// Runs until the command has ended, or nothing can come of it any more.
    pub(super) async fn run(mut self) -> Result<Ended, Failure> {
        let mut alarm = Alarm::new()?;
        self.feed(Input::Tick);
        loop {
            self.mind();
            if let Some(result) = self.result() {
                return result;
            }
            let give_up = self.give_up_at.filter(|_| matches!(self.stage, Stage::Waiting));
            alarm.set([self.node.wake_at(clock::now()), give_up].into_iter().flatten().min())?;
            tokio::select! {
                biased;
                report = self.supervisor.report() => self.hear(report),
                Some(message) = self.inbox.recv() => self.receive(message),
                Some(signo) = self.signals.recv() => self.signalled(signo),
                rung = alarm.ring() => {
                    rung?;
                    self.feed(Input::Tick);
                }
            }
        }
    }

    fn result(&mut self) -> Option<Result<Ended, Failure>> {
        if let Some(ended) = self.over.take() {
            return Some(Ok(ended));
        }
        let exit = self.exit.take()?;
        if self.released || self.seen_ended() {
            self.dismiss_guard();
        }
        Some(match (std::mem::replace(&mut self.stage, Stage::Waiting), exit) {
            (Stage::Leaving(result), _) => result,
            (_, Exit::NoGuard(why)) => Err(Failure::Other(format!("no guard could be started: {why}"))),
            (_, Exit::NameTaken { address }) => {
                Err(Failure::Other(format!("another lock lives as {}, at the agent {address}", self.name)))
            }
            // A lock asks nothing of who else may come, and nobody of it.
            (_, Exit::LeaderThere(group, _) | Exit::NoLeader(group) | Exit::Unlike { group, .. }) => {
                Err(Failure::Other(format!("{group} is held as a group that is no lock")))
            }
            (_, Exit::Stopped) => Err(Failure::Other(String::from("the lock ended before its command began"))),
        })
    }

    /// Whether the store says that this very session has ended: an agent heard our guard, and was faster than we.
    fn seen_ended(&self) -> bool {
        let record = self.seen.records.get(&Key::Session(self.name.clone()));
        let Some((_, Ok(Record::Session(record)))) = record else { return false };
        record.session.id == self.session && record.state != SessionState::Alive
    }

    /// Its word is given and its session released in the store: nobody will ask it any more.
    fn dismiss_guard(&self) {
        if let Some(guard) = &self.guarding {
            // It may have left by itself.
            let _ = pidfd_send_signal(guard, Signal::KILL);
        }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Input(input) => {
                self.silence.hear(&input);
                match &input {
                    Input::Looked(look) => self.seen = look.clone(),
                    Input::Written(ticket, outcome) if Some(*ticket) == self.release => {
                        // Refused: the agent heard our guard, and was faster.
                        self.released |= matches!(outcome, Outcome::Applied(_) | Outcome::Refused);
                    }
                    _ => {}
                }
                self.feed(input);
            }
            Message::LookFailed(why) => {
                tracing::debug!("the agent does not answer: {why}");
                self.silence.unseen(why);
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

    /// What the guard says. A deadline that has passed counts before anything that happened because of it.
    fn hear(&mut self, report: Input) {
        self.feed(Input::Tick);
        let Stage::Running(it) = &mut self.stage else { return self.feed(report) };
        match &report {
            Input::Service(group, run, ServiceInput::Started) => {
                for signo in it.early.take().unwrap_or_default() {
                    self.supervisor.signal(group, *run, signo);
                }
                self.feed(report);
            }
            Input::Service(_, _, ServiceInput::Exited(_)) if it.lost.is_none() => {
                it.exit = Some(ended(self.supervisor.ended(), &mut it.answer, &self.options.command));
                self.feed(report);
            }
            Input::Service(_, _, ServiceInput::Gone) if it.lost.is_none() => {
                let ended = it.exit.take().unwrap_or(Ended::Killed(Signal::KILL.as_raw()));
                self.leave(Ok(ended));
                self.feed(report);
            }
            Input::Service(_, _, ServiceInput::StartFailed(why)) => {
                self.leave(Ok(Ended::NotRun(parcel::NOT_EXECUTABLE, why.clone())));
                self.feed(report);
            }
            Input::Guard(GuardReport::Proven(_) | GuardReport::Lost) => {
                let lost = it.lost.take().unwrap_or_else(|| String::from("its guard is gone"));
                self.over = Some(it.exit.take().unwrap_or(Ended::Lost(lost)));
            }
            _ => self.feed(report),
        }
    }

    /// Stops in order, and ends like this.
    fn leave(&mut self, result: Result<Ended, Failure>) {
        self.stage = Stage::Leaving(result);
        self.feed(Input::Stop);
    }

    fn signalled(&mut self, signo: i32) {
        match &mut self.stage {
            Stage::Waiting if signals::asks_for_the_end(signo) => self.leave(Ok(Ended::GivenUp(signo))),
            Stage::Running(Running { early: Some(early), .. }) => drop(early.insert(signo)),
            Stage::Running(it) => self.supervisor.signal(&it.group, it.run, signo),
            Stage::Waiting | Stage::Leaving(_) => {}
        }
    }

    /// While it waits: is there a better seat, is it time to give up, should somebody be told?
    fn mind(&mut self) {
        if !matches!(self.stage, Stage::Waiting) || self.exit.is_some() {
            return;
        }
        let view = self.node.view(clock::now());
        if let Some(groups) = self.bench.change(&view) {
            self.feed(Input::Reconfigure(groups));
            return;
        }
        let taken = view.groups.iter().all(|group| group.leader.as_ref().is_some_and(|leader| *leader != self.name));
        let tried = self.options.patience == Patience::Try && taken && !self.seen.records.is_empty();
        let held = || held(&self.seen, &self.records, &self.bench.group());
        if tried || self.give_up_at.is_some_and(|at| clock::now() >= at) {
            self.leave(match self.silence.why().filter(|_| !taken) {
                Some(why) => Err(Failure::Unanswered(why)),
                None => Ok(Ended::Held(held())),
            });
        } else if taken && !self.told {
            eprintln!("waiting: lock \"{}\" is held{}", self.options.lock, held().in_words());
            self.told = true;
        }
    }
}
