//! The one loop: it owns the protocol's value, feeds it what happens and carries out what it says.
//!
//! It waits for nothing but the next thing to happen: store calls, checks and hooks run in tasks of their
//! own and come back as inputs. It decides nothing.

mod follower;
mod guard;
mod reload;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use hotseat_core::{Action, Event, Exit, GroupId, Input, Instant, Key, Node, Outcome, Record, SessionState, Ticket};
use hotseat_guard::Settings;
use tokio::sync::{mpsc, watch};

use crate::clock::{self, Alarm};
use crate::config;
use crate::embedded::Voting;
use crate::history::History;
use crate::ledger::Tap;
use crate::links::Peer;
use crate::lock;
use crate::metrics::{Counts, Renewals};
use crate::orders::Refusal;
use crate::peers::Peers;
use crate::proxies::Routes;
use crate::records::Records;
use crate::snapshot::Snapshot;
use crate::story::{self, Loudness};
use crate::supervisor::{Job, Supervisor};
use crate::tasks::Tasks;
use crate::unit::Unit;
use crate::vip;
use crate::vitals::Vitals;

/// Inputs that may wait. Their senders wait when it is full: nothing is lost.
pub const INBOX: usize = 1024;

/// What reaches the loop.
#[derive(Debug)]
pub enum Message {
    /// For the protocol.
    Input(Input),
    /// A look failed, and why.
    LookFailed(String),
    /// A command to run in the guard's tree.
    Job(Job),
    /// Who belongs to an embedded cluster.
    Peers(Vec<Peer>),
    /// A lock on this machine speaks to the voters.
    Lock(lock::Word),
    /// What follows a leadership speaks.
    Follower(vip::Word),
    /// What people order was written down by this node's agent.
    Ordered,
    /// Hand over, stop, exit.
    Stop,
    /// The configuration was read anew.
    Reload(Box<config::Config>),
}

/// What the loop is made of.
pub struct Driver {
    node: Node,
    supervisor: Supervisor,
    units: BTreeMap<GroupId, Arc<Unit>>,
    tasks: Tasks,
    peers: Peers,
    voting: Option<Voting>,
    ears: lock::Ears,
    followers: vip::Followers,
    history: History,
    refusals: mpsc::Sender<Refusal>,
    tap: Tap,
    counts: Counts,
    renewals: Renewals,
    inbox: mpsc::Receiver<Message>,
    show: watch::Sender<Arc<Snapshot>>,
    vitals: Arc<Vitals>,
    routes: Routes,
    /// Writes whose success the others should hear of at once.
    noteworthy: BTreeSet<Ticket>,
    known_peers: Vec<SocketAddr>,
    /// As at the start.
    settings: Arc<config::Config>,
    guard: Settings,
    own: SocketAddr,
    store_trouble: Option<String>,
    /// A record that cannot be read: whoever it is about is held.
    damage: Option<String>,
    stopping: bool,
}

/// What the driver is given.
pub struct Parts {
    /// The protocol.
    pub node: Node,
    /// The groups.
    pub units: Vec<Arc<Unit>>,
    /// The store.
    pub records: Records,
    /// Other agents.
    pub peers: Peers,
    /// The hand among the voters, where the agents are the store.
    pub voting: Option<Voting>,
    /// What follows the groups' leaderships.
    pub followers: vip::Followers,
    /// The story.
    pub history: History,
    /// Where orders go that this node refuses.
    pub refusals: mpsc::Sender<Refusal>,
    /// For the story of each group.
    pub(crate) tap: Tap,
    /// What comes in.
    pub inbox: (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    /// The picture for all others.
    pub show: watch::Sender<Arc<Snapshot>>,
    /// How well the lease is kept.
    pub vitals: Arc<Vitals>,
    /// Where each group's proxy is to go.
    pub routes: Routes,
    /// What a guard is told at its start; the session's bits are filled in.
    pub guard: Settings,
    /// The program to start guards with.
    pub exe: std::path::PathBuf,
    /// The configuration at the start.
    pub settings: Arc<config::Config>,
    /// This agent's address.
    pub own: SocketAddr,
}

impl Driver {
    /// Puts the loop together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let units: BTreeMap<_, _> = parts.units.into_iter().map(|unit| (unit.id().clone(), unit)).collect();
        let (sender, inbox) = parts.inbox;
        Self {
            node: parts.node,
            supervisor: Supervisor::new(parts.exe),
            counts: parts.records.counts().clone(),
            renewals: Renewals::new(parts.records.counts().clone()),
            tasks: Tasks::new(sender, parts.records),
            units,
            peers: parts.peers,
            voting: parts.voting,
            ears: lock::Ears::default(),
            followers: parts.followers,
            history: parts.history,
            refusals: parts.refusals,
            tap: parts.tap,
            inbox,
            show: parts.show,
            vitals: parts.vitals,
            routes: parts.routes,
            noteworthy: BTreeSet::new(),
            known_peers: Vec::new(),
            settings: parts.settings,
            guard: parts.guard,
            own: parts.own,
            store_trouble: None,
            damage: None,
            stopping: false,
        }
    }

    /// Runs until the protocol says how it ends.
    ///
    /// # Errors
    /// When the kernel denies a timer: nothing can be kept then.
    pub async fn run(mut self) -> std::io::Result<Exit> {
        let mut alarm = Alarm::new()?;
        let mut input = Some(Input::Tick);
        loop {
            if let Some(input) = input.take()
                && let Some(exit) = self.step(input)
            {
                return Ok(exit);
            }
            // What this node says to itself as a voter is not kept waiting.
            input = self.voting.as_mut().and_then(Voting::said);
            if input.is_some() {
                continue;
            }
            alarm.set(self.node.wake_at(clock::now()))?;
            input = tokio::select! {
                biased;
                report = self.supervisor.report() => Some(report),
                message = self.inbox.recv() => message.and_then(|message| self.receive(message)),
                rung = alarm.ring() => rung.map(|()| Some(Input::Tick))?,
            };
        }
    }

    fn receive(&mut self, message: Message) -> Option<Input> {
        match message {
            Message::Input(input) => {
                self.note(&input);
                Some(input)
            }
            Message::LookFailed(why) => {
                if self.store_trouble.is_none() {
                    tracing::warn!("the store does not answer: {why}");
                }
                self.store_trouble = Some(why);
                Some(Input::LookFailed)
            }
            Message::Job(job) => {
                self.supervisor.job(job);
                None
            }
            Message::Peers(peers) => {
                if let Some(voting) = &mut self.voting {
                    voting.know(peers);
                }
                None
            }
            Message::Lock(word) => {
                match word {
                    lock::Word::Renew(renewal) => self.vote(|voting| voting.renew(renewal)),
                    lock::Word::Listen(ear) => self.ears.add(ear),
                }
                None
            }
            Message::Follower(word) => self.follower(word),
            Message::Ordered => {
                self.peers.hint(&self.known_peers);
                Some(Input::Hint)
            }
            Message::Stop => {
                self.stopping = true;
                Some(Input::Stop)
            }
            Message::Reload(config) => Some(self.reload(&config)),
        }
    }

    /// Notes what the protocol need not know of an input.
    fn note(&mut self, input: &Input) {
        match input {
            Input::Looked(look) => {
                let wrong = look.records.iter().find_map(|(key, (_, record))| Some((key, record.as_ref().err()?)));
                self.damage =
                    wrong.map(|(key, why)| format!("the record {key} cannot be read and counts as held: {why}"));
                if self.store_trouble.take().is_some() {
                    tracing::info!("the store answers again");
                }
            }
            Input::Written(ticket, outcome) => {
                if self.noteworthy.remove(ticket) && matches!(outcome, Outcome::Applied(_)) {
                    self.peers.hint(&self.known_peers);
                }
            }
            Input::Drained(group, _) => self.tap.drained(clock::now(), group),
            Input::Tick
            | Input::Hint
            | Input::LookFailed
            | Input::Proof(_)
            | Input::Guard(_)
            | Input::Service(..)
            | Input::Reconfigure(_)
            | Input::Asked(..)
            | Input::Answered(..)
            | Input::Withdrawn(..)
            | Input::Kept(..)
            | Input::Stop => {}
        }
    }

    fn step(&mut self, input: Input) -> Option<Exit> {
        let now = clock::now();
        self.ears.overhear(&input);
        let mut exit = None;
        let mut votes_only = show::is_a_vote(&input);
        for action in self.node.step(now, input) {
            votes_only &= show::is_about_votes(&action);
            self.tap.saw(now, &self.node, &action);
            self.count(now, &action);
            if let Some(end) = self.act(now, action) {
                exit = Some(end);
            }
        }
        self.show(now, votes_only);
        exit
    }

    /// Counts what the action says of this node's lease, and of others' by its vote.
    fn count(&mut self, now: Instant, action: &Action) {
        match action {
            Action::Renew(_) => self.renewals.sent(now),
            // Where no voters are asked, writing the record is what renews.
            Action::Write { key: Key::Session(node), record: Record::Session(record), .. }
                if self.voting.is_none() && node.as_str() == self.guard.node && record.state == SessionState::Alive =>
            {
                self.renewals.sent(now);
            }
            Action::Answer(_, answer) => self.counts.vote(answer),
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, action: Action) -> Option<Exit> {
        match action {
            Action::Look => self.tasks.look(now),
            Action::Write { ticket, key, expect, record } => {
                let own = matches!(&key, Key::Session(node) if node.as_str() == self.guard.node);
                if !own {
                    self.noteworthy.insert(ticket);
                }
                if let Record::Session(record) = &record
                    && record.state == SessionState::Proven
                {
                    self.vote(|voting| voting.suspect(&record.node));
                }
                self.tasks.write(ticket, key, expect, record);
            }
            Action::Renew(renewal) => self.vote(|voting| voting.renew(renewal)),
            Action::Ask(voter, question) => self.vote(|voting| voting.ask(voter, question)),
            Action::Answer(asker, answer) => self.vote(|voting| voting.answer(asker, answer)),
            Action::Keep(number, promises) => self.vote(|voting| voting.keep(number, promises)),
            Action::SpawnGuard => return self.spawn_guard(),
            Action::AskGuard(session) => self.tasks.ask_guard(session),
            Action::Guard(command) => self.guard_command(command),
            Action::CheckReady(group, run) => {
                if let Some(unit) = self.units.get(&group) {
                    self.tasks.check_ready(Arc::clone(unit), run);
                }
            }
            Action::CheckHealth(group, run) => {
                if let Some(unit) = self.units.get(&group) {
                    self.tasks.check_health(Arc::clone(unit), run);
                }
            }
            Action::Turn(group, run, role) => {
                if let Some(unit) = self.units.get(&group) {
                    self.tasks.turn(Arc::clone(unit), run, role);
                }
            }
            // Proxies follow by the picture that is published after this step.
            Action::Announce(group, epoch) => self.followers.announce(&group, epoch),
            Action::Withdraw(group, epoch) => {
                self.followers.withdraw(&group, epoch);
                // At once, and before the guard is told to stop the service.
                self.supervisor.lower(&group);
            }
            Action::Drain(group, epoch) => {
                if let Some(unit) = self.units.get(&group) {
                    self.tasks.drain(group, epoch, unit.config.drain(), self.show.subscribe());
                }
            }
            Action::Tell(event) => self.tell(&event),
            Action::Exit(exit) => return Some(exit),
        }
        None
    }

    /// Only a node that was told to be among voters speaks to them.
    fn vote(&mut self, say: impl FnOnce(&mut Voting)) {
        if let Some(voting) = &mut self.voting {
            say(voting);
        }
    }

    fn tell(&self, event: &Event) {
        if story::is_of_a_lock(event) {
            return;
        }
        if let Event::Refused(group, _, act, why) = event {
            // As many as may wait are far more than a leader is ordered to do at a time.
            drop(self.refusals.try_send(Refusal { group: group.clone(), act: *act, why: why.clone() }));
        }
        if let Event::NewLeader { group, reason, .. } = event {
            self.counts.changed(group.as_str(), reason);
        }
        let (mut line, loudness) = story::tell(&self.settings.node.name, event);
        if let Event::NewLeader { group, .. } = event {
            line.text += &story::learnt_late(&line.at, self.tasks.leads_since(group));
        }
        match loudness {
            Loudness::Info => tracing::info!("{}", line.text),
            Loudness::Warn => tracing::warn!("{}", line.text),
        }
        self.history.add(line);
    }
}
