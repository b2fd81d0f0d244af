//! Leaderships that stay, go back, or wait: pause, failback, and groups that do not settle.
#![allow(missing_docs, clippy::unwrap_used)]

use hotseat_client::Event;
use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec};

/// The newest line of a kind in a node's story.
fn told(node: &Node, kind: &str) -> Option<Event> {
    node.events().into_iter().rev().find(|event| event.kind == kind)
}

fn leads(cluster: &Cluster, node: &Node) {
    cluster.wait_for(&format!("{} leads", node.name), |_| node.leads().then_some(()));
}

/// Killed as a machine that fails, and started again.
fn falls_and_rises(cluster: &Cluster, node: &Node) {
    node.kill_all();
    cluster.next_leader(node);
    node.wait_exit();
    node.start();
    cluster.settle();
}

fn shk_4_the_lead_goes_back_after_a_quiet_time(store: Store) {
    let spec = Spec::demo().hot().store(store).only(1, "group", "priority", "10");
    let cluster = Cluster::settled(spec.group("failback", "{ after = \"1s\" }"));
    let first = cluster.node("n1");
    leads(&cluster, first);
    first.kill_all();
    let (second, group) = cluster.next_leader(first);
    first.wait_exit();
    first.start();
    leads(&cluster, first);
    let back = cluster.wait_for("its record", |_| first.group().filter(|group| group.serving));
    assert_eq!(
        (back.epoch, back.reason.as_str()),
        (group.epoch + 1, "a member of larger priority was well for long enough")
    );
    let handed = told(second, "demoting").expect("it was planned");
    assert!(handed.text.contains("larger priority"), "{handed:?}");
}

/// Unless it is configured, the lead goes back by hand alone.
fn shk_4_or_by_hand(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store).only(1, "group", "priority", "10"));
    let first = cluster.node("n1");
    leads(&cluster, first);
    falls_and_rises(&cluster, first);
    let epoch = cluster.settle().group().unwrap().epoch;
    let asked = first.cli(&["switchover", "--to", "n1"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    leads(&cluster, first);
    assert_eq!(first.group().unwrap().epoch, epoch + 1, "it had not gone back before");
}

fn new_5_nothing_moves_until_resumed(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store));
    let leader = cluster.leader();
    let mut others = cluster.others(leader);
    let (a, b) = (others.next().unwrap(), others.next().unwrap());
    let paused = a.cli(&["pause", "--reason", "the switch is replaced"]);
    assert_eq!(paused.code, Some(0), "{paused:?}");
    let refused = a.cli(&["switchover"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(refused.err.contains("resume"), "it says how to go on: {refused:?}");
    leader.kill_all();
    for node in [a, b] {
        let kept = cluster.wait_for("it is kept from leading", |_| told(node, "barred"));
        assert!(kept.text.contains("paused"), "{kept:?}");
    }
    let group = a.group().unwrap();
    assert!(group.paused && group.leader.is_none(), "{group:?}");
    // Who led last may lead again; a restart of the others changes nothing.
    leader.wait_exit();
    b.kill_agent();
    b.start();
    leader.start();
    leads(&cluster, leader);
    assert_eq!(cluster.settle().name, leader.name);
    let resumed = b.cli(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    leader.kill_all();
    let (next, _) = cluster.next_leader(leader);
    assert_ne!(next.name, leader.name);
}

/// Four changes that nobody meant are followed at once; the next waits, says why, and `resume` makes an end of it.
fn leaders_that_do_not_stay_are_followed_more_slowly(store: Store) {
    // No leader stays so long that the changes before it count no more.
    let cluster = Cluster::settled(Spec::demo().hot().store(store).group("hold_max", "\"1h\"").group("calm", "\"1h\""));
    for _ in 0..4 {
        falls_and_rises(&cluster, cluster.leader());
    }
    let old = cluster.leader();
    let asked = cluster.others(old).next().unwrap();
    // The fifth waits a second, the sixth two: both come by themselves.
    falls_and_rises(&cluster, old);
    let waited = |node: &Node| told(node, "barred").is_some_and(|it| it.text.contains("in a row were nobody's plan"));
    assert!(cluster.others(old).any(waited), "somebody says why it waits");
    // On a machine that is starved there may be more of them.
    let group = cluster.settle().group().unwrap();
    assert!(group.unrest >= 5, "{group:?}");
    let resumed = asked.cli(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    cluster.wait_for("it counts no more", |cluster| {
        cluster.nodes().iter().all(|node| node.group().is_some_and(|group| group.unrest == 0)).then_some(())
    });
}

hotseat_lab::on_every_store!(
    shk_4_the_lead_goes_back_after_a_quiet_time,
    shk_4_or_by_hand,
    new_5_nothing_moves_until_resumed,
    leaders_that_do_not_stay_are_followed_more_slowly,
);
