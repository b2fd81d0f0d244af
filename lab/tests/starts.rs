//! Who may come in: start modes, and members of one kind.
#![allow(missing_docs, clippy::unwrap_used)]

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec};

/// An agent that is turned away, and says why.
fn turned_away(node: &Node, says: &[&str]) {
    node.start();
    let ended = node.wait_exit();
    let log = node.log();
    let last: String = log.lines().rev().take(4).collect::<Vec<_>>().join("\n");
    assert!(!ended.success(), "{log}");
    for said in says {
        assert!(last.contains(said), "no {said:?} at the end of\n{log}");
    }
}

fn comes_in(cluster: &Cluster, node: &Node, state: &str) {
    node.start();
    becomes(cluster, node, state);
}

fn becomes(cluster: &Cluster, node: &Node, state: &str) {
    cluster.wait_for(&format!("{} is {state}", node.name), |_| node.member().filter(|member| member.state == state));
}

fn stopped(node: &Node) {
    node.term();
    assert!(node.wait_exit().success(), "{}", node.log());
}

/// In AMP's spellings, which are accepted.
fn amp_1_starts_as_its_mode_says(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).group("mode", "\"AUTO\""));
    let old = cluster.leader();
    let mut others = cluster.others(old);
    let (a, b) = (others.next().unwrap(), others.next().unwrap());
    stopped(a);
    a.edit("\"AUTO\"", "\"MASTER\"");
    turned_away(a, &[&format!("web has a leader already, {}", old.name), "mode = \"auto\""]);
    a.edit("\"MASTER\"", "\"HOT_STANDBY\"");
    comes_in(&cluster, a, "hot-standby");
    stopped(a);
    a.edit("\"HOT_STANDBY\"", "\"HOT_BACKUP\"");
    comes_in(&cluster, a, "backup");
    stopped(b);
    b.edit("\"AUTO\"", "\"STANDBY\"");
    comes_in(&cluster, b, "standby");
    // A standby leads when elected later; a backup never does.
    old.kill_all();
    assert_eq!(cluster.next_leader(old).0.name, b.name);
    stopped(b);
    becomes(&cluster, a, "backup");
    stopped(a);
    // Nobody leads: a backup may start, a standby not, unless it was the last that led.
    a.start();
    old.edit("\"AUTO\"", "\"STANDBY\"");
    turned_away(old, &["web has no leader", "mode = \"standby\""]);
    old.edit("\"STANDBY\"", "\"DISABLED\"");
    comes_in(&cluster, old, "offline");
    becomes(&cluster, a, "backup");
    assert!(cluster.nodes().iter().all(|node| !node.leads()), "neither ever leads");
    b.start();
    cluster.wait_for("the last leader leads again", |_| b.leads().then_some(()));
}

fn nsg_2_members_are_of_one_kind(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).group("role", "\"primary\"").node("region", "\"world\""));
    let leader = cluster.leader();
    let other = cluster.others(leader).next().unwrap();
    stopped(other);
    other.edit("\"world\"", "\"moon\"");
    turned_away(other, &["members of web must agree on their region", "this node's is \"moon\"", "'s is \"world\""]);
    assert!(cluster.others(other).any(|node| other.log().contains(&format!("{}'s is \"world\"", node.name))));
    other.edit("\"moon\"", "\"world\"");
    other.edit("\"primary\"", "\"secondary\"");
    turned_away(other, &["members of web must agree on their role", "\"secondary\"", "\"primary\""]);
    other.edit("\"secondary\"", "\"primary\"");
    other.start();
    cluster.settle();
    assert!(leader.leads(), "nobody was disturbed");
}

/// Records of the dead say "alive" until somebody ends them; they keep nobody out.
#[test]
fn nsg_2_the_dead_have_no_say() {
    let cluster = Cluster::settled(Spec::demo().group("role", "\"primary\""));
    let leader = cluster.leader();
    let other = cluster.others(leader).next().unwrap();
    stopped(other);
    cluster.others(other).for_each(|node| {
        node.kill_all();
    });
    other.edit("\"primary\"", "\"secondary\"");
    other.start();
    cluster.wait_for("it leads", |_| other.leads().then_some(()));
}

hotseat_lab::on_every_store!(amp_1_starts_as_its_mode_says, nsg_2_members_are_of_one_kind);

/// What a running agent cannot change is named, each time it is asked, and nothing else.
#[test]
fn what_a_reload_cannot_change_is_named() {
    let cluster = Cluster::settled(Spec::demo().hot().proxy("30s").group("priority", "1"));
    let node = cluster.leader();
    let told = |said: &str| {
        let before = node.log().matches(said).count();
        node.reload();
        cluster.wait_for("what it takes of that", |_| (node.log().matches(said).count() > before).then_some(()));
    };
    node.edit("priority = 1", "priority = 7");
    told("settings read anew: priorities and modes count now");
    cluster.wait_for("the priority", |_| node.member().filter(|member| member.priority == 7));
    node.edit("\"30s\"", "\"31s\"");
    told("after a restart: of group web: proxy\n");
    told("after a restart: of group web: proxy\n");
}
