//! One agent's mind: its session, what it has seen of the others, and its groups.

mod ending;
mod others;
mod start;
mod voting;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::demise::Demise;
use crate::desk::{Damage, Desk, Nonces, Post};
use crate::group::{Group, GroupConfig};
use crate::id::{GroupId, NodeName, Version};
use crate::message::{Action, Exit, GuardReport, Input, Look, Outcome, Ticket};
use crate::mutant::{Mutant, Rules};
use crate::observe::Observed;
use crate::proof::Proof;
use crate::quorum::VoterConfig;
use crate::record::{Key, Member, SessionRecord, VotersRecord};
use crate::roster::Roster;
use crate::session::{Phase, Session, session_of};
use crate::time::Instant;
use crate::timing::Timing;
use crate::voter::Voter;
use ending::Endings;

/// Guards' words kept that have not ended a session yet; the oldest goes first.
const PROOFS_MAX: usize = 16;

/// What a node is.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Unique in the cluster.
    pub name: NodeName,
    /// Where the agent answers, `host:port`.
    pub address: String,
    /// The agent's version.
    pub version: String,
    /// The node's region.
    pub region: String,
    /// The lease's timing.
    pub timing: Timing,
    /// Its groups.
    pub groups: Vec<GroupConfig>,
    /// What it is as a voter, where voters keep the leases (part B); `None` where the store does.
    pub voter: Option<VoterConfig>,
    /// All of them, outside of the simulator.
    pub rules: Rules,
}

/// A write that ends another's session.
#[derive(Clone, Debug)]
struct Expiry {
    ticket: Ticket,
    /// The version it is to replace.
    over: Version,
    record: SessionRecord,
}

/// See the module and the crate.
///
/// To be correct, the caller must: give times of one `CLOCK_BOOTTIME`, never going back; carry actions out
/// in order; answer every `Look` and `Write` within the store time-out; and never alter what they say.
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) session: Session,
    pub(crate) others: BTreeMap<NodeName, Observed>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    expiring: BTreeMap<NodeName, Expiry>,
    voter: Option<Voter>,
    voters: Option<VotersRecord>,
    endings: Endings,
    proofs: Vec<Proof>,
    nonces: Nonces,
    tickets: u64,
    told_damage: Damage,
    /// When this node first looked, while it is not known whether it may come in.
    arrived: Option<Instant>,
    /// Why it stops, where nobody asked it to.
    turned_away: Option<Exit>,
    stopping: bool,
    looking: bool,
    look_again: bool,
    /// The last look failed: the next waits for its time, or a store that refuses at once would be asked without end.
    look_failed: bool,
    look_at: Instant,
    published: Vec<(GroupId, Member)>,
}

/// What of a node a step may change, beside the desk.
struct Parts<'a> {
    session: &'a mut Session,
    others: &'a mut BTreeMap<NodeName, Observed>,
    groups: &'a mut BTreeMap<GroupId, Group>,
    expiring: &'a mut BTreeMap<NodeName, Expiry>,
    voters: Option<&'a VotersRecord>,
    endings: &'a mut Endings,
}

impl Node {
    /// A node that has done nothing yet. Give it a first `Input::Tick`.
    #[must_use]
    pub fn new(config: NodeConfig) -> Self {
        let groups = config.groups.iter().map(|group| (group.id.clone(), Group::new(group.clone()))).collect();
        let voter = config.voter.as_ref().map(Voter::new);
        Self {
            session: Session::new(voter.is_some()),
            config,
            others: BTreeMap::new(),
            groups,
            expiring: BTreeMap::new(),
            voter,
            voters: None,
            endings: Endings::new(),
            proofs: Vec::new(),
            nonces: Nonces::new(),
            tickets: 0,
            told_damage: Damage::new(),
            arrived: None,
            turned_away: None,
            stopping: false,
            looking: false,
            look_again: false,
            look_failed: false,
            look_at: Instant::from_nanos(0),
            published: Vec::new(),
        }
    }

    /// Takes one input and says what is to be done. A deadline that has passed is honoured first.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Action> {
        let mut out = Vec::new();
        if let Some(voter) = &mut self.voter {
            voter.runs(now, &self.config.timing);
        }
        self.at_desk(now, &mut out, |parts, desk| parts.session.lapse(desk));
        self.take(now, input, &mut out);
        self.advance(now, &mut out);
        self.say_why(&mut out);
        out
    }

    /// When to call `step` with `Tick` if nothing else happens before.
    #[must_use]
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let post = self.post(now);
        let roster = Roster { now, others: &self.others };
        let groups = self.groups.values().filter_map(|group| group.wake_at(&roster, &post)).min();
        let look = (!self.looking).then_some(self.look_at);
        let promise = self.config.timing.promise();
        let silences = self.others.values().filter_map(|other| other.silent_at(self.config.rules, promise));
        let silent = silences.filter(|at| *at > now).min();
        let voter = self.voter.as_ref().map(|voter| voter.wake_at(&self.config.timing));
        [look, groups, silent, voter, ending::wake_at(&self.endings), self.session.wake_at()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn post(&self, now: Instant) -> Post<'_> {
        Post::of(now, &self.config, &self.session, self.stopping)
    }

    /// Lends a desk to `work`; drops the groups at once if the session was over, before or after.
    fn at_desk<R>(
        &mut self,
        now: Instant,
        out: &mut Vec<Action>,
        work: impl FnOnce(&mut Parts<'_>, &mut Desk<'_>) -> R,
    ) -> R {
        let post = Post::of(now, &self.config, &self.session, self.stopping);
        let (nonces, tickets) = (&mut self.nonces, &mut self.tickets);
        let mut desk = Desk { post, out, nonces, tickets, told_damage: &mut self.told_damage, look: false };
        let mut parts = Parts {
            session: &mut self.session,
            others: &mut self.others,
            groups: &mut self.groups,
            expiring: &mut self.expiring,
            voters: self.voters.as_ref(),
            endings: &mut self.endings,
        };
        let was_alive = parts.session.phase == Phase::Alive;
        let result = work(&mut parts, &mut desk);
        if was_alive && parts.session.phase != Phase::Alive {
            for group in parts.groups.values_mut() {
                group.over(&mut desk);
            }
        }
        self.look_again |= desk.look;
        result
    }

    fn take(&mut self, now: Instant, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Tick => {}
            Input::Hint => self.look_again = true,
            Input::Looked(look) => self.looked(now, &look, out),
            Input::LookFailed => (self.looking, self.look_failed) = (false, true),
            Input::Written(ticket, outcome) => self.written(now, ticket, outcome, out),
            Input::Proof(proof) => self.proof(now, proof, out),
            Input::Guard(report) => self.guard(now, report, out),
            Input::Service(group, run, input) => self.at_desk(now, out, |parts, desk| {
                if let Some(group) = parts.groups.get_mut(&group) {
                    group.service_input(run, input, desk);
                }
            }),
            Input::Withdrawn(group, epoch) => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.withdrawn(epoch);
                }
            }
            Input::Reconfigure(configs) => {
                for config in configs {
                    if let Some(group) = self.groups.get_mut(&config.id) {
                        group.reconfigure(config);
                    }
                }
            }
            Input::Asked(from, question) => self.asked(now, from, &question, out),
            Input::Answered(voter, answer) => self.answered(now, voter, answer, out),
            Input::Kept(number, result) => {
                if let Some(voter) = &mut self.voter {
                    voter.kept(number, result, out);
                }
            }
            Input::Drained(group, epoch) => self.at_desk(now, out, |parts, desk| {
                if let Some(group) = parts.groups.get_mut(&group) {
                    group.drained(epoch, desk);
                }
            }),
            Input::Stop => self.stopping = true,
        }
    }

    fn guard(&mut self, now: Instant, report: GuardReport, out: &mut Vec<Action>) {
        let proven = if let GuardReport::Proven(proof) = &report { Some(*proof) } else { None };
        self.at_desk(now, out, |parts, desk| parts.session.guard(report, desk));
        if let Some(proof) = proven.filter(|_| self.voter.is_some()) {
            self.proof(now, proof, out);
        }
    }

    fn looked(&mut self, now: Instant, look: &Look, out: &mut Vec<Action>) {
        self.looking = false;
        self.look_failed = false;
        self.inform(look);
        self.come_in(now, look, out);
        self.give_way(now, look, out);
        self.at_desk(now, out, |parts, desk| {
            if let Some(voters) = parts.voters {
                parts.session.voters(voters, desk);
            }
            let own = look.records.get(&Key::Session(desk.config.name.clone()));
            parts.session.looked(look.began, own, desk);
            parts.watch_our_last(desk);
        });
        self.at_desk(now, out, |parts, desk| {
            for (key, (version, record)) in &look.records {
                if let Key::Session(node) = key
                    && (*node != desk.config.name || parts.session.waits_for_its_last())
                    && parts.others.get(node).is_none_or(|other| *version > other.version)
                {
                    let record = session_of(node, record);
                    desk.damaged(key.clone(), &record);
                    let at = if desk.config.rules.breaks(Mutant::ObserveFromSend) { look.began } else { now };
                    parts.observe(at, node, *version, &record, desk);
                }
            }
            for (id, group) in parts.groups.iter_mut() {
                group.ordered(look.records.get(&Key::Orders(id.clone())), desk);
                group.looked(look.began, look.records.get(&Key::Group(id.clone())), desk);
            }
            if desk.config.voter.is_none() {
                parts.expire_the_silent(look.began, desk);
            }
        });
        self.use_proofs(now, out);
    }

    fn written(&mut self, now: Instant, ticket: Ticket, outcome: Outcome, out: &mut Vec<Action>) {
        self.at_desk(now, out, |parts, desk| {
            if parts.session.awaits(ticket) {
                return parts.session.written(ticket, outcome, desk);
            }
            if let Some(group) = parts.groups.values_mut().find(|group| group.awaits(ticket)) {
                return group.written(ticket, outcome, desk);
            }
            parts.expired(ticket, outcome, desk);
        });
    }

    /// D6: whoever hears a guard's word may end the session it speaks of.
    fn proof(&mut self, now: Instant, proof: Proof, out: &mut Vec<Action>) {
        self.at_desk(now, out, |parts, desk| parts.session.proof(proof, desk));
        if self.proofs.contains(&proof) {
            return;
        }
        if self.proofs.len() == PROOFS_MAX {
            self.proofs.remove(0);
        }
        self.proofs.push(proof);
        self.look_again = true;
        self.use_proofs(now, out);
    }

    /// A word is kept until the session it speaks of is seen to be ended: the write may be refused, when the
    /// record moved in between, or lost. It is tried again after every look.
    fn use_proofs(&mut self, now: Instant, out: &mut Vec<Action>) {
        let mut kept = core::mem::take(&mut self.proofs);
        self.at_desk(now, out, |parts, desk| kept.retain(|proof| parts.use_proof(proof, desk)));
        self.proofs = kept;
    }

    /// Does what is due by time or by what was learnt.
    fn advance(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.at_desk(now, out, |parts, desk| {
            let roster = Roster { now, others: parts.others };
            for group in parts.groups.values_mut() {
                group.advance(&roster, desk);
            }
            if parts.groups.values().any(|group| group.stuck(desk)) {
                parts.session.give_up(Demise::Unwritable, "a release could not be written", desk);
            }
            let idle = parts.groups.values().all(Group::idle);
            if desk.stopping && idle {
                parts.session.leave(desk);
            }
        });
        self.publish(now);
        self.at_desk(now, out, |parts, desk| {
            parts.end_the_silent(desk);
            let post = desk.post;
            let groups = &*parts.groups;
            let members = || groups.iter().map(|(id, group)| (id.clone(), group.member(&post))).collect();
            parts.session.advance(members, desk);
        });
        self.look(now, out);
    }

    /// A change in what this node is is published at once, not with the next renewal.
    fn publish(&mut self, now: Instant) {
        let post = self.post(now);
        let members: Vec<_> = self.groups.iter().map(|(id, group)| (id.clone(), group.member(&post))).collect();
        if members != self.published {
            self.published = members;
            self.session.hurry(now);
        }
    }

    fn look(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.session.phase == Phase::Gone || self.looking {
            return;
        }
        if now >= self.look_at || (self.look_again && !self.look_failed) {
            self.looking = true;
            self.look_again = false;
            self.look_at = now + self.look_pause();
            out.push(Action::Look);
        }
    }
}
