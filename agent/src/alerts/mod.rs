//! Tells people what has happened: once per event, not once per node, also when nodes die meanwhile.
//!
//! ```text
//!   picture ── finding ──> waiting ── due ──> desk ── compare and swap ──> the record "alerts" (ledger)
//!   history ─────────────────────────────────┘ │                           who said what, who sends it
//!                                              └── post ── send ──> webhook, Slack, mail, MQTT, a command
//! ```
//!
//! Every node sees the same things; the first by name among those present speaks, the others a second later each, if it
//! was not said by then. Whoever writes an alert down is its sender. If it dies, another one takes over: a receiver may then
//! get an alert twice, with the same id. While the store does not answer nobody can write: then the first by name of the
//! nodes that hear each other says what must be said, marked so.
//!
//! It decides nothing about leaderships, and nothing waits for it.

mod alone;
mod certificates;
mod desk;
mod eyes;
mod finding;
mod kept;
mod ledger;
mod message;
mod post;
mod rule;
mod send;
mod standing;
mod stuck;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use hotseat_client as wire;
use tokio::sync::watch;

use desk::Desk;
use eyes::Eyes;
use kept::Kept;
use message::Author;
pub use rule::{Rule, Severity};
pub use send::{CHILD, become_command};
use stuck::Stuck;

use crate::clock;
use crate::config::Config;
use crate::history::History;
use crate::random;
use crate::records::Records;
use crate::shelf::Shelf;
use crate::snapshot::{Facts, Snapshot};

/// Where the record is.
const KEY: &str = "alerts";

/// A handle for the API. Cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    config: Arc<Config>,
    shelf: Shelf,
    exe: PathBuf,
    stuck: Stuck,
    kept: Kept,
}

impl Alerts {
    /// Of this node; `exe` is `hotseat`.
    #[must_use]
    pub fn new(config: Arc<Config>, shelf: Shelf, exe: PathBuf) -> Self {
        Self { config, shelf, exe, stuck: Stuck::default(), kept: Kept::default() }
    }

    /// Notices, writes down and sends from now on, until the agent ends; does nothing if nobody is to be told.
    ///
    /// # Errors
    /// When the kernel has no random bytes.
    pub fn begin(&self, picture: watch::Receiver<Arc<Snapshot>>, facts: Facts, history: History) -> Result<(), String> {
        if self.config.alerts.is_empty() {
            return Ok(());
        }
        let eyes = Eyes::new(picture, facts, history.clone());
        tokio::spawn(Desk::new(self, eyes, history)?.run());
        Ok(())
    }

    /// What is the matter in this picture, where this node sends to, and all that the cluster has said.
    pub async fn list(&self, cluster: &wire::Cluster) -> wire::Alerts {
        self.kept.note(self.shelf.read(KEY).await);
        self.shown(cluster, usize::MAX)
    }

    /// Reads what the cluster has said, if a look at the store has found that there is more of it.
    pub async fn refresh(&self, records: &Records) {
        let newest = records.beside().borrow().get(KEY).copied().unwrap_or(0);
        if !self.kept.has(newest) {
            self.kept.note(self.shelf.read(KEY).await);
        }
    }

    /// The same as the list without waiting for the store: by what was read last, and so many that were said at most.
    #[must_use]
    pub fn shown(&self, cluster: &wire::Cluster, most: usize) -> wire::Alerts {
        let read = self.kept.get();
        let channels = self.config.alerts.iter().map(|alert| wire::Channel {
            name: alert.name.clone(),
            kind: alert.channel.kind().to_owned(),
            to: alert.channel.place(),
            when: alert.when.iter().map(|rule| rule.word().to_owned()).collect(),
        });
        wire::Alerts {
            standing: standing::standing(cluster, &read.ledger),
            channels: channels.collect(),
            told: read.ledger.told.iter().rev().take(most).map(ledger::Told::shown).collect(),
            trouble: read.trouble,
        }
    }

    /// Receivers that do not take what this node sends, one line each.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.stuck.lines()
    }

    /// The names of what this node sends to.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.config.alerts.iter().map(|alert| alert.name.as_str())
    }

    /// Sends a test to the `[[alert]]` of this name, or to all, once each, and says what came of it.
    pub async fn test(&self, name: Option<&str>) -> Vec<wire::TestedAlert> {
        let chosen = self.config.alerts.iter().filter(|alert| name.is_none_or(|name| alert.name == name));
        futures_util::future::join_all(chosen.map(|to| async {
            let begun = Instant::now();
            let answer = send::send(&self.exe, to, &self.sample()).await;
            wire::TestedAlert {
                name: to.name.clone(),
                to: to.channel.place(),
                ok: answer.is_ok(),
                answer: answer.unwrap_or_else(|why| why),
                took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            }
        }))
        .await
    }

    fn sample(&self) -> wire::Alert {
        let node = self.config.node.name.to_string();
        let sender = ledger::Sender { node: node.clone(), run: String::new() };
        let author = Author { config: &self.config, sender: &sender, at: clock::wall() };
        let about = format!("{node}/{:08x}", random::nonce().map_or(0, |nonce| nonce.0 >> 96));
        let text = format!("{node} can reach you: this is a test, nothing is the matter");
        wire::Alert {
            id: format!("{}/test/{about}", self.config.cluster.name),
            rule: String::from("test"),
            severity: Severity::Info.word().to_owned(),
            node: Some(node),
            ..author.alert(Rule::LeaderChange, &about, "test", text)
        }
    }
}
