//! Where clients are to go, as the proxy is told.

use std::net::SocketAddr;
use std::sync::Arc;

/// One member's service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// The member's node.
    pub node: Arc<str>,
}

impl Target {
    /// The service of `node` at `address`.
    #[must_use]
    pub fn new(node: &str, address: SocketAddr) -> Self {
        Self { address, node: node.into() }
    }
}

/// Who may be asked, as far as this node knows.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Route {
    /// The number of the leadership. Routes of a smaller one than was seen before are ignored.
    pub epoch: u64,
    /// Whether the leader of this epoch is announced: its service is ready, and nothing planned ends it.
    pub(super) led: bool,
    /// The leader, or none while nobody leads; or all among whom reads are spread.
    pub(super) targets: Arc<[Target]>,
    /// Whether the targets are good in whatever epoch, as long as they are named: for reads.
    pub(super) spread: bool,
}

impl Route {
    /// To the leader of an epoch, if anybody leads.
    #[must_use]
    pub fn leader(epoch: u64, target: Option<Target>) -> Self {
        Self { epoch, led: target.is_some(), targets: target.into_iter().collect(), spread: false }
    }

    /// To any of these, in turn; `led`: whether the leader is announced, be it among them or not.
    #[must_use]
    pub fn spread(epoch: u64, led: bool, targets: Vec<Target>) -> Self {
        Self { epoch, led, targets: targets.into(), spread: true }
    }

    /// Where the next one may go, if anywhere.
    #[must_use]
    pub fn target(&self) -> Option<SocketAddr> {
        self.targets.first().map(|target| target.address)
    }

    pub(super) fn has(&self, address: SocketAddr) -> bool {
        self.targets.iter().any(|target| target.address == address)
    }

    /// The same with nobody to go to.
    pub(super) fn empty(&self) -> Self {
        Self { targets: Arc::default(), led: false, ..*self }
    }
}

/// One target of a route: what a connection is made under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) epoch: u64,
    pub(super) target: Target,
}
