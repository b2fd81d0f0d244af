//! The configuration file of a node, as the specification and the addresses that the test has found make it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{GROUP, Spec, Store, Table};

/// Where a node is reached.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    pub(crate) agent: SocketAddr,
    pub(crate) service: Option<SocketAddr>,
    pub(crate) proxy: Option<SocketAddr>,
    pub(crate) reads: Option<SocketAddr>,
    /// The check and the agent-check of load balancers.
    pub(crate) checks: Option<(SocketAddr, SocketAddr)>,
}

impl Spec {
    /// The file of a node.
    pub(crate) fn render(&self, number: usize, ports: &Ports, places: &[(&str, String)], cluster: &str) -> String {
        let own = |section: &str, table: &Table| {
            let mut table = table.clone();
            for (its, key, value) in self.own.get(&number).into_iter().flatten() {
                if *its == section {
                    table.insert(key.clone(), value.clone());
                }
            }
            table
        };
        let mut text = String::new();
        let mut section = |head: &str, defaults: &[(&str, String)], table: Table| {
            let mut all: Table = defaults.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
            all.extend(table);
            writeln!(text, "{head}").unwrap();
            for (key, value) in all {
                let value = places.iter().fold(value, |value, (name, place)| value.replace(name, place));
                writeln!(text, "{key} = {value}").unwrap();
            }
            text.push('\n');
        };
        let quoted = |text: &str| format!("\"{text}\"");
        let store = match self.store {
            Store::Dir => quoted("dir:{home}/share"),
            Store::Raft => quoted(self.store.word()),
        };
        section("[cluster]", &[("name", quoted(cluster)), ("store", store)], own("cluster", &self.cluster));
        let data = quoted("{home}/data");
        let node =
            [("name", quoted(&format!("n{number}"))), ("listen", quoted(&ports.agent.to_string())), ("data_dir", data)];
        section("[node]", &node, own("node", &self.node));
        // Tests look at nodes on hosts of their own from outside, without a token.
        let open = if self.apart { vec![("open", String::from("true"))] } else { Vec::new() };
        section("[api]", &open, own("api", &self.api));
        section("[[group]]", &[("id", quoted(GROUP))], own("group", &self.group));
        let port: Vec<_> = ports.service.map(|it| ("port", it.port().to_string())).into_iter().collect();
        section("[group.service]", &port, own("service", &self.service));
        if let (Some(proxy), Some(listen)) = (&self.proxy, ports.proxy) {
            let mut lines = vec![("listen", quoted(&listen.to_string()))];
            if let (Some(from), Some(listen)) = (&self.reads, ports.reads) {
                lines.push(("reads", format!("{{ listen = \"{listen}\", from = \"{from}\" }}")));
            }
            section("[group.proxy]", &lines, own("proxy", proxy));
        }
        if let Some((check, line)) = ports.checks {
            let keys = [("listen", quoted(&check.to_string())), ("agent", quoted(&line.to_string()))];
            section("[group.check]", &keys, Table::new());
        }
        let sections = [("vip", &self.vip), ("floating", &self.floating), ("sync", &self.sync), ("drill", &self.drill)];
        for (name, table) in sections {
            if !table.is_empty() {
                section(&format!("[group.{name}]"), &[], own(name, table));
            }
        }
        if !self.telemetry.is_empty() {
            section("[telemetry]", &[], self.telemetry.clone());
        }
        text + &places.iter().fold(self.more.clone(), |more, (name, place)| more.replace(name, place))
    }
}
