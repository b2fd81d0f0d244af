//! From a member's `data_dir` to a member at work: its identity, its links, its part of the log.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hotseat_core::{NodeName, SessionId, VoterConfig, VoterId};
use hotseat_stores::raft::{self, Pace, Peer, Raft};
use hotseat_stores::{OpenError, Store};
use tokio::sync::{mpsc, watch};

use super::enrol::enter;
use super::facts::Facts;
use super::knock::knock;
use super::law::Statute;
use super::promises::Promises;
use super::reception::Reception;
use super::road::Road;
use super::roll::{Assembly, Member};
use super::seat::Seat;
use super::steward::{Steward, peer, voters};
use super::voting::Voting;
use crate::config::Config;
use crate::driver::Message;
use crate::identity::{Folder, Keeper, Name, Source};
use crate::links::{self, Limits, Links};
use crate::run::Failure;

/// Between two tries to be entered on the roll.
const PAUSE: Duration = Duration::from_millis(200);

/// For the member that leads the log to give us a vote.
const VOTE_MAX: Duration = Duration::from_secs(10);

/// For another to lead the log; without it there is an election, which is as safe and a little slower.
const HANDING_OVER_MAX: Duration = Duration::from_millis(500);

/// How long to wait in silence before people are told what for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A member at work.
pub struct Embedded {
    /// The log.
    pub raft: Arc<Raft>,
    /// The links to the others.
    pub links: Links,
    /// Who comes in.
    pub reception: Arc<Reception>,
    /// This incarnation.
    pub own: VoterId,
    /// Looks after the certificate.
    pub keeper: Arc<Keeper>,
    /// Who belongs to the cluster and who votes, as far as this node knows.
    pub assembly: watch::Receiver<Arc<Assembly>>,
    assembly_sender: watch::Sender<Arc<Assembly>>,
    removed: watch::Sender<Arc<BTreeSet<u64>>>,
    promises: Promises,
    promised: BTreeSet<SessionId>,
    members: Vec<Peer>,
}

/// Opens what is on the disk. Nothing is asked of anybody yet; connections may come in from now on.
///
/// # Errors
/// What is wrong, and what to do.
pub async fn open(config: &Config, own: SocketAddr, text: Option<String>) -> Result<Embedded, Failure> {
    let data_dir = &config.node.data_dir;
    let node = &config.node.name;
    let seat = Seat::of(data_dir, &config.cluster.name, node.as_str()).map_err(Failure)?;
    let promises = Promises::at(&Seat::folder(data_dir));
    let promised = promises.load().map_err(Failure)?;
    let keeper = Arc::new(Keeper::open(source(config, &seat, own)?).map_err(|error| Failure(error.to_string()))?);
    links::wake_up(&keeper).await;
    let (removed, removed_now) = watch::channel(Arc::default());
    let reception = Arc::new(Reception::new(text, seat.members.clone()));
    let limits = Limits { silence: config.cluster.timing.ttl(), ..Limits::default() };
    let links = Links::new(keeper.watch(), removed_now, Arc::clone(&reception) as Arc<dyn links::Handler>, limits);
    let raft = Arc::new(log(config, &seat, links.clone()).await?);
    reception.log(Arc::clone(&raft));
    let (assembly_sender, assembly) = watch::channel(Arc::default());
    tokio::spawn(Arc::clone(&keeper).run());
    let (own, members) = (seat.id(), seat.members);
    Ok(Embedded {
        raft,
        links,
        reception,
        own,
        keeper,
        assembly,
        assembly_sender,
        removed,
        promises,
        promised,
        members,
    })
}

fn source(config: &Config, seat: &Seat, own: SocketAddr) -> Result<Source, Failure> {
    let cluster = NodeName::new(&config.cluster.name).map_err(|error| Failure(error.to_string()))?;
    let node = config.node.name.clone();
    let folder = Folder::of(&config.node.data_dir);
    let name = Name { cluster: cluster.clone(), node: node.clone(), id: seat.id().0 };
    if let Some(given) = &config.node.tls {
        return Ok(Source::Given(given.clone(), name));
    }
    if folder.inhabited() {
        return Ok(Source::Own(folder, cluster, node));
    }
    Err(Failure(format!(
        "{} holds no certificate for this node ({own}): join anew, with a data_dir of its own",
        config.node.data_dir.display()
    )))
}

async fn log(config: &Config, seat: &Seat, links: Links) -> Result<Raft, Failure> {
    let settings = raft::Settings {
        cluster: config.cluster.name.clone(),
        id: seat.id().0,
        folder: Seat::folder(&config.node.data_dir),
        wire: Arc::new(Road(links)),
        law: Arc::new(Statute),
        pace: Pace::of(config.cluster.timing.ttl()),
        timeout: config.cluster.timing.store_timeout(),
    };
    Raft::open(settings).await.map_err(|error| match error {
        OpenError::Refused(why) | OpenError::Unavailable(why) => Failure(format!("[cluster] store: {why}")),
    })
}

impl Embedded {
    /// What this node is as a voter.
    #[must_use]
    pub fn voter(&self) -> VoterConfig {
        VoterConfig { promises: self.promised.clone() }
    }

    /// For whoever tells of the members.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts {
            raft: Arc::clone(&self.raft),
            reception: Arc::clone(&self.reception),
            assembly: self.assembly.clone(),
            links: self.links.clone(),
            own: self.own,
            keeper: Arc::clone(&self.keeper),
        }
    }

    /// Waits until this node has everything the log had at its start, and stands on the roll with its present address.
    ///
    /// # Errors
    /// When the cluster does not take this node.
    pub async fn come_in(&self, config: &Config, own: SocketAddr) -> Result<(), Failure> {
        let member = Member {
            name: config.node.name.to_string(),
            address: own.to_string(),
            witness: config.node.witness,
            removed: false,
        };
        let began = tokio::time::Instant::now();
        let mut told = false;
        loop {
            let entered = match self.raft.list().await {
                Ok(_) => enter(&self.raft, self.own, &member).await,
                Err(_) => knock(&self.raft, &self.links, self.own, &self.members, &member).await,
            };
            match entered {
                Ok(()) if self.raft.list().await.is_ok() => return self.get_a_vote().await,
                Err(why) if why.is_final() => return Err(Failure(why.to_string())),
                entered if began.elapsed() > PATIENCE && !told => {
                    told = true;
                    let why =
                        entered.err().map_or_else(|| String::from("the log is on its way"), |why| why.to_string());
                    tracing::warn!("waiting for a majority of the cluster: {why}");
                }
                Ok(()) | Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// While one member votes alone, the next one does so before it does anything else: until then the loss of that one
    /// would be the loss of all.
    async fn get_a_vote(&self) -> Result<(), Failure> {
        let mut hints = self.raft.watch();
        let deadline = tokio::time::Instant::now() + VOTE_MAX;
        loop {
            let entries = self.raft.list().await.unwrap_or_default();
            let lonely = voters(&entries).is_some_and(|(_, it)| it.voters.len() == 1 && !it.voters.contains(&self.own));
            if !lonely || tokio::time::timeout_at(deadline, hints.next()).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Starts what runs beside the loop; gives the loop its hand among the voters.
    pub fn begin(&self, config: &Config, inbox: &mpsc::Sender<Message>) -> Voting {
        self.reception.open(inbox.clone(), self.assembly.clone());
        let steward = Steward {
            raft: Arc::clone(&self.raft),
            own: self.own,
            node: config.node.name.to_string(),
            replace_after: config.cluster.replace_after,
            inbox: inbox.clone(),
            assembly: self.assembly_sender.clone(),
            removed: self.removed.clone(),
            began: std::time::Instant::now(),
            links: self.links.clone(),
        };
        tokio::spawn(steward.run());
        tokio::spawn(links::keep_fresh(Arc::clone(&self.keeper), self.links.clone(), self.peers()));
        Voting::new(self.own, self.links.clone(), Arc::clone(&self.raft), self.promises.clone(), inbox.clone())
    }

    /// Goes out in order: if this node leads the log, somebody else is asked to, so that nobody waits for an election.
    pub async fn leave(&self) {
        let others = self.assembly.borrow().voters.clone();
        let heard = |id: &VoterId| self.reception.silent(id.0).is_some_and(|silent| silent < HANDING_OVER_MAX);
        if let Some(heir) = others.into_iter().filter(|id| *id != self.own).find(heard)
            && self.raft.leader() == Some(self.own.0)
        {
            let mut health = self.raft.watch_health();
            let handed = async {
                drop(self.raft.transfer(heir.0).await);
                drop(health.wait_for(|health| health.leader.is_some_and(|id| id != self.own.0)).await);
            };
            drop(tokio::time::timeout(HANDING_OVER_MAX, handed).await);
        }
        self.raft.close().await;
        self.links.close();
    }

    /// The other members as the links know them, now and later.
    fn peers(&self) -> watch::Receiver<Vec<links::Peer>> {
        let (sender, peers) = watch::channel(Vec::new());
        let (mut assembly, own) = (self.assembly.clone(), self.own);
        tokio::spawn(async move {
            loop {
                let others =
                    assembly.borrow_and_update().roll.present().filter(|(id, _)| *id != own).filter_map(peer).collect();
                sender.send_replace(others);
                if assembly.changed().await.is_err() || sender.is_closed() {
                    return;
                }
            }
        });
        peers
    }
}
