//! Takes clients in, and sees each through to its end in a task of its own.

use super::carry::{First, carry, first, reset};
use super::client::{leaves, refuse};
use super::counters::Counters;
use super::course::Course;
use super::gate::{Entered, Gate};
use super::http::{Pools, serve_1, serve_2};
use super::lot::{Lot, Place, Slot};
use super::preamble::Ends;
use super::reach::{Reached, reach};
use super::redirect::Redirect;
use super::speech::{Speech, listen};
use super::stream::{Heard, Stream};
use super::{Limits, Protocol};
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Without descriptors accepting fails at once, again and again, until some are closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A client that speaks first has spoken by then, on all but the longest lines; who is silent may wait for the service.
const FIRST_WORDS: Duration = Duration::from_millis(25);
/// Bytes of bodies that are kept to be sent again, of all requests together.
const ROOM: usize = 16 << 20;

/// What all tasks of a proxy share.
pub(super) struct Shared {
    pub(super) lot: Lot,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Limits,
    pub(super) gate: Gate,
    pub(super) pools: Pools,
    /// For bodies of requests.
    pub(super) room: Arc<Semaphore>,
    /// Where requests go that are not carried, if there are any.
    pub(super) redirect: Option<Redirect>,
}

impl Shared {
    pub(super) fn new(limits: Limits, gate: Gate, counters: Arc<Counters>) -> Self {
        let room = Arc::new(Semaphore::new(ROOM));
        let pools = Pools::new(gate.send.is_none());
        Self { lot: Lot::new(limits.max_parked), counters, limits, gate, pools, room, redirect: None }
    }

    /// Queues whoever has to wait; who has a slot is not refused.
    pub(super) async fn arrival(&self, course: &mut Course, slot: Option<Slot>) -> Arrival {
        if course.coming().is_some() && self.lot.may_be_passed() {
            return Arrival::Direct;
        }
        if let Some(slot) = slot {
            return Arrival::Parked(self.lot.queue(slot).await);
        }
        match self.lot.park(&self.counters).await {
            Some(place) => Arrival::Parked(place),
            None => Arrival::TooMany,
        }
    }
}

/// How somebody came in.
pub(super) enum Arrival {
    Direct,
    Parked(Place),
    TooMany,
}

/// Where a client came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) ends: Ends,
    /// Whether nobody could listen.
    pub(super) secure: bool,
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
    pub(super) fn new(shared: Arc<Shared>, course: Course) -> Self {
        let room = shared.limits.max_connections.min(Semaphore::MAX_PERMITS);
        Self { shared, course, room: Arc::new(Semaphore::new(room)), clients: JoinSet::new(), failing: false }
    }

    /// Accepts until it is aborted; all connections end with it.
    pub(super) async fn run(mut self, listener: TcpListener) {
        let mut routes = self.course.clone();
        let mut tidying = interval(super::http::IDLE_MAX);
        tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                () = routes.change() => self.shared.pools.tidy(&mut routes),
                _ = tidying.tick() => self.shared.pools.tidy(&mut routes),
            }
        }
    }

    async fn take_in(&mut self, client: TcpStream) {
        self.failing = false;
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            self.shared.counters.refused();
            return reset(&client);
        };
        let (shared, mut course) = (Arc::clone(&self.shared), self.course.clone());
        if !shared.gate.is_open() {
            self.clients.spawn(Visit::behind_the_gate(client, room, shared, course));
            return;
        }
        let Ok(ends) = Ends::of(&client) else { return };
        // Here and not in its task, so that the line is in order of arrival.
        let visit = Visit::begin(room, &shared, &mut course).await;
        self.clients.spawn(visit.run(client, Origin { ends, secure: false }, shared, course));
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

/// One client, from its arrival to its end.
struct Visit {
    /// Given back when the visit is over.
    _room: OwnedSemaphorePermit,
    since: Instant,
    arrival: Arrival,
}

impl Visit {
    async fn begin(room: OwnedSemaphorePermit, shared: &Shared, course: &mut Course) -> Self {
        let arrival = match shared.limits.protocol {
            Protocol::Http => Arrival::Direct,
            Protocol::Auto | Protocol::Tcp => shared.arrival(course, None).await,
        };
        Self { _room: room, since: Instant::now(), arrival }
    }

    /// A client that has to come through the gate first: it takes its place in the line once it is through.
    async fn behind_the_gate(client: TcpStream, room: OwnedSemaphorePermit, shared: Arc<Shared>, mut course: Course) {
        let Some(entered) = shared.gate.enter(client).await else { return shared.counters.refused() };
        let visit = Self::begin(room, &shared, &mut course).await;
        match entered {
            Entered::Plain(client, from) => visit.run(client, from, shared, course).await,
            Entered::Secure(client, from) => visit.run(*client, from, shared, course).await,
        }
    }

    /// Finds out what the client speaks, and does that.
    async fn run<S: Stream>(mut self, client: S, from: Origin, shared: Arc<Shared>, mut course: Course) {
        let mut client = Heard::new(client);
        let speech = match shared.limits.protocol {
            Protocol::Tcp => Ok(Speech::Other),
            Protocol::Auto => listen(&mut client, self.since + FIRST_WORDS).await,
            Protocol::Http => listen(&mut client, self.since + shared.limits.quiet).await,
        };
        match (speech, shared.limits.protocol) {
            // Each of its requests waits for itself.
            (Ok(Speech::Http2), _) => {
                drop(self.leave_line());
                serve_2(client, from, &shared, &course).await;
            }
            // So does each of these; the first has begun, and nobody who came later is let in instead.
            (Ok(Speech::Http1), _) => {
                let slot = self.leave_line();
                serve_1(client, from, slot, &shared, &course).await;
            }
            (Ok(_), Protocol::Http) => reset(client.socket()),
            (Ok(speech), Protocol::Auto | Protocol::Tcp) => {
                self.carry(client, speech, from, &shared, &mut course).await;
            }
            (Err(_broken), _) => {}
        }
    }

    /// Lets others pass who are ready to go.
    fn leave_line(&mut self) -> Option<Slot> {
        match mem::replace(&mut self.arrival, Arrival::Direct) {
            Arrival::Parked(place) => Some(place.leave_line()),
            Arrival::Direct | Arrival::TooMany => None,
        }
    }

    /// Bytes, both ways; unless it turns out that a client was only slow to speak.
    async fn carry<S: Stream>(
        self,
        mut client: Heard<S>,
        speech: Speech,
        from: Origin,
        shared: &Arc<Shared>,
        course: &mut Course,
    ) {
        let unclear = speech == Speech::Unclear;
        let Self { _room, since, mut arrival } = self;
        loop {
            let Some(reached) = arrive(arrival, since, &client, shared, course).await else {
                return;
            };
            let Some(mut reached) = reached else {
                shared.counters.refused();
                return refuse(client).await;
            };
            // If it fails, so does the first read or write: that is where it is dealt with.
            let _gone = shared.gate.introduce(&mut reached.server, from.ends).await;
            if !unclear {
                return carry(client, reached, since, shared, course).await;
            }
            match first(&mut client, &reached, course).await {
                First::Http1 => {
                    drop(reached);
                    return serve_1(client, from, None, shared, course).await;
                }
                First::Http2 => {
                    drop(reached);
                    return serve_2(client, from, shared, course).await;
                }
                First::Other => return carry(client, reached, since, shared, course).await,
                // Nothing was said by anybody: the next leader will do as well.
                First::Over => arrival = shared.arrival(course, None).await,
            }
        }
    }
}

/// Reaches a service for a client: none at the end of its patience; nothing at all if the client leaves.
async fn arrive<S: Stream>(
    arrival: Arrival,
    since: Instant,
    client: &Heard<S>,
    shared: &Shared,
    course: &mut Course,
) -> Option<Option<Reached>> {
    let place = match arrival {
        Arrival::Direct => None,
        Arrival::Parked(place) => Some(place),
        Arrival::TooMany => return Some(None),
    };
    let reached = tokio::select! {
        reached = reach(place, since + shared.limits.hold, shared, course) => Some(reached),
        () = leaves(client) => None,
    };
    shared.counters.waited(since.elapsed());
    reached
}
