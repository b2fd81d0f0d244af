//! `hotseat members remove`: asks until it is granted, waits until the node is out, and says what it waits for.

use std::time::{Duration, Instant};

use hotseat_client::{Client, Error, Roll};

use super::super::{Failed, explain};
use crate::say::length;

/// Between two looks while waiting.
const PACE: Duration = Duration::from_millis(100);

/// What goes well takes less; after this people are told what is waited for.
const QUIET: Duration = Duration::from_secs(2);

/// One removal under way.
pub(super) struct Removal<'a> {
    client: &'a Client,
    node: &'a str,
    /// The agent that is asked is the very one that goes.
    own: bool,
    /// The cluster has agreed to it.
    granted: bool,
    /// What is in the way.
    obstacle: Option<String>,
    began: Instant,
    told: bool,
}

impl<'a> Removal<'a> {
    pub(super) const fn new(client: &'a Client, node: &'a str, began: Instant) -> Self {
        Self { client, node, own: false, granted: false, obstacle: None, began, told: false }
    }

    /// The roll without the node; none, if nobody is left at this address to tell it.
    pub(super) async fn carry_out(&mut self, wait: Duration) -> Result<Option<Roll>, Failed> {
        match tokio::time::timeout(wait, self.go()).await {
            Ok(gone) => gone,
            Err(_) => Err(self.late(wait)),
        }
    }

    async fn go(&mut self) -> Result<Option<Roll>, Failed> {
        self.own = self.client.cluster().await.map_err(explain)?.node == self.node;
        self.ask().await?;
        self.granted = true;
        self.obstacle = None;
        self.gone().await
    }

    /// Asks until it is granted: there may be no majority at the moment. To ask twice does no harm.
    async fn ask(&mut self) -> Result<(), Failed> {
        loop {
            match self.client.remove(self.node).await {
                Err(Error::Refused(refusal)) if refusal.again => self.obstructed(refusal.error).await,
                Err(error @ Error::Unanswered(..)) => self.obstructed(error.to_string()).await,
                asked => return asked.map_err(explain),
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Waits until the node neither votes nor follows.
    async fn gone(&mut self) -> Result<Option<Roll>, Failed> {
        loop {
            match self.client.members().await {
                Ok(roll) if roll.members.iter().all(|seat| seat.node != self.node) => return Ok(Some(roll)),
                Ok(_) => self.obstructed(format!("{} is leaving", self.node)).await,
                // It stops once it is out, and nobody listens there any more.
                Err(Error::Unreachable(..)) if self.own => return Ok(None),
                Err(error) => self.obstructed(error.to_string()).await,
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Notes what is in the way, and says it once if it stays there. The store's own trouble says more than one refusal.
    async fn obstructed(&mut self, why: String) {
        let store = self.client.cluster().await.ok().map(|cluster| cluster.store).filter(|store| !store.healthy);
        let trouble = store.and_then(|store| store.trouble);
        let why = trouble.map_or_else(|| why.clone(), |trouble| format!("{why}: {trouble}"));
        if !self.told && self.began.elapsed() >= QUIET {
            self.told = true;
            eprintln!("waiting: {why}");
        }
        self.obstacle = Some(why);
    }

    fn late(&self, wait: Duration) -> Failed {
        let (node, wait, url) = (self.node, length(wait), self.client.url());
        let why = self.obstacle.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        if self.granted {
            return Failed::new(format!(
                "{node} is not out after {wait}{why}\n       It goes on: see hotseat members --url {url}"
            ));
        }
        Failed::new(format!("{node} could not be removed within {wait}{why}"))
    }
}
