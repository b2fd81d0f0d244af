//! Fire drills (`new_7`): a leadership that is ended on purpose, watched from the other nodes as clients see it, and judged.
//!
//! ```text
//!  an operator, or the leader's schedule
//!        │ safe? (safety.rs)            the slot at `drill`: one for the whole cluster
//!        v
//!   under way ──> every other member watches (watch.rs, probe.rs)
//!        │                 └──> noted ──> the leader falls (fall.rs, strike.rs) ──> somebody else leads
//!        │                                                                               v
//!        └── called off ─────────> `drills/GROUP`: the history <── judged <── what was seen, from all
//! ```
//!
//! Who leads next is decided as ever: a drill takes no part in it. Nothing here is polled while no drill is under way.

mod book;
mod fall;
mod keeper;
mod probe;
mod safety;
mod schedule;
mod strike;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hotseat_client::{Cluster, DrillOrder, DrillUnderWay, Drills as Shown, Event, Group, LastDrill};
use hotseat_core::{GroupId, unrest_pause};
use tokio::sync::watch as channel;

use crate::clock;
use crate::history::History;
use crate::orders::Orders;
use crate::shelf::{Shelf, ShelfError};
use crate::snapshot::{Facts, Snapshot};
use book::{Ask, SLOT, Slot};
use safety::Own;

pub use strike::freeze_for;

/// After a change of leader a group is left alone for this many silences of a session, as a rule.
const CALM_SILENCES: u32 = 5;

/// A schedule leaves it alone for this long, or for a quarter of its period if that is less.
const CALM_SCHEDULED: Duration = Duration::from_secs(600);

/// Between two looks at the slot, while a drill is under way.
const PACE: Duration = Duration::from_millis(100);

/// Why there is no drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDrill {
    /// Not as things stand; says what is in the way.
    Unsafe(String),
    /// The store does not answer: ask again later.
    Later(String),
}

impl fmt::Display for NoDrill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe(why) | Self::Later(why) => f.write_str(why),
        }
    }
}

/// The newest drill of each group, for whoever draws pictures. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Newest(Arc<Mutex<BTreeMap<String, LastDrill>>>);

impl Newest {
    /// That of this group.
    #[must_use]
    pub fn of(&self, group: &GroupId) -> Option<LastDrill> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(group.as_str()).cloned()
    }

    fn note(&self, group: &str, history: &book::History) {
        if let Some(newest) = history.drills.first() {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(group.to_owned(), LastDrill::from(newest));
        }
    }
}

/// What drills are made with.
pub struct Parts {
    /// The configuration, the store, the proxies.
    pub facts: Facts,
    /// The loop's picture.
    pub shown: channel::Receiver<Arc<Snapshot>>,
    /// Where acts are taken.
    pub orders: Orders,
    /// The story.
    pub history: History,
    /// This very program.
    pub exe: PathBuf,
}

/// A handle on the drills of this node. Cheap to clone.
#[derive(Clone)]
pub struct Drills(Arc<Inner>);

struct Inner {
    parts: Parts,
    shelf: Shelf,
    /// Since when each group has been seen in its epoch.
    seen: Mutex<BTreeMap<String, (u64, Instant)>>,
}

impl Drills {
    /// For this node; nothing happens before [`Drills::run`].
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let shelf = Shelf::new(Arc::clone(parts.facts.records.store()), parts.facts.config.node.name.as_str());
        Self(Arc::new(Inner { parts, shelf, seen: Mutex::default() }))
    }

    /// Takes part in the drills of this node's groups, and begins those that are due. Ends with the loop.
    pub async fn run(self) {
        keeper::run(&self).await;
    }

    /// Begins a drill. It is under way when this returns; whether it is carried out is in the history.
    ///
    /// # Errors
    /// [`NoDrill`].
    pub async fn ask(&self, group: &GroupId, order: DrillOrder, who: &str) -> Result<DrillUnderWay, NoDrill> {
        let calm = self.calm();
        self.begin(group, order, who, calm).await
    }

    async fn begin(
        &self,
        id: &GroupId,
        order: DrillOrder,
        who: &str,
        calm: Duration,
    ) -> Result<DrillUnderWay, NoDrill> {
        let cluster = self.cluster();
        let group =
            find(&cluster, id.as_str()).ok_or_else(|| NoDrill::Unsafe(format!("{id} is not known here yet")))?;
        let own = Own { led: self.led(group), calm, hold: self.hold(id) };
        if let Some(why) = safety::against(&cluster, group, &order, own) {
            return Err(NoDrill::Unsafe(why));
        }
        let configured = self.0.parts.facts.config.groups.iter().find(|it| it.id == *id);
        let max = configured.and_then(|it| it.drill.max).and_then(|max| u64::try_from(max.as_millis()).ok());
        let order = DrillOrder { max_ms: order.max_ms.or(max), ..order };
        let ask = Ask {
            group: id.to_string(),
            at: clock::wall(),
            who: who.to_owned(),
            order,
            leader: group.leader.clone().unwrap_or_default(),
            epoch: group.epoch,
        };
        let begun = self.0.shelf.update(SLOT, |slot: Option<Slot>| slot.unwrap_or_default().take(ask.clone())).await;
        begun.map_err(|error| NoDrill::Later(error.to_string()))?.map_err(NoDrill::Unsafe)
    }

    /// What there is to know of a group's drills.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, group: &GroupId) -> Result<Shown, ShelfError> {
        let slot = self.0.shelf.read::<Slot>(SLOT).await?;
        let history = self.0.shelf.read::<book::History>(&book::shelf_mark(group.as_str())).await?;
        Ok(Shown {
            under_way: slot.and_then(|slot| slot.record.under_way),
            history: history.map(|it| it.record.drills).unwrap_or_default(),
        })
    }

    /// For how long the group's next claim would be held off.
    fn hold(&self, id: &GroupId) -> Duration {
        let snapshot = self.snapshot();
        let configured = self.0.parts.facts.config.groups.iter().find(|it| it.id == *id);
        let known = snapshot.group(id).zip(configured);
        known.map_or(Duration::ZERO, |(view, group)| unrest_pause(view.unrest, group.hold_max))
    }

    /// How long a group is left alone after a change, as a rule.
    fn calm(&self) -> Duration {
        self.0.parts.facts.config.cluster.timing.promise().silence() * CALM_SILENCES
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.parts.shown.borrow())
    }

    fn cluster(&self) -> Cluster {
        self.snapshot().cluster(&self.0.parts.facts)
    }

    fn node(&self) -> &str {
        self.0.parts.facts.config.node.name.as_str()
    }

    /// For how long the group has had this leadership, as far as it was seen from here.
    fn led(&self, group: &Group) -> Duration {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(group.id.clone()).or_insert_with(|| (group.epoch, Instant::now()));
        if known.0 != group.epoch {
            *known = (group.epoch, Instant::now());
        }
        known.1.elapsed()
    }

    /// The drill of this number, while it is under way.
    async fn under_way(&self, id: u64) -> Result<Option<DrillUnderWay>, ShelfError> {
        let slot = self.0.shelf.read::<Slot>(SLOT).await?;
        Ok(slot.and_then(|slot| slot.record.under_way).filter(|drill| drill.id == id))
    }

    /// Changes the drill that is under way. Whoever comes too late changes nothing.
    async fn change(&self, id: u64, change: impl Fn(&mut DrillUnderWay)) -> Result<(), ShelfError> {
        let changed = |slot: Option<Slot>| slot.unwrap_or_default().change(id, &change);
        self.0.shelf.update(SLOT, changed).await.map(|over| over.unwrap_or(()))
    }

    /// Writes down what came of a drill, once, and frees the slot.
    async fn settle(&self, drill: hotseat_client::Drill, group: &str) -> Result<(), ShelfError> {
        let add = |history: Option<book::History>| {
            let history = history.unwrap_or_default();
            let new = history.drills.iter().all(|known| known.id != drill.id);
            Ok::<_, std::convert::Infallible>((history.add(&drill), new))
        };
        let Ok(new) = self.0.shelf.update(&book::shelf_mark(group), add).await?;
        let free = |slot: Option<Slot>| slot.unwrap_or_default().free(drill.id);
        self.0.shelf.update(SLOT, free).await?.unwrap_or(());
        if new {
            self.tell(&drill, group);
        }
        Ok(())
    }

    fn tell(&self, drill: &hotseat_client::Drill, group: &str) {
        let kind = if drill.passed { "drill-passed" } else { "drill-failed" };
        let text = format!("fire drill of {group} ({}): {}", drill.order.kind.as_str(), drill.text);
        if drill.passed {
            tracing::info!("{text}")
        } else {
            tracing::warn!("{text}")
        }
        self.0.parts.history.add(Event {
            id: 0,
            at: clock::wall(),
            node: self.node().to_owned(),
            kind: kind.to_owned(),
            group: Some(group.to_owned()),
            epoch: Some(drill.epoch),
            text,
        });
    }
}

fn find<'a>(cluster: &'a Cluster, id: &str) -> Option<&'a Group> {
    cluster.groups.iter().find(|group| group.id == id)
}
