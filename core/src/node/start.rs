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
//! very node that can go on. It is asked once for each run of an agent, before its first session.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Node, Parts};
use crate::desk::Desk;
use crate::group::GroupConfig;
use crate::id::NodeName;
use crate::message::{Exit, Look};
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

impl Node {
    /// Judges, before the first session, whether this node may come in.
    pub(super) fn come_in(&mut self, now: Instant, look: &Look, out: &mut Vec<crate::Action>) {
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
}

impl Parts<'_> {
    fn judge(&self, config: &GroupConfig, look: &Look, waited: bool, desk: &Desk<'_>) -> Verdict {
        if config.mode == Mode::Disabled {
            return Verdict::ComeIn;
        }
        match self.unlike(config, look, desk) {
            Verdict::ComeIn => self.judge_mode(config, look, waited, desk),
            verdict @ (Verdict::Wait | Verdict::TurnedAway(_)) => verdict,
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

    /// Whether a living member of the group is of another role or region.
    fn unlike(&self, config: &GroupConfig, look: &Look, desk: &Desk<'_>) -> Verdict {
        if !config.alike {
            return Verdict::ComeIn;
        }
        let mut verdict = Verdict::ComeIn;
        for (node, session) in sessions_in(look).filter(|(node, _)| **node != desk.config.name) {
            let Some(member) = session.members.get(&config.id).filter(|member| member.mode != Mode::Disabled) else {
                continue;
            };
            let (what, own, theirs) = if !same_roles(&config.role, &member.role) {
                ("role", &config.role, &member.role)
            } else if desk.config.region != session.region {
                ("region", &desk.config.region, &session.region)
            } else {
                continue;
            };
            match self.lives(node, session, desk) {
                Some(true) => {
                    let (own, theirs, node) = (own.clone(), theirs.clone(), node.clone());
                    return Verdict::TurnedAway(Exit::Unlike { group: config.id.clone(), what, own, node, theirs });
                }
                None => verdict = Verdict::Wait,
                Some(false) => {}
            }
        }
        verdict
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
fn same_roles(a: &str, b: &str) -> bool {
    let roles = |text: &str| {
        let mut all: Vec<String> = text.split(',').map(|role| String::from(role.trim())).collect();
        all.sort();
        all
    };
    roles(a) == roles(b)
}
