//! One agent, from its configuration to its end.

mod ending;
mod ground;
mod relays;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hotseat_core::{Exit, Node, NodeConfig, Rules, VoterConfig};
use hotseat_guard::{Containment, Settings};
use hotseat_stores::{Dir, Memory, OpenError, Store};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::api;
use crate::checkport::CheckPorts;
use crate::config::{self, Config, StoreUrl};
use crate::driver::{Driver, INBOX, Parts};
use crate::embedded::{self, Embedded};
use crate::history::History;
use crate::home::Home;
use crate::peers::Peers;
use crate::proxies::Proxies;
use crate::records::Records;
use crate::reliance;
use crate::snapshot::{Facts, Snapshot};
use crate::unit::Unit;
use crate::vip;
use crate::vitals::Vitals;
use ground::Ground;
use relays::{relay_hints, relay_peers, relay_signals, stop};

/// With `listen` port 0, tries to find one that is free for TCP and UDP.
const PORT_TRIES: u32 = 32;

/// Why an agent could not start or go on: one line or two, for people.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// What reaches a running agent from outside of its API.
#[derive(Debug)]
pub enum Signal {
    /// Hand over, stop the services, exit.
    Stop,
    /// Take these settings.
    Reload(Box<Config>),
}

/// How an agent is run.
#[derive(Debug)]
pub struct Options {
    /// The program that is started as `PROGRAM guard --fd N`.
    pub exe: PathBuf,
    /// The configuration as it was written, for nodes that join.
    pub text: Option<String>,
    /// Stop and reload. Closing it stops nothing.
    pub signals: mpsc::Receiver<Signal>,
}

/// Runs an agent until it is stopped.
///
/// # Errors
/// [`Failure`] says what, where, and what would be right.
pub async fn run(mut config: Config, mut options: Options) -> Result<(), Failure> {
    prepare(&mut config)?;
    let home = Home::open(&config.node.data_dir).map_err(Failure)?;
    let (listener, peers, bound) = listen(config.node.listen).await?;
    let own = config.node.advertise.unwrap_or(bound);
    let checks = CheckPorts::open(&config).await?;
    let embedded = match config.cluster.store {
        StoreUrl::Raft => Some(embedded::open(&config, own, options.text).await?),
        StoreUrl::Dir(_) | StoreUrl::Memory => None,
    };
    let (routes_ready, routes) = watch::channel(None);
    let links = embedded.as_ref().map(|embedded| embedded.links.clone());
    let (reread, rereads) = watch::channel(());
    let web = api::web(&config.api, &rereads).map_err(|error| Failure(format!("[api] tls: {error}")))?;
    let front = api::Front { routes, links, web, head_limit: api::HEAD_LIMIT };
    api::local::begin(&config.node.data_dir, front.clone());
    tokio::spawn(api::serve(listener, front));
    let Some(store) = find(embedded.as_ref(), &config, own, &mut options.signals).await? else {
        tracing::info!("stopped before the cluster was found");
        return Ok(());
    };
    if let Some(id) = store.identity() {
        home.recognise(&id).map_err(|why| Failure(format!("[cluster] store: {why}")))?;
    }
    let risk = reliance::check(&config, store.as_ref()).await?;
    sweep(&config).await?;
    let records = Records::new(Arc::clone(&store), config.node.name.as_str());
    let units = units(&config, &home)?;
    let (proxies, routes) = Proxies::open(&config, &rereads).await?;
    let (sender, receiver) = mpsc::channel(INBOX);
    let voter = embedded.as_ref().map(Embedded::voter);
    let node = Node::new(node_config(&config, own, &units, voter));
    let (show, shown) = watch::channel(Arc::new(Snapshot::first(&node)));
    let (history, diary) = History::open(&config.node.data_dir, records.counts())
        .map_err(|error| Failure(format!("the story has no thread: {error}")))?;
    let ground = Ground {
        config: Arc::new(config.clone()),
        store: Arc::clone(&store),
        records: records.clone(),
        inbox: sender.clone(),
        shown: shown.clone(),
        history: history.clone(),
        exe: options.exe.clone(),
    };
    let (tap, ledger, writing) = ground.ledger(&proxies);
    let followers = ground.followers(&units);
    let facts = Facts {
        store_risk: risk.map(Into::into),
        proxies: Arc::new(proxies.addresses.clone()),
        drains: Arc::new(proxies.drains()),
        checks: Arc::new(checks.bound()),
        embedded: embedded.as_ref().map(Embedded::facts),
        ..ground.facts(ground.files(&units)?)
    };
    checks.show(shown);
    let (orders, refusals) = ground.orders(&facts);
    let api = ground.api(facts, orders, ledger)?;
    let elections = api.elections.clone();
    let vitals = Arc::new(Vitals::default());
    routes_ready.send_replace(Some(api::router(api, Arc::clone(&vitals))));
    tokio::spawn(relay_peers(peers.clone(), sender.clone()));
    tokio::spawn(relay_signals(options.signals, sender.clone(), reread));
    tracing::info!(
        "hotseat {} · node {} · http://{own} · store {}",
        env!("CARGO_PKG_VERSION"),
        config.node.name,
        store.kind()
    );
    let last = history.clone();
    let guard = guard_settings(&config);
    let voting = embedded.as_ref().map(|embedded| embedded.begin(&config, &sender));
    if let Some(embedded) = &embedded {
        let terms = embedded::tell_terms(embedded.raft.watch_health(), config.node.name.clone(), history.clone());
        tokio::spawn(terms);
        // Elsewhere the store is looked at often enough, and its hints cost looks.
        tokio::spawn(relay_hints(store.watch(), sender.clone()));
    }
    let inbox = (sender, receiver);
    let parts = Parts {
        node,
        units,
        records,
        peers,
        voting,
        followers,
        history,
        refusals,
        tap,
        inbox,
        show,
        vitals,
        routes,
        guard,
        exe: options.exe,
        settings: ground.config,
        own,
    };
    let exit = run_loop(parts).await?;
    elections.close().await;
    writing.finish().await;
    diary.finish(last.newest()).await;
    if let Some(embedded) = embedded {
        embedded.leave().await;
    }
    drop(home);
    ending::said(exit)
}

/// What is wrong with the configuration as a whole; a witness votes, and never leads: it need not even know what.
fn prepare(config: &mut Config) -> Result<(), Failure> {
    if config.node.witness {
        if config.cluster.store != StoreUrl::Raft {
            return Err(Failure(String::from("[node] witness = true: only where store = \"raft\" do nodes vote")));
        }
        config.groups.clear();
    }
    vip::check(config).map_err(Failure)
}

/// Where the cluster agrees, once it answers; `None` when the agent was stopped before.
async fn find(
    embedded: Option<&Embedded>,
    config: &Config,
    own: SocketAddr,
    signals: &mut mpsc::Receiver<Signal>,
) -> Result<Option<Arc<dyn Store>>, Failure> {
    let Some(embedded) = embedded else { return open(config).await.map(Some) };
    tokio::select! {
        come = embedded.come_in(config, own) => come?,
        () = stop(signals) => return Ok(None),
    }
    Ok(Some(Arc::clone(&embedded.raft) as Arc<dyn Store>))
}

/// Runs the loop, and the deeds it starts, on a thread of their own: what proxies and readers of the API do cannot
/// make a renewal late, and a look at the store wakes two threads instead of six. The thread ends with the loop.
async fn run_loop(parts: Parts) -> Result<Exit, Failure> {
    let (tell, told) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure(format!("the loop has no runtime: {error}")))?;
    let body = move || {
        let exit = runtime.block_on(Driver::new(parts).run());
        // A call that hangs must not keep a stopped agent alive.
        runtime.shutdown_background();
        drop(tell.send(exit));
    };
    let thread = std::thread::Builder::new().name(String::from("loop")).spawn(body);
    thread.map_err(|error| Failure(format!("the loop has no thread: {error}")))?;
    let exit = told.await.map_err(|_gone| Failure(String::from("the loop is gone")))?;
    exit.map_err(|error| Failure(error.to_string()))
}

async fn listen(wanted: SocketAddr) -> Result<(TcpListener, Peers, SocketAddr), Failure> {
    let mut last = None;
    for _ in 0..if wanted.port() == 0 { PORT_TRIES } else { 1 } {
        match bind(wanted).await {
            Ok(bound) => return Ok(bound),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(String::new, |error| error.to_string());
    Err(Failure(format!(
        "[node] listen = \"{wanted}\": {why}\n       Give the agent an address of this machine and a free port."
    )))
}

async fn bind(wanted: SocketAddr) -> io::Result<(TcpListener, Peers, SocketAddr)> {
    let listener = crate::listen::listen(wanted)?;
    let own = listener.local_addr()?;
    Ok((listener, Peers::bind(own).await?, own))
}

/// The store of a configuration; waits until it answers.
pub(crate) async fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let timeout = config.cluster.timing.store_timeout();
    match &config.cluster.store {
        StoreUrl::Raft => Err(Failure(String::from("[cluster] store: \"raft\" is opened by its own members only"))),
        StoreUrl::Memory => Ok(Arc::new(Memory::new())),
        StoreUrl::Dir(path) => loop {
            match Dir::open(path, &config.cluster.name, timeout).await {
                Ok(dir) => return Ok(Arc::new(dir)),
                Err(OpenError::Refused(why)) => return Err(Failure(format!("[cluster] store: {why}"))),
                Err(OpenError::Unavailable(why)) => {
                    tracing::warn!("the store does not answer yet: {why}");
                    tokio::time::sleep(timeout).await;
                }
            }
        },
    }
}

/// What an earlier run left behind without a guard must be dead before anything is started.
async fn sweep(config: &Config) -> Result<(), Failure> {
    let (cluster, node) = (config.cluster.name.clone(), config.node.name.to_string());
    let swept = tokio::task::spawn_blocking(move || hotseat_guard::sweep(&cluster, &node)).await;
    match swept {
        Ok(swept) if swept.alive > 0 => Err(Failure(String::from(
            "processes of an earlier run of this node are alive and cannot be killed: see the cgroups named hotseat.*",
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure(error.to_string())),
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
