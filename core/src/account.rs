//! What a node can tell of why a leadership went where it went. It changes nothing, and nothing depends on it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::demise::Demise;
use crate::election::{Candidate, order};
use crate::id::{GroupId, NodeName};
use crate::node::Node;
use crate::record::{Grounds, SessionRecord};
use crate::roster::Roster;
use crate::time::Instant;
use crate::timing::Promise;

/// What was heard last of another node's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When this node last saw it alive or heard it renew, if ever: the holder had sent that earlier.
    pub at: Option<Instant>,
    /// What the session promised.
    pub promise: Promise,
    /// The agent's address, `host:port`.
    pub address: String,
    /// What it was ended on, where that is told.
    pub grounds: Option<Grounds>,
    /// Why it ended, where its guard or its agent told.
    pub demise: Option<Demise>,
}

/// How the members of a group stood, this node among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// To whom the last leader handed over.
    pub next: Option<NodeName>,
    /// Whether people have ordered that nothing moves.
    pub paused: bool,
    /// Each member; an able one as it stands in the election, any other with the reason why it could not lead.
    pub members: Vec<(NodeName, Result<Candidate, String>)>,
}

/// Why one candidate comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The other one should not win straight back.
    Avoided,
    /// By priority.
    Priority,
    /// Its service runs already.
    Hot,
    /// Its state is fresher.
    Fresh,
    /// Its version is higher.
    Version,
    /// Nothing but its name.
    Name,
}

impl Edge {
    /// What decides between these two; `None` if the first is not the better one.
    #[must_use]
    pub fn of(better: &Candidate, worse: &Candidate) -> Option<Self> {
        if !order(better, worse).is_lt() {
            return None;
        }
        // The first difference, in the order of the election.
        Some(if better.avoided != worse.avoided {
            Self::Avoided
        } else if better.priority != worse.priority {
            Self::Priority
        } else if better.hot != worse.hot {
            Self::Hot
        } else if better.fresh != worse.fresh {
            Self::Fresh
        } else if order(&Candidate { node: worse.node.clone(), ..better.clone() }, worse).is_ne() {
            Self::Version
        } else {
            Self::Name
        })
    }
}

impl Node {
    /// What was heard last of that node.
    #[must_use]
    pub fn heard(&self, node: &NodeName) -> Option<Heard> {
        let observed = self.others.get(node)?;
        let SessionRecord { promise, address, grounds, demise, .. } = observed.record.as_ref().ok()?.clone();
        Some(Heard { at: observed.renewed, promise, address, grounds, demise })
    }

    /// Who could lead the group now, and why the others could not.
    #[must_use]
    pub fn field(&self, now: Instant, group: &GroupId) -> Option<Field> {
        let (mine, post) = (self.groups.get(group)?, self.post(now));
        let record = mine.record();
        let roster = Roster { now, others: &self.others };
        let avoid = record.and_then(|record| record.avoid.as_ref());
        let able = roster.candidates(group, avoid);
        let standing = |node: &NodeName| match able.iter().find(|candidate| candidate.node == *node) {
            Some(candidate) => Ok(candidate.clone()),
            None => Err(roster.able(node, group).err().unwrap_or_else(|| "not known".to_string())),
        };
        let others = self.others.iter().filter(|(name, observed)| {
            **name != self.config.name
                && observed.record.as_ref().is_ok_and(|record| record.members.contains_key(group))
        });
        let mut members: Vec<_> = others.map(|(name, _)| (name.clone(), standing(name))).collect();
        members.push((self.config.name.clone(), mine.standing(&post)));
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        let next = record.and_then(|record| record.next.clone());
        Some(Field { next, paused: mine.orders().paused, members })
    }
}
