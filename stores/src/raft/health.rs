//! How the member is: watched by a task of its own, told to whoever listens.
//!
//! It decides one thing only: a leader whose own disk has stalled hands over to a member whose disk keeps up.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use openraft::async_runtime::{Instant as _, WatchReceiver};
use tokio::sync::watch;
use tokio::time::Instant;

use super::types::{Metrics, Vote};
use super::{Inner, Raft};

/// How a member is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Who leads, as far as this node knows.
    pub leader: Option<u64>,
    /// The newest term that is known: each election has one of its own.
    pub term: u64,
    /// Whether writes can go through from here: on the leader, a majority has answered lately; elsewhere, the leader
    /// was heard lately.
    pub quorum: bool,
    /// Whether this node has, since its start, once had everything a leader had.
    pub caught_up: bool,
    /// Why this node has ended its part for good: its log is damaged, or could not be written.
    pub failure: Option<String>,
}

/// When the leader was last heard.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Option<Instant>>);

impl Heard {
    /// A message under `vote`, when `present` is the newest known.
    pub(super) fn note(&self, vote: &Vote, present: &Vote) {
        if vote.leader_id >= present.leader_id {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    fn last(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Raft {
    /// How this node is, now.
    pub fn health(&self) -> Health {
        self.0.health()
    }

    /// How this node is, from now on: the newest state, told when it changes.
    pub fn watch_health(&self) -> watch::Receiver<Health> {
        self.0.health.subscribe()
    }
}

impl Inner {
    fn health(&self) -> Health {
        let metrics = self.metrics.borrow_watched();
        Health {
            leader: metrics.current_leader,
            term: metrics.current_term,
            quorum: self.quorum(&metrics),
            caught_up: self.caught_up.load(Ordering::Acquire),
            failure: self.failure_in(&metrics),
        }
    }

    fn quorum(&self, metrics: &Metrics) -> bool {
        let lately = |ago: Duration| ago <= self.pace.election_max;
        if metrics.current_leader == Some(self.id) {
            let alone = metrics.membership_config.voter_ids().count() == 1;
            return alone || metrics.last_quorum_acked.as_ref().is_some_and(|at| lately(at.elapsed()));
        }
        metrics.current_leader.is_some() && self.heard.last().is_some_and(|at| lately(at.elapsed()))
    }

    /// Why this member takes no part any more.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure_in(&self.metrics.borrow_watched())
    }

    fn failure_in(&self, metrics: &Metrics) -> Option<String> {
        // The scribe's words name the file.
        let stopped = || metrics.running_state.as_ref().err().map(|fatal| format!("the raft store has ended: {fatal}"));
        self.scribe.failure().or_else(stopped)
    }
}

/// Brings a member that has started up to where its leader is: what it holds before is of some older moment, and an
/// empty picture is worse than none. Ends when it has, or when the member does.
pub(super) async fn arrive(member: Weak<Inner>) {
    loop {
        let Some(inner) = member.upgrade() else { return };
        if inner.level(Instant::now() + inner.timeout).await.is_ok() {
            inner.caught_up.store(true, Ordering::Release);
            inner.desk.changes.ring();
            inner.tell();
            return;
        }
        if inner.failure().is_some() {
            return;
        }
        let beat = inner.pace.heartbeat;
        drop(inner);
        tokio::time::sleep(beat).await;
    }
}

/// Watches a member. Ends with it.
pub(super) async fn vigil(member: Weak<Inner>) {
    let known = member.upgrade().map(|inner| (inner.raft.server_metrics(), inner.pace.heartbeat));
    let Some((mut server, beat)) = known else { return };
    let (mut asked, mut halfway) = (None, None);
    loop {
        // A change of the leader is told at once, the rest with the next beat; at the end changes only fail.
        if let Ok(Err(_)) = tokio::time::timeout(beat, server.changed()).await {
            tokio::time::sleep(beat).await;
        }
        let Some(inner) = member.upgrade() else { return };
        inner.relieve(&mut asked).await;
        inner.finish(&mut halfway).await;
        inner.trim().await;
        inner.tell();
    }
}

impl Inner {
    fn tell(&self) {
        let health = self.health();
        self.health.send_if_modified(|known| {
            let differs = *known != health;
            *known = health;
            differs
        });
    }

    /// A leader that cannot write hands over, to a member that has written what it has not.
    async fn relieve(&self, asked: &mut Option<Instant>) {
        let stalled = self.scribe.stalled() > self.pace.election_max;
        let lately = asked.is_some_and(|at| at.elapsed() <= self.pace.election_max);
        let heir = || heir(&self.metrics.borrow_watched());
        if stalled
            && !lately
            && let Some(heir) = heir()
        {
            *asked = Some(Instant::now());
            self.hand_over(heir).await;
        }
    }

    /// Finishes a change of the voters that its leader did not live to finish: until then two majorities are needed, and
    /// the loss of one member may be too much.
    async fn finish(&self, halfway: &mut Option<Instant>) {
        let goal = {
            let metrics = self.metrics.borrow_watched();
            let configs = metrics.membership_config.membership().get_joint_config();
            configs.last().filter(|_| metrics.state.is_leader() && configs.len() > 1).cloned()
        };
        let under_way = self.changing.try_lock().is_err();
        let Some(goal) = goal.filter(|_| !under_way) else {
            *halfway = None;
            return;
        };
        // One that was given up here may still be on its way.
        if halfway.get_or_insert_with(Instant::now).elapsed() > self.pace.election_max {
            *halfway = None;
            self.put(openraft::ChangeMembers::ReplaceAllVoters(goal), true).await;
        }
    }

    /// Has a snapshot made when the log has grown long by few, large entries.
    async fn trim(&self) {
        if self.journal.has_grown() {
            // A member that has ended makes none.
            drop(self.raft.trigger().snapshot().await);
        }
    }
}

fn heir(metrics: &Metrics) -> Option<u64> {
    if !metrics.state.is_leader() {
        return None;
    }
    let voters: Vec<u64> = metrics.membership_config.voter_ids().collect();
    let mut replicas = metrics.replication.iter().flatten();
    let keeps_up = |(id, matched): &(&u64, &Option<super::types::LogId>)| {
        **id != metrics.id && voters.contains(id) && matched.map(|it| it.index()) >= metrics.last_log_index
    };
    replicas.find(keeps_up).map(|(id, _)| *id)
}
