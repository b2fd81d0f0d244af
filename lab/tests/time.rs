//! Heartbeats and time-outs are settings, and no decision rests on a wall clock.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::observer::demo;
use hotseat_lab::{Cluster, Node, Spec, clock};

#[test]
fn amp_4() {
    let timing = r#"{ ttl = "3s", renewal = "400ms", store_timeout = "600ms", stop_budget = "300ms" }"#;
    let cluster = Cluster::settled(Spec::demo().hot().cluster("timing", timing));
    let old = cluster.leader();
    assert_eq!(old.picture().unwrap().ttl_ms, 3000);
    let observer = cluster.observe();
    cluster.wait_for("an answer", |_| demo(old.service()));
    let off = old.kill_all();
    let (_, group) = cluster.next_leader(old);
    cluster.wait_for("an answer of a new leader", |cluster| cluster.others(old).find_map(|node| demo(node.service())));
    let seen = observer.stop();
    seen.check_one_leader();
    let outage = seen.outage(off, &old.name).unwrap();
    println!("{} silent for {outage:?}: {}\n{seen}", old.name, group.reason);
    // The last renewal was sent up to 400 ms, and a write of 600 ms, before the end; others wait for 3.3 s from it.
    assert!(outage > Duration::from_millis(2300), "nobody may be faster than the settings: {outage:?}");
    assert_eq!(group.reason, "the old leader was silent: host, network or agent lost");
}

/// The leader's wall clock is years off and steps back and forth; nothing comes of it.
#[test]
fn amp_4_wall_clocks_decide_nothing() {
    if !clock::possible() {
        return;
    }
    let cluster = Cluster::prepare(Spec::demo().hot());
    let leader = cluster.node("n1");
    leader.start_with_wall_clock("-1000d");
    cluster.settle();
    cluster.others(leader).for_each(Node::start);
    cluster.settle();
    let before = leader.group().unwrap();
    assert!(leader.leads());
    for wrong in ["+1000d", "-3000d", "+0"] {
        leader.set_clock(wrong);
        // Nothing is to happen, so there is nothing to wait for but time: more than a ttl of it.
        std::thread::sleep(Duration::from_millis(2500));
        let now = leader.group().unwrap();
        assert_eq!((now.epoch, &now.leader), (before.epoch, &before.leader), "after a step to {wrong}");
    }
    leader.set_clock("-1000d");
    leader.kill_service();
    let (new, _) = cluster.next_leader(leader);
    let told = leader.events();
    let years: Vec<_> =
        [told.first(), told.last()].into_iter().flatten().map(|event| event.at[..4].to_owned()).collect();
    let year = new.events().last().unwrap().at[..4].to_owned();
    assert!(years.iter().all(|its| *its < year), "the clock was really wrong: {years:?}, here it is {year}");
}
