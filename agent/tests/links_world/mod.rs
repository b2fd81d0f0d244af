//! Nodes of a cluster on loopback, with certificates of their own, for the tests of the links.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // tests; not each uses all of it

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use hotseat_agent::identity::{Authority, Folder, Identity, Name, NodeKey, NodeSeat};
use hotseat_agent::links::{Admission, Handler, JoinAsk, Lane, Limits, LinkError, Links, Peer, PeerName, Reply};
use hotseat_core::NodeName;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

/// Longer than any step takes on the slowest machine; nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const DAY: Duration = Duration::from_secs(86_400);

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// Echoes requests and tells the test what comes in.
pub struct Echo {
    pub heard: mpsc::UnboundedSender<(PeerName, Vec<u8>)>,
    /// Requests that begin with `wait` are answered once for each permit.
    pub gate: Notify,
    /// Told whenever such a request begins to wait.
    pub waiting: mpsc::UnboundedSender<()>,
    pub joins: Mutex<Box<dyn FnMut(JoinAsk) -> Result<Admission, String> + Send>>,
    pub known: Vec<(u64, NodeName)>,
}

#[async_trait]
impl Handler for Echo {
    async fn request(&self, from: &PeerName, lane: Lane, request: Vec<u8>) -> Vec<u8> {
        if request.starts_with(b"wait") {
            drop(self.waiting.send(()));
            self.gate.notified().await;
        }
        if request == b"who" {
            return format!("{} {} {lane:?}", from.name, from.id).into_bytes();
        }
        if request == b"long" {
            return vec![0; lane.frame_max() + 1];
        }
        request
    }

    fn message(&self, from: &PeerName, message: Vec<u8>, reply: &Reply) {
        if message.starts_with(b"renewal") {
            reply.send(message[3..].to_vec());
        }
        drop(self.heard.send((from.clone(), message)));
    }

    async fn join(&self, ask: JoinAsk, _: SocketAddr) -> Result<Admission, String> {
        (self.joins.lock().unwrap())(ask)
    }

    fn known(&self, id: u64, name: &NodeName) -> bool {
        self.known.iter().any(|known| (known.0, &known.1) == (id, name))
    }
}

/// A CA, and a place for the nodes' folders.
pub struct Cluster {
    pub name: NodeName,
    pub authority: Authority,
    pub dir: TempDir,
}

impl Cluster {
    pub fn new(cluster: &str) -> Self {
        let authority = Authority::create(&name(cluster), SystemTime::now()).unwrap();
        Self { name: name(cluster), authority, dir: TempDir::new().unwrap() }
    }

    pub fn folder(&self, node: &str) -> Folder {
        Folder::of(&self.dir.path().join(node))
    }

    /// Writes a node's files, as if signed at that time.
    pub fn install(&self, node: &str, id: u64, signed: SystemTime, full: bool) {
        let key = NodeKey::generate().unwrap();
        let seat = NodeSeat { name: &name(node), id, hosts: &["127.0.0.1".to_owned()] };
        let cert = self.authority.sign(&seat, &key.request().unwrap(), signed).unwrap();
        let authority = full.then_some(&self.authority);
        self.folder(node).install(self.authority.ca_pem(), authority, &key, &cert).unwrap();
    }

    pub fn identity(&self, node: &str) -> Arc<Identity> {
        Arc::new(Identity::load(&self.folder(node), &self.name, &name(node)).unwrap())
    }

    /// A full member that listens.
    pub async fn node(&self, node: &str, id: u64) -> Node {
        self.install(node, id, SystemTime::now(), true);
        Node::start(self.identity(node), Limits::default()).await
    }
}

pub fn plain(cluster: &str, node: &str, id: u64) -> Arc<Identity> {
    Arc::new(Identity::plain(Name { cluster: name(cluster), node: name(node), id }))
}

/// Links that listen, and all that steers them.
pub struct Node {
    pub peer: Peer,
    pub links: Links,
    pub identity: watch::Sender<Arc<Identity>>,
    pub removed: watch::Sender<Arc<BTreeSet<u64>>>,
    pub echo: Arc<Echo>,
    pub heard: mpsc::UnboundedReceiver<(PeerName, Vec<u8>)>,
    pub waiting: mpsc::UnboundedReceiver<()>,
    pub address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Node {
    pub async fn start(identity: Arc<Identity>, limits: Limits) -> Self {
        Self::start_knowing(identity, limits, Vec::new()).await
    }

    pub async fn start_knowing(identity: Arc<Identity>, limits: Limits, known: Vec<(u64, NodeName)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard_sender, heard) = mpsc::unbounded_channel();
        let (waiting_sender, waiting) = mpsc::unbounded_channel();
        let echo = Arc::new(Echo {
            heard: heard_sender,
            gate: Notify::new(),
            waiting: waiting_sender,
            joins: Mutex::new(Box::new(|_| Ok(Admission::default()))),
            known,
        });
        let peer =
            Peer { id: identity.name().id, name: identity.name().node.clone(), address: address.to_string() };
        let (identity, removed) = (watch::Sender::new(identity), watch::Sender::new(Arc::default()));
        let handler: Arc<dyn Handler> = Arc::clone(&echo) as Arc<dyn Handler>;
        let links = Links::new(identity.subscribe(), removed.subscribe(), handler, limits);
        let listening = listen(listener, links.clone());
        Self { peer, links, identity, removed, echo, heard, waiting, address, listening }
    }

    pub async fn ask(&self, to: &Peer, lane: Lane, request: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.links.call(to, lane, request.to_vec(), PATIENCE).await
    }

    /// The next message that came in.
    pub async fn hears(&mut self) -> (PeerName, Vec<u8>) {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.unwrap().unwrap()
    }

    /// The next request that waits.
    pub async fn waits(&mut self) {
        tokio::time::timeout(PATIENCE, self.waiting.recv()).await.unwrap().unwrap();
    }

    /// Nobody listens there any more.
    pub fn deaf(&self) {
        self.listening.abort();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn listen(listener: TcpListener, links: Links) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let (stream, remote) = listener.accept().await.unwrap();
            tokio::spawn(links.accept(stream, remote));
        }
    })
}

/// The reason of a refusal; anything else fails the test.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, LinkError>) -> String {
    match result {
        Err(LinkError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}
