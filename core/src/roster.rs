//! What the other members of the cluster are, as far as this node has seen. It only looks.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::desk::Post;
use crate::election::{Candidate, order};
use crate::id::{GroupId, NodeName, SessionId, Version};
use crate::mutant::Mutant;
use crate::observe::{Hold, Observed};
use crate::record::{Leader, Member, SessionRecord, SessionState};
use crate::time::Instant;

/// The other nodes' sessions, at one instant.
pub(crate) struct Roster<'a> {
    pub(crate) now: Instant,
    pub(crate) others: &'a BTreeMap<NodeName, Observed>,
}

impl Roster<'_> {
    fn living(&self) -> impl Iterator<Item = (&NodeName, &SessionRecord)> {
        self.others.iter().filter_map(|(name, observed)| {
            let record = observed.record.as_ref().ok()?;
            let silent = self.now >= observed.since + record.promise.silence();
            (record.state == SessionState::Alive && !silent).then_some((name, record))
        })
    }

    fn members<'b>(
        &'b self,
        group: &'b GroupId,
    ) -> impl Iterator<Item = (&'b NodeName, &'b SessionRecord, &'b Member)> {
        self.living().filter_map(move |(name, record)| Some((name, record, record.members.get(group)?)))
    }

    /// Who else could lead the group.
    pub(crate) fn candidates(&self, group: &GroupId, avoid: Option<&NodeName>) -> Vec<Candidate> {
        let able = self.members(group).filter(|(_, _, member)| member.candidate && member.mode.may_lead());
        able.map(|(name, record, member)| Candidate {
            node: name.clone(),
            avoided: avoid == Some(name),
            priority: member.priority,
            hot: member.hot,
            fresh: member.fresh,
            version: record.version.clone(),
        })
        .collect()
    }

    /// The best of them; only among the hot ones, or the cold ones, if asked.
    pub(crate) fn best(&self, group: &GroupId, hot: Option<bool>) -> Option<NodeName> {
        let fits = |candidate: &Candidate| hot.is_none_or(|hot| candidate.hot == hot);
        let best = self.candidates(group, None).into_iter().filter(fits).min_by(order);
        best.map(|candidate| candidate.node)
    }

    /// Whether this node could take the group over, and else why not.
    pub(crate) fn able(&self, node: &NodeName, group: &GroupId) -> Result<(), String> {
        if !self.living().any(|(name, _)| name == node) {
            return Err(alloc::format!("{node} is not alive"));
        }
        let Some((_, _, member)) = self.members(group).find(|(name, _, _)| *name == node) else {
            return Err(alloc::format!("{node} is not a member of {group}"));
        };
        if !member.mode.may_lead() {
            return Err(alloc::format!("{node} never leads: its mode says so"));
        }
        if !member.candidate {
            let trouble = member.trouble.as_deref().unwrap_or("it is stopping or failed");
            return Err(alloc::format!("{node} cannot lead now: {trouble}"));
        }
        Ok(())
    }

    /// The newest version of the group's orders that this member heeds, if it is alive.
    pub(crate) fn heeded(&self, node: &NodeName, group: &GroupId) -> Option<Version> {
        self.members(group).find(|(name, _, _)| *name == node).map(|(_, _, member)| member.orders)
    }

    /// The session that this node is in, as far as it was seen.
    pub(crate) fn session(&self, node: &NodeName) -> Option<SessionId> {
        self.living().find(|(name, _)| *name == node).map(|(_, record)| record.session)
    }

    /// Why none of the group's other members could take it over, one by one.
    pub(crate) fn why_none(&self, group: &GroupId) -> String {
        let belongs = |observed: &Observed| observed.record.as_ref().is_ok_and(|it| it.members.contains_key(group));
        let others = self.others.iter().filter(|(_, observed)| belongs(observed));
        let reasons: Vec<_> = others.filter_map(|(node, _)| self.able(node, group).err()).collect();
        let reasons = if reasons.is_empty() { String::from("it has none") } else { reasons.join("; ") };
        alloc::format!("no other member of {group} can take over: {reasons}")
    }

    /// Whether the leader has been silent for so long that nobody should count on it.
    pub(crate) fn lost(&self, leader: &Leader) -> bool {
        let observed = self.others.get(&leader.node);
        let record = observed.and_then(|observed| Some((observed.since, observed.record.as_ref().ok()?)));
        record.is_some_and(|(since, record)| self.now >= since + record.promise.silence())
    }

    /// Whether a group's leader still holds on, as far as the store tells.
    pub(crate) fn hold(&self, leader: &Leader, post: &Post<'_>) -> Hold {
        if leader.node == post.config.name {
            // Our own earlier session: we replaced it when we began.
            let Some(mine) = post.session.filter(|mine| mine.ordinal > leader.session.ordinal) else {
                return Hold::Held;
            };
            return Hold::Replaced(post.before.filter(|_| mine.ordinal == leader.session.ordinal + 1));
        }
        let Some(observed) = self.others.get(&leader.node) else { return Hold::Held };
        let rules = post.config.rules;
        let hold = observed.hold(rules, leader);
        let silent = observed.silent_at(rules, post.config.timing.promise()).is_some_and(|at| self.now >= at);
        if hold == Hold::Held && silent && rules.breaks(Mutant::ClaimOverStaleLive) {
            return Hold::Ended(SessionState::Expired, None);
        }
        hold
    }
}
