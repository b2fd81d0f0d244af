//! What all links of a node have in common.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::echo::Echo;
use super::gate::Gate;
use super::hello::Hello;
use super::rate::Rate;
use super::route::Route;
use super::{Handler, Lane, Limits};
use crate::identity::Identity;

/// Lines about strangers in the log, per [`COMPLAINTS_TIME`]. Who floods us shall not fill our disk.
const COMPLAINTS_MAX: u32 = 20;
const COMPLAINTS_TIME: Duration = Duration::from_secs(60);

pub(super) struct Shared {
    pub(super) identity: watch::Receiver<Arc<Identity>>,
    pub(super) removed: watch::Receiver<Arc<BTreeSet<u64>>>,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) limits: Limits,
    pub(super) routes: Mutex<HashMap<(u64, Lane), Arc<Route>>>,
    pub(super) gate: Gate,
    /// Ends everything.
    pub(super) closing: CancellationToken,
    complaints: Rate,
    turned_away: Echo,
}

impl Shared {
    pub(super) fn new(
        identity: watch::Receiver<Arc<Identity>>,
        removed: watch::Receiver<Arc<BTreeSet<u64>>>,
        handler: Arc<dyn Handler>,
        limits: Limits,
    ) -> Self {
        Self {
            identity,
            removed,
            handler,
            limits,
            routes: Mutex::default(),
            gate: Gate::default(),
            closing: CancellationToken::new(),
            complaints: Rate::new(COMPLAINTS_MAX, COMPLAINTS_TIME),
            turned_away: Echo::new(COMPLAINTS_TIME),
        }
    }

    pub(super) fn hello(&self, own: &Identity, lane: Lane) -> Hello {
        let name = own.name();
        Hello {
            cluster: name.cluster.clone(),
            node: name.node.clone(),
            id: name.id,
            version: self.limits.version.clone(),
            lane: lane.byte(),
        }
    }

    /// A line in the log about somebody outside, unless there were many lately.
    pub(super) fn complain(&self, line: impl FnOnce() -> String) {
        if self.complaints.may(Instant::now()) {
            tracing::warn!("{}", line());
        }
    }

    /// The same about who is turned away. Such a one knocks again and again: the same of the same machine is said once.
    pub(super) fn turn_away(&self, remote: SocketAddr, why: &str) {
        if self.turned_away.is_news(&format!("{} {why}", remote.ip()), Instant::now()) {
            self.complain(|| format!("{remote} is turned away: {why}"));
        }
    }
}
