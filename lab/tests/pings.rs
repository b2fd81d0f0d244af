//! The endpoints of load balancers, NetSpyGlass and AMP, on leader and standby.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hotseat_lab::http::{Answer, ask};
use hotseat_lab::{Cluster, Node, Spec};

fn check(node: &Node, path: &str, status: u16, body: &str) {
    let answer = node.get(path).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{} {path}", node.name);
}

#[test]
fn nsg_7() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).only(1, "group", "netid", "7").only(2, "group", "netid", "7"));
    let leader = cluster.leader();
    let standby = cluster.others(leader).next().unwrap();
    for slash in ["", "/"] {
        check(leader, &format!("/v2/ping/net/7{slash}"), 200, "ok");
        check(standby, &format!("/v2/ping/net/7{slash}"), 200, "standby");
        check(leader, &format!("/v2/ping/net/7/se{slash}"), 200, "ok");
        check(standby, &format!("/v2/ping/net/7/se{slash}"), 503, "standby");
        for unknown in ["1", "0", "8", "-7", "x", "99999999999999999999"] {
            assert_eq!(leader.status(&format!("/v2/ping/net/{unknown}{slash}")), 404, "{unknown}");
            assert_eq!(leader.status(&format!("/v2/ping/net/{unknown}/se{slash}")), 404, "{unknown}");
        }
    }
    let with_token =
        "GET /v2/ping/net/7/ HTTP/1.1\r\nHost: x\r\nX-NSG-Auth-API-Token: wrong\r\nConnection: close\r\n\r\n";
    let Answer { status, body, .. } = ask(leader.address(), with_token, Duration::from_secs(5)).unwrap();
    assert_eq!((status, body.as_str()), (200, "ok"), "the header is ignored");
}

#[test]
fn nsg_7_counts_groups_from_one() {
    let cluster = Cluster::settled(Spec::demo().nodes(1));
    check(cluster.leader(), "/v2/ping/net/1/", 200, "ok");
}

#[test]
fn load_balancers_see_leader_and_standby() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).hot());
    let leader = cluster.leader();
    let standby = cluster.others(leader).next().unwrap();
    cluster.wait_for("the standby knows itself", |_| (standby.status("/standby/web") == 200).then_some(()));
    assert_eq!(
        (leader.status("/leader/web"), leader.status("/standby/web"), leader.status("/health")),
        (200, 503, 200)
    );
    assert_eq!(
        (standby.status("/leader/web"), standby.status("/standby/web"), standby.status("/health")),
        (503, 200, 200)
    );
    assert_eq!(
        (leader.status("/leader/none"), leader.status("/standby/none"), leader.status("/nothing")),
        (404, 404, 404)
    );
    // HAProxy's plain check: no headers at all, and it may go after the status line.
    let plain = "OPTIONS /leader/web HTTP/1.0\r\n\r\n";
    assert_eq!(ask(leader.address(), plain, Duration::from_secs(5)).unwrap().status, 200);
    assert_eq!(ask(standby.address(), plain, Duration::from_secs(5)).unwrap().status, 503);
    assert_eq!(leader.get("/v1/server/ha/state").unwrap().body, "\"MASTER\"");
    assert_eq!(standby.get("/v1/server/ha/state").unwrap().body, "\"HOT_STANDBY\"");
    let states: serde_json::Value = serde_json::from_str(&standby.get("/v1/server/ha/states").unwrap().body).unwrap();
    assert_eq!((&states["ownId"], &states["masterId"]), (&standby.name.as_str().into(), &leader.name.as_str().into()));
    assert_eq!(states["nodes"][&leader.name]["status"], "MASTER", "{states}");
}
