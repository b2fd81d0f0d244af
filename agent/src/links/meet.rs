//! Whether the node on the other side is who it has to be. Its certificate says who it is; what its hello claims has to
//! agree. A certificate that somebody else made may lack the id: then the hello is believed if the membership knows the pair.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use hotseat_core::NodeName;

use super::frame::Kind;
use super::hello::{Hello, Misfit};
use super::{Lane, PeerName};
use crate::identity::{Certificate, Identity, Name};

/// What a node is told that is not a member any more.
pub(crate) const REMOVED: &str = "was removed from the cluster";

/// A node that was let in.
#[derive(Clone, Debug)]
pub(super) struct Met {
    pub(super) peer: PeerName,
    pub(super) lane: Lane,
    /// The names and addresses in its certificate.
    pub(super) hosts: Vec<String>,
    /// When the first of the two certificates ends.
    pub(super) ends: Option<SystemTime>,
}

/// Why a node is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    Misfit(Misfit),
    /// Theirs, then ours.
    Cluster(NodeName, NodeName),
    /// What it says in its hello, and what its certificate says.
    Claims(NodeName, u64, String),
    /// Its id, and the name it gives.
    Unknown(u64, NodeName),
    /// It has this node's own id.
    Twin(u64),
    Removed(NodeName, u64),
    Lane(u8),
}

/// What is looked at, besides the hello.
pub(super) struct Door<'a> {
    pub(super) own: &'a Identity,
    /// None without TLS.
    pub(super) shown: Option<&'a Certificate>,
    pub(super) speaks: &'a RangeInclusive<u16>,
    pub(super) removed: &'a BTreeSet<u64>,
}

impl Door<'_> {
    /// Lets a node in, or says why not. `known` is asked where a certificate does not say an id.
    pub(super) fn pass(&self, hello: &[u8], known: impl FnOnce(u64, &NodeName) -> bool) -> Result<Met, Stranger> {
        let (hello, protocol) = Hello::decode(hello, self.speaks).map_err(Stranger::Misfit)?;
        let lane = hello.lane().ok_or(Stranger::Lane(hello.lane))?;
        self.cluster(&hello)?;
        self.claims(&hello)?;
        // Before anything that only members can be: who was removed has to hear that, to go.
        if self.removed.contains(&hello.id) {
            return Err(Stranger::Removed(hello.node, hello.id));
        }
        self.membership(&hello, known)?;
        if hello.id == self.own.name().id {
            return Err(Stranger::Twin(hello.id));
        }
        let (own, theirs) = (self.own.certificate(), self.shown);
        Ok(Met {
            peer: PeerName { id: hello.id, name: hello.node, version: hello.version, protocol },
            lane,
            hosts: theirs.map(|it| it.hosts.clone()).unwrap_or_default(),
            ends: own.into_iter().chain(theirs).map(|it| it.ends).min(),
        })
    }

    fn cluster(&self, hello: &Hello) -> Result<(), Stranger> {
        let ours = &self.own.name().cluster;
        let shown = self.shown.and_then(|it| it.name.as_ref()).map(|name| &name.cluster);
        match [Some(&hello.cluster), shown].into_iter().flatten().find(|theirs| *theirs != ours) {
            Some(theirs) => Err(Stranger::Cluster(theirs.clone(), ours.clone())),
            None => Ok(()),
        }
    }

    /// What it says of itself has to be what its certificate says.
    fn claims(&self, hello: &Hello) -> Result<(), Stranger> {
        let Some(shown) = self.shown else { return Ok(()) };
        match &shown.name {
            Some(Name { node, id, .. }) if (node, *id) == (&hello.node, hello.id) => Ok(()),
            None if shown.speaks_for(&hello.node) => Ok(()),
            Some(_) | None => Err(Stranger::Claims(hello.node.clone(), hello.id, shown.says())),
        }
    }

    /// An id that no certificate vouches for has to be that of the member of this name.
    fn membership(&self, hello: &Hello, known: impl FnOnce(u64, &NodeName) -> bool) -> Result<(), Stranger> {
        match self.shown {
            Some(shown) if shown.name.is_none() && !known(hello.id, &hello.node) => {
                Err(Stranger::Unknown(hello.id, hello.node.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Stranger {
    /// How it is told.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Removed(..) => Kind::Removed,
            Self::Misfit(_)
            | Self::Cluster(..)
            | Self::Claims(..)
            | Self::Unknown(..)
            | Self::Twin(_)
            | Self::Lane(_) => Kind::Refusal,
        }
    }
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misfit(why) => why.fmt(f),
            Self::Cluster(theirs, ours) => {
                write!(f, "it belongs to the cluster \"{theirs}\", and this node to \"{ours}\"")
            }
            Self::Claims(node, id, says) => {
                write!(f, "it says that it is node \"{node}\" with the id {id:x}, and its certificate is for {says}")
            }
            Self::Unknown(id, node) => {
                write!(f, "no member \"{node}\" has the id {id:x}, and its certificate says none")
            }
            Self::Twin(id) => write!(f, "it has this node's own id, {id:x}: was a data_dir copied?"),
            Self::Removed(node, id) => {
                write!(
                    f,
                    "node \"{node}\" with the id {id:x} {REMOVED}: clear its data_dir (rm -r DIR) first, and join anew"
                )
            }
            Self::Lane(lane) => write!(f, "it wants the lane {lane}, which this node does not know"),
        }
    }
}
