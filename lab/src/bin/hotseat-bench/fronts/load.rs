//! How much a proxy carries: the same thousand connections through each, one after the other, several times over.

use std::net::SocketAddr;
use std::time::Duration;

use hotseat_lab::{Cluster, Haproxy, Node, Spec, processes};

use super::backend::BACKEND;
use super::closed::{Closed, run};
use super::{Front, raise_descriptors};
use crate::args::MEMORY;
use crate::progress::Progress;
use crate::stats::ms;

pub(crate) const CONNECTIONS: usize = 1000;

/// Each proxy is measured so often, in turn; the round in the middle counts.
pub(crate) const ROUNDS: usize = 3;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

/// What both can be told to do.
pub(crate) const MODES: [&str; 2] = ["tcp", "http"];

/// What one proxy did in one mode.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) mode: &'static str,
    pub(crate) front: Front,
    pub(crate) rounds: Vec<Closed>,
    /// What a connection costs in memory, measured in the first round of a fresh process, in KiB.
    pub(crate) memory: Option<f64>,
}

impl Load {
    /// The round in the middle, by its rate.
    pub(crate) fn median(&self) -> &Closed {
        let mut rounds: Vec<_> = self.rounds.iter().collect();
        rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        rounds[rounds.len() / 2]
    }
}

pub(crate) fn measure(length: Duration) -> Vec<Load> {
    raise_descriptors();
    MODES.into_iter().flat_map(|mode| in_mode(mode, length)).collect()
}

/// Someone in front of the service: where, and which process.
struct Stand {
    front: Front,
    address: SocketAddr,
    pid: Option<i32>,
}

fn in_mode(mode: &'static str, length: Duration) -> Vec<Load> {
    let cluster = Cluster::settled(spec(mode));
    let node = cluster.leader();
    let haproxy = Haproxy::possible().then(|| Haproxy::start(&plain(mode, node)));
    let stands = stands(node, haproxy.as_ref());
    let mut loads: Vec<_> = stands.iter().map(|stand| fresh(mode, stand.front)).collect();
    for round in 0..ROUNDS {
        for (stand, load) in stands.iter().zip(&mut loads) {
            let progress = Progress::begin(format!("{mode}, {}, round {}", stand.front.title(), round + 1));
            let (closed, memory) = once(stand, length);
            load.memory = load.memory.or(memory);
            progress.end(&format!("{:.0} requests/s, p99 {} ms", closed.rate, ms(closed.waits.percentile(99))));
            load.rounds.push(closed);
        }
    }
    loads
}

fn fresh(mode: &'static str, front: Front) -> Load {
    Load { mode, front, rounds: Vec::new(), memory: None }
}

fn stands(node: &Node, haproxy: Option<&Haproxy>) -> Vec<Stand> {
    let mut stands = vec![
        Stand { front: Front::Direct, address: node.service(), pid: None },
        Stand { front: Front::Hotseat, address: node.proxy(), pid: Some(node.agent()) },
    ];
    stands.extend(haproxy.map(|it| Stand { front: Front::Haproxy, address: it.address(), pid: Some(it.pid()) }));
    stands
}

fn once(stand: &Stand, length: Duration) -> (Closed, Option<f64>) {
    let resident = || stand.pid.map(|pid| processes::of_status(pid, "VmRSS:"));
    let (before, mut during) = (resident(), None);
    let closed = run(stand.address, REQUEST, CONNECTIONS, length, || during = resident());
    let memory = before.zip(during).map(|(before, during)| during.saturating_sub(before) as f64 / CONNECTIONS as f64);
    (closed, memory)
}

/// One node that leads for ever: there is nothing to fail over to, and nothing beside it.
fn spec(mode: &str) -> Spec {
    let bench = std::env::current_exe().expect("this program has a path");
    let spec = Spec::of(&format!("{} {BACKEND} {{host}}:{{port}}", bench.display())).nodes(1).place(MEMORY);
    spec.proxy("30s").only(1, "proxy", "protocol", &format!("\"{mode}\""))
}

fn plain(mode: &str, node: &Node) -> String {
    format!("listen web\n    mode {mode}\n    bind {{listen}}\n    server s {}\n", node.service())
}
