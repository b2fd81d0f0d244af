//! The newest route that is known. It never goes back to an older epoch.

use super::route::{Route, Way};
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// One reader's view of the routes. What any reader has seen, all have.
#[derive(Clone)]
pub(super) struct Course {
    routes: watch::Receiver<Route>,
    newest: Arc<Mutex<Route>>,
    /// What `newest` was when `routes` last changed: looking costs nothing while nothing changes.
    seen: Route,
    /// Whose turn it is among several targets.
    turn: Arc<AtomicUsize>,
}

impl Course {
    pub(super) fn new(routes: watch::Receiver<Route>) -> Self {
        let mut course = Self { routes, newest: Arc::default(), seen: Route::default(), turn: Arc::default() };
        course.learn();
        course
    }

    /// The newest route. Without anybody to tell the routes there is no target.
    fn now(&mut self) -> &Route {
        if self.news() {
            self.learn();
        }
        &self.seen
    }

    /// Whether anything may be other than when this reader last looked.
    pub(super) fn news(&self) -> bool {
        self.routes.has_changed().unwrap_or(true)
    }

    fn learn(&mut self) {
        // Reading under the lock: otherwise a slow reader could put an older route of the same epoch back.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let told = self.routes.borrow_and_update();
        if told.epoch >= newest.epoch {
            *newest = told.clone();
        }
        drop(told);
        self.seen = if self.is_told() { newest.clone() } else { newest.empty() };
    }

    /// Whether there is still somebody who tells the routes.
    fn is_told(&self) -> bool {
        self.routes.has_changed().is_ok()
    }

    /// Where the next one may go, if anywhere: each target in its turn.
    pub(super) fn way(&mut self) -> Option<Way> {
        let way = self.coming();
        self.pass_turn();
        way
    }

    /// The same without taking the turn.
    pub(super) fn coming(&mut self) -> Option<Way> {
        let Route { epoch, targets, .. } = self.now();
        let (epoch, len) = (*epoch, targets.len().max(1));
        let target = self.seen.targets.get(self.turn.load(Relaxed) % len)?;
        Some(Way { epoch, target: target.clone() })
    }

    /// Takes the turn of the one that was to come next.
    pub(super) fn pass_turn(&self) {
        if self.seen.targets.len() > 1 {
            self.turn.fetch_add(1, Relaxed);
        }
    }

    /// Whether something new may still be sent this way.
    pub(super) fn stands(&mut self, way: &Way) -> bool {
        let now = self.now();
        now.has(way.target.address) && (now.spread || now.epoch == way.epoch)
    }

    /// Whether what was sent this way must be cut: a newer epoch is known, or nothing is known any more.
    pub(super) fn is_over(&mut self, way: &Way) -> bool {
        let now = self.now();
        let newer = now.epoch > way.epoch && !(now.spread && now.has(way.target.address));
        newer || !self.is_told()
    }

    /// Whether nothing is sent to the leader of this epoch any more, and never will be.
    pub(super) fn has_left(&mut self, epoch: u64) -> bool {
        let now = self.now();
        now.epoch > epoch || (now.epoch == epoch && !now.led)
    }

    /// Waits until the way does not stand any more.
    pub(super) async fn differs(&mut self, way: &Way) {
        while self.stands(way) {
            self.change().await;
        }
    }

    /// Waits until somebody leads.
    pub(super) async fn led(&mut self) -> Way {
        loop {
            match self.way() {
                Some(way) => return way,
                None => self.change().await,
            }
        }
    }

    /// Waits until the way is over. Looks before it waits.
    pub(super) async fn outlives(&mut self, way: &Way) {
        while !self.is_over(way) {
            self.change().await;
        }
    }

    /// Waits until the routes may have changed; for ever, when nobody can change them.
    pub(super) async fn change(&mut self) {
        if !self.is_told() && self.now().targets.is_empty() {
            pending::<()>().await;
        }
        // Told or not, what is known now may be other.
        let _told = self.routes.changed().await;
        self.learn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Target;

    fn target(port: u16) -> Target {
        Target::new("n", ([127, 0, 0, 1], port).into())
    }

    fn route(epoch: u64, port: u16) -> Route {
        Route::leader(epoch, (port > 0).then(|| target(port)))
    }

    fn way(epoch: u64, port: u16) -> Way {
        Way { epoch, target: target(port) }
    }

    #[test]
    fn an_older_epoch_is_ignored() {
        let (teller, routes) = watch::channel(route(2, 20));
        let mut course = Course::new(routes);
        let mut check = |told, expected: Route| {
            teller.send_replace(told);
            assert_eq!(*course.now(), expected);
        };
        check(route(2, 20), route(2, 20));
        check(route(1, 10), route(2, 20));
        check(route(2, 0), route(2, 0));
        check(route(2, 21), route(2, 21));
        check(route(3, 0), route(3, 0));
        check(route(2, 21), route(3, 0));
    }

    #[test]
    fn what_one_reader_saw_all_have() {
        let (teller, routes) = watch::channel(route(5, 50));
        let mut one = Course::new(routes);
        let mut other = one.clone();
        assert_eq!(*one.now(), route(5, 50));
        teller.send_replace(route(4, 40));
        assert_eq!(*other.now(), route(5, 50));
    }

    #[test]
    fn without_a_teller_nobody_leads_and_all_is_over() {
        let (teller, routes) = watch::channel(route(5, 50));
        let mut course = Course::new(routes);
        assert_eq!(course.way(), Some(way(5, 50)));
        drop(teller);
        assert_eq!(course.way(), None);
        assert!(course.is_over(&way(5, 50)));
    }

    /// What a way is worth under a route: for new requests, and for those under way.
    #[test]
    fn a_way_stands_then_drains_then_is_over() {
        let check = |told: Route, (stands, over)| {
            let (_teller, routes) = watch::channel(told.clone());
            let mut course = Course::new(routes);
            assert_eq!((course.stands(&way(2, 20)), course.is_over(&way(2, 20))), (stands, over), "{told:?}");
        };
        check(route(2, 20), (true, false));
        check(route(2, 0), (false, false));
        check(route(3, 0), (false, true));
        check(route(3, 20), (false, true));
        // For reads a member is as good in the next epoch, as long as it is named.
        check(Route::spread(3, true, vec![target(20), target(21)]), (true, false));
        check(Route::spread(2, false, vec![target(21)]), (false, false));
        check(Route::spread(3, true, vec![target(21)]), (false, true));
    }

    #[test]
    fn several_targets_take_turns() {
        let (_teller, routes) = watch::channel(Route::spread(1, true, vec![target(1), target(2)]));
        let mut course = Course::new(routes);
        let ports: Vec<_> = (0..4).filter_map(|_| course.way()).map(|way| way.target.address.port()).collect();
        assert_eq!(ports, [1, 2, 1, 2]);
    }

    #[test]
    fn a_leader_is_left_when_it_is_not_announced_any_more() {
        let check = |told: Route, expected| {
            let (_teller, routes) = watch::channel(told.clone());
            assert_eq!(Course::new(routes).has_left(2), expected, "{told:?}");
        };
        check(route(1, 0), false);
        check(route(2, 20), false);
        check(route(2, 0), true);
        check(route(3, 30), true);
        check(Route::spread(2, true, vec![target(21)]), false);
        check(Route::spread(2, false, vec![target(21)]), true);
    }
}
