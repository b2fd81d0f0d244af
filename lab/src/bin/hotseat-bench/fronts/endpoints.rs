//! How an agent answers load balancers while the store does not: it has to say what it knows, at once, whatever hangs.

use std::time::Duration;

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec};

use super::closed::{Closed, run};
use crate::args::MEMORY;
use crate::progress::Progress;
use crate::stats::ms;

/// Far more than there are load balancers.
pub(crate) const CONNECTIONS: usize = 50;

const REQUEST: &str = "GET /leader/web HTTP/1.1\r\nHost: bench\r\n\r\n";

/// What was seen of one store in one state.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) store: Store,
    pub(crate) state: &'static str,
    pub(crate) seen: Closed,
}

pub(crate) fn measure(length: Duration) -> Vec<Endpoint> {
    [Store::Dir, Store::Raft].into_iter().flat_map(|store| of(store, length)).collect()
}

fn of(store: Store, length: Duration) -> Vec<Endpoint> {
    let cluster = Cluster::settled(Spec::demo().hot().cluster("timing", "\"fast\"").store(store).place(MEMORY));
    let asked = cluster.leader();
    let mut found = vec![look(store, "well", asked, length)];
    match store {
        // Where there is no FUSE this cannot be had.
        Store::Dir => {
            if let Some(_hung) = asked.hang_store() {
                found.push(look(store, "its directory hangs", asked, length));
            }
        }
        Store::Raft => {
            let others: Vec<_> = cluster.others(asked).collect();
            for node in &others {
                node.stop_agent();
            }
            found.push(look(store, "two of three agents stopped", asked, length));
            for node in &others {
                node.continue_agent();
            }
        }
    }
    found
}

fn look(store: Store, state: &'static str, asked: &Node, length: Duration) -> Endpoint {
    let progress = Progress::begin(format!("/leader/web, store {}, {state}", store.word()));
    let seen = run(asked.address(), REQUEST, CONNECTIONS, length, || ());
    progress.end(&format!("{:.0} requests/s, p99 {} ms", seen.rate, ms(seen.waits.percentile(99))));
    Endpoint { store, state, seen }
}
