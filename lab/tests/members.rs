//! Clusters without an outside server: three machines and one binary agree among themselves, members come and go, and
//! the cluster's own state can be saved.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use hotseat_client::Roll;
use hotseat_lab::processes::Kind;
use hotseat_lab::program::{self, Ended};
use hotseat_lab::spec::Store;
use hotseat_lab::{Case, Cluster, Node, Spec, net};

fn raft() -> Spec {
    Spec::demo().hot().store(Store::Raft).cluster("timing", "\"fast\"")
}

fn hotseat(args: &[&str]) -> Ended {
    program::run(&program::hotseat(), args)
}

/// Nobody listens there.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn roll(node: &Node) -> Option<Roll> {
    serde_json::from_str(&node.get("/api/members").filter(|answer| answer.status == 200)?.body).ok()
}

fn voters(node: &Node) -> Option<Vec<String>> {
    let seats = roll(node)?.members.into_iter().filter(|seat| seat.state == "voter");
    Some(seats.map(|seat| seat.node).collect())
}

fn wait_for_voters(cluster: &Cluster, on: &Node, expected: &[&str]) {
    cluster.wait_for(&format!("the voters {expected:?}"), |_| (voters(on)? == expected).then_some(()));
}

fn token(of: &Node) -> String {
    let ended = of.cli(&["members", "invite"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.out.trim().to_owned()
}

#[test]
fn cmn_1() {
    let cluster = Cluster::settled(raft());
    let leader = cluster.settle();
    wait_for_voters(&cluster, leader, &["n1", "n2", "n3"]);
    for node in cluster.nodes() {
        let picture = node.picture().unwrap();
        assert_eq!((picture.store.kind.as_str(), picture.store.healthy), ("raft", true));
        let voters = picture.store.voters.unwrap();
        assert_eq!((voters.count, voters.can_lose), (3, 1));
    }
    let silent: Vec<_> = roll(leader).unwrap().members.iter().filter_map(|seat| seat.silent_ms).collect();
    assert_eq!(silent.len(), 3, "everybody answers heartbeats");
    let observer = cluster.observe();
    let epoch = leader.group().unwrap().epoch;
    leader.kill_agent();
    let (_, group) = cluster.next_leader(leader);
    assert!(group.epoch > epoch);
    leader.wait_exit();
    leader.start();
    cluster.settle();
    observer.stop().check_one_leader();
}

/// The first bootstraps; the second comes with one command and no file of its own.
#[test]
fn cmn_8() {
    let cluster = Cluster::start(raft().nodes(1));
    let first = cluster.settle();
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let (file, data) = (folder.path().join("hotseat.toml"), folder.path().join("data"));
    let listen = free_address();
    let words = ["--name", "second", "--listen", &listen, "--data-dir", data.to_str().unwrap()];
    let joined = hotseat(&[&["join", &token(first), "-c", file.to_str().unwrap()], &words[..]].concat());
    assert_eq!(joined.code, Some(0), "{joined:?}");
    assert!(joined.out.contains("hotseat run -c"), "it says what comes next: {}", joined.out);
    let written = fs::read_to_string(&file).unwrap();
    let own = fs::read_to_string(first.path("hotseat.toml")).unwrap();
    let groups = |text: &str| text[text.find("[[group]]").unwrap()..].to_owned();
    assert_eq!(groups(&written), groups(&own), "the groups' settings are those of the cluster");
    assert!(written.contains("name     = \"second\""), "{written}");
    let again = hotseat(&[&["join", &token(first), "-c", file.to_str().unwrap()], &words[..]].concat());
    assert_ne!(again.code, Some(0), "a member does not join twice");
    assert!(again.err.contains("is a member's already"), "{}", again.err);
    assert!(again.err.contains("clear the folder first (rm -r "), "{}", again.err);
    // The second has not been started yet: it belongs to the cluster, and does not vote.
    let alone = first.cli(&["members", "remove", "n1"]);
    assert_eq!(alone.code, Some(1), "{alone:?}");
    assert!(alone.err.contains("n1 is the only one that votes"), "{}", alone.err);
    assert_eq!(voters(first).unwrap(), ["n1"], "and it goes on voting");
}

#[test]
fn joining_goes_wrong_clearly() {
    let cluster = Cluster::settled(raft().nodes(2));
    let leader = cluster.leader();
    let token = token(leader);
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let join_at = |token: &str, name: &str, listen: &str| {
        let (file, data) = (folder.path().join(name), folder.path().join(format!("{name}.d")));
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        hotseat(&["join", token, "-c", file, "--name", name, "--listen", listen, "--data-dir", data])
    };
    let join = |token: &str, name: &str| join_at(token, name, "127.0.0.1:7799");
    let check = |ended: Ended, says: &str| {
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.starts_with("error: ") && ended.err.contains(says), "{says:?} is not in {}", ended.err);
    };
    check(join(&token, "n1"), "this name is taken");
    let address = cluster.node("n2").address().to_string();
    check(
        join_at(&token, "n9", &address),
        &format!("the address {address} is that of the member \"n2\": \"n9\" needs"),
    );
    check(join("nonsense", "n9"), "not a join token");
    check(join(&token[..token.len() - 7], "n9"), "cut short or altered");
    let other = Cluster::settled(raft().nodes(1));
    let file = other.node("n1").path("hotseat.toml");
    let strange = hotseat(&["join", &token, "-c", file.to_str().unwrap()]);
    check(strange, "this token is for the cluster");
    assert!(roll(leader).unwrap().members.iter().all(|seat| seat.node != "n9"), "nobody half joined");
    check(other.node("n1").cli(&["members", "remove", "n7"]), "no member \"n7\"");
    check(other.node("n1").cli(&["members", "remove", "n1"]), "the only member");
}

/// Epochs go on in the restored cluster, which is another incarnation.
#[test]
fn cmn_10() {
    let cluster = Cluster::settled(raft());
    let leader = cluster.settle();
    let moved = leader.cli(&["switchover"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let leader = cluster.settle();
    let epoch = leader.group().unwrap().epoch;
    let saved = cluster.root().join("saved");
    let save = leader.cli(&["snapshot", "save", saved.to_str().unwrap()]);
    assert_eq!(save.code, Some(0), "{save:?}");
    let again = leader.cli(&["snapshot", "save", saved.to_str().unwrap()]);
    assert_ne!(again.code, Some(0), "the last good snapshot is not overwritten");
    cluster.nodes().iter().for_each(|node| _ = node.kill_all());
    let first = cluster.node("n1");
    first.wait_exit();
    let restore = |file: &Path, data: &str| {
        let config = first.path("hotseat.toml");
        hotseat(&["snapshot", "restore", file.to_str().unwrap(), "-c", config.to_str().unwrap(), "--data-dir", data])
    };
    let data = first.path("data");
    let refused = restore(&saved, data.to_str().unwrap());
    assert_ne!(refused.code, Some(0), "a member's folder is not overwritten");
    fs::remove_dir_all(&data).unwrap();
    let torn = cluster.root().join("torn");
    let whole = fs::read(&saved).unwrap();
    fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    let broken = restore(&torn, data.to_str().unwrap());
    assert_ne!(broken.code, Some(0), "{broken:?}");
    assert!(broken.err.contains("cannot be restored"), "{}", broken.err);
    let restored = restore(&saved, data.to_str().unwrap());
    assert_eq!(restored.code, Some(0), "{restored:?}");
    first.start();
    let group = cluster.wait_for("the restored cluster leads", |_| first.group().filter(|group| group.serving));
    assert!(group.epoch > epoch, "epoch {} after {epoch}", group.epoch);
    assert_eq!(voters(first).unwrap(), ["n1"], "nobody of the old cluster votes");
}

#[test]
fn nsg_6() {
    // A directory on a disk of this machine, by two nodes of one group.
    let cluster = Cluster::prepare(Spec::demo().nodes(2).cluster("allow_single_point_of_failure", "false"));
    let (first, second) = (cluster.node("n1"), cluster.node("n2"));
    first.start();
    cluster.settle();
    second.start();
    assert!(!second.wait_exit().success());
    let log = second.log();
    assert!(log.contains("error: [cluster] store: single point of failure"), "{log}");
    assert!(log.contains("allow_single_point_of_failure = true"), "it says what would be right: {log}");
    assert!(first.leads(), "the first is unharmed");
    second.edit("allow_single_point_of_failure = false", "allow_single_point_of_failure = true");
    second.start();
    cluster.settle();
    // The agents themselves: one voter is said to be a risk, and the second member gets a vote before it does anything.
    let cluster = Cluster::settled(raft().nodes(1).cluster("allow_single_point_of_failure", "false"));
    let trouble = cluster.node("n1").picture().unwrap().store.trouble.unwrap();
    assert!(trouble.contains("one voter"), "{trouble}");
    let cluster = Cluster::settled(raft().nodes(2).cluster("allow_single_point_of_failure", "false"));
    let trouble = cluster.node("n1").picture().unwrap().store.trouble.unwrap();
    assert!(trouble.contains("two voters"), "{trouble}");
}

/// Every link between nodes is TLS with certificates of the cluster's CA on both sides.
#[test]
fn shk_14() {
    let cluster = Cluster::settled(raft());
    let node = cluster.leader();
    let ask = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        answer
    };
    assert_eq!(ask(b"\x01HSLINK1\x00\x00\x00\x05hello"), b"", "a link without TLS is not answered");
    if program::have("openssl", "openssl") {
        let address = node.address().to_string();
        let connect = ["s_client", "-connect", &address, "-alpn", "hotseat/1", "-brief", "-no_ign_eof"];
        let openssl = program::find("openssl").unwrap();
        let stranger = std::process::Command::new(&openssl).args(connect).stdin(std::process::Stdio::null()).output();
        let said = String::from_utf8_lossy(&stranger.unwrap().stderr).into_owned();
        assert!(said.contains("alert") || said.contains("TLSv1.3"), "{said}");
        let own = |name: &str| node.path("data/tls").join(name).display().to_string();
        let files = ["-CAfile", &own("ca.pem"), "-cert", &own("node.pem"), "-key", &own("node.key")];
        let member = std::process::Command::new(&openssl)
            .args(connect)
            .args(files)
            .arg("-verify_return_error")
            .stdin(std::process::Stdio::null())
            .output();
        let said = String::from_utf8_lossy(&member.unwrap().stderr).into_owned();
        assert!(said.contains("Protocol version: TLSv1.3"), "a member is let in: {said}");
    }
    // A node of another cluster, with a CA of its own, that claims to be a member's address.
    let strangers = Cluster::settled(raft().nodes(1));
    let stolen = strangers.node("n1").path("data/tls/node.pem");
    assert_ne!(fs::read(stolen).unwrap(), fs::read(node.path("data/tls/node.pem")).unwrap());
    let key = fs::metadata(node.path("data/tls/node.key")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777,
        0o600,
        "keys are the owner's alone"
    );
}

/// A leader that is cut off stops before anybody else starts; when it is back it is a standby.
#[test]
fn amp_7() {
    if !net::possible() {
        return;
    }
    let cluster = Cluster::settled(Spec::writer().hot().apart().store(Store::Raft).cluster("timing", "\"fast\""));
    let case = Case::begin(&cluster);
    let old = case.old;
    let services = old.pids(Kind::Service);
    let struck = cluster.part(&[old]);
    case.successor(&case.others());
    let alive = services.iter().filter(|pid| hotseat_lab::processes::look(**pid).is_some()).count();
    assert_eq!(alive, 0, "it stopped acting before");
    cluster.heal();
    cluster.wait_for("it is back as a standby", |_| (old.member()?.state == "hot-standby").then_some(()));
    assert_eq!(case.end(1).tell("leader cut off from the majority", struck, old).map(|_| ()), Some(()));
}

/// Two nodes and a witness: the witness makes the majority, and never leads.
#[test]
fn new_9() {
    let cluster = Cluster::start(raft().only(3, "node", "witness", "true"));
    let (witness, leader) = (cluster.node("n3"), cluster.leader());
    cluster.wait_for("one standby", |_| {
        let members = leader.group()?.members;
        assert!(members.iter().all(|member| member.node != "n3"), "a witness is in no group: {members:?}");
        members.iter().any(|member| member.state == "hot-standby").then_some(())
    });
    wait_for_voters(&cluster, leader, &["n1", "n2", "n3"]);
    assert!(roll(leader).unwrap().members.iter().any(|seat| seat.node == "n3" && seat.witness));
    assert!(!witness.path("data/tls/ca.key").exists(), "a witness holds no CA");
    leader.kill_all();
    let (second, _) = cluster.next_leader(leader);
    assert_ne!(second.name, "n3");
    second.kill_all();
    // With nobody else alive there is no majority, and nobody who could lead.
    cluster.wait_for("the witness sees that nobody leads", |_| {
        let seats = roll(witness)?.members;
        let silent = |seat: &&hotseat_client::Seat| seat.node != "n3" && seat.silent_ms.is_none_or(|ms| ms > 2000);
        (seats.iter().filter(silent).count() == 2).then_some(())
    });
    assert!(witness.pids(Kind::Service).is_empty() && !witness.leads(), "a witness never leads");
    leader.wait_exit();
    leader.start();
    cluster.next_leader(second);
}

/// Without a majority nothing can be changed: every act says that, and `--wait` is how long it is asked for.
#[test]
fn a_missing_majority_is_named() {
    // Of three: a leader that has just got its second voter may still count on itself alone, and rightly.
    let cluster = Cluster::settled(raft());
    let leader = cluster.leader();
    wait_for_voters(&cluster, leader, &["n1", "n2", "n3"]);
    let others: Vec<_> = cluster.others(leader).collect();
    others.iter().for_each(|other| _ = other.kill_all());
    let lost = others[0];
    cluster.wait_for("the leader's lease has run out", |_| {
        let picture = leader.picture()?;
        (picture.lease_left_ms.is_none() && !picture.store.healthy).then_some(())
    });
    // A voter is named once nothing was heard of it for a while.
    cluster.wait_for("it is known whose votes are missing", |_| {
        leader.picture()?.store.trouble.filter(|why| why.contains("Nothing is heard of n"))
    });
    let file = cluster.root().join("saved");
    let remove = ["members", "remove", &lost.name, "--wait", "4s"];
    let unanswered = "the raft store did not answer within";
    let save = ["snapshot", "save", file.to_str().unwrap()];
    for (act, says) in [
        (&save[..], unanswered),
        (&["switchover"], "cannot change its leader now"),
        (&["pause"], "Nothing is heard of n"),
        (&remove, "no majority of the voters"),
    ] {
        let refused = leader.cli(act);
        assert_eq!(refused.code, Some(1), "{act:?}: {refused:?}");
        let why = &refused.err;
        assert!(why.contains(says), "{act:?}: {why}");
        assert!(!why.contains('{'), "not in the words of a library: {why}");
        if act == remove {
            assert!(why.starts_with("waiting: "), "what it waits for is said while it waits: {why}");
            assert!(why.contains("could not be removed within 4s"), "{why}");
        }
    }
    lost.wait_exit();
    lost.start();
    cluster.settle();
}

/// Of two voters one is taken out, and asked for that itself: the other goes on alone, and leads.
#[test]
fn one_of_two_goes() {
    let cluster = Cluster::settled(raft().nodes(2));
    let leader = cluster.leader();
    let stays = cluster.others(leader).next().unwrap();
    wait_for_voters(&cluster, stays, &["n1", "n2"]);
    let removed = leader.cli(&["members", "remove", &leader.name]);
    assert_eq!(removed.code, Some(0), "it is told though nobody is left to answer: {removed:?}");
    assert!(removed.out.starts_with(&format!("{} is out", leader.name)), "{removed:?}");
    assert!(leader.wait_exit().success(), "{}", leader.log());
    cluster.next_leader(leader);
    assert_eq!(voters(stays).unwrap(), [stays.name.as_str()]);
    assert!(stays.picture().unwrap().store.healthy);
}

/// A node is taken out and stops in order; one that lost its disk comes back as somebody else.
#[test]
fn members_go_and_come_back() {
    let cluster = Cluster::settled(raft());
    let leader = cluster.leader();
    wait_for_voters(&cluster, leader, &["n1", "n2", "n3"]);
    let gone = cluster.others(leader).next().unwrap();
    let removed = leader.cli(&["members", "remove", &gone.name]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    gone.wait_exit();
    assert!(gone.log().contains("was removed from the cluster"), "{}", gone.log());
    gone.start();
    assert!(!gone.wait_exit().success(), "it does not come back by itself");
    assert!(gone.log().contains("clear its data_dir (rm -r "), "it is told what to do: {}", gone.log());
    let before = roll(leader).unwrap();
    assert!(before.warning.unwrap().contains("two voters"));
    let members = leader.group().unwrap().members;
    assert!(members.iter().all(|member| member.node != gone.name), "nobody waits for it: {members:?}");
    let nobody = leader.cli(&["switchover", "--to", "nope"]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("no member \"nope\" in web; there is: n"), "{}", nobody.err);
    fs::remove_dir_all(gone.path("data")).unwrap();
    let file = gone.path("hotseat.toml");
    let joined = hotseat(&["join", &token(leader), "-c", file.to_str().unwrap()]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    gone.start();
    wait_for_voters(&cluster, leader, &["n1", "n2", "n3"]);
    cluster.settle();
    // The same after a lost disk.
    let lost = cluster.others(cluster.leader()).next().unwrap();
    let id =
        |node: &Node, name: &str| roll(node).unwrap().members.into_iter().find(|seat| seat.node == name).unwrap().id;
    let leader = cluster.leader();
    let old = id(leader, &lost.name);
    lost.kill_all();
    lost.wait_exit();
    fs::remove_dir_all(lost.path("data")).unwrap();
    let file = lost.path("hotseat.toml");
    let file_name = file.to_str().unwrap();
    let early = hotseat(&["join", &token(leader), "-c", file_name]);
    assert!(early.err.contains("this name is taken"), "a name is not given away by itself: {early:?}");
    let removed = leader.cli(&["members", "remove", &lost.name]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    cluster.wait_for("its name is free again", |_| {
        (hotseat(&["join", &token(leader), "-c", file.to_str().unwrap()]).code == Some(0)).then_some(())
    });
    lost.start();
    cluster.wait_for("it votes as somebody else", |_| {
        let seats = roll(leader)?.members;
        let votes = |seat: &&hotseat_client::Seat| seat.state == "voter";
        let now = seats.iter().filter(votes).find(|seat| seat.node == lost.name)?;
        (now.id != old && seats.iter().filter(votes).count() == 3 && seats.len() == 3).then_some(())
    });
    cluster.settle();
}
