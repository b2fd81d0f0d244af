//! Files that are the same on all members of a group: compared (nsg_2), sent by the leader and brought back (nsg_11).
#![allow(missing_docs, clippy::unwrap_used)]

mod files;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use files::{Moment, agreed, conf, saved, sending, wait_for_drift, wait_for_version, write};
use hotseat_client::Act;
use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, program};
use rustix::fs::inotify::WatchFlags;

fn watching(store: Store) -> Cluster {
    let cluster = Cluster::prepare(Spec::demo().hot().store(store).sync("watch", "[\"conf\"]").sync("share", "true"));
    for node in cluster.nodes() {
        write(node, "conf/a.cfg", "same\n");
        node.start();
    }
    cluster.settle();
    cluster
}

fn nsg_2_differing_files_are_drift(store: Store) {
    let cluster = watching(store);
    let leader = cluster.leader();
    let epoch = leader.group().unwrap().epoch;
    wait_for_drift(&cluster, &[]);
    let other = cluster.others(leader).next().unwrap();
    write(other, "conf/a.cfg", "not the same\n");
    write(other, "conf/b.cfg", "alone\n");
    let (name, lead) = (&other.name, &leader.name);
    let expected = [
        format!("{name} conf/a.cfg differs from that of {lead}"),
        format!("{name} conf/b.cfg is there, and is not on {lead}"),
    ];
    wait_for_drift(&cluster, &expected);
    let status = leader.cli(&["status"]);
    assert!(status.out.contains(&format!("drift: {name} conf/a.cfg: differs")), "{status:?}");
    let page = leader.get("/metrics").unwrap().body;
    for (node, differ) in [(name, 2), (lead, 0)] {
        let row = format!("hotseat_group_drift{{group=\"web\",node=\"{node}\"}} {differ}.0\n");
        assert!(page.contains(&row), "no {row} in {page}");
    }
    let listed = leader.cli(&["drift", "--json"]);
    assert!(listed.out.contains("conf/b.cfg"), "{listed:?}");
    let shown = leader.cli(&["drift", "--diff", "conf/a.cfg"]);
    assert!(shown.out.contains(&format!("+++ {name}\n@@ -1 +1 @@\n-same\n+not the same\n")), "{shown:?}");
    // It stops nothing.
    let group = leader.group().unwrap();
    assert_eq!((group.leader.as_ref(), group.epoch, group.serving), (Some(lead), epoch, true));
    let alone = leader.cli(&["drift", "--diff", "conf/b.cfg"]);
    assert!(alone.out.contains("+alone"), "{alone:?}");
    for nowhere in ["conf/zz", "conf/../n1.toml", "conf"] {
        let shown = leader.cli(&["drift", "--diff", nowhere]);
        assert!(shown.code == Some(1) && shown.err.contains(&format!("no member has a file {nowhere}")), "{shown:?}");
    }
    write(other, "conf/a.cfg", "same\n");
    fs::remove_file(other.path("conf/b.cfg")).unwrap();
    wait_for_drift(&cluster, &[]);
}

#[test]
fn nsg_2_what_is_not_compared_is_not_the_same() {
    let cluster = Cluster::settled(Spec::demo().nodes(1).hot());
    let shown = cluster.leader().cli(&["drift"]);
    assert!(shown.out.contains("web names no files to keep the same") && !shown.out.contains("no drift"), "{shown:?}");
}

/// Everybody has what the leader has, by name, mode and content.
fn check_same(cluster: &Cluster, leader: &Node) {
    for node in cluster.others(leader) {
        assert_eq!(conf(node), conf(leader), "{}", node.name);
    }
}

fn nsg_11_files_follow_the_leader_and_come_back(store: Store) {
    let cluster = sending(Spec::demo().store(store), |node| write(node, "conf/a.cfg", &node.name));
    wait_for_version(&cluster, 1);
    let leader = cluster.leader();
    assert_eq!(conf(leader)["conf/a.cfg"].1, leader.name);
    check_same(&cluster, leader);
    for node in cluster.others(leader) {
        assert_eq!(saved(node, 1, "conf/a.cfg").as_deref(), Some(node.name.as_str()), "nobody's bytes are lost");
    }
    write(leader, "conf/sub/run.sh", "#!/bin/sh\n");
    fs::set_permissions(leader.path("conf/sub/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    let owned = program::root();
    if owned {
        chown(leader.path("conf/sub/run.sh"), Some(12_345), Some(54_321)).unwrap();
    }
    wait_for_version(&cluster, 2);
    check_same(&cluster, leader);
    for node in cluster.others(leader).filter(|_| owned) {
        let found = fs::metadata(node.path("conf/sub/run.sh")).unwrap();
        assert_eq!((found.uid(), found.gid()), (12_345, 54_321));
    }
    fs::remove_file(leader.path("conf/sub/run.sh")).unwrap();
    write(leader, "conf/a.cfg", "third");
    wait_for_version(&cluster, 3);
    check_same(&cluster, leader);
    // Any member can be asked.
    let asked = cluster.others(leader).next().unwrap();
    let back = asked.cli(&["sync", "rollback", "--to", "2", "--reason", "a bad idea", "--wait", "60s"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    wait_for_version(&cluster, 4);
    check_same(&cluster, leader);
    assert_eq!(conf(leader)["conf/sub/run.sh"], (0o750, "#!/bin/sh\n".to_owned()));
    let listed = leader.cli(&["sync", "list"]);
    assert!(listed.out.contains("everything as in version 2") && listed.out.contains("a bad idea"), "{listed:?}");
    for node in cluster.nodes() {
        cluster.wait_for("the hook has run for the last version", |_| {
            let ran = fs::read_to_string(node.path("work/versions")).ok()?;
            ran.lines().any(|line| line == "4 web").then_some(())
        });
    }
    wait_for_drift(&cluster, &[]);
    let act = only_act(&cluster, leader, "sync-rollback");
    assert_eq!((act.via.as_str(), act.detail.as_str()), (asked.name.as_str(), "to version 2"));
    assert_eq!(act.reason.as_deref(), Some("a bad idea"));
    assert_eq!(act.outcome.unwrap().text, "version 4 is in force, as version 2 was");
    // What cannot be is no act, and what is in force is not brought back again.
    let again = asked.cli(&["sync", "rollback", "--to", "2"]);
    assert!(again.code == Some(1) && again.err.contains("in force already"), "{again:?}");
    only_act(&cluster, leader, "sync-rollback");
}

/// The one act upon the group, once what came of it is known: well.
fn only_act(cluster: &Cluster, via: &Node, what: &str) -> Act {
    let act = cluster.wait_for("what came of the act", |_| {
        let mut acts: Vec<Act> = serde_json::from_str(&via.get("/api/groups/web/acts")?.body).unwrap();
        assert_eq!(acts.len(), 1, "one record for one act: {acts:?}");
        acts.pop().filter(|act| act.outcome.is_some())
    });
    assert!(act.what == what && act.outcome.as_ref().unwrap().ok, "{act:?}");
    act
}

fn nsg_11_local_changes_are_shown_and_kept(store: Store) {
    let cluster = agreed(store);
    let leader = cluster.leader();
    let other = cluster.others(leader).next().unwrap();
    write(other, "conf/a.cfg", "edited here\n");
    write(other, "conf/mine.cfg", "nobody else's\n");
    let name = &other.name;
    let expected = [
        format!("{name} conf/a.cfg was changed here: version 1 has another"),
        format!("{name} conf/mine.cfg is there, and is not in version 1"),
    ];
    wait_for_drift(&cluster, &expected);
    let shown = leader.cli(&["drift", "--diff", "conf/a.cfg"]);
    assert!(shown.out.contains("--- version 1\n") && shown.out.contains("-first\n+edited here\n"), "{shown:?}");
    write(leader, "conf/a.cfg", "second\n");
    wait_for_version(&cluster, 2);
    assert_eq!(conf(other)["conf/a.cfg"].1, "second\n");
    assert_eq!(saved(other, 2, "conf/a.cfg").as_deref(), Some("edited here\n"));
    assert_eq!(conf(other)["conf/mine.cfg"].1, "nobody else's\n", "what was not sent is not touched");
}

fn nsg_11_a_new_leader_does_not_send_its_own_changes_unasked(store: Store) {
    let cluster = agreed(store);
    let old = cluster.leader();
    let other = cluster.others(old).next().unwrap();
    write(other, "conf/a.cfg", "edited here\n");
    let done = old.cli(&["switchover", "--to", &other.name, "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    cluster.wait_for("the new leader is held up", |_| {
        files::files(old)?.held.filter(|held| held.contains("differ from version 1"))
    });
    let status = old.cli(&["status"]);
    assert!(status.out.contains("files: ") && status.out.contains("hotseat sync push sends them"), "{status:?}");
    assert_eq!(conf(old)["conf/a.cfg"].1, "first\n");
    let pushed = old.cli(&["sync", "push", "--reason", "meant so", "--wait", "60s"]);
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    wait_for_version(&cluster, 2);
    assert_eq!(conf(old)["conf/a.cfg"].1, "edited here\n");
    let acts: Vec<Act> = serde_json::from_str(&old.get("/api/groups/web/acts").unwrap().body).unwrap();
    let whats: Vec<_> = acts.iter().map(|act| act.what.as_str()).collect();
    assert_eq!(whats, ["switchover", "sync-push"]);
    assert_eq!((acts[1].via.as_str(), acts[1].reason.as_deref()), (old.name.as_str(), Some("meant so")));
    cluster.wait_for("what came of it", |_| {
        let told = old.cli(&["acts"]).out;
        told.contains(&format!("version 2 is in force, sent by {}", other.name)).then_some(())
    });
    // From now on they agree, and changes are sent as they come.
    write(other, "conf/a.cfg", "and again\n");
    wait_for_version(&cluster, 3);
}

/// A push is an order to one leader: what it could not do, nobody does later with files that nobody spoke of.
fn nsg_11_a_push_that_failed_is_over(store: Store) {
    let cluster = agreed(store);
    let old = cluster.leader();
    let other = cluster.others(old).next().unwrap();
    write(other, "conf/mine.cfg", "nobody has looked at this\n");
    symlink("/etc/hosts", old.path("conf/link")).unwrap();
    let pushed = old.cli(&["sync", "push", "--wait", "4s"]);
    assert_eq!(pushed.code, Some(1), "{pushed:?}");
    assert!(pushed.err.contains("it was taken back: nothing is sent: conf/link"), "{pushed:?}");
    // Another's program may be gone before it could take anything back.
    let asked = old.post("/api/groups/web/sync/push", "").unwrap();
    assert_eq!(asked.status, 202, "{asked:?}");
    let done = old.cli(&["switchover", "--to", &other.name, "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    cluster.wait_for("the new leader is held up", |_| {
        let files = files::files(other)?;
        assert_eq!(files.versions.len(), 1, "{files:?}");
        files.held.filter(|held| held.contains("differ from version 1"))
    });
    assert!(!old.path("conf/mine.cfg").exists());
    cluster.wait_for("both acts are over", |_| {
        let acts = old.cli(&["acts"]).out;
        (acts.contains("taken back by") && acts.contains("is over: nothing was sent")).then_some(())
    });
}

/// Its agent hangs, has a change that it did not send, and comes back after another has sent one.
fn nsg_11_an_old_leader_overwrites_nothing(store: Store) {
    let cluster = agreed(store);
    let old = cluster.leader();
    old.freeze();
    write(old, "conf/a.cfg", "too late\n");
    let (new, _) = cluster.next_leader(old);
    cluster.wait_for("version 2", |_| {
        let files = files::files(new)?;
        // What is there at the new leader's first look is held, as it may have been changed before.
        let content = if files.held.is_some() { "first\n" } else { "in time\n" };
        if conf(new)["conf/a.cfg"].1 != content {
            write(new, "conf/a.cfg", content);
        }
        (files.versions.last()?.number == 2).then_some(())
    });
    old.thaw();
    if old.ended().is_some() {
        old.revive();
    }
    cluster.wait_for("the old leader has what the new one sent", |_| {
        old.revive();
        (conf(old).get("conf/a.cfg")?.1 == "in time\n").then_some(())
    });
    assert_eq!(saved(old, 2, "conf/a.cfg").as_deref(), Some("too late\n"));
    let versions = files::files(new).unwrap().versions;
    assert_eq!(versions.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2], "{versions:?}");
}

hotseat_lab::on_every_store!(
    nsg_2_differing_files_are_drift,
    nsg_11_files_follow_the_leader_and_come_back,
    nsg_11_local_changes_are_shown_and_kept,
    nsg_11_a_new_leader_does_not_send_its_own_changes_unasked,
    nsg_11_an_old_leader_overwrites_nothing,
    nsg_11_a_push_that_failed_is_over,
);

/// Many, so that there is a middle.
const MANY: usize = 400;
/// The middle lasts for milliseconds: a kill that comes after it proves nothing, and is followed by another.
const KILLS_MAX: usize = 20;

/// Killed while a version is being put in place: afterwards there is all of the old one or all of the new one.
#[test]
fn nsg_11_killed_in_the_middle() {
    let many = |node: &Node, content: &str| (0..MANY).for_each(|n| write(node, &format!("conf/{n}.cfg"), content));
    let cluster = sending(Spec::demo(), |node| many(node, "1"));
    wait_for_version(&cluster, 1);
    let leader = cluster.leader();
    let victim = cluster.others(leader).next().unwrap();
    let staged = || {
        let names = fs::read_dir(victim.path("conf")).unwrap().map(|it| it.unwrap().file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(".hotseat-sync-"))
    };
    let journal = || victim.path("data/sync/web/journal.json").exists();
    let mut number = 1;
    let mut killed_at = |event: WatchFlags, in_the_middle: &dyn Fn() -> bool| {
        number += 1;
        let moment = Moment::of(event, &victim.path("conf"));
        many(leader, &number.to_string());
        moment.wait();
        victim.kill_agent();
        let middle = in_the_middle();
        victim.start();
        wait_for_version(&cluster, number);
        let contents: Vec<_> = conf(victim).into_values().map(|(_, content)| content).collect();
        assert_eq!(contents, vec![number.to_string(); MANY], "version {number}");
        assert!(!staged() && !journal(), "something is left");
        middle
    };
    let staging = |_| killed_at(WatchFlags::CREATE, &|| staged() && !journal());
    assert!((0..KILLS_MAX).any(staging), "never killed with some staged");
    let renaming = |_| killed_at(WatchFlags::MOVED_TO, &journal);
    assert!((0..KILLS_MAX).any(renaming), "never killed with some renamed");
}

/// The leader names more than the others do: what it sends of that is nothing that they may be told to write.
#[test]
fn nsg_11_nothing_outside_of_the_named_paths() {
    let spec = Spec::demo().only(1, "sync", "paths", "[\"conf\", \"extra\"]").only(1, "group", "priority", "10");
    let cluster = Cluster::prepare(spec.hot().sync("paths", "[\"conf\"]"));
    for node in cluster.nodes() {
        write(node, "conf/a.cfg", &node.name);
        write(node, "extra/key", &node.name);
        node.start();
        if node.number() == 1 {
            cluster.leader();
        }
    }
    let leader = cluster.settle();
    assert_eq!(leader.name, "n1");
    for node in cluster.others(leader) {
        cluster.wait_for("the version is refused", |_| {
            let files = files::files(node)?;
            let trouble = files.nodes.into_iter().find(|it| it.node == node.name)?.trouble?;
            (trouble.contains("extra") && trouble.contains("not among")).then_some(())
        });
        assert_eq!(fs::read_to_string(node.path("extra/key")).unwrap(), node.name);
        assert_eq!(conf(node)["conf/a.cfg"].1, node.name, "whole, or not at all");
    }
    a_leader_replaces_what_it_cannot_place(&cluster, cluster.node("n2"));
}

/// It is told why nothing is sent, and its own files are as soon as that is asked for. Nobody can bring the other back.
fn a_leader_replaces_what_it_cannot_place(cluster: &Cluster, leader: &Node) {
    let done = leader.cli(&["switchover", "--to", &leader.name, "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    cluster.wait_for("it says what to do", |_| {
        let held = files::files(leader)?.held?;
        (held.contains("extra") && held.contains("hotseat sync push sends what n2 has")).then_some(())
    });
    let pushed = leader.cli(&["sync", "push", "--wait", "60s"]);
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    wait_for_version(cluster, 2);
    assert!(cluster.nodes().iter().all(|node| conf(node)["conf/a.cfg"].1 == leader.name));
    let back = leader.cli(&["sync", "rollback", "--to", "1"]);
    assert_eq!(back.code, Some(1), "{back:?}");
    assert!(back.err.contains("version 1 is refused: extra") && back.err.contains("not among"), "{back:?}");
    assert_eq!(files::files(leader).unwrap().versions.len(), 2);
}

/// Somebody who may write in the folder puts a link to another place there.
#[test]
fn nsg_11_a_link_leads_nowhere() {
    let cluster = agreed(Store::Dir);
    let leader = cluster.leader();
    write(leader, "conf/sub/b.cfg", "first\n");
    wait_for_version(&cluster, 2);
    let victim = cluster.others(leader).next().unwrap();
    write(victim, "outside/b.cfg", "theirs\n");
    fs::remove_dir_all(victim.path("conf/sub")).unwrap();
    symlink(victim.path("outside"), victim.path("conf/sub")).unwrap();
    write(leader, "conf/sub/b.cfg", "second\n");
    cluster.wait_for("it says what is in the way", |_| {
        let drift = files::drift(leader);
        drift.iter().any(|it| it.node == victim.name && it.what.contains("conf/sub")).then_some(())
    });
    let outside: Vec<_> = fs::read_dir(victim.path("outside")).unwrap().flatten().map(|it| it.file_name()).collect();
    assert_eq!(outside, ["b.cfg"]);
    assert_eq!(fs::read_to_string(victim.path("outside/b.cfg")).unwrap(), "theirs\n");
    fs::remove_file(victim.path("conf/sub")).unwrap();
    wait_for_version(&cluster, 3);
    assert_eq!(conf(victim)["conf/sub/b.cfg"].1, "second\n");
}

/// A disk of a member's own, for its `conf`.
struct Small<'a>(&'a Node);

impl<'a> Small<'a> {
    fn mount(node: &'a Node, size: &str) -> Self {
        fs::create_dir_all(node.path("conf")).unwrap();
        Self::must(node, &["-t", "tmpfs", "-o", &format!("size={size}"), "none"]);
        Self(node)
    }

    fn grow(&self, size: &str) {
        Self::must(self.0, &["-o", &format!("remount,size={size}")]);
    }

    fn must(node: &Node, words: &[&str]) {
        let path = node.path("conf");
        let ended = program::run("mount".as_ref(), &[words, &[path.to_str().unwrap()]].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let path = self.0.path("conf");
        drop(program::run("umount".as_ref(), &["-l", path.to_str().unwrap()]));
    }
}

#[test]
fn nsg_11_a_full_disk_keeps_the_old_version_whole() {
    if !program::root() {
        return;
    }
    let cluster = Cluster::prepare(Spec::demo().hot().sync("paths", "[\"conf\"]").only(1, "group", "priority", "10"));
    let small = Small::mount(cluster.node("n2"), "64k");
    for node in cluster.nodes() {
        write(node, "conf/a.cfg", "first\n");
        node.start();
        if node.number() == 1 {
            cluster.leader();
        }
    }
    cluster.settle();
    wait_for_version(&cluster, 1);
    let (leader, full) = (cluster.node("n1"), cluster.node("n2"));
    write(leader, "conf/a.cfg", "second\n");
    write(leader, "conf/large", &"x".repeat(200_000));
    cluster.wait_for("n2 says that there is no room", |_| {
        files::drift(leader).iter().any(|it| it.node == "n2" && it.what.contains("No space left")).then_some(())
    });
    assert_eq!(
        conf(full).into_iter().map(|(name, (_, content))| (name, content)).collect::<Vec<_>>(),
        [("conf/a.cfg".to_owned(), "first\n".to_owned())]
    );
    small.grow("4m");
    wait_for_version(&cluster, 2);
    wait_for_drift(&cluster, &[]);
}

/// A folder that is empty all at once may be a mount that is missing.
#[test]
fn nsg_11_an_empty_folder_empties_nobody() {
    let cluster = agreed(Store::Dir);
    let leader = cluster.leader();
    fs::remove_file(leader.path("conf/a.cfg")).unwrap();
    cluster.wait_for("it is held", |_| files::files(leader)?.held.filter(|held| held.contains("empty")));
    for node in cluster.others(leader) {
        assert_eq!(conf(node)["conf/a.cfg"].1, "first\n");
    }
    let pushed = leader.cli(&["sync", "push", "--wait", "60s"]);
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    for node in cluster.others(leader) {
        assert!(conf(node).is_empty(), "it was meant");
    }
}
