//! Losses of every kind: the old service is dead before the new one acts, and the cluster is whole again after.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use hotseat_lab::processes::{Kind, look};
use hotseat_lab::spec::array;
use hotseat_lab::{CEILING, Cluster, Node, Spec, Timeline};

const TTL: Duration = Duration::from_secs(2);

/// Strikes the leader, waits for the next, heals, and judges what the observer saw.
fn check(cluster: &Cluster, fault: &str, strike: impl Fn(&Node) -> Instant, heal: fn(&Node)) -> Timeline {
    let old = cluster.settle();
    let epoch = old.group().unwrap().epoch;
    let observer = cluster.observe();
    let answered = cluster.wait_for("an answer of the leader", |_| hotseat_lab::observer::demo(old.service()));
    assert_eq!(answered, epoch);
    strike(old);
    let group = cluster.wait_for(&format!("a new leadership after {fault}"), |cluster| {
        let leader = cluster.nodes().iter().find(|node| node.leads())?;
        leader.group().filter(|group| group.epoch > epoch && group.serving)
    });
    let new = cluster.node(group.leader.as_deref().unwrap());
    cluster.wait_for("an answer of a new leader", |cluster| {
        let mut epochs = cluster.nodes().iter().filter_map(|node| hotseat_lab::observer::demo(node.service()));
        epochs.find(|epoch| *epoch >= group.epoch)
    });
    heal(old);
    cluster.settle();
    let seen = observer.stop();
    println!("{fault}: {} → {}, epoch {}\n{seen}", old.name, new.name, group.epoch);
    seen.check_one_leader();
    let last = seen.leaderships().last().map(|(epoch, _)| *epoch);
    assert!(last >= Some(group.epoch), "the observer saw nobody act after {fault}");
    seen
}

fn restart(node: &Node) {
    node.wait_exit();
    node.start();
}

fn survives_agents_and_guards(cluster: &Cluster) {
    check(cluster, "agent killed", Node::kill_agent, restart);
    check(cluster, "agent frozen", Node::stop_agent, |node| _ = node.continue_agent());
    check(cluster, "guard killed", Node::kill_guard, |_| {});
    check(cluster, "agent and guard killed", Node::kill_agent_and_guard, restart);
}

/// While the node is frozen its service is not dead, but does nothing; thawed, it is dead before it answers anybody,
/// questions that waited in its sockets included.
fn survives_a_freeze(cluster: &Cluster) {
    check(cluster, "node frozen and thawed", Node::freeze, |node| {
        let services = node.pids(Kind::Service);
        let thawed = node.thaw();
        while services.iter().any(|pid| look(*pid).is_some()) {
            assert!(thawed.elapsed() < CEILING, "the thawed service lives on");
        }
        println!("dead {:?} after the thaw", thawed.elapsed());
    });
}

#[test]
fn new_2() {
    let cluster = Cluster::settled(Spec::demo().hot());
    survives_agents_and_guards(&cluster);
    survives_a_freeze(&cluster);
}

#[test]
fn new_2_cold() {
    let cluster = Cluster::settled(Spec::demo());
    let witness = cluster.witness();
    survives_agents_and_guards(&cluster);
    witness.check_never_two();
    survives_a_freeze(&cluster);
}

#[test]
fn dat_3() {
    let health = r#"{ http = "/healthz", interval = "200ms", timeout = "500ms", max_check_attempts = 3 }"#;
    let cluster = Cluster::settled(Spec::demo().hot().service("health", health));
    check(&cluster, "service crashed", Node::kill_service, |_| {});
    check(&cluster, "service hangs", Node::stop_service, |_| {});
    check(&cluster, "stopped", Node::term, restart);
    check(&cluster, "machine off", Node::kill_all, restart);
    check(&cluster, "share lost", Node::lose_store, |node| _ = node.find_store());
}

/// A service whose children leave it, in sessions of their own, and refuse to stop.
const LEAVING: &str =
    "trap '' TERM; (trap '' TERM; setsid sleep 300) & (setsid sh -c 'sleep 300 & sleep 300') & wait; sleep 300";

type Strike = fn(&Node) -> Instant;
type Heal = fn(&Node);

/// Whoever of agent and guard is lost: nothing of the service's tree outlives its lease, and another one leads.
#[test]
fn contained() {
    let spec = Spec::of("sh").portless().nodes(2).service("command", &array(&["sh", "-c", LEAVING]));
    let cluster = Cluster::settled(spec);
    let witness = cluster.witness();
    let faults: [(&str, Strike, Heal); 4] = [
        ("agent killed", Node::kill_agent, restart),
        ("agent stopped", Node::stop_agent, |node| _ = node.continue_agent()),
        ("guard killed", Node::kill_guard, |_| {}),
        ("agent and guard killed", Node::kill_agent_and_guard, restart),
    ];
    for (fault, strike, heal) in faults {
        let old = cluster.settle();
        let tree = cluster.wait_for("the whole tree", |_| Some(old.pids(Kind::Service)).filter(|tree| tree.len() >= 5));
        let lost = strike(old);
        cluster.wait_for("nothing of the tree is alive", |_| tree.iter().all(|pid| look(*pid).is_none()).then_some(()));
        println!("{fault}: {} processes dead after {:?}", tree.len(), lost.elapsed());
        assert!(lost.elapsed() < TTL, "{fault}: outlived the lease: {:?}", lost.elapsed());
        cluster.next_leader(old);
        heal(old);
    }
    cluster.settle();
    witness.check_never_two();
}
