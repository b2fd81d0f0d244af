//! Where the loop's doings are noted for the story. It copies and never waits: when the ledger falls behind, notes are
//! lost and what they would have told is not known.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hotseat_core::{
    Action, Event, GroupId, GroupView, Instant, Key, MemberView, Node, NodeName, Question, Record, Role, SessionState,
    View,
};
use tokio::sync::mpsc;

use super::note::{Moment, Note, Sign, What};
use crate::lock::NODE_PREFIX;
use crate::story;

/// The loop's hand on the ledger.
pub(crate) struct Tap {
    me: NodeName,
    notes: mpsc::Sender<Note>,
    /// Silence that is longer is a doubt.
    doubt: Duration,
    doubted: BTreeMap<NodeName, Instant>,
    serving: BTreeMap<GroupId, bool>,
    claimed: BTreeMap<GroupId, u64>,
}

impl Tap {
    /// For this node; silence of half this ttl is worth a note.
    pub(crate) fn new(me: NodeName, ttl: Duration, notes: mpsc::Sender<Note>) -> Self {
        let (doubted, serving, claimed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { me, notes, doubt: ttl / 2, doubted, serving, claimed }
    }

    fn note(&self, at: Instant, what: What) {
        // A story with a gap says so; a loop that waits for its storyteller would be no leader.
        drop(self.notes.try_send(Note { at, wall: SystemTime::now(), what }));
    }

    fn group(&self, at: Instant, group: &GroupId, moment: Moment) {
        self.note(at, What::Group(group.clone(), moment));
    }

    /// Notes what an action tells; the node is as it is after that step.
    pub(crate) fn saw(&mut self, at: Instant, node: &Node, action: &Action) {
        match action {
            Action::Tell(event) => self.told(at, node, event),
            Action::Write { key: Key::Session(name), record: Record::Session(record), .. }
                if *name != self.me && record.state != SessionState::Alive && !is_of_a_lock(name) =>
            {
                self.note(at, What::Node(name.clone(), Sign::Ending(record.state)));
            }
            Action::Write { key: Key::Group(group), record: Record::Group(record), .. } => match &record.leader {
                None => self.group(at, group, Moment::Releasing),
                // A claim is sent until it is settled: the first time counts.
                Some(_) if !record.serving && self.claimed.get(group) != Some(&record.epoch.0) => {
                    self.claimed.insert(group.clone(), record.epoch.0);
                    if let Some(field) = node.field(at, group) {
                        self.group(at, group, Moment::Claim(record.epoch, field));
                    }
                }
                Some(_) => {}
            },
            Action::Ask(_, Question::Would(name, _)) => self.doubted_by_question(at, name),
            Action::Announce(group, epoch) => self.group(at, group, Moment::Announced(*epoch)),
            Action::Drain(group, _) => self.group(at, group, Moment::Draining),
            _ => {}
        }
    }

    fn told(&mut self, at: Instant, node: &Node, event: &Event) {
        match event {
            Event::MemberLeft(name, state) if !is_of_a_lock(name) => {
                self.doubted.remove(name);
                self.note(at, What::Node(name.clone(), Sign::Ended(*state, node.heard(name))));
            }
            Event::MemberCame(name) if !is_of_a_lock(name) => {
                self.note(at, What::Node(name.clone(), Sign::Came));
            }
            Event::SessionOver(_, why) => self.note(at, What::Over(why.clone())),
            Event::NewLeader { group, node, epoch, reason } => {
                self.group(at, group, Moment::Led(node.clone(), *epoch, reason.clone()));
            }
            Event::NoLeader { group, epoch, reason } => {
                self.group(at, group, Moment::Unled(*epoch, reason.clone()));
            }
            Event::Obeyed(group, epoch, act) => self.group(at, group, Moment::Obeyed(*epoch, *act)),
            Event::Refused(group, epoch, act, why) => {
                self.group(at, group, Moment::Refused(*epoch, *act, why.clone()));
            }
            Event::Barred(group, epoch, bar) => {
                self.group(at, group, Moment::Barred(*epoch, story::barred(bar)));
            }
            Event::Demoting(group, epoch, reason) => {
                self.group(at, group, Moment::Demoting(*epoch, reason.clone()));
            }
            Event::ServiceStarted(group, Role::Leader(_)) => self.group(at, group, Moment::Started),
            Event::ServiceReady(group, Role::Leader(epoch)) => self.group(at, group, Moment::Ready(*epoch)),
            Event::ServiceExited(group, how) => self.failed(at, node, group, format!("it ended: {how}")),
            Event::HealthFailed(group, why, count, of) if count >= of => {
                self.failed(at, node, group, format!("unhealthy: {why}"));
            }
            _ => {}
        }
    }

    fn failed(&self, at: Instant, node: &Node, group: &GroupId, how: String) {
        if let Some(field) = node.field(at, group) {
            self.group(at, group, Moment::Failed(how, field));
        }
    }

    /// All that was under way to the leader of that group has come to its end.
    pub(crate) fn drained(&self, at: Instant, group: &GroupId) {
        self.group(at, group, Moment::Drained);
    }

    fn doubted_by_question(&mut self, at: Instant, name: &NodeName) {
        if *name != self.me && !is_of_a_lock(name) && !self.doubted.contains_key(name) {
            // When it was heard of last, the next picture tells.
            self.doubted.insert(name.clone(), at - self.doubt);
            self.note(at, What::Node(name.clone(), Sign::Doubted));
        }
    }

    /// Notes what a picture shows that no event tells: when nobody serves any more, and who is silent.
    pub(crate) fn pictured(&mut self, view: &View, at: Instant) {
        for group in &view.groups {
            let serves = group.leader.is_some() && group.serving;
            let served = self.serving.insert(group.id.clone(), serves).unwrap_or(false);
            match (served, serves) {
                (true, false) => self.group(at, &group.id, Moment::Ceased),
                (false, true) => self.group(at, &group.id, Moment::Serves),
                (true, true) | (false, false) => {}
            }
        }
        for leader in view.groups.iter().filter_map(leader).filter(|leader| leader.node != self.me) {
            if leader.last_seen >= self.doubt && !self.doubted.contains_key(&leader.node) {
                self.doubted.insert(leader.node.clone(), at - leader.last_seen);
                self.note(at, What::Node(leader.node.clone(), Sign::Doubted));
            }
        }
        self.hear(view, at);
    }

    /// Drops the doubts about whoever was heard of again.
    fn hear(&mut self, view: &View, at: Instant) {
        let doubted: Vec<_> = self.doubted.iter().map(|(name, last)| (name.clone(), *last)).collect();
        for (name, last) in doubted {
            let members = view.groups.iter().flat_map(|group| &group.members);
            let silent = members.filter(|member| member.node == name).map(|member| member.last_seen).min();
            if let Some(silent) = silent.filter(|silent| *silent < self.doubt) {
                self.doubted.remove(&name);
                self.note(at, What::Node(name, Sign::Returned((at - silent).since(last))));
            }
        }
    }
}

fn leader(group: &GroupView) -> Option<&MemberView> {
    let leader = group.leader.as_ref()?;
    group.members.iter().find(|member| member.node == *leader)
}

fn is_of_a_lock(name: &NodeName) -> bool {
    name.as_str().starts_with(NODE_PREFIX)
}
