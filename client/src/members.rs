//! The members a client knows of: the seeds it was given, and those that the newest good answer named. It tries one
//! after the other, and never forgets a seed.

use crate::client::Client;
use crate::error::Error;
use crate::wire::Cluster;

/// Most members remembered: more than a cluster has, and an answer that names more is not believed further.
const MEMBERS_MAX: usize = 64;

/// See the module. There is always at least one.
#[derive(Debug)]
pub(crate) struct Members {
    seeds: Vec<Client>,
    learned: Vec<Client>,
    at: usize,
}

impl Members {
    /// From addresses as [`Client::new`] takes them.
    pub(crate) fn new<S: AsRef<str>>(seeds: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let mut clients: Vec<Client> = Vec::new();
        for seed in seeds {
            let seed = match clients.first() {
                Some(first) => first.beside(seed.as_ref())?,
                None => Client::new(seed.as_ref())?,
            };
            clients.push(seed);
        }
        if clients.is_empty() {
            return Err(Error::BadUrl(String::new()));
        }
        Ok(Self { seeds: clients, learned: Vec::new(), at: 0 })
    }

    /// Whom to ask now.
    pub(crate) fn current(&self) -> &Client {
        self.all().nth(self.at).unwrap_or(&self.seeds[0])
    }

    /// Whom to ask next.
    pub(crate) fn advance(&mut self) {
        self.at = (self.at + 1) % self.count();
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all().count()
    }

    /// Their addresses.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.all().map(|client| client.url().to_owned()).collect()
    }

    /// Takes the members that an answer names in place of those that the one before named.
    pub(crate) fn learn(&mut self, cluster: &Cluster) {
        let current = self.current().url().to_owned();
        let mut learned: Vec<Client> = Vec::new();
        for member in cluster.groups.iter().flat_map(|group| &group.members) {
            let Ok(client) = self.seeds[0].beside(&member.address) else { continue };
            let known = learned.iter().any(|other| other.url() == client.url());
            if !known && learned.len() < MEMBERS_MAX {
                learned.push(client);
            }
        }
        self.learned = learned;
        // Who answered stays the one to ask.
        let at = self.all().position(|client| client.url() == current);
        self.at = at.unwrap_or(0);
    }

    fn all(&self) -> impl Iterator<Item = &Client> {
        let fresh = |client: &&Client| self.seeds.iter().all(|seed| seed.url() != client.url());
        self.seeds.iter().chain(self.learned.iter().filter(fresh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(addresses: &[String]) -> Cluster {
        let members: Vec<_> = addresses
            .iter()
            .map(|address| {
                serde_json::json!({"node": "n", "state": "standby", "mode": "auto", "priority": 0, "region": "",
                    "version": "", "healthy": true, "address": address, "service": null, "last_seen_ms": 0})
            })
            .collect();
        let group = serde_json::json!({"id": "web", "role": "", "leader": null, "epoch": 1, "since": null,
            "serving": false, "paused": false, "netid": 1, "members": members});
        let whole = serde_json::json!({"cluster": "c", "node": "n", "store": {"kind": "dir", "healthy": true},
            "ttl_ms": 1, "lease_left_ms": 1, "renewed_ms": 1, "pid": 1, "groups": [group]});
        serde_json::from_value(whole).expect("a picture")
    }

    fn named(ports: &[u16]) -> Vec<String> {
        ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect()
    }

    #[test]
    fn the_list_is_refreshed_and_the_seeds_stay() {
        let mut members = Members::new(["127.0.0.1:1"]).expect("a seed");
        members.learn(&cluster(&named(&[1, 2, 3])));
        assert_eq!(members.urls(), named(&[1, 2, 3]));
        members.advance();
        assert_eq!(members.current().url(), "http://127.0.0.1:2");
        members.learn(&cluster(&named(&[2, 4])));
        assert_eq!(members.urls(), named(&[1, 2, 4]));
        assert_eq!(members.current().url(), "http://127.0.0.1:2", "who answered is asked on");
        members.advance();
        members.advance();
        assert_eq!(members.current().url(), "http://127.0.0.1:1", "round and round");
    }

    #[test]
    fn what_no_agent_would_say_is_left_out() {
        let mut members = Members::new(["127.0.0.1:1"]).expect("a seed");
        let many: Vec<_> = (1..=500).map(|port| format!("http://127.0.0.1:{port}")).collect();
        members.learn(&cluster(&many));
        assert_eq!(members.count(), MEMBERS_MAX);
        members.learn(&cluster(&["ftp://x".into(), "http://".into(), "\u{0}".into()]));
        assert_eq!(members.urls(), named(&[1]));
    }
}
