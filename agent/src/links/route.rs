//! The way to one peer on one lane: connected when there is something to say, and again when that breaks.
//!
//! ```text
//!            wanted                     connected
//!   down ───────────> dialling (backoff) ────────> up ── new certificate: a second connection, then the first drains
//!    ^                    │ failed: callers are told │
//!    └────────────────────┴──────── broken ──────────┘
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, expired};
use super::dial::dial;
use super::error::LinkError;
use super::shared::Shared;
use super::{Lane, Peer};
use crate::identity::Identity;

/// The first try is at once, the second after this, …
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// … each further one after twice as long, up to this.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Who hangs up sooner has not let us in: that counts as a failure.
const STEADY: Duration = Duration::from_secs(1);

/// A connection is replaced this long before a certificate ends, …
const AHEAD: Duration = Duration::from_secs(3_600);
/// … and tried so often while there is no newer certificate.
const AHEAD_PAUSE: Duration = Duration::from_secs(60);

/// Messages kept while there is no connection. Only fresh ones are worth anything.
const HELD_MAX: usize = 4;

#[derive(Clone)]
enum Status {
    /// How often connecting has failed, and why the last time.
    Down(u64, Option<LinkError>),
    Up(Arc<Connection>),
}

pub(super) struct Route {
    to: Mutex<Peer>,
    lane: Lane,
    status: watch::Sender<Status>,
    wanted: Notify,
    held: Mutex<VecDeque<Vec<u8>>>,
    closing: CancellationToken,
}

impl Route {
    /// Its task ends with the links.
    pub(super) fn spawn(shared: &Arc<Shared>, to: Peer, lane: Lane) -> Arc<Self> {
        let (status, closing) = (watch::Sender::new(Status::Down(0, None)), shared.closing.clone());
        let route =
            Arc::new(Self { to: Mutex::new(to), lane, status, wanted: Notify::new(), held: Mutex::default(), closing });
        let (task, shared) = (Arc::clone(&route), Arc::clone(shared));
        tokio::spawn(async move {
            tokio::select! {
                () = shared.closing.cancelled() => {}
                () = task.run(&shared) => {}
            }
        });
        route
    }

    /// Where the peer is to be found from now on.
    pub(super) fn aim(&self, to: &Peer) {
        let mut known = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != *to {
            known.clone_from(to);
        }
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(&*self.status.borrow(), Status::Up(connection) if !connection.is_over())
    }

    /// A connection that works, as far as is known. Fails with the next attempt that fails.
    pub(super) async fn connected(&self, deadline: Instant) -> Result<Arc<Connection>, LinkError> {
        let mut status = self.status.subscribe();
        let Status::Up(connection) = status.borrow_and_update().clone() else {
            return self.attempt(status, deadline).await;
        };
        if connection.is_over() { self.attempt(status, deadline).await } else { Ok(connection) }
    }

    async fn attempt(
        &self,
        mut status: watch::Receiver<Status>,
        deadline: Instant,
    ) -> Result<Arc<Connection>, LinkError> {
        self.wanted.notify_one();
        loop {
            let changed = tokio::select! {
                changed = timeout_at(deadline, status.changed()) => changed,
                () = self.closing.cancelled() => {
                    return Err(LinkError::Unreachable("this node is ending its links".to_owned()));
                }
            };
            match (changed, status.borrow_and_update().clone()) {
                (_, Status::Up(connection)) if !connection.is_over() => return Ok(connection),
                (Err(_), Status::Down(_, Some(why))) => return Err(why),
                (Err(_), _) => return Err(LinkError::Unreachable(self.not_yet())),
                // The end of a connection is told too: that is not an attempt.
                (Ok(_), Status::Down(0, _) | Status::Up(_)) => self.wanted.notify_one(),
                (Ok(_), Status::Down(_, why)) => {
                    return Err(why.unwrap_or_else(|| LinkError::Unreachable(self.not_yet())));
                }
            }
        }
    }

    fn not_yet(&self) -> String {
        let to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        format!("node \"{}\" at {}: it could not be reached in time", to.name, to.address)
    }

    /// Sends now, or as soon as there is a connection.
    pub(super) fn message(&self, body: Vec<u8>) {
        if let Status::Up(connection) = &*self.status.borrow()
            && !connection.is_over()
        {
            return connection.message(body);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == HELD_MAX {
            held.pop_front();
        }
        held.push_back(body);
        drop(held);
        self.wanted.notify_one();
        // It may have come up just now.
        self.release();
    }

    fn release(&self) {
        if let Status::Up(connection) = &*self.status.borrow()
            && !connection.is_over()
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.drain(..).for_each(|body| connection.message(body));
        }
    }

    async fn run(&self, shared: &Arc<Shared>) {
        let mut backoff = Backoff::default();
        loop {
            self.wanted.notified().await;
            sleep_until(backoff.next).await;
            // What changes while we connect has to count as a change.
            let mut identity = shared.identity.clone();
            identity.mark_unchanged();
            let began = Instant::now();
            let result = self.dial(shared).await;
            backoff.tried(began);
            match result {
                Ok(connection) => {
                    self.up(shared, identity, connection).await;
                    if began.elapsed() >= STEADY {
                        backoff = Backoff::default();
                    }
                    self.status.send_replace(Status::Down(0, None));
                }
                Err(why) => {
                    if matches!(why, LinkError::Removed(_)) {
                        backoff.rest(began);
                    }
                    self.failed(why);
                }
            }
        }
    }

    async fn dial(&self, shared: &Arc<Shared>) -> Result<Arc<Connection>, LinkError> {
        let to = self.to.lock().unwrap_or_else(PoisonError::into_inner).clone();
        dial(shared, &to, self.lane).await
    }

    fn failed(&self, why: LinkError) {
        let (times, before) = match &*self.status.borrow() {
            Status::Down(times, before) => (*times, before.clone()),
            Status::Up(_) => (0, None),
        };
        match &why {
            // Whoever asked stops over it, and says so once for all links.
            LinkError::Removed(_) => tracing::debug!("no {:?} link: {why}", self.lane),
            _ if before.as_ref() != Some(&why) => tracing::warn!("no {:?} link: {why}", self.lane),
            _ => {}
        }
        self.status.send_replace(Status::Down(times + 1, Some(why)));
    }

    /// Until there is no connection any more. Connections come and go meanwhile as certificates do.
    async fn up(
        &self,
        shared: &Arc<Shared>,
        mut identity: watch::Receiver<Arc<Identity>>,
        mut connection: Arc<Connection>,
    ) {
        let mut draining: Option<Arc<Connection>> = None;
        loop {
            self.status.send_replace(Status::Up(Arc::clone(&connection)));
            self.release();
            // Only now: a call that still found the old one finds this one next.
            draining.iter().for_each(|it| it.retire());
            tokio::select! {
                () = connection.closed() => return,
                () = due(&mut identity, draining.as_deref(), connection.met.ends) => {}
            }
            match self.dial(shared).await {
                Ok(fresh) => draining = Some(std::mem::replace(&mut connection, fresh)),
                // The old one still works; its end, or the next certificate, brings another try.
                Err(why) => tracing::warn!("{:?} link: not yet renewed: {why}", self.lane),
            }
        }
    }
}

/// When a connection is to be replaced. One at a time: the other side ends the first of three, drained or not.
async fn due(identity: &mut watch::Receiver<Arc<Identity>>, draining: Option<&Connection>, ends: Option<SystemTime>) {
    if let Some(draining) = draining {
        draining.closed().await;
    }
    tokio::select! {
        Ok(()) = identity.changed() => {}
        () = ahead(ends) => {}
    }
}

/// Some time before a certificate ends.
async fn ahead(ends: Option<SystemTime>) {
    let pause = Instant::now() + AHEAD_PAUSE;
    expired(ends.map(|ends| ends.checked_sub(AHEAD).unwrap_or(SystemTime::UNIX_EPOCH))).await;
    sleep_until(pause).await;
}

#[derive(Debug)]
struct Backoff {
    next: Instant,
    pause: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: Instant::now(), pause: PAUSE_MIN }
    }
}

impl Backoff {
    /// Counted from the beginning of a try: one that ran into its time limit has been a pause itself.
    fn tried(&mut self, began: Instant) {
        self.next = began + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// Who is not wanted does not hurry.
    fn rest(&mut self, began: Instant) {
        self.next = began + PAUSE_MAX;
        self.pause = PAUSE_MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_second() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        assert!(backoff.next <= now, "the first try is at once");
        let pauses = [(); 8].map(|()| {
            backoff.tried(now);
            (backoff.next - now).as_millis()
        });
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500, 500]);
    }
}
