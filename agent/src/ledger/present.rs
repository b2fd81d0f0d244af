//! Why things are as they are now: who leads, and why each of the others does not. It words the loop's picture.

use std::time::Duration;

use hotseat_client::story::{Choice, Present};
use hotseat_core::{GroupView, MemberState, MemberView, Mode, Seat};

use super::words::ms;
use crate::clock;
use crate::snapshot::{Facts, Snapshot, expected};
use crate::story;

/// The group as this picture shows it, without the members that are gone for good.
pub fn present(snapshot: &Snapshot, group: &GroupView, facts: &Facts) -> Present {
    let stale = clock::now().since(snapshot.taken);
    let choice = |member: &MemberView| Choice {
        node: member.node.to_string(),
        chosen: group.leader.as_ref() == Some(&member.node),
        why: why(group, member, stale, facts.config.cluster.timing.ttl()),
    };
    let mut remarks: Vec<_> = snapshot.trouble(facts).map(|why| format!("the store: {why}")).into_iter().collect();
    remarks.extend(snapshot.damage.clone());
    remarks.extend(lapsed(snapshot, group));
    remarks.extend(ordered(snapshot, group));
    Present {
        leader: group.leader.as_ref().map(ToString::to_string),
        epoch: group.epoch.0,
        serving: group.serving,
        members: expected(group, facts).map(choice).collect(),
        remarks,
    }
}

/// What people have ordered, and what keeps this node from leading.
fn ordered(snapshot: &Snapshot, group: &GroupView) -> Vec<String> {
    let mut remarks = Vec::new();
    if group.paused {
        remarks.push(String::from("paused: nothing moves until somebody resumes it"));
    }
    remarks.extend(group.pinned.as_ref().map(|node| format!("pinned to {node}: it leads whenever it can")));
    if let Some(barred) = &group.barred {
        let left = barred.until.map(|until| format!(", {} more", ms(until.since(clock::now())))).unwrap_or_default();
        remarks.push(format!("{} is kept from leading: {}{left}", snapshot.view.node, story::barred(&barred.by)));
    }
    remarks
}

fn lapsed(snapshot: &Snapshot, group: &GroupView) -> Option<String> {
    let me = &snapshot.view.node;
    let own = group.members.iter().find(|member| member.node == *me)?;
    (own.mode.may_lead() && !snapshot.pulse.leased())
        .then(|| format!("{me} has no lease: it cannot reach the store, or too few voters, and may not act"))
}

fn why(group: &GroupView, member: &MemberView, stale: Duration, ttl: Duration) -> String {
    if group.leader.as_ref() == Some(&member.node) {
        return match group.serving {
            true => String::from("leads"),
            false => String::from("leads, its service is not ready yet"),
        };
    }
    let silent = member.last_seen + stale;
    let (seen, lately) = (ms(silent), silent < ttl * 2);
    let trouble = member.trouble.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    match member.state {
        MemberState::Offline if member.mode == Mode::Disabled && lately => String::from("disabled: it takes no part"),
        MemberState::Offline => format!("offline: not heard of for {seen}"),
        _ if !member.mode.may_lead() => String::from("never leads: its mode says so"),
        MemberState::Failed => format!("its service keeps failing{trouble}"),
        MemberState::Starting => format!("{}{trouble}", starting(group, member)),
        MemberState::Standby | MemberState::HotStandby if !member.healthy => format!("not able to lead{trouble}"),
        MemberState::Standby => format!("ready to take over, priority {}, cold", member.priority),
        MemberState::HotStandby => format!("ready to take over, priority {}, hot", member.priority),
        MemberState::Backup => String::from("never leads: a backup"),
        MemberState::Leader => String::from("hands over"),
    }
}

fn starting(group: &GroupView, member: &MemberView) -> &'static str {
    let claiming = matches!(group.seat, Seat::Claiming(_)) && group.leader.is_none();
    if claiming && member.last_seen.is_zero() { "claims the group now" } else { "is starting" }
}
