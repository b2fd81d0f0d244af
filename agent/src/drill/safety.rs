//! Whether a drill may be made now: what the cluster looks like decides, and nothing that somebody has to remember.

use std::time::Duration;

use hotseat_client::{Cluster, DrillKind, DrillOrder, Group, in_words};

/// What only the node that would fall knows of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// For how long the group has had this leader, as far as it was seen from here.
    pub(super) led: Duration,
    /// For how long it must have, as a rule.
    pub(super) calm: Duration,
    /// For how long the next claim would be held off, because leaders did not stay.
    pub(super) hold: Duration,
}

/// Why not, if not.
pub(super) fn against(cluster: &Cluster, group: &Group, order: &DrillOrder, own: Own) -> Option<String> {
    let held = |group: &Group| held(cluster, group, order.kind);
    held(group)
        .or_else(|| others(cluster, group, order).find_map(held))
        .or_else(|| if order.force { None } else { unforced(cluster, group, own) })
}

/// What no force overrides: the service would be down.
fn held(cluster: &Cluster, group: &Group, kind: DrillKind) -> Option<String> {
    let id = &group.id;
    let no = |why: &str| Some(format!("{id} cannot lose its leader now: {why}"));
    if group.leader.is_none() || !group.serving {
        return no("nobody leads it, or the leader's service is not ready");
    }
    if group.paused {
        return no("it is paused, so nobody would take over");
    }
    if !cluster.store.healthy {
        return no("the store does not answer");
    }
    if group.spares() == 0 {
        return no("nobody could take over");
    }
    // A leader that hands over stays, and votes.
    if kind != DrillKind::Switchover && cluster.can_lose(group) == 0 {
        return no("no majority of voters would be left");
    }
    None
}

/// The groups that fall with it: an agent falls with all that it leads.
fn others<'a>(cluster: &'a Cluster, group: &'a Group, order: &DrillOrder) -> impl Iterator<Item = &'a Group> {
    let whole = order.kind != DrillKind::Switchover;
    cluster.groups.iter().filter(move |it| whole && it.id != group.id && it.leader == group.leader)
}

/// What a drill waits for unless it is forced.
fn unforced(cluster: &Cluster, group: &Group, own: Own) -> Option<String> {
    let id = &group.id;
    if let Some(member) = group.members.iter().find(|it| matches!(it.state.as_str(), "offline" | "failed")) {
        return Some(format!(
            "{} of {id} is {}: the cluster is not whole (--force overrides)",
            member.node, member.state
        ));
    }
    if let Some(voters) = cluster.store.voters.as_ref().filter(|voters| voters.well < voters.count) {
        return Some(format!(
            "{} of {} voters are well: the cluster is not whole (--force overrides)",
            voters.well, voters.count
        ));
    }
    if !own.hold.is_zero() {
        return Some(format!(
            "leaders of {id} have not stayed lately, so the next is held off for {} (--force overrides)",
            in_words(own.hold)
        ));
    }
    if own.led < own.calm {
        let (led, calm) = (in_words(own.led), in_words(own.calm));
        return Some(format!(
            "{id} has had its leader for {led} only: {calm} are to pass after a change (--force overrides)"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        let text = r#"{"cluster":"c","node":"n1","ttl_ms":500,"lease_left_ms":400,"renewed_ms":1,"pid":1,
            "store":{"kind":"raft","healthy":true,"voters":{"count":3,"well":3,"can_lose":1}},
            "groups":[{"id":"web","role":"primary","leader":"n1","epoch":3,"since":null,"serving":true,"paused":false,"netid":1,
              "members":[MEMBERS]}]}"#;
        let member = |node: &str, state: &str| {
            format!(
                r#"{{"node":"{node}","state":"{state}","mode":"auto","priority":0,"region":"world","version":"1",
                    "healthy":true,"address":"http://127.0.0.1:1","service":null,"last_seen_ms":1}}"#
            )
        };
        let members = [member("n1", "leader"), member("n2", "hot-standby"), member("n3", "standby")].join(",");
        serde_json::from_str(&text.replace("MEMBERS", &members)).expect("a cluster")
    }

    const WELL: Own = Own { led: Duration::from_secs(60), calm: Duration::from_secs(10), hold: Duration::ZERO };

    fn order(kind: DrillKind, force: bool) -> DrillOrder {
        DrillOrder { kind, max_ms: None, force, reason: None }
    }

    fn check(kind: DrillKind, force: bool, own: Own, change: impl FnOnce(&mut Cluster), right: Option<&str>) {
        let mut cluster = cluster();
        change(&mut cluster);
        let why = against(&cluster, &cluster.groups[0], &order(kind, force), own);
        match right {
            None => assert_eq!(why, None),
            Some(part) => {
                assert!(why.as_ref().is_some_and(|why| why.contains(part)), "{why:?} says nothing of {part:?}")
            }
        }
    }

    #[test]
    fn a_whole_cluster_may_be_drilled() {
        for kind in [DrillKind::Switchover, DrillKind::Crash, DrillKind::Freeze] {
            check(kind, false, WELL, |_| (), None);
        }
    }

    #[test]
    fn no_force_takes_the_service_down() {
        let crash = |change: fn(&mut Cluster), why| check(DrillKind::Crash, true, WELL, change, Some(why));
        crash(|it| it.groups[0].leader = None, "nobody leads");
        crash(|it| it.groups[0].paused = true, "paused");
        crash(|it| it.store.healthy = false, "store");
        crash(|it| it.groups[0].members.truncate(1), "nobody could take over");
        crash(|it| it.store.voters.as_mut().expect("raft").can_lose = 0, "majority");
        let lonely = |it: &mut Cluster| {
            let mut mail = it.groups[0].clone();
            mail.id = String::from("mail");
            mail.members.truncate(1);
            it.groups.push(mail);
        };
        check(DrillKind::Crash, true, WELL, lonely, Some("mail"));
        check(DrillKind::Switchover, true, WELL, lonely, None);
    }

    #[test]
    fn force_overrides_what_is_only_careless() {
        let both = |change: fn(&mut Cluster), own, why| {
            check(DrillKind::Switchover, false, own, change, Some(why));
            check(DrillKind::Switchover, true, own, change, None);
        };
        both(|it| it.groups[0].members[2].state = String::from("offline"), WELL, "n3 of web is offline");
        both(|it| it.store.voters.as_mut().expect("raft").well = 2, WELL, "2 of 3 voters");
        both(
            |_| (),
            Own { led: Duration::from_secs(2), calm: Duration::from_secs(10), hold: Duration::ZERO },
            "2000 ms only",
        );
        both(|_| (), Own { hold: Duration::from_secs(1), ..WELL }, "have not stayed");
    }
}
