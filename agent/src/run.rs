//! One agent, from its configuration to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hotseat_core::{Exit, Input, Node, NodeConfig, Rules, VoterConfig};
use hotseat_guard::{Containment, Settings};
use hotseat_stores::{Dir, Hints, Memory, OpenError, Store};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::alerts::Alerts;
use crate::api::{self, Api};
use crate::checkport::CheckPorts;
use crate::clock;
use crate::config::{self, Config, StoreUrl};
use crate::drill::{self, Drills};
use crate::driver::{Driver, INBOX, Message, Parts};
use crate::election::Elections;
use crate::embedded::{self, Embedded};
use crate::history::History;
use crate::home::Home;
use crate::ledger;
use crate::lock::Listing;
use crate::orders;
use crate::peers::Peers;
use crate::proxies::Proxies;
use crate::pulse::Pulse;
use crate::records::Records;
use crate::reliance;
use crate::rights::Rights;
use crate::shelf::Shelf;
use crate::snapshot::{Facts, Snapshot};
use crate::sync;
use crate::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::unit::Unit;
use crate::vip::{self, Followers, Hands};
use crate::vitals::Vitals;

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
    if config.node.witness {
        if config.cluster.store != StoreUrl::Raft {
            return Err(Failure(String::from("[node] witness = true: only where store = \"raft\" do nodes vote")));
        }
        // It votes, and never leads: it need not even know what.
        config.groups.clear();
    }
    vip::check(&config).map_err(Failure)?;
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
    let store: Arc<dyn Store> = match &embedded {
        Some(embedded) => {
            tokio::select! {
                come = embedded.come_in(&config, own) => come?,
                () = stop(&mut options.signals) => {
                    tracing::info!("stopped before the cluster was found");
                    return Ok(());
                }
            }
            Arc::clone(&embedded.raft) as Arc<dyn Store>
        }
        None => open(&config).await?,
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
    let now = clock::now();
    let first = Snapshot {
        view: node.view(now),
        pulse: Pulse::new(node.lease(now), now),
        taken: now,
        store_trouble: None,
        damage: None,
        stopping: false,
        pids: BTreeMap::new(),
        followers: BTreeMap::new(),
    };
    let (show, shown) = watch::channel(Arc::new(first));
    let (history, diary) = History::open(&config.node.data_dir, records.counts())
        .map_err(|error| Failure(format!("the story has no thread: {error}")))?;
    let (tap, ledger, writing) = ledger::start(ledger::Sources {
        shelf: Shelf::new(Arc::clone(&store), config.node.name.as_str()),
        node: config.node.name.clone(),
        ttl: config.cluster.timing.ttl(),
        tallies: proxies.tallies(),
        shown: shown.clone(),
        telemetry: telemetry(&config),
    });
    let hands = Hands {
        inbox: sender.clone(),
        tasks: Tasks::new(sender.clone(), records.clone()),
        picture: shown.clone(),
        history: history.clone(),
        seconds: vip::seconds(&config.cluster.timing),
    };
    let followers = Followers::start(&units, &Arc::new(hands));
    let files = sync::Hands {
        shelf: Shelf::new(Arc::clone(&store), config.node.name.as_str()),
        versions: records.beside(),
        picture: shown.clone(),
        tasks: Tasks::new(sender.clone(), records.clone()),
        history: history.clone(),
        board: sync::Board::default(),
    };
    let files = sync::start(&config, &units, &Arc::new(files)).map_err(Failure)?;
    let facts = Facts {
        config: Arc::new(config.clone()),
        started: std::time::Instant::now(),
        store_kind: store.kind().into(),
        store_risk: risk.map(Into::into),
        records: records.clone(),
        proxies: Arc::new(proxies.addresses.clone()),
        drains: Arc::new(proxies.drains()),
        checks: Arc::new(checks.bound()),
        files,
        drilled: drill::Newest::default(),
        embedded: embedded.as_ref().map(Embedded::facts),
    };
    checks.show(shown.clone());
    let (orders, refusals) = orders::begin(&facts, &shown, &sender, &history);
    let locks = Arc::new(Listing::new(&records, config.cluster.timing.look()));
    let elections = Elections::new(Arc::clone(&facts.config), Arc::clone(&locks), sender.clone());
    let alerts = Alerts::new(
        Arc::clone(&facts.config),
        Shelf::new(Arc::clone(&store), config.node.name.as_str()),
        options.exe.clone(),
    );
    alerts.begin(shown.clone(), facts.clone(), history.clone()).map_err(Failure)?;
    let drills = Drills::new(drill::Parts {
        facts: facts.clone(),
        shown: shown.clone(),
        inbox: sender.clone(),
        history: history.clone(),
        exe: options.exe.clone(),
    });
    tokio::spawn(drills.clone().run());
    let rights = Rights::open(&config, records.tokens(), shown.clone())?;
    let shelf = Shelf::new(Arc::clone(&store), config.node.name.as_str());
    let api = Api {
        shown,
        facts,
        history: history.clone(),
        inbox: sender.clone(),
        locks,
        orders,
        ledger,
        elections: elections.clone(),
        alerts,
        drills,
        rights,
        shelf,
    };
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
        settings: Arc::new(config.clone()),
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
    ended(exit)
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

fn ended(exit: Exit) -> Result<(), Failure> {
    match exit {
        Exit::Stopped => {
            tracing::info!("stopped");
            Ok(())
        }
        Exit::NameTaken { address } => Err(Failure(format!(
            "this name is taken: another agent of that name is alive at {address}\n       \
             Names must be unique in a cluster. Change [node] name, or stop the other agent."
        ))),
        Exit::LeaderThere(group, node) => Err(Failure(format!(
            "{group} has a leader already, {node}, and this node is to start as the leader: mode = \"leader\"\n       \
             Take mode = \"auto\" to stand by, or stop {node} first."
        ))),
        Exit::NoLeader(group) => Err(Failure(format!(
            "{group} has no leader, and this node is to start as a standby: mode = \"standby\" or \"hot-standby\"\n       \
             Start a member with mode = \"auto\" or \"leader\" first, or this one."
        ))),
        Exit::Unlike { group, what, own, node, theirs } => Err(Failure(format!(
            "members of {group} must agree on their {what}: this node's is \"{own}\", {node}'s is \"{theirs}\"\n       \
             Give both the same {what}, or this one another group id."
        ))),
        Exit::NoGuard(why) => Err(Failure(format!("no guard could be started: {why}"))),
    }
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

fn telemetry(config: &Config) -> Telemetry {
    Telemetry::start(config.telemetry.otlp.as_deref(), &config.cluster.name, config.node.name.as_str())
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

async fn relay_peers(peers: Peers, inbox: mpsc::Sender<Message>) {
    let (sender, mut inputs) = mpsc::channel(INBOX);
    tokio::spawn(peers.listen(sender));
    while let Some(input) = inputs.recv().await {
        if inbox.send(Message::Input(input)).await.is_err() {
            return;
        }
    }
}

/// Waits until somebody wants this agent to stop.
async fn stop(signals: &mut mpsc::Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Some(Signal::Stop) => return,
            // What was changed is read when the agent is started anew.
            Some(Signal::Reload(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Looks when the store says that something may have changed. Ends with the loop.
async fn relay_hints(mut hints: Hints, inbox: mpsc::Sender<Message>) {
    loop {
        hints.next().await;
        if inbox.send(Message::Input(Input::Hint)).await.is_err() {
            return;
        }
    }
}

async fn relay_signals(mut signals: mpsc::Receiver<Signal>, inbox: mpsc::Sender<Message>, reread: watch::Sender<()>) {
    while let Some(signal) = signals.recv().await {
        let message = match signal {
            Signal::Stop => Message::Stop,
            Signal::Reload(config) => {
                reread.send_replace(());
                Message::Reload(config)
            }
        };
        if inbox.send(message).await.is_err() {
            return;
        }
    }
}
