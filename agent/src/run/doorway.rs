//! Where others reach this agent. It answers there from the start: that it is starting, until there is more to tell.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Failure;
use crate::api;
use crate::checkport::CheckPorts;
use crate::config::{Config, StoreUrl};
use crate::embedded::{self, Embedded};
use crate::peers::Peers;

/// With `listen` port 0, tries to find one that is free for TCP and UDP.
const PORT_TRIES: u32 = 32;

/// See the module.
pub(super) struct Doorway {
    /// What others call this node's address.
    pub(super) own: SocketAddr,
    /// For short words from other agents.
    pub(super) peers: Peers,
    /// For load balancers that know no path.
    pub(super) checks: CheckPorts,
    /// This node's part of the store, where the agents are that.
    pub(super) embedded: Option<Embedded>,
    /// Where the API goes once there is one.
    pub(super) ready: watch::Sender<Option<Router>>,
    /// Says that the configuration and its files were read anew.
    pub(super) reread: watch::Sender<()>,
}

impl Doorway {
    /// Takes the addresses and begins to answer. `text` is the configuration as it was written, for nodes that join.
    pub(super) async fn open(config: &Config, text: Option<String>) -> Result<Self, Failure> {
        let (listener, peers, bound) = listen(config.node.listen).await?;
        let own = config.node.advertise.unwrap_or(bound);
        let checks = CheckPorts::open(config).await?;
        let embedded = match config.cluster.store {
            StoreUrl::Raft => Some(embedded::open(config, own, text).await?),
            StoreUrl::Dir(_) | StoreUrl::Memory => None,
        };
        let (ready, routes) = watch::channel(None);
        let (reread, rereads) = watch::channel(());
        let web = api::web(&config.api, &rereads).map_err(|error| Failure(format!("[api] tls: {error}")))?;
        let links = embedded.as_ref().map(|embedded| embedded.links.clone());
        let front = api::Front { routes, links, web, head_limit: api::HEAD_LIMIT };
        api::local::begin(&config.node.data_dir, front.clone());
        tokio::spawn(api::serve(listener, front));
        Ok(Self { own, peers, checks, embedded, ready, reread })
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
