//! What tests of files that are the same on all members share.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hotseat_client::{Drift, Sync};
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// What a node shows of where members differ.
pub(crate) fn drift(node: &Node) -> Vec<Drift> {
    node.group().map(|group| group.drift).unwrap_or_default()
}

/// Waits until every node that runs shows exactly this drift: `NODE FILE WHAT`.
pub(crate) fn wait_for_drift(cluster: &Cluster, expected: &[String]) {
    for node in cluster.nodes().iter().filter(|node| node.runs()) {
        cluster.wait_for(&format!("{} shows the drift {expected:?}", node.name), |_| {
            let shown: Vec<_> = drift(node).iter().map(|it| format!("{} {} {}", it.node, it.path, it.what)).collect();
            (shown == expected).then_some(())
        });
    }
}

/// Writes a file of a node's own, below its folder.
pub(crate) fn write(node: &Node, name: &str, content: &str) {
    let path = node.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A cluster whose leader sends `conf`, which begins as `before` makes it on each node. Names that are relative start at
/// the node's folder. Every new version is noted in `work/versions` by the hook.
pub(crate) fn sending(spec: Spec, before: impl Fn(&Node)) -> Cluster {
    let hook = "[\"sh\", \"-c\", \"echo $HOTSEAT_SYNC_VERSION $HOTSEAT_GROUP >> versions\"]";
    let cluster = Cluster::prepare(spec.hot().sync("paths", "[\"conf\"]").sync("on_change", hook));
    for node in cluster.nodes() {
        before(node);
        node.start();
    }
    cluster.settle();
    cluster
}

/// Three nodes, and one file in `conf`, the same everywhere.
pub(crate) fn agreed(store: Store) -> Cluster {
    let cluster = sending(Spec::demo().store(store), |node| write(node, "conf/a.cfg", "first\n"));
    wait_for_version(&cluster, 1);
    cluster
}

/// What a node shows of its group's files.
pub(crate) fn files(node: &Node) -> Option<Sync> {
    let answer = node.get("/api/groups/web/sync").filter(|answer| answer.status == 200)?;
    Some(serde_json::from_str(&answer.body).unwrap())
}

/// Waits until every member that runs has this version in place.
pub(crate) fn wait_for_version(cluster: &Cluster, number: u64) {
    let running: Vec<_> = cluster.nodes().iter().filter(|node| node.runs()).map(|node| node.name.as_str()).collect();
    cluster.wait_for(&format!("version {number} on {running:?}"), |cluster| {
        let files = files(cluster.node(running[0]))?;
        let has = |name: &&str| files.nodes.iter().any(|node| node.node == **name && node.version == number);
        running.iter().all(has).then_some(())
    });
}

/// Everything in a node's `conf`, by name: mode and content.
pub(crate) fn conf(node: &Node) -> BTreeMap<String, (u32, String)> {
    let mut all = BTreeMap::new();
    collect(&node.path("conf"), "conf", &mut all);
    all
}

fn collect(folder: &Path, name: &str, all: &mut BTreeMap<String, (u32, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, all);
        } else if let Ok(content) = fs::read_to_string(&path) {
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777;
            all.insert(name, (mode, content));
        }
    }
}

/// What a file held on this node before it was written over by this version.
pub(crate) fn saved(node: &Node, version: u64, name: &str) -> Option<String> {
    fs::read_to_string(node.path(&format!("data/sync/web/saved/{version:08}/{name}"))).ok()
}

/// The next time that something happens in a folder. What lasts for milliseconds is missed by who looks now and then.
pub(crate) struct Moment(OwnedFd);

impl Moment {
    /// From now on.
    pub(crate) fn of(event: WatchFlags, folder: &Path) -> Self {
        let events = inotify::init(CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&events, folder, event).unwrap();
        Self(events)
    }

    /// Waits for it.
    pub(crate) fn wait(&self) {
        let ceiling = Timespec::try_from(CEILING).unwrap();
        let came = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&ceiling)).unwrap();
        assert_eq!(came, 1, "nothing happened in the folder for {CEILING:?}");
    }
}
