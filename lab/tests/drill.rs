//! Fire drills: real failovers on purpose, by hand and on schedule, and what they refuse.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;

use hotseat_client::{Act, Drill, Drills};
use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec};

fn spec() -> Spec {
    let spec = Spec::demo().hot().proxy("30s");
    spec.service("ready", r#"{ http = "/healthz" }"#).node("supervised", "true")
}

/// The drills, unless the store has to be waited for: its own leader may have fallen too.
fn drills(node: &Node) -> Option<Drills> {
    let answer = node.get("/api/groups/web/drills").filter(|answer| answer.status != 503)?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Some(serde_json::from_str(&answer.body).unwrap())
}

/// Asks for a drill through a node, until the cluster has been calm for long enough.
fn order(cluster: &Cluster, via: &Node, body: &str) -> u64 {
    cluster.wait_for("the drill is taken", |_| {
        let answer = via.post("/api/groups/web/drill", body).unwrap();
        let passing =
            ["are to pass after a change", "does not answer", "voters are well", "is offline", "nobody leads it"];
        let soon = answer.status == 503 || passing.iter().any(|why| answer.body.contains(why));
        assert!(answer.status == 202 || soon, "{} {}", answer.status, answer.body);
        let begun: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        begun["id"].as_u64()
    })
}

fn report(cluster: &Cluster, via: &Node, id: u64) -> Drill {
    cluster.wait_for("the report", |_| drills(via)?.history.into_iter().find(|drill| drill.id == id))
}

/// The group's acts, once each of them is done.
fn acts(cluster: &Cluster, via: &Node) -> Vec<Act> {
    cluster.wait_for("what came of every act", |_| {
        let acts: Vec<Act> = serde_json::from_str(&via.get("/api/groups/web/acts")?.body).unwrap();
        acts.iter().all(|act| act.outcome.is_some()).then_some(acts)
    })
}

/// What every drill that is carried out has to say: another leads, all others have watched, and clients came through.
fn check(drill: &Drill, old: &Node, others: usize) {
    assert!(drill.passed, "{drill:?}");
    assert_eq!(drill.from, old.name, "{drill:?}");
    assert!(drill.to.as_ref().is_some_and(|to| *to != old.name), "{drill:?}");
    let nodes: BTreeSet<_> = drill.watchers.iter().map(|watch| watch.node.as_str()).collect();
    assert!(nodes.len() == others && !nodes.contains(old.name.as_str()), "{drill:?}");
    for watch in &drill.watchers {
        let seen = watch.seen.unwrap();
        // Their proxies let requests wait: none of them fails.
        assert!(seen.questions > 0 && seen.failed == 0 && seen.outage_ms <= drill.outage_ms, "{drill:?}");
    }
}

fn new_7_switchover(store: Store) {
    let cluster = Cluster::settled(spec().store(store));
    let old = cluster.leader();
    let via = cluster.others(old).next().unwrap();
    let drill =
        report(&cluster, via, order(&cluster, via, r#"{"kind":"switchover","max_ms":20000,"reason":"to see"}"#));
    check(&drill, old, 2);
    assert_eq!((drill.order.reason.as_deref(), drill.order.max_ms), (Some("to see"), Some(20_000)));
    let (new, group) = cluster.next_leader(old);
    assert_eq!(Some(&new.name), drill.to.as_ref());
    assert_eq!(group.epoch, drill.epoch + 1, "one change, and no more");
    for node in cluster.nodes() {
        let last = cluster.wait_for("every node tells of it", |_| node.group()?.drill);
        assert_eq!((last.outage_ms, last.passed), (drill.outage_ms, true));
    }
    let acts = acts(&cluster, via);
    let [act] = acts.as_slice() else { panic!("one act for one drill: {acts:?}") };
    assert_eq!((act.what.as_str(), &act.who, &act.via), ("switchover", &drill.who, &old.name), "{act:?}");
    assert_eq!(act.reason, Some(format!("fire drill {}: to see", drill.id)));
    assert!(act.outcome.as_ref().unwrap().ok, "{act:?}");
    let status = via.cli(&["status"]);
    let last = format!("s ago, {} ms", drill.outage_ms.unwrap());
    assert!(status.out.contains("last drill") && status.out.contains(&last), "{}", status.out);
}

/// The agent is killed; only whoever starts it again brings it back.
fn new_7_crash(store: Store) {
    let cluster = Cluster::settled(spec().store(store));
    let old = cluster.leader();
    let via = cluster.others(old).next().unwrap();
    let id = order(&cluster, via, r#"{"kind":"crash"}"#);
    let drill = report(&cluster, via, id);
    check(&drill, old, 2);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&old.wait_exit()), Some(9));
    old.revive();
    cluster.settle();
    let known = cluster.wait_for("it tells", |_| drills(old));
    assert_eq!(known.history, vec![drill], "once, and whoever was killed knows it too");
}

/// The agent stands still for longer than its lease, and comes back by itself as a standby.
fn new_7_freeze(store: Store) {
    let cluster = Cluster::settled(spec().store(store));
    let old = cluster.leader();
    let pid = old.agent();
    let via = cluster.others(old).next().unwrap();
    let drill = report(&cluster, via, order(&cluster, via, r#"{"kind":"freeze"}"#));
    check(&drill, old, 2);
    cluster.settle();
    assert!(old.runs() && old.agent() == pid, "the same agent goes on");
    assert!(!old.leads());
}

/// The report shows the same phases as the story, and of both leaders.
fn new_7_the_report_is_the_story(store: Store) {
    let cluster = Cluster::settled(spec().store(store));
    let old = cluster.leader();
    let via = cluster.others(old).next().unwrap();
    let said = via.cli(&["drill", "--kind", "switchover", "--force"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let epoch = cluster.next_leader(old).1.epoch.to_string();
    let shown: Vec<_> = said.out.lines().filter(|line| line.contains(" ms  ")).collect();
    for words in ["It was ordered by act 1", "by the clock of", "released", "claims epoch", "is ready"] {
        assert!(said.out.contains(words), "no {words:?} in {said:?}");
    }
    cluster.wait_for("the same phases", |_| {
        let explained = via.cli(&["explain", &epoch]);
        shown.iter().all(|line| explained.out.contains(line)).then_some(())
    });
}

/// A drill that fails is told of, once, and stays in the history.
fn new_7_a_failed_drill_raises_the_alarm(store: Store) {
    let alert = r#"[[alert]]
name = "fire"
when = ["drill-failed"]
command = ["/bin/sh", "-c", "cat >> {shared}/alerts; echo >> {shared}/alerts"]"#;
    let cluster = Cluster::settled(spec().store(store).also(alert));
    let via = cluster.leader();
    let heard = || {
        let text = std::fs::read_to_string(cluster.root().join("shared/alerts")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    for round in 1..=2 {
        // Nobody can be as fast as that.
        let id = order(&cluster, via, r#"{"kind":"switchover","max_ms":0,"force":true}"#);
        let drill = report(&cluster, via, id);
        assert!(!drill.passed, "{drill:?}");
        let heard = cluster.wait_for("the alert", |_| Some(heard()).filter(|heard| heard.len() == round));
        let newest = &heard[round - 1];
        assert_eq!((newest["rule"].as_str(), newest["group"].as_str()), (Some("drill-failed"), Some("web")));
        assert!(newest["text"].as_str().unwrap().contains(&drill.text), "{newest}");
        let history = via.cli(&["drill", "--history"]);
        assert!(history.out.contains("FAILED") && history.out.contains(&drill.text), "{history:?}");
    }
}

hotseat_lab::on_every_store!(
    new_7_switchover,
    new_7_crash,
    new_7_freeze,
    new_7_the_report_is_the_story,
    new_7_a_failed_drill_raises_the_alarm,
);

#[test]
fn new_7_on_schedule_once_in_a_period() {
    let cluster = Cluster::settled(spec().drill("every", "\"8s\"").drill("max", "\"20s\""));
    let node = cluster.node("n1");
    let history = cluster.wait_for("two drills", |_| drills(node).map(|it| it.history).filter(|it| it.len() >= 2));
    let acts = acts(&cluster, node);
    for drill in &history {
        let reason = format!("fire drill {}", drill.id);
        assert!(acts.iter().any(|act| act.who == "schedule" && act.reason.as_ref() == Some(&reason)), "{acts:?}");
        assert_eq!((drill.who.as_str(), drill.passed), ("schedule", true), "{drill:?}");
        assert_eq!(drill.order.max_ms, Some(20_000));
    }
    let at = |drill: &Drill| humantime::parse_rfc3339(&drill.at).unwrap();
    let between = at(&history[0]).duration_since(at(&history[1])).unwrap();
    assert!(between.as_secs() >= 8, "{between:?} between two drills of different leaders");
}

#[test]
fn new_7_refuses_what_would_take_the_service_down() {
    let cluster = Cluster::settled(spec().nodes(2).node("supervised", "false"));
    let old = cluster.leader();
    let standby = cluster.others(old).next().unwrap();
    // Nothing would start the agent again.
    let drill = report(&cluster, standby, order(&cluster, standby, r#"{"kind":"crash"}"#));
    assert!(!drill.passed && drill.text.contains("supervised = true"), "{drill:?}");
    assert!(old.leads() && old.runs(), "nobody fell");
    let said = standby.cli(&["drill", "--history"]);
    assert!(said.out.contains("FAILED") && said.out.contains("called off"), "{}", said.out);
    hotseat_lab::processes::signal(standby.agent(), rustix::process::Signal::KILL);
    cluster.wait_for("nobody could take over", |_| {
        let ended = old.cli(&["drill", "--kind", "switchover", "--force"]);
        (ended.code == Some(1) && ended.err.contains("nobody could take over")).then_some(())
    });
    assert!(old.leads(), "nobody fell");
}

#[test]
fn new_7_one_at_a_time_and_not_while_a_member_is_away() {
    let cluster = Cluster::settled(spec());
    let old = cluster.leader();
    let via = cluster.others(old).next().unwrap();
    let id = order(&cluster, via, r#"{"kind":"switchover"}"#);
    let second = old.post("/api/groups/web/drill", r#"{"kind":"switchover","force":true}"#).unwrap();
    assert!(second.status == 409 && second.body.contains("is under way"), "{}", second.body);
    check(&report(&cluster, via, id), old, 2);
    let away = cluster.others(via).find(|node| !node.leads()).unwrap();
    hotseat_lab::processes::signal(away.agent(), rustix::process::Signal::KILL);
    cluster.wait_for("it is refused because a member is away", |_| {
        let answer = via.post("/api/groups/web/drill", r#"{"kind":"switchover"}"#).unwrap();
        (answer.status == 409 && answer.body.contains(&format!("{} of web is offline", away.name))).then_some(())
    });
}
