//! Leaderships that end as planned: the old service stops first, and clients wait instead of failing.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use hotseat_lab::http::{self, Answer};
use hotseat_lab::observer::{Observer, demo};
use hotseat_lab::processes::{Kind, look};
use hotseat_lab::spec::array;
use hotseat_lab::{Cluster, Node, Spec, program};

const TTL: Duration = Duration::from_secs(2);

#[test]
fn amp_5() {
    for spec in [Spec::demo().hot(), Spec::demo()] {
        let cluster = Cluster::settled(spec);
        let old = cluster.leader();
        let observer = cluster.observe();
        cluster.wait_for("an answer", |_| demo(old.service()));
        let stopped = old.term();
        let (_, group) = cluster.next_leader(old);
        cluster
            .wait_for("an answer of a new leader", |cluster| cluster.others(old).find_map(|node| demo(node.service())));
        assert!(old.wait_exit().success(), "{}", old.log());
        let seen = observer.stop();
        seen.check_one_leader();
        let outage = seen.outage(stopped, &old.name).unwrap();
        println!("handed over in {outage:?}: {}", group.reason);
        assert!(outage < TTL, "at once, not by time-out: {outage:?}");
        assert_eq!(group.reason, "the old leader was stopped");
        // Its guard repeats its word for a while, to nobody's harm.
        assert!(old.processes().iter().all(|process| process.kind == Kind::Guard), "{:?}", old.processes());
    }
}

#[test]
fn amp_17() {
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2));
    let old = cluster.leader();
    let pid_txt = old.path("data/pid.txt");
    assert_eq!(fs::read_to_string(&pid_txt).unwrap().trim(), old.agent().to_string());
    let kill = format!("kill -9 $(cat {})", pid_txt.display());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    cluster.next_leader(old);
    old.wait_exit();
    old.start();
    cluster.settle();
    assert_eq!(fs::read_to_string(&pid_txt).unwrap().trim(), old.agent().to_string(), "the new run's");
    old.term();
    assert!(old.wait_exit().success());
    assert!(!pid_txt.exists(), "a clean stop takes it away");
}

/// Cold: the new one is started only when nothing of the old one is alive.
#[test]
fn a_cold_standby_starts_after_the_old_one_has_stopped() {
    // It takes its time to stop, and a child of it stays behind.
    let stubborn = r#"["sh", "-c", "trap 'sleep 0.7; exit 0' TERM; (trap '' TERM; exec sleep 300) & while :; do sleep 0.1; done"]"#;
    let cluster = Cluster::settled(Spec::of("sh").portless().service("command", stubborn));
    let witness = cluster.witness();
    let old = cluster.leader();
    let before = old.pids(Kind::Service);
    assert!(before.len() >= 2, "{before:?}");
    let done = old.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.took >= Duration::from_millis(700), "it had its time to stop: {:?}", done.took);
    assert!(before.iter().all(|pid| look(*pid).is_none()), "nothing of the old one is alive");
    let seen = witness.check_never_two();
    assert_eq!(seen.order.len(), 2, "{:?}", seen.order);
}

#[test]
fn a_switchover_goes_where_it_is_told_and_refuses_what_cannot_be() {
    let cluster = Cluster::settled(Spec::demo().hot());
    let old = cluster.leader();
    let epoch = old.group().unwrap().epoch;
    let observer = cluster.observe();
    let refused = old.cli(&["switchover", "--to", "n9"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("no member \"n9\" in web; there is: n1, n2, n3"), "{refused:?}");
    let unknown = old.cli(&["switchover", "--group", "none"]);
    assert!(unknown.err.contains("no group \"none\"") && unknown.err.contains("web"), "{unknown:?}");
    assert_eq!(old.group().unwrap().epoch, epoch, "what is refused changes nothing");
    // Asked of a standby: it says where, and the command goes there.
    let target = cluster.others(old).last().unwrap();
    let done = target.cli(&["switchover", "--to", &target.name]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains(&format!("{} → {}", old.name, target.name)), "{done:?}");
    cluster.settle();
    assert!(target.leads());
    observer.stop().check_one_leader();
}

/// A client's request, which waits as long as it has to.
fn ask(node: &Node) -> std::io::Result<Answer> {
    http::ask(node.proxy(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", Duration::from_secs(30))
}

/// Clients of a proxy, on whichever node it is, are led to the new leader, and no older one answers after it.
#[test]
fn the_proxy_follows() {
    let cluster = Cluster::settled(Spec::demo().hot().proxy("30s"));
    let beside = cluster.others(cluster.leader()).next().unwrap();
    let through = Observer::start(vec![("proxy".into(), beside.proxy())], demo);
    for _ in 0..3 {
        let from = cluster.settle();
        let done = from.cli(&["switchover", "--wait", "60s"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert_eq!(ask(beside).expect("answered").status, 200);
    }
    let seen = through.stop();
    let epochs: Vec<_> = seen.answers.iter().map(|answer| answer.epoch).collect();
    assert!(epochs.is_sorted(), "{epochs:?}");
    assert!(seen.leaderships().len() >= 3, "{seen}");
}

/// Nobody serves for a second: requests that come meanwhile wait for it, and none is refused.
#[test]
fn the_proxy_parks() {
    let slow = format!("sleep 1; exec {} demo-service --port {{port}}", program::hotseat().display());
    let spec = Spec::demo().nodes(2).proxy("30s").service("command", &array(&["sh", "-c", &slow]));
    let cluster = Cluster::settled(spec);
    let old = cluster.leader();
    assert_eq!(old.post("/api/groups/web/switchover", "").unwrap().status, 202);
    cluster.wait_for("all know that it does not lead", |cluster| {
        let over = |node: &Node| node.group().is_some_and(|group| !group.serving);
        cluster.nodes().iter().all(over).then_some(())
    });
    let asked = Instant::now();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let nodes = cluster.nodes().iter().cycle().take(8);
        let threads: Vec<_> = nodes.map(|node| scope.spawn(move || ask(node))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    println!("waited {:?}", asked.elapsed());
    for answer in answers {
        let answer = answer.expect("a request that waits is answered");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert!(asked.elapsed() > Duration::from_millis(500), "they did wait");
}
