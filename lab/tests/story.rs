//! new_6: why it did, or did not, fail over: every phase, the reason, the measured outage, as `hotseat explain` tells it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hotseat_client::story::{Leadership, Phase, Story};
use hotseat_lab::spec::{GROUP, Store};
use hotseat_lab::{CEILING, Cluster, Node, Spec, http};

fn told(node: &Node) -> Option<Story> {
    let answer = node.get(&format!("/api/groups/{GROUP}/story")).filter(|answer| answer.status == 200)?;
    Some(serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body)))
}

/// Waits until the leadership of that epoch is written down and this holds of it.
fn wait_told(cluster: &Cluster, epoch: u64, what: &str, holds: impl Fn(&Leadership) -> bool) -> Leadership {
    cluster.wait_for(&format!("the story of epoch {epoch}, {what}"), |cluster| {
        let running =
            cluster.nodes().iter().find(|node| node.leads()).or_else(|| cluster.nodes().iter().find(|it| it.runs()))?;
        told(running)?.leaderships.into_iter().find(|it| it.epoch == epoch).filter(&holds)
    })
}

fn at(phases: &[Phase], name: &str) -> Option<u64> {
    phases.iter().find(|phase| phase.name == name)?.at_ms
}

/// Known, and one after the other.
fn check_order(phases: &[Phase], names: &[&str]) {
    let times: Vec<_> = names.iter().map(|name| at(phases, name)).collect();
    assert!(times.iter().all(Option::is_some), "{names:?} are known in {phases:#?}");
    assert!(times.is_sorted(), "{names:?} come in this order in {phases:#?}");
}

/// A client that comes while nobody leads, and how long it was there until it was answered.
fn client(node: &Node) -> JoinHandle<Duration> {
    let proxy = node.proxy();
    std::thread::spawn(move || {
        let came = Instant::now();
        let request = format!("GET / HTTP/1.1\r\nHost: {proxy}\r\nConnection: close\r\n\r\n");
        let answer = http::ask(proxy, &request, CEILING).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        came.elapsed()
    })
}

/// A host that is lost takes a ttl to be given up: a client that comes meanwhile is held for a while, and the story says
/// how long, why, and who else could have led.
fn new_6_a_lost_host_is_explained(store: Store) {
    let spec = Spec::demo().store(store).hot().proxy("60s").only(2, "group", "priority", "5");
    let cluster = Cluster::settled(spec.only(3, "group", "mode", "\"backup\""));
    let old = cluster.settle();
    let other = cluster.others(old).find(|node| node.name != "n3").unwrap();
    let epoch = old.group().unwrap().epoch;
    old.kill_all();
    // A proxy knows that nobody leads only once the old leader is given up; until then it tries to reach it.
    let waits = client(other);
    let (new, group) = cluster.next_leader(old);
    let waited = waits.join().unwrap();
    assert_eq!((new.name.as_str(), group.epoch), (other.name.as_str(), epoch + 1));
    let it = wait_told(&cluster, epoch + 1, "with what clients saw", |it| !it.waits.is_empty());

    assert_eq!((it.why.as_str(), it.planned), ("silent", false));
    assert_eq!((it.from.as_deref(), it.node.as_deref()), (Some(old.name.as_str()), Some(new.name.as_str())));
    let names = ["last-renewal", "doubt", "ended", "claim", "claimed", "ready", "announced", "first-client"];
    check_order(&it.phases, &names);
    check_order(&it.phases, &["last-renewal", "deadline", "ended"]);
    assert!(it.cause.contains("no message from") && it.cause.contains(&old.address().to_string()), "{}", it.cause);
    assert!(
        it.outage_ms >= at(&it.phases, "ended"),
        "the outage lasted at least until the old one was given up: {it:?}"
    );
    let wait = it.waits.iter().find(|wait| wait.node == new.name).unwrap();
    assert!(wait.longest_ms <= u64::try_from(waited.as_millis()).unwrap(), "told {wait:?}, measured {waited:?}");
    assert!(wait.clients >= 1 && wait.longest_ms > 0, "{wait:?}");
    let why =
        |node: &str| it.candidates.iter().find(|choice| choice.node == node).map(|it| (it.chosen, it.why.clone()));
    assert_eq!(why(&new.name).map(|(chosen, _)| chosen), Some(true));
    assert_eq!(why(&old.name), Some((false, format!("{} is not alive", old.name))));
    assert_eq!(why("n3"), Some((false, String::from("n3 never leads: its mode says so"))));

    let before = wait_told(&cluster, epoch, "with its end", |it| it.ended.is_some());
    assert_eq!(before.ended.unwrap().by, new.name, "the old one could not say so itself");
    old.start();
    let back = wait_told(&cluster, epoch + 1, "with the old one's return", |it| it.back.is_some()).back.unwrap();
    assert_eq!(back.state, "hot-standby");

    let shown = new.cli(&["explain"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    println!("{}", shown.out);
    let headline = format!("Epoch {} · {} took over from {}", epoch + 1, new.name, old.name);
    for words in [headline.as_str(), "own deadline", "first client served", "came back at", "Now: "] {
        assert!(shown.out.contains(words), "{words:?} in\n{}", shown.out);
    }
}

/// Of a planned change both halves are told, each by the clock of the node that lived it.
fn new_6_a_switchover_is_explained(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot().proxy("30s"));
    let old = cluster.settle();
    let epoch = old.group().unwrap().epoch;
    let new = cluster.others(old).next().unwrap();
    let done = old.cli(&["switchover", "--to", &new.name, "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let it = wait_told(&cluster, epoch + 1, "as far as its announcement", |it| at(&it.phases, "announced").is_some());
    assert_eq!((it.why.as_str(), it.planned, it.from.as_deref()), ("switchover", true, Some(old.name.as_str())));
    check_order(&it.phases, &["ceased", "claim", "claimed", "ready", "announced"]);
    let own = |it: &Leadership| it.ended.as_ref().is_some_and(|end| end.by == old.name);
    let before = wait_told(&cluster, epoch, "with its end in its own words", own);
    check_order(&before.ended.unwrap().phases, &["order", "drain", "drained", "stepped-down", "released"]);
    let chosen = it.candidates.iter().find(|choice| choice.chosen).unwrap();
    assert!(chosen.why.starts_with("handed over to it"), "{chosen:?}");
    // Nobody came: it says so, and makes no number up.
    let it =
        wait_told(&cluster, epoch + 1, "with its clients", |it| it.phases.iter().any(|p| p.name == "first-client"));
    let first = it.phases.iter().find(|phase| phase.name == "first-client").unwrap();
    assert!(first.at_ms.is_none() && first.note.contains("no client came"), "{first:?}");
    assert_eq!(it.waits, []);
    let shown = new.cli(&["explain", &(epoch + 1).to_string()]);
    println!("{}", shown.out);
    assert!(shown.out.contains(&format!("by the clock of {}", old.name)), "{}", shown.out);
    let unknown = new.cli(&["explain", "999"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("has had no epoch 999 yet"), "{}", unknown.err);
}

/// Every leadership is there, also of those that died right after they had begun.
fn new_6_no_epoch_is_missing(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot());
    for _ in 0..4 {
        let old = cluster.leader();
        old.kill_agent();
        cluster.next_leader(old);
        old.wait_exit();
        old.start();
    }
    let newest = cluster.settle().group().unwrap().epoch;
    wait_told(&cluster, newest, "as far as it goes", |_| true);
    // On a busy machine it may have gone on meanwhile.
    let story = told(cluster.leader()).unwrap();
    let epochs: Vec<_> = story.leaderships.iter().map(|it| it.epoch).collect();
    let last = *epochs.last().unwrap();
    assert!(last >= newest, "{epochs:?}");
    assert_eq!(epochs, (1..=last).collect::<Vec<_>>(), "{story:#?}");
    for it in story.leaderships.iter().filter(|it| it.epoch < last) {
        assert!(it.ended.is_some() && it.node.is_some(), "{it:?}");
    }
}

/// It did not fail over, and says why: nobody may lead; a service was restarted where it was.
fn new_6_why_not(store: Store) {
    let backup = |spec: Spec, node| spec.only(node, "group", "mode", "\"backup\"");
    let spec = backup(backup(Spec::demo().store(store), 2), 3);
    let cluster = Cluster::settled(spec.service("on_exit", "\"restart\""));
    let old = cluster.settle();
    let epoch = old.group().unwrap().epoch;
    old.kill_service();
    let spared = cluster.wait_for("the restart in the story", |_| {
        told(old)?.spared.into_iter().find(|it| it.kind == "restarted-in-place" && it.epoch == epoch)
    });
    assert!(spared.text.contains("signal 9") && spared.text.contains("n2 never leads"), "{spared:?}");
    old.kill_agent();
    let other = cluster.others(old).next().unwrap();
    let story = cluster.wait_for("nobody leads", |_| told(other).filter(|story| story.now.leader.is_none()));
    let why: Vec<_> = story.now.members.iter().map(|it| (it.node.as_str(), it.why.as_str())).collect();
    assert!(why.contains(&("n2", "never leads: its mode says so")), "{why:?}");
    assert!(why.iter().any(|(node, why)| *node == old.name && why.contains("offline")), "{why:?}");
    let shown = other.cli(&["explain"]);
    println!("{}", shown.out);
    for words in ["NOBODY LEADS", "never leads", "It did NOT change"] {
        assert!(shown.out.contains(words), "{words:?} in\n{}", shown.out);
    }
}

/// A leader that is silent for a while and comes back in time is no failover, but it is told.
fn new_6_a_doubt_that_passes_is_told(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot());
    // On a busy machine a pause may become too long; then another leader is paused.
    let spared = cluster.wait_for("a doubt that passed", |cluster| {
        let leader = cluster.settle();
        let stopped = leader.stop_agent();
        while stopped.elapsed() < Duration::from_millis(1300) {
            std::thread::sleep(hotseat_lab::PACE);
        }
        leader.continue_agent();
        let found = |story: Story| story.spared.into_iter().find(|it| it.kind == "doubt-passed");
        hotseat_lab::poll(Duration::from_secs(5), || told(leader).and_then(found))
    });
    assert!(spared.lasted_ms >= Some(1000), "at least for half of the ttl: {spared:?}");
    assert!(!spared.seen_by.contains(&spared.node), "others saw it: {spared:?}");
}

/// An agent that hangs has not ended, and nobody says so: its guard ended the service when the lease was over.
fn new_6_a_frozen_agent_is_no_dead_one(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot());
    let old = cluster.settle();
    let epoch = old.group().unwrap().epoch;
    old.stop_agent();
    let (new, _) = cluster.next_leader(old);
    let it = wait_told(&cluster, epoch + 1, "as far as its announcement", |it| at(&it.phases, "announced").is_some());
    let shown = new.cli(&["explain"]).out + &new.cli(&["status"]).out;
    old.continue_agent();
    println!("{shown}");
    // On a busy machine the guard's word may come after the silence was over.
    assert!(["lapsed", "silent"].contains(&it.why.as_str()), "{it:?}");
    if it.why == "lapsed" {
        assert!(it.cause.contains("was silent (since 2"), "{}", it.cause);
        assert!(it.cause.contains("its guard ended the service when the lease ran out"), "{}", it.cause);
        assert!(shown.contains("(the old leader's lease ran out"), "{shown}");
    }
    assert!(!shown.contains("proved its death") && !shown.contains("ended without handing over"), "{shown}");
    assert!(it.outage_ms.is_some(), "it was seen to fall silent: {it:?}");
}

/// The leader had no majority and stopped itself, its agent running all the while: that is what is told when a majority
/// is back, whoever leads then, and how long nobody did.
#[test]
fn new_6_a_leader_without_a_majority_is_explained() {
    let cluster = Cluster::settled(Spec::demo().store(Store::Raft).hot());
    let old = cluster.settle();
    let epoch = old.group().unwrap().epoch;
    cluster.others(old).for_each(|node| _ = node.kill_all());
    let alone = Instant::now();
    cluster.wait_for("the leader stops", |_| old.group().filter(|group| group.leader.is_none()));
    let stopped = alone.elapsed();
    // Long enough that no takeover takes as long.
    while alone.elapsed() < stopped + Duration::from_secs(3) {
        std::thread::sleep(hotseat_lab::PACE);
    }
    cluster.others(old).for_each(Node::start);
    let it = wait_told(&cluster, epoch + 1, "with how long nobody led", |it| it.outage_ms.is_some());
    let whole = alone.elapsed();
    println!("{it:#?}");
    assert_eq!((it.why.as_str(), it.from.as_deref(), it.planned), ("cut-off", Some(old.name.as_str()), false));
    assert!(it.cause.contains("had lost the store, or its majority"), "{}", it.cause);
    let outage = Duration::from_millis(it.outage_ms.unwrap());
    assert!(outage > Duration::from_secs(3) && outage < whole, "{outage:?} of {whole:?}");
    let shown = cluster.leader().cli(&["explain"]).out + &cluster.leader().cli(&["status"]).out;
    println!("{shown}");
    assert!(shown.contains("without a leader") && shown.contains("and stopped itself"), "{shown}");
    assert!(!shown.contains("began anew"), "its agent ran all the while: {shown}");
}

hotseat_lab::on_every_store!(
    new_6_a_lost_host_is_explained,
    new_6_a_switchover_is_explained,
    new_6_no_epoch_is_missing,
    new_6_why_not,
    new_6_a_doubt_that_passes_is_told,
    new_6_a_frozen_agent_is_no_dead_one,
);
