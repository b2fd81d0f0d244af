//! Watches the addresses of several hosts: which of them has one that moves, and whether ever two have it.
//!
//! The kernel of each host tells of every change by `ip monitor`, and all of them have one clock.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::net::Host;

/// A change, when it was told, and on which host.
type Change = (String, String, bool);

/// See the module. It watches one address until it is stopped.
#[derive(Debug)]
pub struct Addresses {
    watches: Vec<(Child, JoinHandle<Vec<Change>>)>,
}

impl Addresses {
    /// Watches this address on these hosts, from now on.
    #[must_use]
    pub fn watch<'a>(ip: &str, hosts: impl Iterator<Item = &'a Host>) -> Self {
        let watches = hosts.map(|host| {
            // Before others on a busy machine: what it tells is stamped when it is read.
            let mut command = Command::new("nice");
            command.args(["-n", "-20", "ip", "-ts", "-o", "monitor", "address"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped());
            let mut child = host.spawn(&mut command).unwrap();
            let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
            let (host, ip) = (host.name().to_owned(), format!(" {ip}/"));
            let read = move || lines.map_while(Result::ok).filter_map(|line| change(&line, &ip, &host)).collect();
            (child, std::thread::spawn(read))
        });
        Self { watches: watches.collect() }
    }

    /// Fails if two hosts had the address at one instant; who had it, in order.
    #[must_use]
    pub fn check_never_two(self) -> Vec<String> {
        let mut changes: Vec<Change> = Vec::new();
        for (mut child, thread) in self.watches {
            drop(child.kill());
            drop(child.wait());
            changes.extend(thread.join().unwrap());
        }
        changes.sort();
        let mut owners = BTreeSet::new();
        let mut order = Vec::new();
        for (at, host, up) in &changes {
            if !up {
                owners.remove(host);
            } else if owners.insert(host.clone()) {
                order.push(host.clone());
            }
            assert!(owners.len() < 2, "at {at} these had the address: {owners:?}\n{changes:#?}");
        }
        order
    }
}

/// `[2026-11-21T12:00:00.123456] Deleted 2: eth0 inet 10.0.0.50/24 …`; told again with every change of a lifetime.
fn change(line: &str, ip: &str, host: &str) -> Option<Change> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once(']')?;
    rest.contains(ip).then(|| (stamp.to_owned(), host.to_owned(), !rest.trim_start().starts_with("Deleted")))
}
