//! How one client gets to the leader: right away, or through the parking lot.

use super::accept::Shared;
use super::course::Course;
use super::lot::{Lot, Place};
use super::route::Way;
use futures_util::future::poll_immediate;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

/// A leader that does not answer within this is tried anew. Many clients that waited come at once, and the first word of
/// one that finds the service's queue full is said again by the kernel only after a second.
const CONNECT_TIMEOUT_MIN: Duration = Duration::from_millis(150);
/// It doubles up to this: between sites an answer takes its time.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_millis(1200);
/// A service that has just refused needs a moment; shorter than anybody notices.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// A connection to the leader of an epoch. Nothing has been said on it.
pub(super) struct Reached {
    pub(super) server: TcpStream,
    pub(super) way: Way,
    /// Whether the client had to wait for it.
    pub(super) held: bool,
}

/// Connects to whoever leads; none if that did not happen before `deadline` or the lot is full.
pub(super) async fn reach(
    mut place: Option<Place>,
    deadline: Instant,
    shared: &Shared,
    course: &mut Course,
) -> Option<Reached> {
    let mut limit = CONNECT_TIMEOUT_MIN;
    loop {
        let way = match &mut place {
            Some(place) => Some(timeout_at(deadline, place.led(course)).await.ok()?),
            None => course.way(),
        };
        if let Some(way) = way {
            match attempt(&way, limit, &mut place, shared, course).await {
                Attempt::Worked(server) => return Some(Reached { server, way, held: place.is_some() }),
                Attempt::Late => limit = (limit * 2).min(CONNECT_TIMEOUT_MAX),
                Attempt::Failed if place.is_some() => pause(&way, deadline, course).await,
                Attempt::Failed | Attempt::Outdated => {}
            }
        }
        // Asked here, because waiting for something that is ready never times out.
        if Instant::now() >= deadline {
            return None;
        }
        if place.is_none() {
            place = Some(shared.lot.park(&shared.counters).await?);
        }
    }
}

enum Attempt {
    Worked(TcpStream),
    Failed,
    /// It did not answer in time.
    Late,
    /// The route is another by now.
    Outdated,
}

async fn attempt(
    way: &Way,
    limit: Duration,
    place: &mut Option<Place>,
    shared: &Shared,
    course: &mut Course,
) -> Attempt {
    let mut connecting = pin!(timeout(limit, connect(way)));
    // The first poll sends the SYN. After that the next client may go: the order is kept.
    let first = poll_immediate(connecting.as_mut()).await;
    if let Some(place) = place
        && shared.lot.hopeful()
    {
        place.pass_on();
    }
    let result = match first {
        Some(result) => result,
        None => tokio::select! {
            result = connecting => result,
            () = course.differs(way) => return Attempt::Outdated,
        },
    };
    judge(result, way, &shared.lot, course)
}

/// The one way to a service: nothing has been said on what it returns.
async fn connect(way: &Way) -> io::Result<TcpStream> {
    TcpStream::connect(way.target.address).await
}

fn judge(result: Result<io::Result<TcpStream>, Elapsed>, way: &Way, lot: &Lot, course: &mut Course) -> Attempt {
    match result {
        // Connecting took time: the one we reached may have been deposed.
        Ok(Ok(_)) if !course.stands(way) => Attempt::Outdated,
        Ok(Ok(server)) => {
            lot.tried(true);
            Attempt::Worked(server)
        }
        Ok(Err(_)) => {
            lot.tried(false);
            Attempt::Failed
        }
        Err(_) => {
            lot.tried(false);
            Attempt::Late
        }
    }
}

/// Waits a moment, but no longer than the route or the client's patience lasts.
pub(super) async fn pause(way: &Way, deadline: Instant, course: &mut Course) {
    let moment = (Instant::now() + RETRY_PAUSE).min(deadline);
    // Whichever ends it, the caller looks again.
    let _either = timeout_at(moment, course.differs(way)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Route, Target};
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    /// The route may change after the last look and before the connection is there.
    #[tokio::test]
    async fn a_leader_deposed_while_connecting_gets_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new("n", listener.local_addr().unwrap());
        let way = Way { epoch: 1, target: target.clone() };
        let leads = |epoch| Route::leader(epoch, Some(target.clone()));
        let (teller, routes) = watch::channel(leads(1));
        let (lot, mut course) = (Lot::new(1), Course::new(routes));
        let mut check = async |told: Route, works| {
            teller.send_replace(told.clone());
            let attempt = judge(Ok(connect(&way).await), &way, &lot, &mut course);
            assert_eq!(matches!(attempt, Attempt::Worked(_)), works, "{told:?}");
        };
        check(leads(1), true).await;
        check(Route::leader(1, None), false).await;
        check(leads(2), false).await;
    }
}
