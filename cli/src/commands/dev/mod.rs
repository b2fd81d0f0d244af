//! `hotseat dev`: a whole cluster on this machine, around any server, to be killed and watched.
//!
//! ```text
//!  dev ──stdin──> hotseat run -c n1.toml ──> guard ──> your server      cleaner: waits for the end of dev,
//!   │             hotseat run -c n2.toml ──> guard ──> your server      removes what is left
//!   │  listens to every agent: the newest word counts
//!   ├─ proxy ──> whoever leads
//!   └─ probe ──> proxy: what clients feel
//! ```
//!
//! The agents are the real ones, and so is the way they become a cluster; nothing here decides who leads.

mod ask;
mod entry;
mod folder;
mod frame;
mod node;
mod paint;
mod plan;
mod ports;
mod probe;
mod remains;
mod screen;
mod show;
mod stage;
mod story;
mod tail;
mod watch;
mod words;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use hotseat_agent::listen::listen;
use hotseat_agent::proxy::{self, Limits};
use hotseat_client::{Event, Sight};
use tokio::sync::{mpsc, watch as channel};
use tokio::task::JoinSet;

pub(crate) use folder::clean;

use super::{Failed, Result};
use crate::args::Dev;
use folder::Folder;
use node::{Ended, Node, Phase};
use plan::Plan;
use ports::Ports;
use probe::Probe;
use show::Show;
use stage::Stage;
use watch::Said;
use words::{Words, route};

/// How long the proxy lets clients wait for a leader.
const HOLD: Duration = Duration::from_secs(30);

/// Clients that may wait in the proxy.
const PARKED_MAX: usize = 1024;

/// News on their way to the screen.
const NEWS: usize = 256;

/// What happens to the nodes.
#[derive(Debug)]
enum News {
    /// An agent's process began.
    Started { place: usize, pid: u32 },
    /// It ended.
    Ended { place: usize, ended: Option<Ended> },
    /// It could not even be started.
    NoAgent { place: usize, why: String },
    /// It is stopped, or goes on.
    Frozen { place: usize, frozen: bool },
    /// It said how it is.
    Said { place: usize, said: Box<Said> },
    /// It told its story.
    Event { place: usize, event: Box<Event> },
}

pub(crate) fn run(args: &Dev) -> Result {
    let plan = Plan::new(args)?;
    let folder = Folder::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut ports = Ports::new();
    let begun = nodes(&plan, &folder, &mut ports).and_then(|nodes| Ok((entry::begin(&nodes[0])?, nodes)));
    let result = begun.and_then(|(token, nodes)| runtime.block_on(play(args, plan, nodes, &token)));
    runtime.shutdown_background();
    folder.close(result.is_err());
    result.map(|()| ExitCode::SUCCESS)
}

async fn play(args: &Dev, plan: Plan, nodes: Vec<Node>, token: &str) -> std::result::Result<(), Failed> {
    let words = Words::new(nodes.len());
    let sight = words.told();
    for node in &nodes {
        tokio::spawn(words.clone().listen(node.clone(), plan.group.clone()));
    }
    let mut stage = Stage::new(plan, nodes.clone());
    let _proxy = if stage.plan.served { Some(open_proxy(&mut stage, args.port, &sight).await?) } else { None };
    let probe = stage.proxy.map(|proxy| {
        let probe = Probe::default();
        tokio::spawn(probe.clone().run(proxy, sight.clone()));
        probe
    });
    let (phase, phases) = channel::channel(Phase::Running);
    let (sender, news) = mpsc::channel(NEWS);
    let exe = std::env::current_exe()?;
    let mut tending = JoinSet::new();
    for node in nodes {
        let token = (node.place > 0).then(|| token.to_owned());
        tending.spawn(tend(node, token, exe.clone(), sender.clone(), phases.clone()));
    }
    drop(sender);
    Show::new(stage, probe, sight, news, args.length).run(&phase, &mut tending).await
}

/// Runs one node and the questions to it. With a token it has to come to the cluster first.
async fn tend(
    node: Node,
    token: Option<String>,
    exe: PathBuf,
    news: mpsc::Sender<News>,
    phases: channel::Receiver<Phase>,
) {
    if let Some(token) = token
        && let Err(why) = entry::enter(&node, &token, phases.clone()).await
    {
        return drop(news.send(News::NoAgent { place: node.place, why }).await);
    }
    let (own, mut heard) = mpsc::channel(NEWS);
    let (pid, pids) = channel::channel(0);
    let asking = tokio::spawn(watch::watch(node.clone(), pids, own.clone()));
    let relay = tokio::spawn(async move {
        while let Some(it) = heard.recv().await {
            match it {
                News::Started { pid: new, .. } => drop(pid.send_replace(new)),
                News::Ended { .. } => drop(pid.send_replace(0)),
                News::NoAgent { .. } | News::Frozen { .. } | News::Said { .. } | News::Event { .. } => {}
            }
            if news.send(it).await.is_err() {
                return;
            }
        }
    });
    node.tend(exe, own, phases).await;
    asking.abort();
    drop(relay.await);
}

/// Chooses the ports and writes the files.
fn nodes(plan: &Plan, folder: &Folder, ports: &mut Ports) -> std::result::Result<Vec<Node>, Failed> {
    (0..plan.nodes)
        .map(|place| {
            let name = format!("n{}", place + 1);
            let port = ports.agent(place)?;
            let service = if plan.served { Some(ports.any()?) } else { None };
            let node = Node { place, name, port, folder: folder.path().to_owned() };
            fs::write(node.config(), plan.config(folder.path(), &node.name, port, service))?;
            Ok(node)
        })
        .collect()
}

/// A proxy that lives here, so that it outlives every node.
async fn open_proxy(
    stage: &mut Stage,
    wanted: u16,
    sight: &channel::Receiver<Sight>,
) -> std::result::Result<proxy::Handle, Failed> {
    let listener = match listen((Ipv4Addr::LOCALHOST, wanted).into()) {
        Ok(listener) => listener,
        Err(error) => {
            stage.proxy_note = format!(" (port {wanted}: {error})").to_lowercase();
            listen((Ipv4Addr::LOCALHOST, 0).into())?
        }
    };
    let address: SocketAddr = listener.local_addr()?;
    stage.proxy = Some(address);
    let (teller, routes) = channel::channel(route(&sight.borrow()));
    let mut sight = sight.clone();
    tokio::spawn(async move {
        while sight.changed().await.is_ok() {
            teller.send_replace(route(&sight.borrow_and_update()));
        }
    });
    Ok(proxy::spawn(listener, routes, Limits::new(HOLD, PARKED_MAX)))
}
