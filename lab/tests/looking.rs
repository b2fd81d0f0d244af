//! What people look at: `nodes --long` as scripts cut it (`cmn_2`), events that outlive their agent, `status --watch`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec, program};

/// A line as scripts cut it: by blanks, the comment last.
fn cut(line: &str) -> (Vec<&str>, String) {
    let mut words = line.split_ascii_whitespace();
    let columns: Vec<_> = words.by_ref().take(7).collect();
    (columns, words.collect::<Vec<_>>().join(" "))
}

fn long(node: &Node, more: &[&str]) -> String {
    let done = node.cli(&[&["nodes", "--long"], more].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    done.out
}

fn cmn_2_nodes_long(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store).hot());
    let leader = cluster.settle();
    let shown = long(leader, &[]);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(cut(lines[0]), (vec!["S", "VERSION", "OWNER", "GROUP", "NAME", "IP", "PORT"], "COMMENT".into()));
    assert_eq!((lines.len(), lines[4]), (5, "Total: 3 controller(s)"));
    for (node, line) in cluster.nodes().iter().zip(&lines[1..]) {
        let (state, comment) = match node.name == leader.name {
            true => ("l", "Acting as leader."),
            false => ("f", "Accepting heartbeats."),
        };
        let (ip, port) = (node.address().ip().to_string(), node.address().port().to_string());
        let version = env!("CARGO_PKG_VERSION");
        let expected = vec![state, version, &cluster.name, "web", &node.name, &ip, &port];
        assert_eq!(cut(line), (expected, comment.to_owned()), "{shown}");
    }
    assert!(!long(leader, &["--no-header"]).contains("VERSION"));
    let json = leader.cli(&["nodes", "--json"]);
    let groups: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(groups[0]["members"].as_array().map(Vec::len), Some(3));
    let stat = leader.cli(&["nodes", "--stat"]).out;
    assert_eq!(stat.matches("Status: Accepting heartbeats.").count(), 2, "{stat}");

    let lost = cluster.others(leader).next().unwrap();
    lost.kill_agent();
    let line = cluster.wait_for("the lost one as offline", |_| {
        long(leader, &["--group", "web"]).lines().find(|line| line.starts_with('-')).map(str::to_owned)
    });
    assert_eq!(cut(&line).0[4], lost.name);
    assert!(cut(&line).1.starts_with("Offline for"), "{line}");
}

/// A command that goes on, and what it says.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(node: &Node, args: &[&str]) -> Self {
        let mut command = Command::new(program::hotseat());
        command.args(args).args(["--url", &node.url()]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// Reads on until a line holds this; all that was read.
    fn until(&self, words: &str) -> Vec<String> {
        let mut read = Vec::new();
        while !read.last().is_some_and(|line: &String| line.contains(words)) {
            let line = self.lines.recv_timeout(CEILING);
            read.push(line.unwrap_or_else(|why| panic!("no {words:?} ({why}) in {read:#?}")));
        }
        read
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whoever follows is told everything once and in order, before and after the agent was killed and started anew.
#[test]
fn events_outlive_their_agent() {
    let cluster = Cluster::settled(Spec::demo().nodes(1).hot());
    let node = cluster.settle();
    let watch = Watch::start(node, &["events", "--follow", "--json"]);
    let mut told = watch.until("is served by n1, epoch 1");
    node.kill_agent();
    node.wait_exit();
    node.start();
    told.extend(watch.until("is served by n1, epoch 2"));
    let ids: Vec<_> = told.iter().map(|line| serde_json::from_str::<hotseat_client::Event>(line).unwrap().id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let all: Vec<_> = node.events().iter().map(|event| event.id).take(ids.len()).collect();
    assert_eq!(ids, all, "nothing is left out");
    let after = node.cli(&["events", "--after", &ids[ids.len() - 2].to_string(), "--json"]);
    assert!(after.out.lines().next().unwrap().contains("epoch 2"), "{after:?}");
}

/// Where there is no terminal one picture comes after the other, and an agent that is gone is not shown as it was.
#[test]
fn status_watch_goes_on() {
    let cluster = Cluster::settled(Spec::demo().nodes(1).hot());
    let node = cluster.settle();
    let watch = Watch::start(node, &["status", "--watch"]);
    watch.until("n1 leads");
    node.kill_agent();
    watch.until("no agent answers");
    node.wait_exit();
    node.start();
    watch.until("n1 leads");
}

hotseat_lab::on_every_store!(cmn_2_nodes_long);
