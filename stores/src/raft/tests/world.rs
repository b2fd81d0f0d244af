//! Members in one process, on a wire in memory that can be cut and slowed: what the tests of this folder run on.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use openraft::async_runtime::WatchReceiver;
use tempfile::TempDir;

use super::super::law::{Law, Lawless};
use super::super::open::prepare_over;
use super::super::{Lane, Pace, Peer, Raft, Settings, Unreachable, Wire, prepare};
use super::bad_disk::BadDisk;
use crate::OpenError;

pub(super) const CLUSTER: &str = "world";

/// Far more than anything here takes: a test that waits so long has failed.
pub(super) const CEILING: Duration = Duration::from_secs(60);

/// The wire between all members.
#[derive(Clone, Default)]
pub(super) struct Net(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    members: HashMap<u64, Raft>,
    /// Requests from the first to the second are lost, and so are the answers to them.
    cut: HashSet<(u64, u64)>,
    delay: Duration,
    /// Bytes that went over each lane.
    carried: HashMap<Lane, usize>,
}

struct Cable {
    net: Net,
    from: u64,
}

impl Net {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Nothing goes from `from` to `to` any more.
    pub(super) fn cut(&self, from: u64, to: u64) {
        self.state().cut.insert((from, to));
    }

    /// Nothing goes to or from `id` any more.
    pub(super) fn isolate(&self, id: u64) {
        let mut state = self.state();
        let others: Vec<u64> = state.members.keys().copied().filter(|other| *other != id).collect();
        state.cut.extend(others.iter().flat_map(|other| [(id, *other), (*other, id)]));
    }

    /// Everything goes everywhere.
    pub(super) fn heal(&self) {
        self.state().cut.clear();
    }

    /// How long each message takes, one way.
    pub(super) fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    pub(super) fn carried(&self, lane: Lane) -> usize {
        self.state().carried.get(&lane).copied().unwrap_or(0)
    }

    fn passes(&self, from: u64, to: u64) -> bool {
        !self.state().cut.contains(&(from, to))
    }
}

#[async_trait]
impl Wire for Cable {
    async fn call(&self, to: &Peer, lane: Lane, request: Vec<u8>) -> Result<Vec<u8>, Unreachable> {
        assert!(request.len() <= super::super::MESSAGE_LEN_MAX, "a request of {} bytes", request.len());
        let (from, to) = (self.from, to.id);
        *self.net.state().carried.entry(lane).or_default() += request.len();
        let delay = self.net.state().delay;
        if !self.net.passes(from, to) {
            return std::future::pending().await;
        }
        pass(delay).await;
        let member = self.net.state().members.get(&to).cloned();
        let member = member.ok_or_else(|| Unreachable(format!("{to} is down")))?;
        // Who asked may give up; what arrived is done all the same.
        let answer = tokio::spawn(async move { member.answer(from, &request).await }).await;
        let answer = answer.map_err(|panic| Unreachable(panic.to_string()))?;
        pass(delay).await;
        if !self.net.passes(to, from) {
            return std::future::pending().await;
        }
        Ok(answer)
    }
}

/// The shortest sleep is a millisecond; no delay is none.
async fn pass(delay: Duration) {
    if delay > Duration::ZERO {
        tokio::time::sleep(delay).await;
    }
}

/// One member and its folder.
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) raft: Raft,
    pub(super) folder: PathBuf,
}

/// Some members of one cluster.
pub(super) struct World {
    pub(super) net: Net,
    pub(super) nodes: Vec<Node>,
    pub(super) timeout: Duration,
    pub(super) pace: Pace,
    law: Arc<dyn Law>,
    place: TempDir,
}

impl World {
    pub(super) fn new() -> World {
        World {
            net: Net::default(),
            nodes: Vec::new(),
            timeout: Duration::from_secs(10),
            // Forgiving: the machine is shared, and what is tested is not how fast it is.
            pace: Pace::of(Duration::from_secs(2)),
            law: Arc::new(Lawless),
            place: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn with_law(law: impl Law) -> World {
        World { law: Arc::new(law), ..World::new() }
    }

    /// A founded cluster of so many voters; the first leads.
    pub(super) async fn of(count: usize) -> World {
        World::new().grown(count).await
    }

    pub(super) async fn grown(mut self, count: usize) -> World {
        self.begin().await;
        self.grow(count).await;
        self
    }

    /// The first member, with a cluster of its own.
    pub(super) async fn begin(&mut self) {
        self.add().await;
        self.nodes[0].raft.bootstrap("n0", "n0:1").await.unwrap();
        self.caught_up(0).await;
    }

    /// Adds voters until there are so many.
    pub(super) async fn grow(&mut self, count: usize) {
        while self.nodes.len() < count {
            let at = self.add().await;
            self.join(at).await;
        }
    }

    /// Makes a learner and then a voter of a member.
    pub(super) async fn join(&mut self, at: usize) {
        let peer = self.peer(at);
        self.nodes[0].raft.add_learner(peer.clone()).await.unwrap();
        let raft = self.nodes[0].raft.clone();
        eventually("a learner catches up", async || {
            let members = raft.census().await.unwrap_or_default();
            members.iter().any(|member| member.peer.id == peer.id && member.caught_up())
        })
        .await;
        self.nodes[0].raft.promote(peer.id).await.unwrap();
        self.caught_up(at).await;
    }

    pub(super) fn peer(&self, at: usize) -> Peer {
        Peer { id: self.nodes[at].id, name: format!("n{at}"), address: format!("n{at}:1") }
    }

    /// One more member, in a folder of its own; it belongs to no cluster yet.
    pub(super) async fn add(&mut self) -> usize {
        let folder = self.place.path().join(format!("{}", self.nodes.len()));
        let id = prepare(&folder, CLUSTER).unwrap();
        let raft = Raft::open(self.settings(id, &folder)).await.unwrap();
        self.take_in(id, raft, folder)
    }

    /// As [`World::add`], with the log on a disk that can be made bad.
    pub(super) async fn add_on(&mut self, disk: &BadDisk) -> usize {
        let folder = self.place.path().join(format!("{}", self.nodes.len()));
        std::fs::create_dir_all(&folder).unwrap();
        let (log, found) = disk.open().unwrap();
        let id = prepare_over(&log, &found, &folder, CLUSTER).unwrap();
        drop(log);
        let raft = self.open_on(disk, id, &folder).await.unwrap();
        self.take_in(id, raft, folder)
    }

    pub(super) async fn open_on(&self, disk: &BadDisk, id: u64, folder: &std::path::Path) -> Result<Raft, OpenError> {
        let (log, found) = disk.open()?;
        Raft::start(self.settings(id, folder), log, found).await
    }

    fn take_in(&mut self, id: u64, raft: Raft, folder: PathBuf) -> usize {
        self.net.state().members.insert(id, raft.clone());
        self.nodes.push(Node { id, raft, folder });
        self.nodes.len() - 1
    }

    pub(super) fn settings(&self, id: u64, folder: &std::path::Path) -> Settings {
        Settings {
            cluster: CLUSTER.to_owned(),
            id,
            folder: folder.to_owned(),
            wire: Arc::new(Cable { net: self.net.clone(), from: id }),
            law: self.law.clone(),
            pace: self.pace,
            timeout: self.timeout,
        }
    }

    /// Stops a member; its folder stays.
    pub(super) async fn stop(&self, at: usize) {
        self.net.state().members.remove(&self.nodes[at].id);
        self.nodes[at].raft.close().await;
    }

    /// Starts a stopped member from its folder.
    pub(super) async fn start(&mut self, at: usize) {
        let settings = self.settings(self.nodes[at].id, &self.nodes[at].folder);
        self.put(at, Raft::open(settings).await.unwrap());
    }

    /// Puts a member in the place of a stopped one.
    pub(super) fn put(&mut self, at: usize, raft: Raft) {
        self.net.state().members.insert(self.nodes[at].id, raft.clone());
        self.nodes[at].raft = raft;
    }

    pub(super) async fn caught_up(&self, at: usize) {
        let mut health = self.nodes[at].raft.watch_health();
        let caught_up = health.wait_for(|health| health.caught_up);
        tokio::time::timeout(CEILING, caught_up).await.expect("a member catches up").unwrap();
    }

    /// Has a member make a snapshot and drop the log before it.
    pub(super) async fn compact(&self, at: usize) {
        let inner = &self.nodes[at].raft.0;
        let upto = inner.desk.records().applied();
        inner.raft.trigger().snapshot().await.unwrap();
        eventually("a snapshot", async || inner.metrics.borrow_watched().snapshot >= upto).await;
        inner.raft.trigger().purge_log(upto.unwrap().index()).await.unwrap();
        eventually("a short log", async || inner.metrics.borrow_watched().purged >= upto).await;
    }

    pub(super) fn term(&self, at: usize) -> u64 {
        self.nodes[at].raft.0.metrics.borrow_watched().current_term
    }

    /// Waits until a majority agrees on who leads and it is none of `except`; returns which.
    pub(super) async fn leader(&self, except: &[usize]) -> usize {
        let within = async {
            loop {
                let told: Vec<_> = self.nodes.iter().filter_map(|node| node.raft.leader()).collect();
                for (at, node) in self.nodes.iter().enumerate() {
                    let agreed = told.iter().filter(|leader| **leader == node.id).count();
                    let itself = node.raft.leader() == Some(node.id);
                    if itself && agreed > self.nodes.len() / 2 && !except.contains(&at) {
                        return at;
                    }
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(CEILING, within).await.expect("there is a leader")
    }
}

/// Waits until something is so.
pub(super) async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(CEILING, wait).await.unwrap_or_else(|_| panic!("never so: {what}"));
}
