//! Whether a node that starts may come in: as its configuration says it is to start (`amp_1`), and as one of a kind with
//! the others of its groups (`nsg_2`).
//!
//! ```text
//!  mode leader               another leads, and is alive ──> turned away     nobody, or not for 3 ttl ──> comes in
//!  mode (hot-)standby        another leads, and is alive ──> comes in        nobody for 3 ttl ──> turned away
//!  other role or region      that member is alive ──> turned away            it is silent, or ended ──> comes in
//!  else                      comes in at once
//! ```
//! Alive is whose session moves while we look: a record alone could be that of a machine that is long dead, and ended
//! sessions count for nothing. Only the configuration file counts, never people's orders, and a member that led last comes
//! in whatever its mode: after all of them have crashed, those orders, or a failover of long ago, must not keep out the
//! very node that can go on. It is asked once for each run of an agent, before its first session; and of its kind again
//! while that is young, as those that start in the same instant cannot see each other.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Node, Parts};
use crate::desk::Desk;
use crate::group::GroupConfig;
use crate::id::{GroupId, NodeName};
use crate::message::{Action, Exit, Look};
use crate::mode::Mode;
use crate::observe::Observed;
use crate::record::{GroupRecord, Key, Record, SessionRecord, SessionState};
use crate::session::Phase;
use crate::time::Instant;

/// A session that moved so often while we look is renewed by somebody alive; once may be a last write that landed late.
const MOVES_OF_THE_LIVING: u32 = 2;
/// For so many ttl a newcomer waits for a leader to show itself: one failover fits in, everybody's start as well.
const TTLS_TO_WAIT: u32 = 3;

/// What a look says of a start.
enum Verdict {
    ComeIn,
    /// Another look will tell.
    Wait,
    TurnedAway(Exit),
}

/// What is known of a leader.
enum Leads {
    Nobody,
    /// Its record says so, and it may be dead.
    Perhaps,
    Somebody(NodeName, GroupRecord),
}

/// What all members of a group have to be alike in: roles and region.
type Kind = (Vec<String>, String);

/// The members of a group, this one included.
struct Kin {
    own: Kind,
    /// Those that live, by kind.
    living: BTreeMap<Kind, Vec<NodeName>>,
    /// It cannot be told yet whether these live.
    unclear: BTreeSet<Kind>,
}

impl Node {
    /// Judges, before the first session, whether this node may come in.
    pub(super) fn come_in(&mut self, now: Instant, look: &Look, out: &mut Vec<Action>) {
        if self.session.admitted || self.session.phase == Phase::Gone {
            return;
        }
        let arrived = *self.arrived.get_or_insert(now);
        self.at_desk(now, out, |parts, desk| {
            let waited = now >= arrived + desk.config.timing.ttl() * TTLS_TO_WAIT;
            let configs: Vec<_> = parts.groups.values().map(|group| group.config.clone()).collect();
            let mut wait = false;
            for config in &configs {
                match parts.judge(config, look, waited, desk) {
                    Verdict::ComeIn => {}
                    Verdict::Wait => wait = true,
                    Verdict::TurnedAway(exit) => return parts.session.turned_away(exit, desk),
                }
            }
            parts.session.admitted = !wait;
        });
    }

    /// Members that began in the same instant had not seen each other. As long as it is young, one that finds others of
    /// another kind stops if they count for more: the fewer give way, and of as many those that do not lead.
    pub(super) fn give_way(&mut self, now: Instant, look: &Look, out: &mut Vec<Action>) {
        let young = now < self.session.began + self.config.timing.ttl() * TTLS_TO_WAIT;
        if self.stopping || !young || !self.session.leased(now) {
            return;
        }
        let odd = self.at_desk(now, out, |parts, desk| {
            let configs: Vec<_> = parts.groups.values().map(|group| group.config.clone()).collect();
            configs.iter().find_map(|config| {
                let kin = parts.kin(config, look, desk);
                kin.odd_one_out(group_in(look, config)).map(|other| kin.unlike(&config.id, other))
            })
        });
        if let Some(exit) = odd {
            self.turned_away = Some(exit);
            self.stopping = true;
        }
    }

    /// Says why this node stopped, where nobody asked it to.
    pub(super) fn say_why(&self, out: &mut [Action]) {
        let Some(why) = &self.turned_away else { return };
        for action in out {
            if let Action::Exit(exit @ Exit::Stopped) = action {
                *exit = why.clone();
            }
        }
    }
}

impl Kin {
    /// Whether this node, rather than others, is of the wrong kind: then, one of a kind that counts for more.
    fn odd_one_out(&self, record: Option<&GroupRecord>) -> Option<(&NodeName, &Kind)> {
        if !self.unclear.is_empty() {
            return None;
        }
        let leader = record.and_then(|record| record.leader.as_ref()).map(|leader| &leader.node);
        let weight = |nodes: &Vec<NodeName>| {
            (nodes.len(), nodes.iter().any(|node| Some(node) == leader), nodes.iter().min().cloned().map(Reverse))
        };
        let own = self.living.get(&self.own).map(weight)?;
        let (kind, nodes) =
            self.living.iter().max_by_key(|(_, nodes)| weight(nodes)).filter(|(_, it)| weight(it) > own)?;
        Some((nodes.first()?, kind))
    }

    /// Some member of another kind that lives.
    fn other(&self) -> Option<(&NodeName, &Kind)> {
        let (kind, nodes) = self.living.iter().find(|(kind, _)| **kind != self.own)?;
        Some((nodes.first()?, kind))
    }

    /// What there is to say of it.
    fn unlike(&self, group: &GroupId, (node, theirs): (&NodeName, &Kind)) -> Exit {
        let (what, own, theirs) = if self.own.0 == theirs.0 {
            ("region", self.own.1.clone(), theirs.1.clone())
        } else {
            ("role", self.own.0.join(", "), theirs.0.join(", "))
        };
        Exit::Unlike { group: group.clone(), what, own, node: node.clone(), theirs }
    }
}

impl Parts<'_> {
    fn judge(&self, config: &GroupConfig, look: &Look, waited: bool, desk: &Desk<'_>) -> Verdict {
        if config.mode == Mode::Disabled {
            return Verdict::ComeIn;
        }
        let kin = self.kin(config, look, desk);
        match kin.other() {
            Some(other) => Verdict::TurnedAway(kin.unlike(&config.id, other)),
            None if kin.unclear.iter().any(|kind| *kind != kin.own) => Verdict::Wait,
            None => self.judge_mode(config, look, waited, desk),
        }
    }

    fn judge_mode(&self, config: &GroupConfig, look: &Look, waited: bool, desk: &Desk<'_>) -> Verdict {
        let id = &config.id;
        match (config.mode, self.leads(config, look, desk)) {
            (Mode::Auto | Mode::Backup | Mode::Disabled, _) => Verdict::ComeIn,
            (Mode::Leader, Leads::Somebody(node, record)) if record.serving => {
                Verdict::TurnedAway(Exit::LeaderThere(id.clone(), node))
            }
            (Mode::Leader, Leads::Nobody) => Verdict::ComeIn,
            (Mode::Leader, Leads::Perhaps | Leads::Somebody(..)) if waited => Verdict::ComeIn,
            (Mode::Leader, Leads::Perhaps | Leads::Somebody(..)) => Verdict::Wait,
            (Mode::Standby | Mode::HotStandby, Leads::Somebody(..)) => Verdict::ComeIn,
            (Mode::Standby | Mode::HotStandby, Leads::Nobody | Leads::Perhaps) => {
                let last = group_in(look, config).and_then(|record| record.last().cloned());
                match last {
                    Some(last) if last == desk.config.name => Verdict::ComeIn,
                    Some(_) | None if waited => Verdict::TurnedAway(Exit::NoLeader(id.clone())),
                    Some(_) | None => Verdict::Wait,
                }
            }
        }
    }

    /// Whether another node leads, by the store's word and its own signs of life.
    fn leads(&self, config: &GroupConfig, look: &Look, desk: &Desk<'_>) -> Leads {
        let Some(record) = group_in(look, config) else { return Leads::Nobody };
        let Some(leader) = record.leader.as_ref().filter(|leader| leader.node != desk.config.name) else {
            return Leads::Nobody;
        };
        let session = session_in(look, &leader.node).filter(|it| it.session == leader.session);
        match session.map(|session| self.lives(&leader.node, session, desk)) {
            Some(Some(true)) => Leads::Somebody(leader.node.clone(), record.clone()),
            Some(None) => Leads::Perhaps,
            Some(Some(false)) | None => Leads::Nobody,
        }
    }

    /// How the other members of a group compare with this node.
    fn kin(&self, config: &GroupConfig, look: &Look, desk: &Desk<'_>) -> Kin {
        let own = kind(&config.role, &desk.config.region);
        let living = [(own.clone(), alloc::vec![desk.config.name.clone()])].into();
        let mut kin = Kin { own, living, unclear: BTreeSet::new() };
        if !config.alike {
            return kin;
        }
        for (node, session) in sessions_in(look).filter(|(node, _)| **node != desk.config.name) {
            let Some(member) = session.members.get(&config.id).filter(|member| member.mode != Mode::Disabled) else {
                continue;
            };
            let kind = kind(&member.role, &session.region);
            match self.lives(node, session, desk) {
                Some(true) => kin.living.entry(kind).or_default().push(node.clone()),
                None => drop(kin.unclear.insert(kind)),
                Some(false) => {}
            }
        }
        kin
    }

    /// Whether the session that a look found is renewed; `None` while that cannot be told.
    fn lives(&self, node: &NodeName, found: &SessionRecord, desk: &Desk<'_>) -> Option<bool> {
        if found.state != SessionState::Alive {
            return Some(false);
        }
        let seen: &Observed = self.others.get(node).filter(|seen| seen.alive(found.session))?;
        if seen.moves >= MOVES_OF_THE_LIVING {
            return Some(true);
        }
        let silent = seen.silent_at(desk.config.rules, desk.config.timing.promise()).is_some_and(|at| desk.now >= at);
        silent.then_some(false)
    }
}

fn group_in<'a>(look: &'a Look, config: &GroupConfig) -> Option<&'a GroupRecord> {
    match look.records.get(&Key::Group(config.id.clone())) {
        Some((_, Ok(Record::Group(record)))) => Some(record),
        Some((_, Ok(Record::Session(_) | Record::Orders(_) | Record::Voters(_)) | Err(_))) | None => None,
    }
}

fn sessions_in(look: &Look) -> impl Iterator<Item = (&NodeName, &SessionRecord)> {
    look.records.iter().filter_map(|(key, (_, record))| match (key, record) {
        (Key::Session(node), Ok(Record::Session(record))) if record.node == *node => Some((node, record)),
        (Key::Session(_) | Key::Group(_) | Key::Orders(_) | Key::Voters, _) => None,
    })
}

fn session_in<'a>(look: &'a Look, node: &NodeName) -> Option<&'a SessionRecord> {
    sessions_in(look).find(|(it, _)| *it == node).map(|(_, record)| record)
}

/// A role may be several, with commas between; neither order nor spaces matter.
fn kind(role: &str, region: &str) -> Kind {
    let mut roles: Vec<String> = role.split(',').map(|role| String::from(role.trim())).collect();
    roles.sort();
    (roles, String::from(region))
}
