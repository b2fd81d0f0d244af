//! What the rooms of an agent stand on, and how they are opened: each is given what it needs, and its tasks run from then on.
//! It decides nothing and waits for nobody.

use std::path::PathBuf;
use std::sync::Arc;

use hotseat_stores::Store;
use tokio::sync::{mpsc, watch};

use super::Failure;
use crate::alerts::Alerts;
use crate::api::Api;
use crate::config::Config;
use crate::drill::{self, Drills};
use crate::driver::Message;
use crate::election::Elections;
use crate::history::History;
use crate::ledger::{self, Ledger, Tap, Writing};
use crate::lock::Listing;
use crate::orders::{self, Orders, Refusal};
use crate::proxies::Proxies;
use crate::records::Records;
use crate::rights::Rights;
use crate::shelf::Shelf;
use crate::snapshot::{Facts, Snapshot};
use crate::sync;
use crate::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::unit::Unit;
use crate::vip::{self, Followers};

/// See the module.
pub(super) struct Ground {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<dyn Store>,
    pub(super) records: Records,
    /// The loop's.
    pub(super) inbox: mpsc::Sender<Message>,
    /// The loop's picture.
    pub(super) shown: watch::Receiver<Arc<Snapshot>>,
    pub(super) history: History,
    /// This very program.
    pub(super) exe: PathBuf,
}

impl Ground {
    fn shelf(&self) -> Shelf {
        Shelf::new(Arc::clone(&self.store), self.config.node.name.as_str())
    }

    fn tasks(&self) -> Tasks {
        Tasks::new(self.inbox.clone(), self.records.clone())
    }

    /// The story of every change of leader.
    pub(super) fn ledger(&self, proxies: &Proxies) -> (Tap, Ledger, Writing) {
        let (config, node) = (&self.config, &self.config.node.name);
        ledger::start(ledger::Sources {
            shelf: self.shelf(),
            node: node.clone(),
            ttl: config.cluster.timing.ttl(),
            tallies: proxies.tallies(),
            shown: self.shown.clone(),
            counts: self.records.counts().clone(),
            telemetry: Telemetry::start(config.telemetry.otlp.as_deref(), &config.cluster.name, node.as_str()),
        })
    }

    /// What follows the groups' leaderships.
    pub(super) fn followers(&self, units: &[Arc<Unit>]) -> Followers {
        let hands = vip::Hands {
            inbox: self.inbox.clone(),
            tasks: self.tasks(),
            picture: self.shown.clone(),
            history: self.history.clone(),
            seconds: vip::seconds(&self.config.cluster.timing),
        };
        Followers::start(units, &Arc::new(hands))
    }

    /// The files that are the same on all members.
    pub(super) fn files(&self, units: &[Arc<Unit>]) -> Result<sync::Desk, Failure> {
        let hands = sync::Hands {
            shelf: self.shelf(),
            versions: self.records.beside(),
            picture: self.shown.clone(),
            tasks: self.tasks(),
            history: self.history.clone(),
            board: sync::Board::default(),
        };
        sync::start(&self.config, units, &Arc::new(hands)).map_err(Failure)
    }

    /// Where acts are taken, and where the loop says which of them it refuses.
    pub(super) fn orders(&self, facts: &Facts) -> (Orders, mpsc::Sender<Refusal>) {
        orders::begin(facts, &self.shown, &self.inbox, &self.history)
    }

    /// What readers need beside the picture; no proxies, checks and members yet.
    pub(super) fn facts(&self, files: sync::Desk) -> Facts {
        Facts {
            config: Arc::clone(&self.config),
            started: std::time::Instant::now(),
            store_kind: self.store.kind().into(),
            store_risk: None,
            records: self.records.clone(),
            proxies: Arc::default(),
            drains: Arc::default(),
            checks: Arc::default(),
            files,
            drilled: drill::Newest::default(),
            embedded: None,
        }
    }

    /// What answers over HTTP.
    pub(super) fn api(&self, facts: Facts, orders: Orders, ledger: Ledger) -> Result<Api, Failure> {
        let locks = Arc::new(Listing::new(&self.records, self.config.cluster.timing.look()));
        let elections = Elections::new(Arc::clone(&self.config), Arc::clone(&locks), self.inbox.clone());
        let alerts = Alerts::new(Arc::clone(&self.config), self.shelf(), self.exe.clone());
        alerts.begin(self.shown.clone(), facts.clone(), self.history.clone()).map_err(Failure)?;
        let drills = Drills::new(drill::Parts {
            facts: facts.clone(),
            shown: self.shown.clone(),
            orders: orders.clone(),
            history: self.history.clone(),
            exe: self.exe.clone(),
        });
        tokio::spawn(drills.clone().run());
        Ok(Api {
            rights: Rights::open(&self.config, self.records.tokens(), self.shown.clone())?,
            shown: self.shown.clone(),
            facts,
            history: self.history.clone(),
            inbox: self.inbox.clone(),
            locks,
            orders,
            ledger,
            elections,
            alerts,
            drills,
            shelf: self.shelf(),
        })
    }
}
