//! The newest route that is known. It never goes back to an older epoch.

use super::Route;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// One reader's view of the routes. What any reader has seen, all have.
#[derive(Clone)]
pub(super) struct Course {
    routes: watch::Receiver<Route>,
    newest: Arc<Mutex<Route>>,
}

impl Course {
    pub(super) fn new(routes: watch::Receiver<Route>) -> Self {
        Self { routes, newest: Arc::default() }
    }

    /// The newest route. Without anybody to tell the routes there is no target.
    pub(super) fn now(&mut self) -> Route {
        // Reading under the lock: otherwise a slow reader could put an older route of the same epoch back.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let told = *self.routes.borrow_and_update();
        if told.epoch >= newest.epoch {
            *newest = told;
        }
        match self.routes.has_changed() {
            Ok(_) => *newest,
            Err(_gone) => Route { target: None, ..*newest },
        }
    }

    /// Waits until the newest route is another than `route`.
    pub(super) async fn differs(&mut self, route: Route) {
        while self.now() == route {
            self.change().await;
        }
    }

    /// Waits until somebody leads.
    pub(super) async fn led(&mut self) -> Route {
        loop {
            match self.now() {
                route if route.target.is_some() => return route,
                _ => self.change().await,
            }
        }
    }

    /// Waits until a newer epoch is known, or nothing is known any more. Looks before it waits.
    pub(super) async fn outlives(&mut self, epoch: u64) {
        while self.now().epoch <= epoch {
            if self.routes.changed().await.is_err() {
                return;
            }
        }
    }

    async fn change(&mut self) {
        if self.routes.changed().await.is_err() && self.now().target.is_none() {
            pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(epoch: u64, port: u16) -> Route {
        Route { epoch, target: (port > 0).then(|| ([127, 0, 0, 1], port).into()) }
    }

    #[test]
    fn an_older_epoch_is_ignored() {
        let (teller, routes) = watch::channel(route(2, 20));
        let mut course = Course::new(routes);
        let mut check = |told, expected| {
            teller.send_replace(told);
            assert_eq!(course.now(), expected);
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
        assert_eq!(one.now(), route(5, 50));
        teller.send_replace(route(4, 40));
        assert_eq!(other.now(), route(5, 50));
    }

    #[test]
    fn without_a_teller_nobody_leads() {
        let (teller, routes) = watch::channel(route(5, 50));
        let mut course = Course::new(routes);
        assert_eq!(course.now(), route(5, 50));
        drop(teller);
        assert_eq!(course.now(), route(5, 0));
    }
}
