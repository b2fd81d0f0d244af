//! The task behind a [`Leader`](super::Leader): it asks one member at a time, and the next one when that does not
//! answer, answers nonsense, or does not see the cluster itself. It ends when nobody holds a handle any more.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::watch::Sender;
use tokio::time::{sleep, timeout};

use super::{Leading, Shown};
use crate::backoff::Backoff;
use crate::client::Client;
use crate::members::Members;
use crate::wire::{Cluster, Event, Group};

/// An agent answers from memory: one that takes longer is stopped or cut off, and others are better asked.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);

/// Between two looks while nothing happens: a member that stopped answering, or was cut off, is found out within this.
const CALM: Duration = Duration::from_secs(1);

/// Between two looks at a member that has no room for one more to hang on its events.
const UNTOLD: Duration = Duration::from_millis(250);

/// Between two looks just after an event, which is told a moment before the picture shows it…
const SOON: Duration = Duration::from_millis(5);

/// …and how many of them there are.
const SOON_LOOKS: u32 = 3;

/// See the module.
pub(super) struct Watch {
    members: Members,
    group: String,
    /// The cluster's name, once a member has told it: whoever tells another one is not asked on.
    cluster: Option<String>,
    /// The newest epoch anybody told of: who tells of an older one lags behind.
    epoch: u64,
    tell: Sender<Shown>,
}

impl Watch {
    pub(super) fn new(members: Members, group: &str, tell: Sender<Shown>) -> Self {
        Self { members, group: group.to_owned(), cluster: None, epoch: 0, tell }
    }

    pub(super) async fn run(mut self) {
        let told = self.tell.clone();
        tokio::select! {
            () = told.closed() => {}
            () = self.round_and_round() => {}
        }
    }

    async fn round_and_round(&mut self) {
        let (mut backoff, mut failed) = (Backoff::new(), 0);
        loop {
            let (good, why) = self.attend().await;
            if good {
                (backoff, failed) = (Backoff::new(), 0);
            }
            let why = format!("{}: {why}", self.members.current().url());
            self.tell.send_modify(|shown| shown.trouble = Some(why));
            self.members.advance();
            failed += 1;
            if failed >= self.members.count() {
                failed = 0;
                sleep(backoff.pause()).await;
            }
        }
    }

    /// Follows one member for as long as it is good; whether it ever was, and why it no longer is.
    async fn attend(&mut self) -> (bool, String) {
        let client = self.members.current().clone();
        // First the stream, then the look: what happens in between is told.
        let events = timeout(ANSWER_LIMIT, client.news(&self.group)).await;
        let calm = if matches!(events, Ok(Ok(_))) { CALM } else { UNTOLD };
        let mut events = match events {
            Ok(Ok(events)) => events.boxed(),
            Ok(Err(_)) | Err(_) => futures_util::stream::pending().boxed(),
        };
        let (mut good, mut soon) = (false, 0);
        loop {
            if let Err(why) = self.look(&client).await {
                return (good, why);
            }
            good = true;
            let pace = if soon > 0 { SOON } else { calm };
            soon = match timeout(pace, self.concerns_us(&mut events)).await {
                Ok(true) => SOON_LOOKS,
                Ok(false) => return (good, String::from("its agent has ended")),
                Err(_) => soon.saturating_sub(1),
            };
        }
    }

    /// Waits for an event of our group; `false` when there will be none.
    async fn concerns_us(&self, events: &mut (impl Stream<Item = Event> + Unpin)) -> bool {
        while let Some(event) = events.next().await {
            if event.group.as_deref().is_none_or(|group| group == self.group) {
                return true;
            }
        }
        false
    }

    async fn look(&mut self, client: &Client) -> Result<(), String> {
        let answer = timeout(ANSWER_LIMIT, client.way(&self.group)).await;
        let cluster = answer.map_err(|_| String::from("no answer in time"))?.map_err(|error| error.to_string())?;
        self.take(&cluster)
    }

    /// Takes what a member told, if it is of our cluster and not blind or behind.
    fn take(&mut self, cluster: &Cluster) -> Result<(), String> {
        let named = self.cluster.get_or_insert_with(|| cluster.cluster.clone());
        if *named != cluster.cluster {
            return Err(format!("it is of the cluster \"{}\", not \"{named}\"", cluster.cluster));
        }
        let Some(group) = cluster.groups.iter().find(|group| group.id == self.group) else {
            return Err(format!("it has no group \"{}\"", self.group));
        };
        if group.epoch < self.epoch {
            return Err(format!("it lags behind: epoch {} where {} is known", group.epoch, self.epoch));
        }
        if cluster.lease_left_ms.is_none() || !cluster.store.healthy {
            return Err(String::from("it is cut off from its cluster"));
        }
        self.epoch = group.epoch;
        self.members.learn(cluster);
        let shown = Shown { leading: leading(group), trouble: None, members: self.members.urls() };
        self.tell.send_if_modified(|before| {
            let news = before.leading != shown.leading || before.trouble.is_some() || before.members != shown.members;
            *before = shown;
            news
        });
        Ok(())
    }
}

/// The leader, once its service is ready.
fn leading(group: &Group) -> Option<Leading> {
    let node = group.leader.as_ref().filter(|_| group.serving)?;
    let member = group.members.iter().find(|member| member.node == *node)?;
    Some(Leading {
        node: node.clone(),
        epoch: group.epoch,
        service: member.service.clone(),
        agent: member.address.trim_end_matches('/').to_owned(),
    })
}
