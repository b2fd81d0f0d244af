//! A cluster whose certificates somebody else makes, as a company's own CA does: nodes come with them, and with no token.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use hotseat_lab::program::{self, Ended};
use hotseat_lab::{Cluster, Node, Spec};

fn openssl(folder: &Path, words: &str) {
    let mut command = Command::new(program::find("openssl").unwrap());
    let ended = command.current_dir(folder).args(words.split_whitespace()).stdin(Stdio::null()).output().unwrap();
    assert!(ended.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// A CA in this folder, and a certificate of it for each of these names.
fn certify(folder: &Path, names: &[&str]) {
    std::fs::create_dir_all(folder).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(folder, &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca"));
    for name in names {
        openssl(folder, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        std::fs::write(folder.join("names"), format!("subjectAltName=DNS:{name}")).unwrap();
        let sign = format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile names");
        openssl(folder, &format!("{sign} -out {name}.pem"));
    }
}

/// Gives a node the certificate of this name, and says whom it is to ask.
fn give(node: &Node, folder: &Path, name: &str, members: &str) {
    let file = |file: String| folder.join(file).display().to_string();
    let (ca, cert, key) = (file("ca.pem".into()), file(format!("{name}.pem")), file(format!("{name}.key")));
    let tls = format!("tls = {{ ca = \"{ca}\", cert = \"{cert}\", key = \"{key}\" }}");
    node.edit("[node]\n", &format!("[node]\n{tls}\n{members}\n"));
}

fn with_file(word: &str, node: &Node) -> Ended {
    program::run(&program::hotseat(), &[word, "-c", node.path("hotseat.toml").to_str().unwrap()])
}

#[test]
fn nodes_come_with_certificates_of_somebody_elses_making() {
    if !program::have("openssl", "openssl") {
        return;
    }
    // Files only: how these nodes come together is what is tried here.
    let spec = Spec::demo().hot().nodes(4).cluster("store", "\"raft\"").cluster("timing", "\"fast\"");
    let cluster = Cluster::prepare(spec);
    let (ours, theirs) = (cluster.root().join("ours"), cluster.root().join("theirs"));
    certify(&ours, &["n1", "n2", "n3"]);
    certify(&theirs, &["n4"]);
    let first = cluster.node("n1");
    let members = format!("join = [\"{}\"]", first.address());
    give(first, &ours, "n1", "");
    let begun = with_file("init", first);
    assert_eq!(begun.code, Some(0), "{begun:?}");
    first.start();
    cluster.wait_for("the first one leads", |_| first.leads().then_some(()));
    let check = |node: &Node, says: &str| {
        let refused = with_file("join", node);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains(says), "{says:?} is not in {}", refused.err);
    };
    let stranger = cluster.node("n4");
    check(stranger, "with a certificate: then its file says");
    give(stranger, &theirs, "n4", &members);
    check(stranger, "not from this cluster's CA");
    for name in ["n2", "n3"] {
        let node = cluster.node(name);
        give(node, &ours, name, &members);
        let joined = with_file("join", node);
        assert_eq!(joined.code, Some(0), "{joined:?}");
        node.start();
    }
    cluster.wait_for("two standbys", |_| {
        let standbys = first.group()?.members.into_iter().filter(|member| member.state == "hot-standby");
        (standbys.count() == 2).then_some(())
    });
    cluster.wait_for("three voters", |_| (first.picture()?.store.voters?.count == 3).then_some(()));
    // All at once: nobody has the roll at hand when the others come.
    let members = ["n1", "n2", "n3"].map(|name| cluster.node(name));
    members.iter().for_each(|node| _ = node.kill_all());
    members.iter().for_each(|node| _ = node.wait_exit());
    members.iter().for_each(|node| node.start());
    cluster.settle();
    let leader = cluster.leader();
    leader.kill_agent();
    let (second, _) = cluster.next_leader(leader);
    let invited = second.cli(&["members", "invite"]);
    assert!(invited.err.contains("this cluster's certificates are made elsewhere"), "{invited:?}");
    // No certificate says which disk a node comes with: one that was removed is told so all the same, and goes.
    let gone = members.into_iter().find(|node| ![leader, second].iter().any(|it| it.name == node.name)).unwrap();
    leader.wait_exit();
    leader.start();
    cluster.settle();
    let removed = second.cli(&["members", "remove", &gone.name]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    gone.wait_exit();
    gone.start();
    assert!(!gone.wait_exit().success());
    assert!(gone.log().contains("was removed from the cluster"), "{}", gone.log());
}
