//! What the loop notes for the story, as it happens. Times are of this machine's boot clock; wall clocks are for people.

use std::time::{Duration, SystemTime};

use hotseat_core::{Epoch, Field, GroupId, Heard, Instant, MemberState, NodeName, Reason, SessionState};

use crate::proxy::Change;

/// Something that may belong into a story.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// When the loop saw it.
    pub(crate) at: Instant,
    /// The same for people.
    pub(crate) wall: SystemTime,
    /// What it is about.
    pub(crate) what: What,
}

impl Note {
    /// Another time of this machine, for people.
    pub(crate) fn wall_at(&self, at: Instant) -> String {
        let wall = if at > self.at { self.wall + at.since(self.at) } else { self.wall - self.at.since(at) };
        humantime::format_rfc3339_millis(wall).to_string()
    }
}

/// See [`Note`].
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Another node, whatever it leads.
    Node(NodeName, Sign),
    /// One group.
    Group(GroupId, Moment),
    /// This node's session is over, and why.
    Over(String),
}

/// What was seen of another node.
#[derive(Clone, Debug)]
pub(crate) enum Sign {
    /// It was not heard of for half of its ttl.
    Doubted,
    /// After a doubt it was heard of again; it had been silent for so long.
    Returned(Duration),
    /// We ask the store to end its session.
    Ending(SessionState),
    /// Its session is ended, whoever ended it.
    Ended(SessionState, Option<Heard>),
    /// It has begun a new session.
    Came,
}

/// What happened to a group.
#[derive(Clone, Debug)]
pub(crate) enum Moment {
    /// As far as this node can see, nobody serves any more.
    Ceased,
    /// Somebody serves again, or at last.
    Serves,
    /// The record names a new leader.
    Led(NodeName, Epoch, Reason),
    /// The record names nobody any more.
    Unled(Epoch, Reason),
    /// We send a claim of this epoch, and this is how all members stood.
    Claim(Epoch, Field),
    /// The service was started here.
    Started,
    /// It is ready to lead in this epoch.
    Ready(Epoch),
    /// Proxies and addresses follow.
    Announced(Epoch),
    /// The service ended by itself, or is taken to be of no use any more; and how all members stood.
    Failed(String, Field),
    /// We end that epoch as that act has ordered.
    Obeyed(Epoch, u64),
    /// We do not do as that act has ordered, and why.
    Refused(Epoch, u64, String),
    /// Nobody leads since that epoch; this node could, and is kept from it.
    Barred(Epoch, String),
    /// We begin to hand over.
    Demoting(Epoch, Reason),
    /// We wait until nothing is under way.
    Draining,
    /// Nothing is.
    Drained,
    /// The service has stepped down: the release is sent.
    Releasing,
    /// What clients saw of the new leader of this epoch.
    Clients(u64, Clients),
    /// The node that led before came back at that time, and is this now.
    Back(u64, String, MemberState),
}

/// What the proxy of this node can say of a new leader's first clients.
#[derive(Clone, Debug)]
pub(crate) enum Clients {
    /// It served some.
    Served(Change),
    /// Nobody came, for so long.
    Nobody(Duration),
    /// There is none.
    NoProxy,
}
