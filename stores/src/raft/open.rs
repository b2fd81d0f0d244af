//! From a data folder to a member at work, and back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use openraft::{Config, SnapshotPolicy, StepDownPolicy};
use tokio::sync::watch;

use super::disk::{Disk, Found, Owner};
use super::health::{Health, Heard};
use super::journal::Journal;
use super::law::Law;
use super::machine::{Desk, Machine};
use super::pace::Pace;
use super::records::Records;
use super::road::Roads;
use super::scribe::Scribe;
use super::shelf::Shelf;
use super::types::Consensus;
use super::wire::Wire;
use super::{Inner, Raft};
use crate::OpenError;

/// A snapshot is made after so many entries: a start applies no more than these.
const SNAPSHOT_AFTER: u64 = 4096;

/// Entries that stay in the log behind a snapshot, for members that were away for a moment.
const KEPT_ENTRIES: u64 = 512;

/// Entries in one message to a member; their bytes have a limit of their own.
const SENT_ENTRIES_MAX: u64 = 512;

/// Writes that may wait for openraft to take them in.
const WAITING_MAX: u64 = 4096;

/// For one piece of a snapshot, on the slowest road that is still one; the last piece is answered when the snapshot
/// is on the other's disk.
const PIECE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long [`Raft::close`] waits for the disk at most: longer than any write that will still end.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// What a member is opened with.
#[derive(Clone)]
pub struct Settings {
    /// The cluster's name; a folder belongs to one cluster.
    pub cluster: String,
    /// Who this is: what [`prepare`] said of the folder.
    pub id: u64,
    /// Where the log and the snapshot are; nobody else writes there.
    pub folder: PathBuf,
    /// The road to the others.
    pub wire: Arc<dyn Wire>,
    /// What may be written.
    pub law: Arc<dyn Law>,
    /// How fast a lost leader is noticed.
    pub pace: Pace,
    /// How long a call of the store may take.
    pub timeout: Duration,
}

/// Makes `folder` one of the cluster's, if it is not, and tells who it is: a random number that is lost with the
/// folder, so that a wiped disk is a new member, which has promised nothing (B2).
///
/// Blocks on the disk; for a large log about as long as reading it takes.
///
/// # Errors
/// [`OpenError`], naming the file.
pub fn prepare(folder: &Path, cluster: &str) -> Result<u64, OpenError> {
    let (disk, found) = Disk::open(folder)?;
    prepare_over(&disk, &found, folder, cluster)
}

pub(super) fn prepare_over(disk: &Disk, found: &Found, folder: &Path, cluster: &str) -> Result<u64, OpenError> {
    if let Some(owner) = &found.owner {
        belongs(owner, cluster, disk.path())?;
        return Ok(owner.id);
    }
    let snapshot = Shelf::new(folder).path();
    if found.vote.is_some() || found.last.is_some() || snapshot.exists() {
        return Err(OpenError::Refused(format!(
            "{} holds a part of a node's data, the rest is gone. Take the folder away and let the node join anew",
            folder.display()
        )));
    }
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| OpenError::Unavailable(format!("no random bytes: {error}")))?;
    let id = u64::from_le_bytes(bytes).max(1);
    own(disk, &Owner { cluster: cluster.to_owned(), id }).map_err(|error| OpenError::Refused(error.to_string()))?;
    Ok(id)
}

fn own(disk: &Disk, owner: &Owner) -> std::io::Result<()> {
    let mut batch = disk.begin()?;
    batch.owner(owner)?;
    batch.commit()
}

fn belongs(owner: &Owner, cluster: &str, path: &Path) -> Result<(), OpenError> {
    if owner.cluster == cluster {
        return Ok(());
    }
    Err(OpenError::Refused(format!(
        "{} belongs to the cluster \"{}\", not to \"{cluster}\": give this node a data folder of its own",
        path.display(),
        owner.cluster
    )))
}

impl Raft {
    /// Takes up a member where it stopped; one that never joined waits for a leader, or for [`Raft::bootstrap`].
    ///
    /// # Errors
    /// [`OpenError`], naming the file: nothing is used that cannot be trusted.
    pub async fn open(settings: Settings) -> Result<Raft, OpenError> {
        let folder = settings.folder.clone();
        let opened = tokio::task::spawn_blocking(move || Disk::open(&folder)).await;
        let (disk, found) =
            opened.map_err(|panic| OpenError::Refused(format!("the log cannot be opened: {panic}")))??;
        Self::start(settings, disk, found).await
    }

    pub(super) async fn start(settings: Settings, disk: Disk, found: Found) -> Result<Raft, OpenError> {
        let owner = found.owner.as_ref().ok_or_else(|| unprepared(&settings.folder))?;
        belongs(owner, &settings.cluster, disk.path())?;
        if owner.id != settings.id {
            return Err(OpenError::Refused(format!(
                "{} is of the node {:016x}, not of {:016x}: use the id that `prepare` gives",
                disk.path().display(),
                owner.id,
                settings.id
            )));
        }
        let shelf = Shelf::new(&settings.folder);
        whole(&shelf, &found)?;
        let inner = Arc::new(assemble(settings, disk, &found, shelf).await?);
        tokio::spawn(super::health::vigil(Arc::downgrade(&inner)));
        tokio::spawn(super::health::arrive(Arc::downgrade(&inner)));
        Ok(Raft(inner))
    }

    /// Stops taking part and lets go of the files. Every later call fails.
    pub async fn close(&self) {
        let mut ended = self.0.scribe.ended();
        // It says only that the task was gone already.
        drop(self.0.raft.shutdown().await);
        self.0.scribe.close();
        let gone = async {
            ended.wait_for(|ended| *ended).await.ok();
            while self.0.journal.in_use() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(CLOSE_TIME_MAX, gone).await.unwrap_or(());
    }
}

fn unprepared(folder: &Path) -> OpenError {
    OpenError::Refused(format!("{} is no node's data folder yet: `prepare` makes it one", folder.display()))
}

/// The log begins where the snapshot ends, or before.
fn whole(shelf: &Shelf, found: &Found) -> Result<(), OpenError> {
    let kept = shelf.load().map_err(|error| OpenError::Refused(error.to_string()))?;
    let upto = kept.and_then(|(meta, _)| meta.last_log_id);
    if upto >= found.purged {
        return Ok(());
    }
    Err(OpenError::Refused(format!(
        "the snapshot {} is missing or too old for the log beside it. Take the data folder away and let this node join \
         anew",
        shelf.path().display()
    )))
}

async fn assemble(settings: Settings, disk: Disk, found: &Found, shelf: Shelf) -> Result<Inner, OpenError> {
    let config = config(&settings)?;
    let disk = Arc::new(disk);
    let desk = Arc::new(Desk::new(Records::new(settings.law), shelf));
    let refused = |error: &dyn std::fmt::Display| OpenError::Refused(format!("the raft store cannot start: {error}"));
    let scribe = Scribe::start(disk.clone()).map_err(|error| refused(&error))?;
    let journal = Journal::new(&disk, scribe.clone(), found);
    drop(disk);
    let book = Arc::new(OnceLock::new());
    let roads = Roads { wire: settings.wire.clone(), book: book.clone(), patience: settings.pace.election_max };
    let machine = Machine(desk.clone());
    let raft = Consensus::build(settings.id, Arc::new(config), roads, journal.clone(), machine).await;
    let raft = raft.map_err(|error| refused(&error))?;
    let metrics = raft.metrics();
    // Nobody else has set it.
    drop(book.set(metrics.clone()));
    raft.run();
    Ok(Inner {
        id: settings.id,
        raft,
        metrics,
        wire: settings.wire,
        desk,
        journal,
        scribe,
        inbox: Default::default(),
        heard: Heard::default(),
        caught_up: AtomicBool::new(false),
        changing: tokio::sync::Mutex::default(),
        health: watch::Sender::new(Health::default()),
        pace: settings.pace,
        timeout: settings.timeout,
    })
}

fn config(settings: &Settings) -> Result<Config, OpenError> {
    let pace = settings.pace;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let config = Config {
        cluster_name: settings.cluster.clone(),
        heartbeat_interval: millis(pace.heartbeat),
        election_timeout_min: millis(pace.election_min),
        election_timeout_max: millis(pace.election_max),
        install_snapshot_timeout: millis(PIECE_TIME_MAX),
        max_payload_entries: SENT_ENTRIES_MAX,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(SNAPSHOT_AFTER),
        replication_lag_threshold: 2 * SNAPSHOT_AFTER,
        max_in_snapshot_log_to_keep: KEPT_ENTRIES,
        purge_batch_size: KEPT_ENTRIES,
        api_channel_size: Some(WAITING_MAX),
        removed_leader_step_down: StepDownPolicy::After(millis(pace.election_max)),
        // Check-quorum: a leader that hears no majority falls silent, so that those who hear each other elect.
        quorum_loss_probe_interval: Some(2 * millis(pace.election_max)),
        enable_pre_vote: Some(true),
        // A member that is down costs a call now and then; one that comes back is noticed soon.
        backoff: format!("{0}ms {0}ms ...{0}ms", millis(pace.heartbeat)),
        // A member whose disk has gone back has broken its word. openraft would end the *leader* over it, one after the
        // other: rather the one that lies is brought up to date again.
        allow_log_reversion: Some(true),
        // What was applied is not written down, so a leader that starts again has to be elected again.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config.validate().map_err(|error| OpenError::Refused(format!("the pace of the raft store cannot be: {error}")))
}

/// Used where a map of one is asked for.
pub(super) fn alone(peer: super::Peer) -> BTreeMap<u64, super::Peer> {
    BTreeMap::from([(peer.id, peer)])
}
