//! HTTPS on the agent's own port: beside links between nodes, and beside plain HTTP for load balancers.
#![allow(missing_docs, clippy::unwrap_used)]

mod rights_world;

use std::path::Path;
use std::process::Command;

use hotseat_lab::certificate::certify;
use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, program};
use rights_world::{as_root, status, token, with_token};

fn secure(node: &Node) -> String {
    node.url().replace("http://", "https://")
}

/// The status of what curl gets, if it trusts the certificate.
fn curl(url: &str, ca: &Path, token: &str) -> Option<u16> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--max-time", "30", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"]);
    let output = curl.arg(ca).arg("-H").arg(format!("Authorization: Bearer {token}")).arg(url).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).parse().unwrap())
}

/// From elsewhere a token comes through TLS or not at all; the cluster's own certificates will do.
#[test]
fn shk_14_tokens_travel_by_tls_or_not_at_all() {
    if !program::root() {
        return;
    }
    let cluster = Cluster::settled(Spec::writer().store(Store::Raft).apart());
    let node = cluster.leader();
    let ca = node.path("data/tls/ca.pem");
    let ops = token(node, "ops", "operator");
    cluster.wait_for("all know it", |cluster| {
        cluster
            .nodes()
            .iter()
            .all(|node| curl(&format!("{}/api/cluster", secure(node)), &ca, &ops) == Some(200))
            .then_some(())
    });
    let look = |words: &[&str]| with_token(&secure(node), &ops, words);
    let trusted = look(&["status", "--ca", ca.to_str().unwrap()]);
    assert!(trusted.code == Some(0) && trusted.out.contains(&node.name), "{trusted:?}");
    let stranger = look(&["status"]);
    assert!(stranger.code == Some(1) && stranger.err.to_lowercase().contains("certificate"), "{stranger:?}");
    assert!(
        stranger.err.contains("--ca FILE names the cluster's CA") && !stranger.err.contains("Is it running"),
        "{stranger:?}"
    );
    let unsent = with_token(&node.url(), &ops, &["status"]);
    assert!(unsent.err.contains("everybody on the way could read it"), "{unsent:?}");
    assert_eq!(status(node, "GET", "/api/cluster", Some(&ops)), 403, "in the clear");
    assert_eq!(status(node, "GET", "/leader/web", None), 200, "load balancers come as ever");
    // Any member takes it, and whoever leads next.
    let moved = look(&["switchover", "--ca", ca.to_str().unwrap()]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let listed = as_root(cluster.leader(), &["token", "list", "--json"]);
    assert!(listed.out.contains("\"ops\""), "{listed:?}");
}

#[test]
fn a_certificate_of_its_own_is_replaced_while_it_runs() {
    if !program::have("openssl", "openssl") || !program::have("curl", "curl") {
        return;
    }
    let tls = "{ cert = \"{home}/api.pem\", key = \"{home}/api.key\" }";
    let cluster = Cluster::prepare(Spec::demo().nodes(1).api("tls", tls));
    let node = cluster.node("n1");
    let (cert, key) = (node.path("api.pem"), node.path("api.key"));
    certify(&cert, &key);
    let before = node.path("before.pem");
    std::fs::copy(&cert, &before).unwrap();
    node.start();
    cluster.settle();
    let health = format!("{}/health", secure(node));
    assert_eq!(curl(&health, &before, ""), Some(200));
    assert_eq!(status(node, "GET", "/health", None), 200, "plain HTTP is answered beside it");
    certify(&cert, &key);
    cluster.wait_for("the new one is shown", |_| (curl(&health, &cert, "") == Some(200)).then_some(()));
    assert_eq!(curl(&health, &before, ""), None, "the old one is not");
}
