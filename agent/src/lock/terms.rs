//! The agent's terms, checked: an agent of another version, or none at all, must not make a lease unsafe.

use std::net::SocketAddr;
use std::time::Duration;

use hotseat_client::LockTerms;
use hotseat_core::{GroupId, Timing};
use hotseat_guard::{Containment, PEERS_MAX, Settings};

use super::name::LockName;
use super::parcel::Environment;
use crate::config::{Config, StoreUrl};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) cluster: String,
    /// The agent's node, which is the holder's too.
    pub(crate) node: String,
    pub(crate) address: String,
    pub(crate) region: String,
    pub(crate) timing: Timing,
    /// Voters keep the leases, and not the store.
    pub(crate) voters: bool,
    containment: Containment,
    peers: Vec<SocketAddr>,
}

impl Terms {
    pub(crate) fn check(told: LockTerms) -> Result<Self, String> {
        let part = Duration::from_nanos;
        let timing = Timing::new(
            part(told.timing.ttl_ns),
            part(told.timing.renewal_ns),
            part(told.timing.store_timeout_ns),
            part(told.timing.stop_budget_ns),
            told.timing.epsilon_percent,
        );
        let peers = told.peers.iter().filter_map(|peer| peer.parse().ok()).take(PEERS_MAX).collect();
        Ok(Self {
            timing: timing.map_err(|error| format!("the agent's timing cannot be used: {error}"))?,
            voters: told.voters,
            cluster: told.cluster,
            node: told.node,
            address: told.address,
            region: told.region,
            containment: if told.tree_only { Containment::Tree } else { Containment::Auto },
            peers,
        })
    }

    /// Those of this very agent.
    pub(crate) fn of_agent(config: &Config) -> Self {
        Self {
            cluster: config.cluster.name.clone(),
            node: config.node.name.to_string(),
            address: config.node.advertise.unwrap_or(config.node.listen).to_string(),
            region: config.node.region.clone(),
            timing: config.cluster.timing,
            voters: config.cluster.store == StoreUrl::Raft,
            // For who needs no guard.
            containment: Containment::Auto,
            peers: Vec::new(),
        }
    }

    /// What a guard of a lock is told at its start; the session's bits are filled in later.
    pub(crate) fn guard(&self, name: &str) -> Settings {
        Settings {
            containment: self.containment,
            // As long as anybody may still be waiting for its word instead of its silence.
            linger: self.timing.promise().silence() * 2,
            budget: self.timing.stop_budget(),
            peers: self.peers.clone(),
            ..Settings::new(self.cluster.clone(), name, [0; 16])
        }
    }
}

/// Our environment, and what the command of a lock is to know.
pub(crate) fn environment(terms: &Terms, group: &GroupId, epoch: u64) -> Environment {
    let (seat, lock) = LockName::of_group(group).map_or((0, String::new()), |(seat, lock)| (seat, lock.to_string()));
    let told = [
        ("HOTSEAT_CLUSTER", terms.cluster.clone()),
        ("HOTSEAT_NODE", terms.node.clone()),
        ("HOTSEAT_LOCK", lock),
        ("HOTSEAT_EPOCH", epoch.to_string()),
        ("HOTSEAT_SEAT", seat.to_string()),
    ];
    let inherited = std::env::vars_os().filter(|(name, _)| told.iter().all(|(ours, _)| name != ours));
    inherited.chain(told.iter().map(|(name, value)| (name.into(), value.into()))).collect()
}
