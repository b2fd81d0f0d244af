//! One agent, from its configuration to its end.

mod assembly;
mod doorway;
mod ending;
mod ground;
mod relays;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hotseat_core::Exit;
use hotseat_stores::{Dir, Memory, OpenError, Store};
use tokio::sync::{mpsc, oneshot};

use crate::config::{Config, StoreUrl};
use crate::driver::{Driver, Parts};
use crate::embedded::Embedded;
use crate::home::Home;
use crate::reliance;
use crate::vip;
use assembly::Found;
use doorway::Doorway;
use relays::stop;

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
    let doorway = Doorway::open(&config, options.text.take()).await?;
    let found = find(doorway.embedded.as_ref(), &config, doorway.own, &mut options.signals).await?;
    let Some(store) = found else {
        tracing::info!("stopped before the cluster was found");
        return Ok(());
    };
    if let Some(id) = store.identity() {
        home.recognise(&id).map_err(|why| Failure(format!("[cluster] store: {why}")))?;
    }
    let risk = reliance::check(&config, store.as_ref()).await?;
    sweep(&config).await?;
    let found = Found { config: Arc::new(config), home, doorway, store, risk };
    let (parts, last) = found.assemble(options).await?;
    let exit = run_loop(parts).await?;
    last.close().await;
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
