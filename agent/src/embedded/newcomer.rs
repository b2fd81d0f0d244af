//! Before an agent runs for the first time: a cluster is begun, or come to. Nothing is started here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hotseat_core::{NodeName, Record, SessionRecord, SessionState, VoterId, VotersRecord};
use hotseat_stores::Body;
use hotseat_stores::raft::{self, Lane, Pace, Peer, Raft, Unreachable, Wire};

use super::law::Statute;
use super::roll::{self, Member};
use super::seat::Seat;
use crate::codec;
use crate::config::{Config, StoreUrl};
use crate::identity::{Folder, Given, Identity, Name, NodeKey, NodeSeat, Token};
use crate::links::{self, JoinAsk, Joined};
use crate::run::Failure;

/// A cluster that was begun.
#[derive(Clone, Debug)]
pub struct Founded {
    /// Where its first node answers.
    pub address: SocketAddr,
    /// The line that lets others in; `None` where somebody else makes the certificates.
    pub token: Option<String>,
}

/// A node that wants to come.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// The cluster it expects, if it has settings already.
    pub cluster: Option<String>,
    /// Its name.
    pub name: NodeName,
    /// Where it will answer.
    pub address: SocketAddr,
    /// It votes and never leads.
    pub witness: bool,
    /// Where it keeps what it is.
    pub data_dir: PathBuf,
    /// Members to try if those in the token do not answer, as `HOST:PORT`.
    pub members: Vec<String>,
    /// Certificates that somebody else makes.
    pub tls: Option<Given>,
}

/// A node that was let in.
#[derive(Clone, Debug)]
pub struct Came {
    /// The cluster.
    pub cluster: String,
    /// Who let it in.
    pub through: String,
    config: Option<String>,
}

/// Begins a cluster with this node, empty or with what a snapshot holds.
///
/// # Errors
/// What is wrong and what would be right; then nothing is left behind that a second try would stumble over.
pub fn found(config: &Config, good: Duration, snapshot: Option<&[u8]>) -> Result<Founded, Failure> {
    if config.cluster.store != StoreUrl::Raft {
        return Err(Failure(String::from(
            "only a cluster with store = \"raft\" is begun like this; with any other store just start the agents: \
             hotseat run -c FILE",
        )));
    }
    let (cluster, node) = (cluster_name(&config.cluster.name)?, &config.node.name);
    let address = config.node.advertise.unwrap_or(config.node.listen);
    if address.port() == 0 {
        return Err(Failure(format!(
            "[node] listen = \"{address}\": members must find this node again: give it a port"
        )));
    }
    let id = incarnation(&config.node.data_dir, cluster.as_str())?;
    let token = match &config.node.tls {
        Some(given) => {
            let name = Name { cluster: cluster.clone(), node: node.clone(), id };
            Identity::given(given, name).map_err(failure)?;
            None
        }
        None => Some(certify(config, &cluster, id, address, good)?),
    };
    begin_log(config, id, address, snapshot)?;
    let seat = Seat::new(cluster.as_str(), node.as_str(), id, Vec::new());
    seat.take(&config.node.data_dir).map_err(Failure)?;
    Ok(Founded { address, token })
}

fn certify(
    config: &Config,
    cluster: &NodeName,
    id: u64,
    address: SocketAddr,
    good: Duration,
) -> Result<String, Failure> {
    let (folder, now) = (Folder::of(&config.node.data_dir), SystemTime::now());
    if !folder.inhabited() {
        let hosts = [address.ip().to_string()];
        folder.found(cluster, &NodeSeat { name: &config.node.name, id, hosts: &hosts }, now).map_err(failure)?;
    }
    let authority = folder.authority(cluster).map_err(failure)?;
    let authority = authority.ok_or_else(|| Failure(String::from("the cluster's CA was not written")))?;
    Ok(authority.invite(&[address.to_string()], good, now).map_err(failure)?.to_string())
}

/// The first entries of the log, before anybody could need them.
fn begin_log(config: &Config, id: u64, address: SocketAddr, snapshot: Option<&[u8]>) -> Result<(), Failure> {
    let settings = raft::Settings {
        cluster: config.cluster.name.clone(),
        id,
        folder: Seat::folder(&config.node.data_dir),
        wire: Arc::new(Nobody),
        law: Arc::new(Statute),
        pace: Pace::of(config.cluster.timing.ttl()),
        timeout: BEGINNING_MAX,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(failure)?;
    runtime.block_on(async {
        let raft = Raft::open(settings).await.map_err(failure)?;
        let (name, address) = (config.node.name.as_str(), address.to_string());
        let begun = match snapshot {
            Some(snapshot) => raft.bootstrap_from(name, &address, snapshot, &|key, body| anew(key, body, id)).await,
            None => raft.bootstrap(name, &address).await,
        };
        raft.close().await;
        begun.map_err(failure)
    })
}

/// What was true of a saved cluster's nodes and is not of the restored one's: its sessions are over, its members are
/// gone, and this node alone votes. Epochs go on.
fn anew(key: &hotseat_stores::Key, body: &[u8], own: u64) -> Option<Body> {
    if let Some(member) = roll::member(key, body) {
        return roll::body(&Member { removed: true, ..member }).ok();
    }
    let key = key.as_str().parse().ok()?;
    let record = match codec::decode(&key, 0, body).ok()?.record {
        Record::Session(record) if record.state == SessionState::Alive => {
            Record::Session(SessionRecord { state: SessionState::Released, ..record })
        }
        Record::Voters(record) => {
            Record::Voters(VotersRecord { number: record.number + 1, voters: [VoterId(own)].into(), ..record })
        }
        Record::Session(_) | Record::Group(_) | Record::Orders(_) => return None,
    };
    codec::encode("hotseat snapshot restore", None, &record).ok()
}

/// For the first writes of a log to the disk.
const BEGINNING_MAX: Duration = Duration::from_secs(10);

/// There is nobody else yet.
struct Nobody;

#[async_trait::async_trait]
impl Wire for Nobody {
    async fn call(&self, to: &Peer, _: Lane, _: Vec<u8>) -> Result<Vec<u8>, Unreachable> {
        Err(Unreachable(format!("{} is not there yet", to.name)))
    }
}

/// Asks members to let this node in, and makes its `data_dir` a member's.
///
/// # Errors
/// What is wrong and what would be right; then nothing is left behind that a second try would stumble over.
pub async fn come(token: &str, newcomer: &Newcomer) -> Result<Came, Failure> {
    let mut token: Token = token.parse().map_err(failure)?;
    token.addresses.extend(newcomer.members.iter().cloned());
    if newcomer.tls.is_some() {
        return Err(Failure(String::from(
            "a token gives this node a certificate of the cluster's own CA, and its file says [node] tls: leave one of \
             them out",
        )));
    }
    if let Some(expected) = newcomer.cluster.as_deref().filter(|name| *name != token.cluster.as_str()) {
        return Err(Failure(format!(
            "this token is for the cluster \"{}\"; the configuration file says \"{expected}\"",
            token.cluster
        )));
    }
    let id = incarnation(&newcomer.data_dir, token.cluster.as_str())?;
    let key = NodeKey::generate().map_err(failure)?;
    let joined = links::join(&token, &key, &newcomer.ask(id)).await.map_err(failure)?;
    joined.install(&Folder::of(&newcomer.data_dir), &key).map_err(failure)?;
    newcomer.settle(id, joined)
}

/// The same on the strength of a certificate that somebody else has made, which the configuration file names.
///
/// # Errors
/// What is wrong and what would be right; then nothing is left behind that a second try would stumble over.
pub async fn come_certified(newcomer: &Newcomer) -> Result<Came, Failure> {
    let (Some(given), Some(cluster)) = (&newcomer.tls, &newcomer.cluster) else {
        return Err(Failure(String::from(
            "a node comes with a token (hotseat members invite prints one), or with a certificate: then its file says \
             [node] tls = { ca = \"ca.pem\", cert = \"node.pem\", key = \"node.key\" }",
        )));
    };
    if newcomer.members.is_empty() {
        return Err(Failure(String::from(
            "without a token the file has to say which members to ask: [node] join = [\"10.0.0.102:7700\"]",
        )));
    }
    let cluster = cluster_name(cluster)?;
    let id = incarnation(&newcomer.data_dir, cluster.as_str())?;
    let own = Identity::given(given, Name { cluster, node: newcomer.name.clone(), id }).map_err(failure)?;
    let joined = links::come(&own, &newcomer.members, &newcomer.ask(id)).await.map_err(failure)?;
    newcomer.settle(id, joined)
}

impl Newcomer {
    fn ask(&self, id: u64) -> JoinAsk {
        JoinAsk {
            name: self.name.clone(),
            id,
            address: self.address.to_string(),
            witness: self.witness,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The last step: from now on the folder is a member's.
    fn settle(&self, id: u64, joined: Joined) -> Result<Came, Failure> {
        let members = joined.members.iter();
        let members: Vec<_> = members
            .map(|peer| Peer { id: peer.id, name: peer.name.to_string(), address: peer.address.clone() })
            .collect();
        let through = members.iter().map(|peer| peer.name.clone()).collect::<Vec<_>>().join(", ");
        let seat = Seat::new(joined.cluster.as_str(), self.name.as_str(), id, members);
        seat.take(&self.data_dir).map_err(Failure)?;
        Ok(Came { cluster: joined.cluster.to_string(), through, config: joined.config })
    }
}

/// This disk's incarnation. A folder that is a member's already is left alone.
fn incarnation(data_dir: &std::path::Path, cluster: &str) -> Result<u64, Failure> {
    if Seat::taken(data_dir) {
        return Err(Failure(format!(
            "{0} is a member's already: start it with hotseat run -c FILE. If that member was removed, clear the folder first \
             (rm -r {0}) and join then; or give this node another data_dir",
            data_dir.display()
        )));
    }
    let folder = Seat::folder(data_dir);
    std::fs::create_dir_all(&folder).map_err(|error| Failure(format!("data_dir {}: {error}", folder.display())))?;
    raft::prepare(&folder, cluster).map_err(failure)
}

fn cluster_name(name: &str) -> Result<NodeName, Failure> {
    NodeName::new(name).map_err(failure)
}

fn failure(error: impl std::fmt::Display) -> Failure {
    Failure(error.to_string())
}

impl Came {
    /// The cluster's settings with the newcomer's own in place of those of the member that let it in.
    #[must_use]
    pub fn config_for(&self, newcomer: &Newcomer) -> String {
        let witness = if newcomer.witness { "witness  = true\n" } else { "" };
        let node = format!(
            "[node]\nname     = \"{}\"\nlisten   = \"{}\"\ndata_dir = \"{}\"\n{witness}",
            newcomer.name,
            newcomer.address,
            newcomer.data_dir.display()
        );
        match &self.config {
            Some(text) => with_node(text, &node),
            None => format!("[cluster]\nname  = \"{}\"\nstore = \"raft\"\n\n{node}", self.cluster),
        }
    }
}

/// Puts `node` in the place of the table of that name.
fn with_node(text: &str, node: &str) -> String {
    let header = |line: &str| line.trim_start().starts_with('[');
    let is_node = |line: &str| {
        let line = line.trim();
        line.starts_with("[node]") || line.starts_with("[node.")
    };
    let (mut out, mut inside, mut done) = (String::new(), false, false);
    for line in text.lines() {
        if header(line) {
            inside = is_node(line);
            if inside && !done {
                out += node;
                out.push('\n');
                done = true;
            }
        }
        if !inside {
            out += line;
            out.push('\n');
        }
    }
    if done { out } else { format!("{out}\n{node}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_gets_the_settings_with_its_own_node() {
        let came = |config: &str| Came { cluster: "c".into(), through: "n1".into(), config: Some(config.into()) };
        let newcomer = Newcomer {
            cluster: None,
            name: NodeName::new("n2").expect("a name"),
            address: "10.0.0.2:7700".parse().expect("an address"),
            witness: false,
            data_dir: PathBuf::from("/var/lib/hotseat"),
            members: Vec::new(),
            tls: None,
        };
        let text = "[cluster]\nname = \"c\"\nstore = \"raft\"\n\n[node]\nname = \"n1\"\nlisten = \"10.0.0.1:7700\"\n\
                    region = \"x\"\n\n[[group]]\nid = \"web\"\n[group.service]\ncommand = [\"x\"]\nport = 80\n";
        let got = came(text).config_for(&newcomer);
        let config = Config::parse("hotseat.toml", &got).expect("it is a whole file");
        assert_eq!((config.node.name.as_str(), config.groups.len()), ("n2", 1), "{got}");
        assert_eq!(config.node.listen.to_string(), "10.0.0.2:7700");
    }
}
