//! Operators' acts, taken by any node: priorities, modes, switchovers and removals, who asked for them and what came of
//! them.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_client::{Act, Group, Member};
use hotseat_lab::spec::{GROUP, Store};
use hotseat_lab::{Cluster, Node, Spec};

const FAILBACK: Duration = Duration::from_secs(1);

fn acts(node: &Node) -> Vec<Act> {
    let answer = node.get(&format!("/api/groups/{GROUP}/acts")).expect("it answers");
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

/// A command that has to succeed.
fn done(node: &Node, args: &[&str]) -> String {
    let ended = node.cli(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}\n{}", node.log());
    ended.out
}

fn member(group: &Group, name: &str) -> Option<Member> {
    group.members.iter().find(|member| member.node == name).cloned()
}

/// Waits until every node shows this of a member.
fn everywhere(cluster: &Cluster, name: &str, what: &str, fits: impl Fn(&Member) -> bool) {
    cluster.wait_for(&format!("{name} {what}, as every node sees it"), |cluster| {
        let shown = |node: &Node| node.group().and_then(|group| member(&group, name)).is_some_and(|it| fits(&it));
        cluster.nodes().iter().filter(|node| node.runs()).all(shown).then_some(())
    });
}

/// A priority that was ordered decides who takes over, and survives the restart of every agent.
fn amp_6_a_priority_survives_a_restart(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store).group("hold_max", "\"0s\""));
    let old = cluster.settle();
    let preferred = cluster.others(old).last().unwrap();
    let asked = cluster.others(old).next().unwrap();
    let said = done(asked, &["priority", "10", "--node", &preferred.name, "--reason", "the big one"]);
    assert!(said.contains(&format!("the priority of {} is 10", preferred.name)), "{said}");
    for node in cluster.nodes() {
        node.kill_agent();
    }
    for node in cluster.nodes() {
        node.wait_exit();
        node.start();
    }
    let leader = cluster.settle();
    everywhere(&cluster, &preferred.name, "has priority 10", |member| member.priority == 10);
    let status = done(leader, &["status"]);
    assert!(status.contains(&format!("{} priority 10, set by", preferred.name)), "{status}");
    assert!(status.contains("the big one") && status.contains("its file said 0"), "{status}");
    if leader.name != preferred.name {
        leader.kill_agent();
        let (next, _) = cluster.next_leader(leader);
        assert_eq!(next.name, preferred.name, "the larger priority wins");
        leader.wait_exit();
        leader.start();
    }
    let leader = cluster.settle();
    done(leader, &["priority", "--clear", "--node", &preferred.name]);
    everywhere(&cluster, &preferred.name, "has its file's priority", |member| member.priority == 0);
}

/// The old leader stops first: never do services of two nodes live at one instant.
fn amp_10_a_standby_is_made_the_leader_as_planned(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store));
    let witness = cluster.witness();
    let old = cluster.settle();
    let target = cluster.others(old).last().unwrap();
    done(target, &["mode", "leader", "--node", &target.name]);
    let group = cluster.wait_for("it leads", |_| target.group().filter(|group| target.leads() && group.serving));
    assert_eq!(group.reason, "switchover", "it does not steal");
    cluster.settle();
    let seen = witness.check_never_two();
    assert_eq!(seen.order.len(), 2, "{:?}", seen.order);
}

/// The best other takes over, by priority; the one that was demoted would win by its own, and does not come back.
fn amp_11_who_is_demoted_does_not_win_straight_back(store: Store) {
    let spec = Spec::demo().hot().store(store).group("failback", &format!("{{ after = \"{}s\" }}", FAILBACK.as_secs()));
    let cluster = Cluster::settled(spec);
    let old = cluster.settle();
    let mut others = cluster.others(old);
    let (asked, best) = (others.next().unwrap(), others.next().unwrap());
    done(asked, &["priority", "99", "--node", &old.name]);
    done(asked, &["priority", "5", "--node", &best.name]);
    let said = done(asked, &["mode", "standby", "--node", &old.name, "--reason", "its disk is slow"]);
    assert!(said.contains(&format!("{} leads", best.name)), "the outcome is waited for: {said}");
    assert!(best.leads());
    let epoch = best.group().unwrap().epoch;
    cluster.settle();
    // Longer than a failback would have to wait for.
    std::thread::sleep(FAILBACK * 3);
    let now = cluster.settle().group().unwrap();
    assert_eq!((now.leader.as_deref(), now.epoch), (Some(best.name.as_str()), epoch));
    let act = acts(asked).into_iter().find(|act| act.what == "mode").unwrap();
    assert_eq!(act.reason.as_deref(), Some("its disk is slow"));
    assert!(act.outcome.unwrap().ok);
}

/// A node that is gone for good is taken off the lists by whichever node is asked; one that lives is not.
fn amp_12_dead_members_are_removed(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().nodes(4).store(store));
    let leader = cluster.settle();
    let mut others = cluster.others(leader);
    let (asked, gone, lost) = (others.next().unwrap(), others.next().unwrap(), others.next().unwrap());
    let refused = asked.cli(&["remove", &gone.name]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains(&format!("{} is alive: stop its agent first", gone.name)), "{refused:?}");
    gone.kill_all();
    everywhere_dead(&cluster, gone);
    let said = done(asked, &["remove", &gone.name, "--reason", "sold"]);
    assert!(said.starts_with(&format!("removed: {}\n", gone.name)), "{said}");
    // Where the nodes are the store its vote is another matter: it may only be starting anew.
    assert_eq!(said.contains("hotseat members remove"), store == Store::Raft, "{said}");
    absent(&cluster, gone);
    let act = acts(leader).into_iter().find(|act| act.what == "remove").unwrap();
    assert_eq!(act.reason.as_deref(), Some("sold"));
    // Its name is not taken for ever.
    gone.wait_exit();
    gone.start();
    everywhere(&cluster, &gone.name, "is a member again", |member| member.state == "hot-standby");
    // Two of four would be no majority of the voters.
    let dead = if store == Store::Raft { vec![lost] } else { vec![gone, lost] };
    for node in &dead {
        node.kill_all();
        everywhere_dead(&cluster, node);
    }
    let said = done(asked, &["remove", "--dead"]);
    for node in dead {
        assert!(said.contains(&node.name), "{said}");
        absent(&cluster, node);
    }
    assert_eq!(done(asked, &["remove", "--dead"]).trim(), "no node is dead");
}

/// Nobody has to do it: who leads removes what was dead for long enough, on record.
fn amp_12_dead_members_expire(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().nodes(4).store(store).cluster("forget", "\"2s\""));
    let leader = cluster.settle();
    let gone = cluster.others(leader).next().unwrap();
    gone.kill_all();
    absent(&cluster, gone);
    let act = acts(leader).into_iter().find(|act| act.what == "remove").unwrap();
    assert_eq!((act.who.as_str(), act.detail.as_str()), ("hotseat", gone.name.as_str()));
    assert!(act.reason.unwrap().contains("[cluster] forget"), "it says why");
}

fn everywhere_dead(cluster: &Cluster, node: &Node) {
    everywhere(cluster, &node.name, "is offline", |member| member.state == "offline");
}

fn absent(cluster: &Cluster, gone: &Node) {
    cluster.wait_for(&format!("nobody shows {}", gone.name), |cluster| {
        let shows = |node: &Node| node.group().is_none_or(|group| member(&group, &gone.name).is_some());
        let mut others = cluster.nodes().iter().filter(|node| node.runs());
        (!others.any(shows)).then_some(())
    });
}

/// What is asked for twice is done once; what cannot be is refused with what would help; all of it is on record.
fn every_act_is_on_record_and_safe_to_repeat(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store));
    let leader = cluster.settle();
    let asked = cluster.others(leader).next().unwrap();
    let said = done(asked, &["pause", "--reason", "a new switch"]);
    assert!(said.contains("nothing of web moves until it is resumed (act 1)"), "{said}");
    let again = done(leader, &["pause"]);
    assert!(again.contains("already: nothing of web moves until it is resumed (act 1)"), "{again}");
    let refused = asked.cli(&["switchover"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("a new switch. First: hotseat resume --group web"), "{refused:?}");
    let status = done(leader, &["status"]);
    assert!(status.contains("PAUSED by") && status.contains("a new switch"), "{status}");
    done(leader, &["resume"]);
    let epoch = leader.group().unwrap().epoch;
    let moved = asked.cli(&["switchover", "--to", &asked.name]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    // As who has heard no answer asks again.
    let body = format!("{{\"to\":\"{}\",\"epoch\":{epoch}}}", asked.name);
    cluster.settle();
    let path = format!("/api/groups/{GROUP}/switchover?redirect=no");
    let again = leader.post(&path, &body).unwrap();
    assert!(again.status == 200 && again.body.contains("\"already\":true"), "{again:?}");
    let there = done(asked, &["switchover", "--to", &asked.name]);
    assert!(there.contains(&format!("{} leads already", asked.name)), "{there}");
    cluster.wait_for("the outcome is on record everywhere", |cluster| {
        let settled = |node: &Node| acts(node).len() == 3 && acts(node).iter().all(|act| act.outcome.is_some());
        cluster.nodes().iter().all(settled).then_some(())
    });
    let all = acts(leader);
    let told: Vec<_> = all.iter().map(|act| (act.id, act.what.as_str(), act.via.as_str())).collect();
    let (leader, asked) = (leader.name.as_str(), asked.name.as_str());
    assert_eq!(told, [(1, "pause", asked), (2, "resume", leader), (3, "switchover", asked)]);
    assert!(all.iter().all(|act| act.outcome.as_ref().unwrap().ok), "{all:?}");
    assert_eq!(all[2].outcome.as_ref().unwrap().text, format!("{asked} leads, epoch {}", epoch + 1));
}

/// Also against the mode it had a moment before, and once a pause is over.
fn a_mode_says_who_leads(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store).group("hold_max", "\"0s\""));
    let leader = cluster.settle();
    let other = cluster.others(leader).next().unwrap();
    done(leader, &["mode", "backup", "--node", &other.name, "--wait", "60s"]);
    done(leader, &["mode", "leader", "--node", &other.name, "--wait", "60s"]);
    cluster.wait_for("it leads", |_| other.leads().then_some(()));
    done(leader, &["pause"]);
    let said = done(leader, &["mode", "standby", "--node", &other.name, "--wait", "60s"]);
    assert!(said.contains("nothing moves before web is resumed"), "{said}");
    done(leader, &["resume", "--wait", "60s"]);
    cluster.wait_for("another leads", |cluster| cluster.others(other).any(Node::leads).then_some(()));
}

/// Somebody else takes over then, or nobody does: that is not what was asked for.
fn a_switchover_to_who_hangs_is_no_success(store: Store) {
    let cluster = Cluster::settled(Spec::demo().hot().store(store).group("hold_max", "\"0s\""));
    let leader = cluster.settle();
    let to = cluster.others(leader).next().unwrap();
    to.freeze();
    let ended = leader.cli(&["switchover", "--to", &to.name, "--wait", "20s"]);
    to.thaw();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains(&to.name), "{ended:?}");
}

hotseat_lab::on_every_store!(
    amp_6_a_priority_survives_a_restart,
    amp_10_a_standby_is_made_the_leader_as_planned,
    amp_11_who_is_demoted_does_not_win_straight_back,
    amp_12_dead_members_are_removed,
    amp_12_dead_members_expire,
    every_act_is_on_record_and_safe_to_repeat,
    a_mode_says_who_leads,
    a_switchover_to_who_hangs_is_no_success,
);
