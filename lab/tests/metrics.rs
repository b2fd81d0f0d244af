//! `/metrics`: what Prometheus itself takes, with the names that docs/metrics.md promises and docs/grafana.json uses; and
//! `hotseat check`, as monitoring plugins have it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, http, poll, program};
use serde_json::Value;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// Every word of a text that is a metric's name.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split(word).filter(|it| it.starts_with("hotseat_")).map(str::to_owned).collect()
}

/// The names of the families on a page, as its `# TYPE` lines have them, and what histograms add to them.
fn families(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let parts = |(name, kind): (&str, &str)| match kind {
        "histogram" => ["", "_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).to_vec(),
        _ => vec![name.to_owned()],
    };
    types.flat_map(parts).collect()
}

fn page(node: &Node) -> String {
    node.get("/metrics").unwrap().body
}

fn number(page: &str, row: &str) -> f64 {
    let found = page.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {row} in\n{page}")).parse().unwrap()
}

#[test]
fn metrics_have_the_names_that_are_promised_and_prometheus_takes_them() {
    let cluster = Cluster::settled(Spec::demo().hot().proxy("30s").store(Store::Raft));
    let leader = cluster.leader();
    let done = leader.cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let leader = cluster.settle();
    let seen = page(leader);
    let there = families(&seen);
    assert!(there.len() > 20, "{there:?}");
    let promised = names(&document("metrics.md"));
    let plain: BTreeSet<_> =
        there.iter().filter(|it| !["_bucket", "_sum", "_count"].iter().any(|end| it.ends_with(end))).cloned().collect();
    let missing: Vec<_> = plain.difference(&promised).collect();
    assert!(missing.is_empty(), "docs/metrics.md does not name {missing:?}");
    let unknown: Vec<_> = promised.difference(&there).collect();
    assert!(unknown.is_empty(), "docs/metrics.md names {unknown:?}, and there is no such thing");
    let unknown: Vec<_> = names(&document("grafana.json")).difference(&there).cloned().collect();
    assert!(unknown.is_empty(), "docs/grafana.json uses {unknown:?}, and there is no such thing");
    assert_eq!(number(&seen, "hotseat_leader{group=\"web\"}"), 1.0);
    assert_eq!(number(&seen, "hotseat_epoch{group=\"web\"}"), 2.0);
    assert_eq!(number(&seen, "hotseat_members{group=\"web\",state=\"hot-standby\"}"), 2.0);
    assert_eq!(number(&seen, "hotseat_leader_changes_total{group=\"web\",reason=\"switchover\"}"), 1.0);
    assert!(number(&seen, "hotseat_renewal_seconds_count") > 0.0 && number(&seen, "hotseat_renewal_seconds_sum") > 0.0);
    assert!(number(&seen, "hotseat_renewals_sent_total") >= number(&seen, "hotseat_renewal_seconds_count"));
    assert!(number(&seen, "hotseat_votes_total{answer=\"acknowledged\"}") > 0.0);
    let left = number(&seen, "hotseat_lease_left_seconds");
    assert!(left > 0.0 && left <= number(&seen, "hotseat_lease_ttl_seconds"), "{left}");
    let standby = cluster.others(leader).next().unwrap();
    assert_eq!(number(&page(standby), "hotseat_leader{group=\"web\"}"), 0.0);
    outages_are_those_of_the_story(&cluster);
    taken(&seen);
    open_metrics(leader);
}

/// The leader tells what `explain` does; the others have had none, or of an earlier leadership.
fn outages_are_those_of_the_story(cluster: &Cluster) {
    let leader = cluster.leader();
    let told = cluster.wait_for("the story of the change", |_| {
        let story: Value = serde_json::from_str(&leader.get("/api/groups/web/story?epoch=2")?.body).ok()?;
        story["leaderships"][0]["outage_ms"].as_u64()
    });
    let seen = page(leader);
    assert_eq!(number(&seen, "hotseat_newest_outage_seconds{group=\"web\"}"), told as f64 / 1000.0);
    assert_eq!(number(&seen, "hotseat_outage_seconds_count{group=\"web\",planned=\"yes\"}"), 1.0);
    assert!(!seen.contains("hotseat_outage_seconds_count{group=\"web\",planned=\"no\"}"), "{seen}");
    for other in cluster.others(leader) {
        assert!(!page(other).contains("hotseat_newest_outage_seconds{"), "it does not lead");
    }
}

/// A node that is lost without a word of its guard, and then one that nobody acknowledges any more.
#[test]
fn what_is_lost_and_what_is_sent_in_vain_is_counted() {
    let cluster = Cluster::settled(Spec::demo().hot().store(Store::Raft));
    let old = cluster.leader();
    old.freeze();
    let (new, _) = cluster.next_leader(old);
    cluster.wait_for("the outage", |_| {
        page(new).contains("hotseat_outage_seconds_count{group=\"web\",planned=\"no\"} 1").then_some(())
    });
    assert!(number(&page(new), "hotseat_newest_outage_seconds{group=\"web\"}") > 0.0);
    let promised = |node: &Node| number(&page(node), "hotseat_votes_total{answer=\"promised\"}") > 0.0;
    assert!(cluster.others(old).any(promised), "somebody has promised to end it");
    old.thaw();
    let leader = cluster.settle();
    let others: Vec<_> = cluster.others(leader).collect();
    others.iter().for_each(|node| _ = node.stop_agent());
    cluster.wait_for("renewals that nobody acknowledges", |_| {
        (number(&page(leader), "hotseat_renewals_missed_total") > 0.0).then_some(())
    });
    others.iter().for_each(|node| _ = node.continue_agent());
    cluster.settle();
}

/// By promtool: parsed and linted.
fn taken(page: &str) {
    if !program::have("promtool", "prometheus") {
        return;
    }
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let ended = tool.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}\n{page}", String::from_utf8_lossy(&ended.stderr));
}

fn open_metrics(node: &Node) {
    let request =
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n";
    let answer = http::ask(node.address(), request, hotseat_lab::CEILING).unwrap();
    assert!(answer.head.contains("application/openmetrics-text; version=1.0.0"), "{}", answer.head);
    assert!(
        answer.body.ends_with("# EOF\n") && answer.body.contains("# TYPE hotseat_alerts counter"),
        "{}",
        answer.body
    );
}

#[test]
fn amp_18_check_is_a_monitoring_plugin() {
    let cluster = Cluster::settled(Spec::demo().hot());
    let (leader, node) = (cluster.leader(), cluster.others(cluster.leader()).next().unwrap());
    let check = |args: &[&str]| {
        let ended = node.cli(&[&["check"], args].concat());
        assert_eq!(ended.out.lines().count(), 1, "one line: {ended:?}");
        ended
    };
    let well = check(&[]);
    assert_eq!(well.code, Some(0), "{well:?}");
    let expected = format!(
        "HOTSEAT OK - web: {} leads, epoch 1, can lose 2 more | 'web_spare'=2;1:;0:;0 'web_members'=3;;;0 'web_epoch'=1c\n",
        leader.name
    );
    assert_eq!(well.out, expected);
    let few = check(&["--min-redundancy", "3"]);
    assert!(few.code == Some(1) && few.out.starts_with("HOTSEAT WARNING - "), "{few:?}");
    let fewer = check(&["--critical-redundancy", "3"]);
    assert!(fewer.code == Some(2) && fewer.out.starts_with("HOTSEAT CRITICAL - "), "{fewer:?}");
    let none = check(&["--group", "nobody"]);
    assert!(none.code == Some(3) && none.out.starts_with("HOTSEAT UNKNOWN - no group \"nobody\" at "), "{none:?}");
    let json: Value = serde_json::from_str(&check(&["--json"]).out).unwrap();
    assert_eq!((&json["code"], &json["state"]), (&Value::from(0), &Value::from("OK")));
    node.kill_agent();
    let gone = check(&[]);
    assert!(gone.code == Some(3) && gone.out.contains("no agent answers"), "unknown, not down: {gone:?}");
    let other = poll(hotseat_lab::CEILING, || {
        let told = check(&["--also", &leader.url()]);
        told.out.contains("can lose 1 more").then_some(told)
    });
    let other = other.expect("another agent knows");
    assert!(other.code == Some(1) && other.out.contains("no agent answers"), "{other:?}");
}
