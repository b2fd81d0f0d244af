//! A proxy, clients that speak HTTP by hand, and services that do one thing each.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // tests

mod client;
mod service;

pub use client::{Client, ask2};
pub use service::{Breaks, Service};

use hotseat_agent::proxy::{self, Handle, Limits, Route, Stats, Target};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Longer than any step takes on the slowest machine; nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const LIMITS: Limits = Limits::new(PATIENCE, 100);

pub struct World {
    pub proxy: Handle,
    pub address: SocketAddr,
    teller: watch::Sender<Route>,
}

impl World {
    pub async fn new(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (teller, routes) = watch::channel(Route::default());
        Self { proxy: proxy::spawn(listener, routes, limits), address, teller }
    }

    pub fn lead(&self, epoch: u64, service: &Service) {
        self.teller.send_replace(Route::leader(epoch, Some(Target::new(&service.name, service.address()))));
    }

    pub fn lead_at(&self, epoch: u64, address: SocketAddr) {
        self.teller.send_replace(Route::leader(epoch, Some(Target::new("n", address))));
    }

    pub fn lead_nobody(&self, epoch: u64) {
        self.teller.send_replace(Route::leader(epoch, None));
    }

    pub fn spread(&self, epoch: u64, led: bool, services: &[&Service]) {
        let targets = services.iter().map(|service| Target::new(&service.name, service.address())).collect();
        self.teller.send_replace(Route::spread(epoch, led, targets));
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    pub async fn until(&self, reached: impl Fn(&Stats) -> bool) -> Stats {
        let waiting = async {
            loop {
                match self.proxy.stats() {
                    stats if reached(&stats) => return stats,
                    _ => sleep(Duration::from_millis(2)).await,
                }
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never reached: {:?}", self.proxy.stats()))
    }
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}
