//! Takes clients in, and sees each through to its end in a task of its own.

use super::carry::{carry, reset};
use super::client::{leaves, refuse};
use super::counters::Counters;
use super::course::Course;
use super::lot::{Lot, Place};
use super::reach::reach;
use super::{Limits, Route};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Without descriptors accepting fails at once, again and again, until some are closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all tasks of a proxy share.
pub(super) struct Shared {
    pub(super) lot: Lot,
    pub(super) counters: Arc<Counters>,
    limits: Limits,
}

/// The accepting side of a proxy.
pub(super) struct Acceptor {
    shared: Arc<Shared>,
    course: Course,
    room: Arc<Semaphore>,
    clients: JoinSet<()>,
    failing: bool,
}

impl Acceptor {
    pub(super) fn new(routes: watch::Receiver<Route>, limits: Limits, counters: Arc<Counters>) -> Self {
        let shared = Shared { lot: Lot::new(limits.max_parked), counters, limits };
        Self {
            shared: Arc::new(shared),
            course: Course::new(routes),
            room: Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS))),
            clients: JoinSet::new(),
            failing: false,
        }
    }

    /// Accepts until it is aborted; all connections end with it.
    pub(super) async fn run(mut self, listener: TcpListener) {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => self.take_in(client).await,
                    Err(why) => self.failed(&why).await,
                },
                Some(ended) = self.clients.join_next() => {
                    if let Err(why) = ended {
                        tracing::error!(%why, "a proxied connection ended in a panic");
                    }
                }
            }
        }
    }

    async fn take_in(&mut self, client: TcpStream) {
        self.failing = false;
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            self.shared.counters.refused();
            return reset(&client);
        };
        let arrival = self.arrival().await;
        let visit = Visit { client, _room: room, since: Instant::now(), course: self.course.clone() };
        self.clients.spawn(visit.run(Arc::clone(&self.shared), arrival));
    }

    /// Queues a client that has to wait, here and not in its task, so that the line is in order of arrival.
    async fn arrival(&mut self) -> Arrival {
        if self.course.now().target.is_some() && self.shared.lot.may_be_passed() {
            return Arrival::Direct;
        }
        match self.shared.lot.park(&self.shared.counters).await {
            Some(place) => Arrival::Parked(place),
            None => Arrival::TooMany,
        }
    }

    async fn failed(&mut self, why: &io::Error) {
        if why.kind() == io::ErrorKind::ConnectionAborted {
            return; // The client left before we came to it.
        }
        if !self.failing {
            tracing::warn!(%why, "the proxy cannot accept connections for now");
        }
        self.failing = true;
        sleep(ACCEPT_PAUSE).await;
    }
}

/// How a client came in.
enum Arrival {
    Direct,
    Parked(Place),
    TooMany,
}

/// One client, from its arrival to its end.
struct Visit {
    client: TcpStream,
    /// Given back when the visit is over.
    _room: OwnedSemaphorePermit,
    since: Instant,
    course: Course,
}

impl Visit {
    async fn run(mut self, shared: Arc<Shared>, arrival: Arrival) {
        let place = match arrival {
            Arrival::Direct => None,
            Arrival::Parked(place) => Some(place),
            Arrival::TooMany => return self.refuse(&shared).await,
        };
        let deadline = self.since + shared.limits.hold;
        let reached = tokio::select! {
            reached = reach(place, deadline, &shared, &mut self.course) => Some(reached),
            () = leaves(&self.client) => None,
        };
        shared.counters.waited(self.since.elapsed());
        match reached {
            Some(Some(reached)) => carry(self.client, reached, &shared, &mut self.course).await,
            Some(None) => self.refuse(&shared).await,
            None => {}
        }
    }

    async fn refuse(self, shared: &Shared) {
        shared.counters.refused();
        refuse(self.client).await;
    }
}
