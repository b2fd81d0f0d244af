//! Switchovers and crashes under a load that does not wait: what fails, and for how long it stalls. Both proxies stand in
//! front of the same services and see the same fault at the same moment, each with a client of its own.

use std::time::{Duration, Instant};

use hotseat_lab::{CEILING, Cluster, Haproxy, Node, poll};

use super::Front;
use super::open::Open;
use crate::args::MEMORY;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::stats::ms;
use crate::through::Asked;
use crate::trial::{phase, settled, spec};

/// The faults that are made.
pub(crate) const FAULTS: [Fault; 2] = [Fault::Switchover, Fault::AgentAndService];

/// Asked before the phase begins, so that everything is warm.
const BEFORE: Duration = Duration::from_millis(150);

/// Asked after both have found the new leader: what comes too late, comes in this time.
const AFTER: Duration = Duration::from_millis(300);

/// What a client saw of one fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) asked: usize,
    pub(crate) failed: usize,
    /// The longest wait of a request that was answered, or the longest time in which none was, if that is longer.
    pub(crate) stall: Duration,
}

/// All trials of one fault through one proxy.
#[derive(Clone, Debug)]
pub(crate) struct Result {
    pub(crate) fault: Fault,
    pub(crate) front: Front,
    pub(crate) seen: Vec<Seen>,
}

pub(crate) fn measure(trials: usize) -> Vec<Result> {
    let cluster = Cluster::settled(spec(MEMORY));
    let haproxy = Haproxy::possible().then(|| Haproxy::start(&checked(&cluster)));
    FAULTS.into_iter().flat_map(|fault| series(&cluster, haproxy.as_ref(), fault, trials)).collect()
}

/// The services, checked at their agents: the leader is the one that is up.
fn checked(cluster: &Cluster) -> String {
    let servers = cluster.nodes().iter().map(|node| {
        let (name, service, agent) = (&node.name, node.service(), node.address());
        format!("    server {name} {service} check addr {} port {}\n", agent.ip(), agent.port())
    });
    let servers: String = servers.collect();
    format!(
        "listen web\n    mode http\n    bind {{listen}}\n    option httpchk GET /leader/web\n    http-check expect status 200\n    \
         default-server inter 200ms fall 1 rise 1 on-marked-down shutdown-sessions\n{servers}"
    )
}

fn series(cluster: &Cluster, haproxy: Option<&Haproxy>, fault: Fault, trials: usize) -> Vec<Result> {
    let progress = Progress::begin(format!("a request each ms, {}", fault.title()));
    let mut results = vec![Result { fault, front: Front::Hotseat, seen: Vec::new() }];
    results.extend(haproxy.map(|_| Result { fault, front: Front::Haproxy, seen: Vec::new() }));
    for number in 0..trials {
        let seen = trial(cluster, haproxy, fault, number);
        let brief = |seen: &Seen| format!("{} failed, stall {} ms", seen.failed, ms(seen.stall));
        let briefs: Vec<_> = seen.iter().map(brief).collect();
        progress.step(&format!("{}/{trials}: {}", number + 1, briefs.join("; HAProxy ")));
        results.iter_mut().zip(seen).for_each(|(result, seen)| result.seen.push(seen));
    }
    progress.end(&format!("{trials} trials"));
    results
}

fn trial(cluster: &Cluster, haproxy: Option<&Haproxy>, fault: Fault, number: usize) -> Vec<Seen> {
    let (old, before) = settled(cluster);
    // Of the two survivors, now one and now the other.
    let survivor = cluster.others(old).nth(number % 2).expect("three nodes");
    let fronts = [survivor.proxy()].into_iter().chain(haproxy.map(Haproxy::address));
    let clients: Vec<_> = fronts.map(Open::start).collect();
    let all_past = |epoch: u64| clients.iter().all(|client| client.newest() > epoch).then_some(());
    poll(CEILING, || all_past(before - 1)).expect("everybody is answered by the leader");
    let warm = Instant::now();
    std::thread::sleep(BEFORE + phase());
    let struck = fault.strike(old);
    poll(CEILING, || all_past(before)).expect("everybody finds the new leader");
    std::thread::sleep(AFTER);
    let asked: Vec<_> = clients.into_iter().map(Open::stop).collect();
    restored(fault, old, struck);
    asked.iter().map(|asked| judge(asked, warm)).collect()
}

fn restored(fault: Fault, old: &Node, struck: Instant) {
    let thawed = fault.undo(old, struck);
    debug_assert!(thawed.is_none(), "nothing is frozen here");
}

/// What was due before everything was warm does not count.
fn judge(asked: &[Asked], warm: Instant) -> Seen {
    let counted: Vec<_> = asked.iter().filter(|asked| asked.due >= warm).collect();
    let well: Vec<_> = counted.iter().filter(|asked| asked.well).collect();
    let wait = well.iter().map(|asked| asked.done - asked.due).max().unwrap_or_default();
    let dark = well.windows(2).map(|pair| pair[1].done - pair[0].done).max().unwrap_or_default();
    Seen { asked: counted.len(), failed: counted.len() - well.len(), stall: wait.max(dark) }
}
