//! Links between the nodes of a cluster: mutual TLS, one connection per peer and lane.
//!
//! ```text
//!   call, send ──> Route (peer, lane) ──dial──> Connection <── frames ──> Connection <──accept── Handler
//!                   backoff, replaced            budget, outbox             budget, outbox
//!                   with the certificate
//! ```
//!
//! Who a peer is comes from its certificate, never from what it says. Nothing a peer sends or leaves out makes this node
//! hold more memory than a lane's budget, or wait without end. Requests are never repeated here: whether one that broke
//! off was carried out is told, and what to do about it is the caller's to know.

mod accept;
mod admit;
mod connection;
mod dial;
mod echo;
mod error;
mod frame;
mod gate;
mod hello;
mod join;
mod lane;
mod meet;
mod outbox;
mod rate;
mod renewal;
mod route;
mod shared;
mod socket;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hotseat_core::NodeName;
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::identity::Identity;
use connection::{Connection, NotSent};
use frame::Kind;
use route::Route;
use shared::Shared;

pub use accept::{Speaks, Visitor};
pub use error::LinkError;
pub use join::{JoinAsk, JoinError, Joined, come, join};
pub use lane::Lane;
pub(crate) use meet::REMOVED;
pub(crate) use rate::Rate;
pub use renewal::{keep_fresh, renew, wake_up};

/// The versions of the links that this program speaks.
pub const PROTOCOL: RangeInclusive<u16> = 1..=1;

/// How a link without TLS begins. The first byte begins nothing in HTTP, and no TLS record.
const PLAIN: &[u8; 8] = b"\x01HSLINK1";

/// Routes that are kept. Far more than a cluster has nodes; those without a connection go first.
const ROUTES_MAX: usize = 4096;

/// Another node, and where to find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: NodeName,
    /// `host:port`.
    pub address: String,
}

/// Another node, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerName {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: NodeName,
    /// The version of its program.
    pub version: String,
    /// The version of the links that is spoken with it.
    pub protocol: u16,
}

/// How patient links are, and what they say of this node.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What was sent and is not acknowledged in this time ends a connection, so that after a partition it is not the
    /// kernel's long pauses that decide when the link is back. A ttl is a good choice. The lanes of the log and of
    /// snapshots have more patience.
    pub silence: Duration,
    /// The versions of the links that are spoken.
    pub speaks: RangeInclusive<u16>,
    /// The version of this program.
    pub version: String,
}

impl Default for Limits {
    fn default() -> Self {
        Self { silence: Duration::from_secs(2), speaks: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// What a node does with what comes in.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Answers a request. Runs in a task of its own, as many as a lane's budget allows, and to its end even when the
    /// one who asked has gone.
    async fn request(&self, from: &PeerName, lane: Lane, request: Vec<u8>) -> Vec<u8>;

    /// Takes a message. Called where the connection is read: it must not wait. What it has to say at once goes back
    /// on the same connection by `reply`, which may be kept.
    fn message(&self, from: &PeerName, message: Vec<u8>, reply: &Reply);

    /// Decides whether a node with a good token may join under this name and id, and makes it a member. The same
    /// node may ask twice, when the first answer was lost: then it is let in again.
    ///
    /// # Errors
    /// Why not, for people: the name is taken, and the like.
    async fn join(&self, ask: JoinAsk, remote: SocketAddr) -> Result<Admission, String>;

    /// Whether a member of this id goes by this name. Asked only where a certificate that somebody else made says no id.
    /// Without an answer of its own, a handler knows nobody so.
    fn known(&self, _id: u64, _name: &NodeName) -> bool {
        false
    }
}

/// What a node that joins is told, besides its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Who is in the cluster.
    pub members: Vec<Peer>,
    /// The cluster's part of a configuration.
    pub config: Option<String>,
}

/// The way back to whoever sent a message.
#[derive(Clone)]
pub struct Reply(Arc<Connection>);

impl Reply {
    /// Sends a message back. Never waits; if too many are queued, the oldest are dropped.
    pub fn send(&self, message: Vec<u8>) {
        if message.len() <= self.0.met.lane.frame_max() {
            self.0.message(message);
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", self.0.met.peer.name)
    }
}

/// All links of a node. Cheap to clone; when the last clone is dropped, all connections end.
#[derive(Clone)]
pub struct Links {
    shared: Arc<Shared>,
    _ends_all: Arc<DropGuard>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links")
    }
}

impl Links {
    /// Links of the node with this identity. Nodes with an id in `removed` are turned away and cut off.
    #[must_use]
    pub fn new(
        identity: watch::Receiver<Arc<Identity>>,
        removed: watch::Receiver<Arc<BTreeSet<u64>>>,
        handler: Arc<dyn Handler>,
        limits: Limits,
    ) -> Self {
        let shared = Arc::new(Shared::new(identity, removed, handler, limits));
        let ends_all = Arc::new(CancellationToken::drop_guard(shared.closing.clone()));
        Self { shared, _ends_all: ends_all }
    }

    /// Asks a node and waits for its answer, connecting first if need be.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkError::unknown`] says whether the request may have been carried out.
    pub async fn call(&self, to: &Peer, lane: Lane, request: Vec<u8>, timeout: Duration) -> Result<Vec<u8>, LinkError> {
        self.ask(to, lane, Kind::Request, request, timeout).await
    }

    /// Has a request for a certificate signed by another member, for this node's own name and id.
    ///
    /// # Errors
    /// [`LinkError::Failed`] when that member cannot sign; another may.
    pub async fn renew(&self, by: &Peer, request: String, timeout: Duration) -> Result<String, LinkError> {
        let signed = self.ask(by, Lane::Control, Kind::Renew, request.into_bytes(), timeout).await?;
        String::from_utf8(signed).map_err(|_| LinkError::Failed("its answer is no certificate".to_owned()))
    }

    async fn ask(
        &self,
        to: &Peer,
        lane: Lane,
        kind: Kind,
        mut request: Vec<u8>,
        allowed: Duration,
    ) -> Result<Vec<u8>, LinkError> {
        if request.len() > lane.frame_max() {
            return Err(LinkError::TooLarge(request.len(), lane.frame_max()));
        }
        let deadline = Instant::now() + allowed;
        let route = self.route(to, lane);
        loop {
            let connection = route.connected(deadline).await?;
            match connection.call(kind, request, deadline, allowed).await {
                Ok(answer) => return answer,
                // It ended before it took the request; the next connection is a new one, or the deadline.
                Err(NotSent(unsent)) => request = unsent,
            }
        }
    }

    /// Sends a message on the lane of the votes, and forgets it. Never waits, and promises nothing: without a
    /// connection the newest few are kept until there is one. Only within a tokio runtime.
    pub fn send(&self, to: &Peer, message: Vec<u8>) {
        if message.len() <= Lane::Votes.frame_max() {
            self.route(to, Lane::Votes).message(message);
        }
    }

    /// Whether there is a connection to this node on this lane.
    #[must_use]
    pub fn is_up(&self, id: u64, lane: Lane) -> bool {
        let routes = self.shared.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(&(id, lane)).is_some_and(|route| route.is_up())
    }

    /// Takes a connection that [`Speaks::ask`] did not find to be HTTP, and sees it through to its end. Does not keep
    /// the links alive: meant to be spawned. Who turns out to speak HTTP through TLS, with the certificate in `web` or else
    /// the node's own, is given back.
    pub fn accept(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
        web: Option<Arc<ServerConfig>>,
    ) -> impl Future<Output = Option<Visitor>> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { accept::accept(&shared, stream, remote, web).await }
    }

    /// Ends all connections; there will be no new ones.
    pub fn close(&self) {
        self.shared.closing.cancel();
    }

    fn route(&self, to: &Peer, lane: Lane) -> Arc<Route> {
        let mut routes = self.shared.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = routes.get(&(to.id, lane)) {
            route.aim(to);
            return Arc::clone(route);
        }
        if routes.len() >= ROUTES_MAX {
            routes.retain(|_, route| route.is_up());
        }
        let route = Route::spawn(&self.shared, to.clone(), lane);
        routes.insert((to.id, lane), Arc::clone(&route));
        route
    }
}
