//! NetSpyGlass's status of a group, as its command-line client reads it. The pings stand in `pings.rs`.
#![allow(missing_docs, clippy::unwrap_used)]

use hotseat_lab::{Cluster, Node, Spec};
use serde_json::Value;

fn status(node: &Node) -> Value {
    let answer = node.get("/v2/nsg/cluster/net/7/status").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The keys of an object, sorted.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn nsg_8() {
    let spec = Spec::demo().nodes(2).hot().group("netid", "7").group("role", "\"primary,monitor\"");
    let cluster = Cluster::settled(spec.node("region", "\"world\""));
    let leader = cluster.leader();
    let standby = cluster.others(leader).next().unwrap();
    let told = status(leader);
    let fields = ["members", "name", "region", "roles", "serverStatus", "zookeeperClientState"];
    assert_eq!(keys(&told), fields, "{told}");
    assert_eq!(told["name"], leader.name.as_str());
    assert_eq!(told["region"], "world");
    assert_eq!(told["roles"], serde_json::json!(["primary", "monitor"]));
    assert_eq!((&told["serverStatus"], &told["zookeeperClientState"]), (&"ok".into(), &"CONNECTED".into()));
    assert_eq!(status(standby)["serverStatus"], "standby");
    let members = told["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "{told}");
    for (member, node) in members.iter().zip(cluster.nodes()) {
        let fields = ["hostName", "id", "name", "processUptime", "region", "role", "updatedAt", "url"];
        assert_eq!(keys(member), fields, "{member}");
        assert_eq!((&member["name"], &member["url"]), (&node.name.as_str().into(), &node.url().into()));
        assert_eq!((&member["role"], &member["hostName"]), (&"primary,monitor".into(), &"127.0.0.1".into()));
        // The client computes with these two.
        assert!(member["processUptime"].as_u64().unwrap() < 600, "{member}");
        assert!(member["updatedAt"].as_u64().unwrap() > 1_700_000_000_000, "{member}");
    }
    for unknown in ["1", "-7", "x"] {
        assert_eq!(leader.status(&format!("/v2/nsg/cluster/net/{unknown}/status")), 404, "{unknown}");
    }
}

/// What the client shows as uptime is that of the member's session, at every node.
#[test]
fn nsg_8_uptime_grows_at_every_node() {
    let cluster = Cluster::settled(Spec::demo().nodes(2).hot().group("netid", "7"));
    cluster.wait_for("both uptimes to be above 0 at both nodes", |cluster| {
        let up = |node: &Node| {
            let told = status(node);
            told["members"].as_array().unwrap().iter().all(|it| it["processUptime"].as_u64().unwrap() > 0)
        };
        cluster.nodes().iter().all(up).then_some(())
    });
}
