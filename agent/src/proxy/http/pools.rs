//! Connections to services that wait for their next request, and requests that are under way, for each way its own.
//!
//! A connection is used for the way it was made for and no other. When that way does not stand any more the waiting
//! ones are closed at once, and those in use when their request is over.

use super::link::{Link, Lone};
use super::offer::Offer;
use crate::proxy::course::Course;
use crate::proxy::route::Way;
use hyper::client::conn::http2;
use hyper::header::HeaderValue;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Shorter than the patience of most servers (5 s and more), so that it is not them who close first.
pub(in crate::proxy) const IDLE_MAX: Duration = Duration::from_secs(4);
/// Connections to one service that wait: as many as are likely to be of use again soon.
const IDLE_EACH_MAX: usize = 1024;

/// All ways that are in use.
pub(in crate::proxy) struct Pools {
    /// Whether a connection is good for whatever request comes next, and not for one client's alone.
    keep: bool,
    ways: Mutex<Vec<Arc<Upstream>>>,
    /// Told when the last request of a way is over.
    quiet: Arc<Notify>,
}

impl Pools {
    /// With `keep`, connections wait for their next request, whoever asks.
    pub(in crate::proxy) fn new(keep: bool) -> Self {
        Self { keep, ways: Mutex::default(), quiet: Arc::default() }
    }

    /// Counts a request as under way. Only after that, ask whether the way still stands: so that nobody who saw that it
    /// does not, and nothing under way, can be wrong.
    pub(super) fn enter(&self, way: &Way, course: &Course) -> Seat {
        let mut ways = lock(&self.ways);
        let known = ways.iter().find(|upstream| upstream.way == *way && !upstream.course.news());
        let upstream = known.cloned().unwrap_or_else(|| {
            let upstream = Arc::new(Upstream::new(way.clone(), course.clone(), self));
            ways.push(Arc::clone(&upstream));
            upstream
        });
        upstream.busy.fetch_add(1, SeqCst);
        Seat { upstream, counted: true }
    }

    /// Closes what waits for requests that will not come: all of it on ways that do not stand, the old elsewhere.
    pub(in crate::proxy) fn tidy(&self, course: &mut Course) {
        lock(&self.ways).retain(|upstream| {
            let lasts = course.stands(&upstream.way) && !upstream.course.news();
            upstream.tidy(lasts);
            lasts || upstream.busy.load(SeqCst) > 0
        });
    }

    /// Waits until no request is under way to a leader of this epoch or an earlier one, and none will be.
    pub(in crate::proxy) async fn drained(&self, epoch: u64, course: &mut Course) {
        loop {
            let quiet = self.quiet.notified();
            if course.has_left(epoch) && !self.is_busy(epoch, course) {
                return;
            }
            tokio::select! {
                () = quiet => {}
                () = course.change() => {}
            }
        }
    }

    fn is_busy(&self, epoch: u64, course: &mut Course) -> bool {
        let ways = lock(&self.ways);
        let mut left = ways.iter().filter(|upstream| upstream.way.epoch <= epoch && !course.stands(&upstream.way));
        left.any(|upstream| upstream.busy.load(SeqCst) > 0)
    }
}

/// What there is of one way.
pub(super) struct Upstream {
    way: Way,
    keep: bool,
    /// As it was when this was made: it only tells whether there is news.
    course: Course,
    pub(super) epoch: HeaderValue,
    pub(super) node: HeaderValue,
    busy: AtomicUsize,
    idle: Mutex<Vec<Lone>>,
    shared: Mutex<Option<http2::SendRequest<Offer>>>,
    quiet: Arc<Notify>,
}

impl Upstream {
    fn new(way: Way, course: Course, pools: &Pools) -> Self {
        Self {
            epoch: way.epoch.into(),
            // A name that cannot stand in a header is none that a node can have.
            node: HeaderValue::from_str(&way.target.node).unwrap_or(HeaderValue::from_static("")),
            way,
            course,
            busy: AtomicUsize::new(0),
            idle: Mutex::default(),
            shared: Mutex::default(),
            quiet: Arc::clone(&pools.quiet),
            keep: pools.keep,
        }
    }

    fn tidy(&self, lasts: bool) {
        if lasts {
            lock(&self.idle).retain(|lone| lone.idle_since.elapsed() < IDLE_MAX);
        } else {
            lock(&self.idle).clear();
            lock(&self.shared).take();
        }
    }
}

/// A request's place among those under way; given up when dropped.
pub(super) struct Seat {
    pub(super) upstream: Arc<Upstream>,
    counted: bool,
}

impl Seat {
    pub(super) fn way(&self) -> &Way {
        &self.upstream.way
    }

    /// Whether nothing may come this way any more. Costs next to nothing while there is no news.
    pub(super) fn is_over(&self) -> bool {
        self.upstream.course.news() && self.upstream.course.clone().is_over(self.way())
    }

    /// Waits until nothing may come this way any more.
    pub(super) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let upstream = Arc::clone(&self.upstream);
        async move { upstream.course.clone().outlives(&upstream.way).await }
    }

    /// A connection of this way that waits for a request.
    pub(super) async fn waiting(&self) -> Option<Link> {
        loop {
            let mut lone = lock(&self.upstream.idle).pop()?;
            let free = poll_fn(|cx| Poll::Ready(lone.is_free(cx))).await;
            if free && lone.idle_since.elapsed() < IDLE_MAX {
                return Some(Link::Lone(lone));
            }
        }
    }

    /// A share of this way's HTTP/2 connection.
    pub(super) fn share(&self) -> Option<Link> {
        let mut shared = lock(&self.upstream.shared);
        if shared.as_ref().is_some_and(http2::SendRequest::is_closed) {
            *shared = None;
        }
        shared.clone().map(Link::Shared)
    }

    /// Lets others have a share of this connection.
    pub(super) fn lend(&self, link: &Link) {
        match link {
            Link::Shared(sender) if self.upstream.keep => *lock(&self.upstream.shared) = Some(sender.clone()),
            Link::Shared(_) | Link::Lone(_) => {}
        }
    }

    /// Gives a connection back that is not needed any more; it waits for the next request if it can.
    pub(super) fn give_back(&self, link: Link, cx: &mut Context<'_>) {
        let mut lone = match link {
            Link::Lone(lone) => lone,
            Link::Shared(_) => return,
        };
        if self.upstream.keep && lone.is_free(cx) && !self.upstream.course.news() {
            let mut idle = lock(&self.upstream.idle);
            if idle.len() < IDLE_EACH_MAX {
                lone.idle_since = Instant::now();
                idle.push(lone);
            }
        }
    }

    /// This one is no request any more that a planned end waits for.
    pub(super) fn uncount(&mut self) {
        if std::mem::take(&mut self.counted) && self.upstream.busy.fetch_sub(1, SeqCst) == 1 {
            self.upstream.quiet.notify_waiters();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.uncount();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
