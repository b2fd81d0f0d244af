//! Room for so many connections, so that nobody can take it all.
//!
//! Before a client has spoken it cannot be told from a load balancer or another node. So nobody has to wait to be let in:
//! whoever comes is taken, and where that is one too many, somebody goes for whom it has been to go on the longest. One
//! network pays for its own crowd; only where there is no room at all, the largest one pays. Who waits for us, not we for
//! it, keeps its place. It knows nothing of what is said on a connection.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::links::Rate;
use crate::proxy::Pulse;

/// Lines in the log about one crowd: who makes one shall not fill our disk.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// How many may be inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// All together.
    pub(crate) all: usize,
    /// From one network: many clients may share an address.
    pub(crate) each: usize,
    /// From this machine.
    pub(crate) here: usize,
    /// Of all, those that are for this machine alone.
    pub(crate) kept: usize,
}

/// See the module.
pub(crate) struct Places {
    /// What this is the room of, for the log.
    name: String,
    most: Most,
    inside: Mutex<Inside>,
    complaints: Rate,
    /// Who went for others, or was not let in, since that was said last.
    ended: AtomicU64,
    refused: AtomicU64,
}

#[derive(Default)]
struct Inside {
    /// They count upwards: the first is who came first.
    next: u64,
    seats: BTreeMap<u64, Seat>,
}

struct Seat {
    from: IpAddr,
    pulse: Arc<Pulse>,
    end: CancellationToken,
}

/// A connection's place, given back when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    pulse: Arc<Pulse>,
    end: CancellationToken,
}

impl Places {
    pub(crate) fn new(name: String, most: Most) -> Arc<Self> {
        let (ended, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { name, most, inside: Mutex::default(), complaints: Rate::new(1, SAID_EVERY), ended, refused })
    }

    /// A place for who comes from there. None: all are taken by those who wait for us.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr, is_here: bool) -> Option<Place> {
        // A program here may come from any address of this machine.
        let from = if is_here { Ipv4Addr::LOCALHOST.into() } else { network(from) };
        let mut inside = self.inside();
        if let Err(crowd) = inside.room(from, is_here, self.most) {
            let ended = inside.end_one(&crowd);
            self.complain(crowd, ended);
            if !ended {
                return None;
            }
        }
        Some(self.seat(&mut inside, from))
    }

    fn seat(self: &Arc<Self>, inside: &mut Inside, from: IpAddr) -> Place {
        let (pulse, end) = (Arc::new(Pulse::new(true)), CancellationToken::new());
        let number = inside.next;
        inside.next += 1;
        inside.seats.insert(number, Seat { from, pulse: Arc::clone(&pulse), end: end.clone() });
        Place { places: Arc::clone(self), number, pulse, end }
    }

    /// A line in the log, unless there was one lately.
    fn complain(&self, crowd: Crowd, ended: bool) {
        if ended { &self.ended } else { &self.refused }.fetch_add(1, Relaxed);
        if !self.complaints.may(Instant::now()) {
            return;
        }
        let (ended, refused) = (self.ended.swap(0, Relaxed), self.refused.swap(0, Relaxed));
        let whose = match crowd {
            Crowd::Of(from) => format!("connections from {from}"),
            Crowd::All => String::from("connections"),
        };
        tracing::warn!(
            "{} is out of places: too many {whose}; for new ones {ended} went that had kept it waiting, {refused} were refused",
            self.name
        );
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is too many.
enum Crowd {
    Of(IpAddr),
    All,
}

impl Inside {
    fn room(&self, from: IpAddr, is_here: bool, most: Most) -> Result<(), Crowd> {
        let own = self.seats.values().filter(|seat| seat.from == from).count();
        let (own_most, all) = if is_here { (most.here, most.all) } else { (most.each, most.all - most.kept) };
        match () {
            () if own >= own_most => Err(Crowd::Of(from)),
            () if self.seats.len() >= all => Err(Crowd::All),
            () => Ok(()),
        }
    }

    /// Ends who came first of those in a crowd for whom it is to go on. Whether there was one.
    fn end_one(&mut self, crowd: &Crowd) -> bool {
        let mut sizes = HashMap::new();
        for seat in self.seats.values() {
            *sizes.entry(seat.from).or_insert(0_usize) += 1;
        }
        let seats = self.seats.iter().filter(|(_, seat)| seat.pulse.waits());
        let first = match crowd {
            Crowd::Of(from) => seats.filter(|(_, seat)| seat.from == *from).map(|(number, _)| *number).next(),
            Crowd::All => seats.rev().max_by_key(|(_, seat)| sizes[&seat.from]).map(|(number, _)| *number),
        };
        let Some(seat) = first.and_then(|number| self.seats.remove(&number)) else { return false };
        seat.end.cancel();
        true
    }
}

impl Place {
    /// Sees this through, unless the place is needed for somebody else.
    pub(crate) async fn hold<F: Future>(&self, work: F) -> Option<F::Output> {
        self.end.run_until_cancelled(work).await
    }

    /// By which it is known who waits for whom.
    pub(crate) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.inside().seats.remove(&self.number);
    }
}

/// A machine has one address, or a whole /64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Busy;

    const MOST: Most = Most { all: 10, each: 3, here: 4, kept: 2 };

    fn places() -> Arc<Places> {
        Places::new(String::from("a test"), MOST)
    }

    fn enter(places: &Arc<Places>, from: &str) -> Option<Place> {
        let from: IpAddr = from.parse().expect("an address");
        places.enter(from, from.is_loopback())
    }

    fn many<const N: usize>(places: &Arc<Places>, from: [&str; N]) -> [Place; N] {
        from.map(|from| enter(places, from).expect("there is room"))
    }

    fn went<const N: usize>(all: &[Place; N]) -> [bool; N] {
        all.each_ref().map(|place| place.end.is_cancelled())
    }

    #[test]
    fn who_came_first_of_the_same_network_goes() {
        let places = places();
        let others = many(&places, ["10.0.0.2", "10.0.0.2"]);
        let crowd = many(&places, ["10.0.0.1"; 4]);
        assert_eq!(went(&crowd), [true, false, false, false]);
        let crowd_6 = many(&places, ["2001:db8::1", "2001:db8::2", "2001:db8::3"]);
        assert_eq!(went(&others), [false; 2]);
        assert_eq!(went(&crowd_6), [false; 3]);
    }

    #[test]
    fn who_waits_for_us_stays_and_no_more_come() {
        let places = places();
        let crowd = many(&places, ["10.0.0.1"; 3]);
        let busy = crowd.each_ref().map(|place| Busy::new(place.pulse()));
        assert!(enter(&places, "10.0.0.1").is_none() && went(&crowd) == [false; 3]);
        let other = enter(&places, "10.0.0.2");
        assert!(other.is_some(), "others do not notice");
        crowd[1].pulse().gives(true);
        let new = enter(&places, "10.0.0.1");
        assert!(
            new.is_some() && went(&crowd) == [false, true, false],
            "it keeps us waiting in the midst of its request"
        );
        drop((busy, new));
        let _new = many(&places, ["10.0.0.1"; 2]);
        assert_eq!(went(&crowd), [true, true, false]);
    }

    #[test]
    fn without_any_room_the_largest_crowd_pays() {
        let places = places();
        let alone = many(&places, ["10.0.0.1"]);
        let crowd = many(&places, ["10.0.0.2"; 3]);
        let pair = many(&places, ["10.0.0.3"; 2]);
        let _more = many(&places, ["10.0.0.5"; 2]);
        let _new = many(&places, ["10.0.0.4"]);
        assert_eq!((went(&alone), went(&crowd), went(&pair)), ([false], [true, false, false], [false; 2]));
        let _kept = many(&places, ["127.0.0.1", "127.0.0.2"]);
        assert_eq!((went(&crowd), went(&pair)), ([true, false, false], [false; 2]), "places are kept for this machine");
    }

    #[test]
    fn a_place_is_given_back() {
        let places = places();
        for _ in 0..10 * MOST.all {
            let place = enter(&places, "10.0.0.1").expect("there is room");
            assert!(places.inside().seats.len() == 1 && !place.end.is_cancelled());
        }
        assert!(places.inside().seats.is_empty());
    }

    #[tokio::test]
    async fn whose_place_is_needed_is_ended() {
        let places = places();
        let crowd = many(&places, ["10.0.0.1"; 3]);
        let held = crowd[0].hold(std::future::pending::<()>());
        let _new = enter(&places, "10.0.0.1");
        assert_eq!(held.await, None);
        assert_eq!(crowd[1].hold(async { 1 }).await, Some(1));
    }
}
