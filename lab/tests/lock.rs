//! `hotseat lock`: a command runs while it holds the lock, and is dead before anybody else has it.
#![allow(missing_docs, clippy::unwrap_used)]

mod locks;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use hotseat_lab::processes::look;
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec, http, poll, program};
use locks::{FAMILY, Lines, Lock, both_kinds, cluster, command, family, run, text, who_lives};
use rustix::process::Signal;

/// Five contenders, on three nodes, again and again: no two at a time, each under a later epoch than the one before.
#[test]
fn never_two() {
    both_kinds().for_each(|cluster| never_two_in(&cluster));
}

fn never_two_in(cluster: &Cluster) {
    const ROUNDS: usize = 6;
    let said = Lines::of(cluster, "said");
    let path = said.path();
    let script = format!("echo in $HOTSEAT_EPOCH >> {path}; sleep 0.02; echo out $HOTSEAT_EPOCH >> {path}");
    std::thread::scope(|scope| {
        for contender in 0..5 {
            let node = &cluster.nodes()[contender % 3];
            let script = &script;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let ended = run(node, &["shop", "--", "sh", "-c", script]);
                    assert!(ended.status.success(), "{ended:?}");
                }
            });
        }
    });
    let all = said.all();
    assert_eq!(all.len(), 5 * ROUNDS * 2);
    let mut last = 0;
    for pair in all.chunks(2) {
        let epoch: u64 = pair[0].strip_prefix("in ").unwrap_or_else(|| panic!("two at once: {all:?}")).parse().unwrap();
        assert_eq!(pair[1], format!("out {epoch}"), "two at once: {all:?}");
        assert!(epoch > last, "an epoch twice: {all:?}");
        last = epoch;
    }
}

#[test]
fn the_exit_code_is_the_command_s() {
    let cluster = cluster(1);
    let node = &cluster.nodes()[0];
    let check = |words: &[&str], code: i32, says: &str| {
        let ended = run(node, words);
        assert_eq!(ended.status.code(), Some(code), "{words:?}: {ended:?}");
        assert!(text(&ended.stderr).contains(says), "{words:?} should say {says:?}: {ended:?}");
        assert!(text(&ended.stderr).lines().count() <= 2, "{ended:?}");
    };
    check(&["a", "--", "true"], 0, "");
    check(&["a", "--", "sh", "-c", "exit 7"], 7, "");
    check(&["a", "--", "sh", "-c", "exit 255"], 255, "");
    check(&["a", "--", "sh", "-c", "kill -9 $$"], 137, "");
    check(&["a", "--", "no-such-command"], 127, "no-such-command: No such file");
    check(&["a", "--", "/etc/passwd"], 126, "/etc/passwd: Permission denied");
    check(&["a b", "--", "true"], 125, "\"a b\" is no name for a lock");
    check(&["a/b", "--", "true"], 125, "is no name for a lock");
    check(&[&"a".repeat(99), "--", "true"], 125, "is no name for a lock");
    check(&["a", "--url", "http://127.0.0.1:9", "--", "true"], 125, "Is it running (hotseat run -c FILE)?");
    let mistaken = run(node, &["a", "--shared", "0", "--", "true"]);
    assert_eq!(mistaken.status.code(), Some(125), "{mistaken:?}");
}

#[test]
fn the_command_has_what_the_lock_was_given() {
    let cluster = cluster(1);
    let node = &cluster.nodes()[0];
    let mut long = command(node, &["pipe", "--", "sh", "-c", "pwd; echo $HOTSEAT_LOCK $HOTSEAT_NODE $GIVEN >&2; cat"]);
    long.env("GIVEN", "as it was").current_dir(cluster.root());
    let mut lock = long.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = lock.stdin.take().unwrap();
    let many = vec![b'x'; 32 << 20];
    let sent = many.clone();
    let writer = std::thread::spawn(move || input.write_all(&sent).unwrap());
    let ended = lock.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_eq!(text(&ended.stderr), "pipe n1 as it was\n");
    let folder = format!("{}\n", fs::canonicalize(cluster.root()).unwrap().display());
    assert!(ended.stdout.starts_with(folder.as_bytes()));
    assert!(ended.stdout[folder.len()..] == many[..], "{} bytes of {}", ended.stdout.len(), many.len());
}

#[test]
fn signals_are_passed_on() {
    let cluster = cluster(1);
    let said = Lines::of(&cluster, "said");
    let path = said.path();
    let script = format!(
        "trap 'echo usr1 >> {path}' USR1; trap 'echo hup >> {path}' HUP; trap 'echo int >> {path}; exit 42' INT; \
         echo ready >> {path}; while :; do sleep 0.02; done"
    );
    let lock = Lock::start(&cluster.nodes()[0], &["a", "--", "sh", "-c", &script]);
    said.wait("ready");
    for (what, word) in [(Signal::USR1, "usr1"), (Signal::HUP, "hup"), (Signal::INT, "int")] {
        lock.send(what);
        said.wait(word);
    }
    assert_eq!(lock.end().status.code(), Some(42));
    let lock = Lock::start(&cluster.nodes()[0], &["a", "--", "sleep", "1000"]);
    held(&cluster.nodes()[0], "a", 1);
    lock.send(Signal::TERM);
    assert_eq!(lock.end().status.code(), Some(143), "the signal ended it");
}

/// Waits until so many seats of a lock are held and their commands run.
fn held(node: &Node, name: &str, count: usize) {
    poll(CEILING, || (holders(node, name) == count).then_some(())).unwrap_or_else(|| panic!("{name} is not held"));
}

fn holders(node: &Node, name: &str) -> usize {
    let listed = run(node, &["--list", "--json", name]);
    let locks: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let seats = locks[0]["seats"].as_array().cloned().unwrap_or_default();
    seats.iter().filter(|seat| !seat["holder"].is_null()).count()
}

#[test]
fn who_does_not_wait_is_told_who_has_it() {
    both_kinds().for_each(|cluster| who_does_not_wait_is_told_who_has_it_in(&cluster));
}

fn who_does_not_wait_is_told_who_has_it_in(cluster: &Cluster) {
    let (here, there) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let lock = Lock::start(here, &["a", "--", "sleep", "1000"]);
    held(there, "a", 1);
    for words in [&["a", "--try", "--", "true"][..], &["a", "--wait", "300ms", "--", "true"]] {
        let ended = run(there, words);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let by = format!("lock \"a\" is held by n1 (pid {}) since 2", lock.pid());
        assert!(text(&ended.stderr).contains(&by), "{ended:?}");
    }
    let json = run(there, &["a", "--try", "--json", "--", "true"]);
    let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&told["by"]["node"], &told["held"]), (&"n1".into(), &true.into()));
    let waits = Lock::start(there, &["a", "--", "echo", "got it"]);
    let waiting = || text(&run(here, &["--list"]).stdout).contains(&format!("n2 (pid {})", waits.pid())).then_some(());
    poll(CEILING, waiting).expect("the one that waits is listed");
    lock.send(Signal::TERM);
    assert_eq!(text(&waits.end().stdout), "got it\n");
    assert!(run(there, &["a", "--try", "--", "true"]).status.success(), "it is free at last");
}

/// Who waits and is asked to end does so, and was never in the way.
#[test]
fn who_waits_may_give_up() {
    let cluster = cluster(1);
    let node = &cluster.nodes()[0];
    let lock = Lock::start(node, &["a", "--", "sleep", "1000"]);
    held(node, "a", 1);
    let waits = Lock::start(node, &["a", "--", "true"]);
    waits.wait_until_begun();
    waits.send(Signal::INT);
    assert_eq!(waits.end().status.code(), Some(130));
    drop(lock);
}

#[test]
fn a_shared_lock_has_so_many_holders() {
    both_kinds().for_each(|cluster| a_shared_lock_has_so_many_holders_in(&cluster));
}

fn a_shared_lock_has_so_many_holders_in(cluster: &Cluster) {
    let (here, there) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let words = ["a", "--shared", "2", "--", "sleep", "1000"];
    let locks = [Lock::start(here, &words), Lock::start(there, &words)];
    held(here, "a", 2);
    let third = run(here, &["a", "--shared", "2", "--try", "--", "true"]);
    assert_eq!(third.status.code(), Some(1), "{third:?}");
    let waits = Lock::start(here, &["a", "--shared", "2", "--", "sh", "-c", "echo $HOTSEAT_SEAT $HOTSEAT_EPOCH"]);
    waits.wait_until_begun();
    assert_eq!(holders(here, "a"), 2);
    let [first, second] = locks;
    second.send(Signal::TERM);
    assert_eq!(second.end().status.code(), Some(143));
    let out = text(&waits.end().stdout);
    assert!(out == "0 2\n" || out == "1 2\n", "the seat that was left, under its next epoch: {out:?}");
    drop(first);
}

/// The lock, its guard, or both are killed: of the command and all that it forked nothing lives when the next one has it.
#[test]
fn dead_before_next() {
    both_kinds().for_each(|cluster| dead_before_next_in(&cluster));
}

fn dead_before_next_in(cluster: &Cluster) {
    let (here, there) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    type Fault = fn(&Lock);
    let faults: [(&str, Fault); 4] = [
        ("the lock is killed", |lock| lock.send(Signal::KILL)),
        ("the guard is killed", |lock| lock.guards().iter().for_each(|guard| kill(*guard))),
        ("both are killed", |lock| {
            let guards = lock.guards();
            lock.send(Signal::KILL);
            guards.iter().for_each(|guard| kill(*guard));
        }),
        ("the lock is stopped", |lock| lock.send(Signal::STOP)),
    ];
    for (number, (what, fault)) in faults.iter().enumerate() {
        let said = Lines::of(cluster, &format!("family-{number}"));
        let lock = Lock::start(here, &["a", "--", "sh", "-c", &family(&said)]);
        let pids = said.pids(FAMILY);
        let next = Lock::start(there, &["a", "--", "sh", "-c", &who_lives(Path::new(&said.path()))]);
        poll(CEILING, || (!next.guards().is_empty()).then_some(())).expect("it waits");
        assert!(pids.iter().all(|pid| look(*pid).is_some()), "{what}: too early");
        fault(&lock);
        let ended = next.end();
        assert_eq!(text(&ended.stdout), "began\n", "{what}: {ended:?}");
        lock.send(Signal::CONT);
        if *what == "the guard is killed" || *what == "the lock is stopped" {
            let ended = lock.end();
            assert_eq!(ended.status.code(), Some(123), "{what}: {ended:?}");
            assert!(text(&ended.stderr).contains("lock \"a\" was lost"), "{what}: {ended:?}");
        }
    }
}

fn kill(pid: i32) {
    hotseat_lab::processes::signal(pid, Signal::KILL);
}

/// Who asks a command to end that does not want to has to kill the lock, and that is enough.
#[test]
fn a_command_that_does_not_listen_dies_with_the_lock() {
    let cluster = cluster(1);
    let said = Lines::of(&cluster, "family");
    let mut lock = Lock::start(&cluster.nodes()[0], &["a", "--", "sh", "-c", &family(&said)]);
    let pids = said.pids(FAMILY);
    lock.send(Signal::TERM);
    assert!(run(&cluster.nodes()[0], &["b", "--", "true"]).status.success());
    assert_eq!(lock.status(), None, "it goes on with its command");
    assert!(pids.iter().all(|pid| look(*pid).is_some()));
    lock.send(Signal::KILL);
    poll(CEILING, || pids.iter().all(|pid| look(*pid).is_none()).then_some(())).expect("all of them die");
}

/// The agent may go and come back: a lock has a lease of its own.
#[test]
fn an_agent_that_begins_anew_is_not_noticed() {
    both_kinds().for_each(|cluster| an_agent_that_begins_anew_is_not_noticed_in(&cluster));
}

fn an_agent_that_begins_anew_is_not_noticed_in(cluster: &Cluster) {
    let (node, other) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let done = Lines::of(cluster, "done");
    let script = format!("echo $$ > {0}; until test -e {0}.go; do sleep 0.05; done; exit 5", done.path());
    let lock = Lock::start(node, &["a", "--", "sh", "-c", &script]);
    let pid = done.pids(1)[0];
    node.kill_agent();
    node.start();
    cluster.settle();
    let tried = run(other, &["a", "--try", "--", "true"]);
    assert_eq!(tried.status.code(), Some(1), "{tried:?}");
    assert!(look(pid).is_some(), "it still runs");
    fs::write(format!("{}.go", done.path()), "").unwrap();
    let ended = lock.end();
    assert_eq!(ended.status.code(), Some(5), "{ended:?}");
}

/// The agent does not answer for longer than the lease: the command is dead before anybody else has the lock.
#[test]
fn without_the_agent_the_command_dies_in_time() {
    both_kinds().for_each(|cluster| without_the_agent_the_command_dies_in_time_in(&cluster));
}

fn without_the_agent_the_command_dies_in_time_in(cluster: &Cluster) {
    let (node, other) = (&cluster.nodes()[0], &cluster.nodes()[1]);
    let said = Lines::of(cluster, "family");
    let lock = Lock::start(node, &["a", "--", "sh", "-c", &family(&said)]);
    said.pids(FAMILY);
    let next = Lock::start(other, &["a", "--", "sh", "-c", &who_lives(Path::new(&said.path()))]);
    poll(CEILING, || (!next.guards().is_empty()).then_some(())).expect("it waits");
    node.stop_agent();
    let ended = lock.end();
    assert_eq!(ended.status.code(), Some(123), "{ended:?}");
    let line = text(&ended.stderr);
    assert!(line.contains("lock \"a\" was lost: no renewal was acknowledged in time"), "{line}");
    assert!(line.contains("was killed before anybody else"), "{line}");
    assert_eq!(text(&next.end().stdout), "began\n");
    node.continue_agent();
}

/// A lock that nobody holds and that cannot be had for want of a majority is not said to be held by others.
#[test]
fn a_missing_majority_is_no_holder() {
    let cluster = Cluster::settled(Spec::demo().store(Store::Raft));
    let node = cluster.leader();
    cluster.wait_for("three voters", |_| (node.picture()?.store.voters?.count == 3).then_some(()));
    cluster.others(node).for_each(|other| _ = other.kill_all());
    for words in [&["a", "--wait", "3s", "--", "true"][..], &["a", "--try", "--", "true"]] {
        let ended = run(node, words);
        assert_eq!(ended.status.code(), Some(125), "{words:?}: {ended:?}");
        assert!(text(&ended.stderr).contains("the store does not answer: "), "{words:?}: {ended:?}");
        assert!(text(&ended.stderr).contains("no majority of the voters"), "{words:?}: {ended:?}");
    }
}

/// Locks are nobody's members, and what they leave in the store is used again.
#[test]
fn locks_do_not_clutter() {
    let cluster = cluster(1);
    let node = &cluster.nodes()[0];
    for _ in 0..5 {
        assert!(run(node, &["a", "--", "true"]).status.success());
    }
    let lock = Lock::start(node, &["a", "--", "sleep", "1000"]);
    held(node, "a", 1);
    for words in [&["status"][..], &["nodes"], &["events"]] {
        let shown = node.cli(words);
        assert!(shown.code == Some(0) && !shown.out.contains("lock"), "{words:?}: {shown:?}");
    }
    assert!(!node.log().contains("lock-n1"), "{}", node.log());
    let sessions = |cluster: &Cluster| {
        let all = fs::read_dir(cluster.store().join("records")).unwrap().flatten();
        all.filter(|entry| entry.file_name().to_string_lossy().contains("lock-")).count()
    };
    assert!(sessions(&cluster) <= 2, "names are used again");
    drop(lock);
}

/// What may be written through an agent: a lock's own records, whole, from this machine.
#[test]
fn the_way_to_the_store_is_narrow() {
    let cluster = cluster(1);
    let node = &cluster.nodes()[0];
    let put = |path: &str, more: &str, body: &str| {
        let head = format!("PUT /api/lock/records/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{more}");
        let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        http::ask(node.address(), &request, CEILING).unwrap()
    };
    let nonce = "0".repeat(32);
    let write = |body: &str| serde_json::json!({"nonce": nonce, "body": body}).to_string();
    let group = |node: &str| {
        let record = serde_json::json!({"hotseat": 1, "by": "x", "record": {
            "epoch": 0, "leader": null, "serving": false, "service": null, "next": node, "avoid": null,
            "reason": {"kind": "first"}}});
        write(&record.to_string())
    };
    let check = |answer: http::Answer, status: u16, says: &str| {
        assert!(answer.status == status && answer.body.contains(says), "{status} {says:?}: {answer:?}");
    };
    check(put("session/n1", "", &write("{}")), 400, "not a lock's record");
    check(put("group/web", "", &write("{}")), 400, "not a lock's record");
    check(put("group/lock.web", "", &write("{}")), 400, "not a lock's record");
    check(put("group/lock.0.a", "", &write("{}")), 400, "not a hotseat record");
    check(put("group/lock.0.a", "", &write(&"x".repeat(40_000))), 400, "a body of 40000 bytes");
    check(put("group/lock.0.a", "", &group("n1")), 400, "speaks of what is no lock");
    check(put("group/lock.0.a", "", &group("lock-x-0").replace(&nonce, "zz")), 400, "a nonce is 32");
    check(put("group/lock.0.a", "Origin: http://evil\r\n", &group("lock-x-0")), 403, "not for web pages");
    assert_eq!(put("group/lock.0.a", "", &"x".repeat(70_000)).status, 413);
    check(put("group/lock.0.a", "", &group("lock-x-0")), 200, "{\"applied\":1}");
    check(put("group/lock.0.a", "", &group("lock-x-0")), 200, "\"refused\"");
    assert!(run(node, &["a", "--", "true"]).status.success(), "it does no harm");
    let read = http::get(node.address(), "/api/lock/records").unwrap();
    assert!(read.status == 200 && !read.body.contains("session/n1") && read.body.contains("lock.0.a"), "{read:?}");
}

#[test]
fn without_an_agent_it_says_what_to_do() {
    let ended = program::run(&program::hotseat(), &["lock", "a", "--url", "http://127.0.0.1:9", "--", "true"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.err.starts_with("error: no agent answers at http://127.0.0.1:9"), "{ended:?}");
    assert!(ended.err.contains("hotseat run -c FILE"), "{ended:?}");
}
