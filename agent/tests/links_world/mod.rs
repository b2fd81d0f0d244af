//! Nodes of a cluster on loopback, with certificates of their own, for the tests of the links.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // tests; not each uses all of it

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use hotseat_agent::identity::{Authority, Folder, Identity, Name, NodeKey, NodeSeat};
use hotseat_agent::links::{Admission, Handler, JoinAsk, Lane, Limits, LinkError, Links, Peer, PeerName, Reply};
use hotseat_core::NodeName;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than any step takes on the slowest machine; nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const DAY: Duration = Duration::from_secs(86_400);

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// What is said to a node that wants to join.
pub type Decision = Box<dyn FnMut(JoinAsk) -> Result<Admission, String> + Send>;

/// Echoes requests and tells the test what comes in.
pub struct Echo {
    pub heard: mpsc::UnboundedSender<(PeerName, Vec<u8>)>,
    /// Requests that begin with `wait` are answered once for each permit.
    pub gate: Notify,
    /// Told whenever such a request begins to wait.
    pub waiting: mpsc::UnboundedSender<()>,
    pub joins: Mutex<Decision>,
    /// Whether joins wait for the gate too.
    pub slow_joins: AtomicBool,
    pub known: Vec<(u64, NodeName)>,
}

#[async_trait]
impl Handler for Echo {
    async fn request(&self, from: &PeerName, lane: Lane, request: Vec<u8>) -> Vec<u8> {
        if request.starts_with(b"wait") {
            let _ = self.waiting.send(());
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
        if self.slow_joins.load(Relaxed) {
            self.gate.notified().await;
        }
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
    /// Connections that have come in.
    pub accepted: Arc<AtomicUsize>,
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
            slow_joins: AtomicBool::new(false),
            known,
        });
        let peer = Peer { id: identity.name().id, name: identity.name().node.clone(), address: address.to_string() };
        let (identity, removed) = (watch::Sender::new(identity), watch::Sender::new(Arc::default()));
        let handler: Arc<dyn Handler> = Arc::clone(&echo) as Arc<dyn Handler>;
        let links = Links::new(identity.subscribe(), removed.subscribe(), handler, limits);
        let accepted = Arc::new(AtomicUsize::new(0));
        let listening = listen(listener, links.clone(), Arc::clone(&accepted));
        Self { peer, links, identity, removed, echo, heard, waiting, address, accepted, listening }
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

fn listen(listener: TcpListener, links: Links, accepted: Arc<AtomicUsize>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let (stream, remote) = listener.accept().await.unwrap();
            accepted.fetch_add(1, Relaxed);
            tokio::spawn(links.accept(stream, remote, None));
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

/// Believes everything: the tests' own client looks at nothing.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// TLS by hand, with another's certificate if there is one, and without a word said.
pub async fn raw(to: SocketAddr, shows: Option<&Folder>, alpn: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Gullible));
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some(folder) => {
            let files = folder.own();
            let cert = CertificateDer::from_pem_file(files.cert).unwrap();
            builder.with_client_auth_cert(vec![cert], PrivateKeyDer::from_pem_file(files.key).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(to).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("x.invalid").unwrap(), stream).await
}

pub fn frame(kind: u8, id: u64, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), &[kind][..], &id.to_be_bytes(), body].concat()
}

/// The first frame, byte by byte as it is documented.
pub fn hello(cluster: &str, node: &str, id: u64, lane: u8, speaks: [u16; 2]) -> Vec<u8> {
    let [min, max] = speaks.map(u16::to_be_bytes);
    let body = postcard::to_stdvec(&(cluster, node, id, "0.0.1", lane)).unwrap();
    frame(1, 0, &[b"HSLK".as_slice(), &min, &max, &body].concat())
}

/// A connection that was let in, on the control lane.
pub async fn inside(to: &Node, cluster: &Cluster, node: &str, id: u64) -> TlsStream<TcpStream> {
    let mut stream = raw(to.address, Some(&cluster.folder(node)), b"hotseat/1").await.unwrap();
    stream.write_all(&hello(cluster.name.as_str(), node, id, 4, [1, 1])).await.unwrap();
    let (kind, _) = read_frame(&mut stream).await.unwrap();
    assert_eq!(kind, 1, "a hello comes back");
    stream
}

/// Kind and body.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let reading = async {
        let length = stream.read_u32().await?;
        let kind = stream.read_u8().await?;
        stream.read_u64().await?;
        let mut body = vec![0; length as usize];
        stream.read_exact(&mut body).await?;
        Ok((kind, body))
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

/// Waits until the other side has ended the connection, in whatever way.
pub async fn ended(stream: &mut (impl AsyncRead + Unpin)) {
    let reading = async {
        let mut buffer = [0; 1024];
        while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the other side hangs up");
}
