//! Puts an agent together once its store has answered: every room is opened, each is given what it needs, and nothing
//! acts before the loop does.

use std::net::SocketAddr;
use std::sync::Arc;

use hotseat_core::{Node, NodeConfig, Rules, VoterConfig};
use hotseat_guard::{Containment, Settings};
use hotseat_stores::Store;
use tokio::sync::{mpsc, watch};

use super::doorway::Doorway;
use super::ending::Last;
use super::ground::Ground;
use super::relays::{relay_hints, relay_peers, relay_signals};
use super::{Failure, Options};
use crate::api;
use crate::config::{self, Config};
use crate::driver::{INBOX, Message, Parts};
use crate::embedded::{self, Embedded, Voting};
use crate::history::History;
use crate::home::Home;
use crate::proxies::Proxies;
use crate::records::Records;
use crate::snapshot::{Facts, Snapshot};
use crate::unit::Unit;
use crate::vitals::Vitals;

/// What the start of an agent has found.
pub(super) struct Found {
    pub(super) config: Arc<Config>,
    pub(super) home: Home,
    pub(super) doorway: Doorway,
    pub(super) store: Arc<dyn Store>,
    /// What is risky about the store, if anything.
    pub(super) risk: Option<String>,
}

impl Found {
    /// The loop's parts, and what is to be closed after it.
    pub(super) async fn assemble(self, options: Options) -> Result<(Parts, Last), Failure> {
        let (config, doorway) = (&self.config, &self.doorway);
        let records = Records::new(Arc::clone(&self.store), config.node.name.as_str());
        let units = units(config, &self.home)?;
        let (proxies, routes) = Proxies::open(config, &doorway.reread.subscribe()).await?;
        let (sender, receiver) = mpsc::channel(INBOX);
        let voter = doorway.embedded.as_ref().map(Embedded::voter);
        let node = Node::new(node_config(config, doorway.own, &units, voter));
        let (show, shown) = watch::channel(Arc::new(Snapshot::first(&node)));
        let (history, diary) = History::open(&config.node.data_dir, records.counts())
            .map_err(|error| Failure(format!("the story has no thread: {error}")))?;
        let ground = Ground {
            config: Arc::clone(config),
            store: Arc::clone(&self.store),
            records,
            inbox: sender.clone(),
            shown,
            history: history.clone(),
            exe: options.exe,
        };
        let (tap, ledger, writing) = ground.ledger(&proxies);
        let followers = ground.followers(&units);
        let facts = self.facts(&ground, &proxies, &units)?;
        doorway.checks.show(ground.shown.clone());
        let (orders, refusals) = ground.orders(&facts);
        let api = ground.api(facts, orders, ledger)?;
        let (elections, vitals) = (api.elections.clone(), Arc::new(Vitals::default()));
        doorway.ready.send_replace(Some(api::router(api, Arc::clone(&vitals))));
        self.say_hello();
        let parts = Parts {
            node,
            units,
            peers: doorway.peers.clone(),
            voting: self.join(&sender, &history),
            records: ground.records,
            followers,
            history: history.clone(),
            refusals,
            tap,
            inbox: (sender.clone(), receiver),
            show,
            vitals,
            routes,
            guard: guard_settings(config),
            exe: ground.exe,
            settings: ground.config,
            own: doorway.own,
        };
        tokio::spawn(relay_peers(doorway.peers.clone(), sender.clone()));
        tokio::spawn(relay_signals(options.signals, sender, doorway.reread.clone()));
        let Self { doorway, home, .. } = self;
        Ok((parts, Last { elections, writing, diary, history, doorway, proxies, home }))
    }

    fn say_hello(&self) {
        let (name, own, store) = (&self.config.node.name, self.doorway.own, self.store.kind());
        tracing::info!("hotseat {} · node {name} · http://{own} · store {store}", env!("CARGO_PKG_VERSION"));
    }

    /// What readers need beside the picture.
    fn facts(&self, ground: &Ground, proxies: &Proxies, units: &[Arc<Unit>]) -> Result<Facts, Failure> {
        Ok(Facts {
            store_risk: self.risk.as_deref().map(Into::into),
            proxies: Arc::new(proxies.addresses.clone()),
            drains: Arc::new(proxies.drains()),
            checks: Arc::new(self.doorway.checks.bound()),
            embedded: self.doorway.embedded.as_ref().map(Embedded::facts),
            ..ground.facts(ground.files(units)?)
        })
    }

    /// Takes this node's place among the voters, where there are any.
    fn join(&self, inbox: &mpsc::Sender<Message>, history: &History) -> Option<Voting> {
        let embedded = self.doorway.embedded.as_ref()?;
        let voting = embedded.begin(&self.config, inbox);
        let health = embedded.raft.watch_health();
        tokio::spawn(embedded::tell_terms(health, self.config.node.name.clone(), history.clone()));
        // Elsewhere the store is looked at often enough, and its hints cost looks.
        tokio::spawn(relay_hints(self.store.watch(), inbox.clone()));
        Some(voting)
    }
}

fn units(config: &Config, home: &Home) -> Result<Vec<Arc<Unit>>, Failure> {
    let mut units = Vec::new();
    for group in &config.groups {
        let unit = Unit::new(config, group, &home.sockets());
        units.push(Arc::new(unit.map_err(|error| Failure(format!("group {}: {error}", group.id)))?));
    }
    Ok(units)
}

fn node_config(config: &Config, own: SocketAddr, units: &[Arc<Unit>], voter: Option<VoterConfig>) -> NodeConfig {
    NodeConfig {
        name: config.node.name.clone(),
        address: own.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        region: config.node.region.clone(),
        timing: config.cluster.timing,
        groups: units.iter().map(|unit| unit.for_core()).collect(),
        voter,
        rules: Rules::default(),
    }
}

fn guard_settings(config: &Config) -> Settings {
    let timing = &config.cluster.timing;
    Settings {
        containment: containment(config.node.containment),
        // As long as anybody may still be waiting for its word instead of its silence.
        linger: timing.promise().silence() * 2,
        budget: timing.stop_budget(),
        watchdog: config.node.watchdog.clone(),
        addresses: config.groups.iter().any(|group| group.vip.is_some()),
        ..Settings::new(config.cluster.name.clone(), config.node.name.to_string(), [0; 16])
    }
}

const fn containment(configured: config::Containment) -> Containment {
    match configured {
        config::Containment::Auto => Containment::Auto,
        config::Containment::Tree => Containment::Tree,
    }
}
