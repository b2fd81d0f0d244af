//! Notices drills, takes this node's part in each once, and begins those that are due where this node leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hotseat_client::{DrillOrder, DrillUnderWay};
use hotseat_core::GroupId;
use tokio::time::{MissedTickBehavior, interval};

use super::book::{self, History, SLOT, Slot};
use super::{CALM_SCHEDULED, Drills, fall, schedule, watch};
use crate::clock;
use crate::config::Group;
use crate::shelf::ShelfError;

/// How often schedules are looked at; a drill that was asked for is noticed as soon as the loop looks at the store.
const BEAT: Duration = Duration::from_secs(2);

/// A drill that lasts longer than any should is judged by whoever notices.
const OVERDUE: Duration = watch::LED_WITHIN.saturating_add(Duration::from_secs(60));

/// What is remembered between two beats.
#[derive(Default)]
struct Kept {
    versions: BTreeMap<String, u64>,
    histories: BTreeMap<String, History>,
    under_way: Option<(DrillUnderWay, Instant)>,
    put_off: BTreeMap<GroupId, String>,
}

pub(super) async fn run(drills: &Drills) {
    let mut beside = drills.0.parts.facts.records.beside();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept = Kept::default();
    loop {
        tokio::select! {
            changed = beside.changed() => if changed.is_err() { return },
            _ = beat.tick() => {}
        }
        let versions = Arc::clone(&beside.borrow_and_update());
        if let Err(error) = kept.turn(drills, &versions).await {
            tracing::debug!("fire drills: {error}");
        }
    }
}

impl Kept {
    async fn turn(&mut self, drills: &Drills, versions: &BTreeMap<String, u64>) -> Result<(), ShelfError> {
        for group in &drills.cluster().groups {
            // Only so that it is known later since when.
            drills.led(group);
        }
        let groups: Vec<_> = drills.0.parts.facts.config.groups.iter().map(|it| it.id.to_string()).collect();
        for group in groups {
            self.read_history(drills, versions, group).await?;
        }
        self.read_slot(drills, versions).await?;
        self.begin_what_is_due(drills).await
    }

    /// Whether the record has moved since it was read.
    fn moved(&mut self, versions: &BTreeMap<String, u64>, mark: &str) -> bool {
        let now = versions.get(mark).copied();
        now.is_some() && self.versions.get(mark).copied() != now
    }

    fn noted(&mut self, versions: &BTreeMap<String, u64>, mark: &str) {
        self.versions.extend(versions.get(mark).map(|version| (mark.to_owned(), *version)));
    }

    async fn read_history(
        &mut self,
        drills: &Drills,
        versions: &BTreeMap<String, u64>,
        group: String,
    ) -> Result<(), ShelfError> {
        let mark = book::shelf_mark(&group);
        if !self.moved(versions, &mark) {
            return Ok(());
        }
        if let Some(found) = drills.0.shelf.read::<History>(&mark).await? {
            drills.0.parts.facts.drilled.note(&group, &found.record);
            self.histories.insert(group, found.record);
        }
        self.noted(versions, &mark);
        Ok(())
    }

    async fn read_slot(&mut self, drills: &Drills, versions: &BTreeMap<String, u64>) -> Result<(), ShelfError> {
        if self.moved(versions, SLOT) {
            let found = drills.0.shelf.read::<Slot>(SLOT).await?;
            self.noted(versions, SLOT);
            match found.and_then(|found| found.record.under_way) {
                None => self.under_way = None,
                Some(drill) if self.under_way.as_ref().is_some_and(|(known, _)| known.id == drill.id) => {}
                Some(drill) => {
                    take_part(drills, &drill);
                    self.under_way = Some((drill, Instant::now()));
                }
            }
        }
        match &mut self.under_way {
            Some((drill, since)) if since.elapsed() > OVERDUE => {
                *since = Instant::now();
                tracing::warn!("fire drill of {}: nobody has judged it, so it is judged here", drill.group);
                watch::judge(drills, drill).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn begin_what_is_due(&mut self, drills: &Drills) -> Result<(), ShelfError> {
        let snapshot = drills.snapshot();
        for group in &drills.0.parts.facts.config.groups {
            let leads = snapshot.group(&group.id).is_some_and(|it| snapshot.leads(it));
            let Some(every) = group.drill.every.filter(|_| leads && self.under_way.is_none()) else { continue };
            let history = self.histories.get(group.id.as_str()).cloned().unwrap_or_default();
            if history.from.is_none() && history.drills.is_empty() {
                count_from_now(drills, group).await?;
            } else if schedule::is_due(&group.drill, &history, SystemTime::now()) {
                self.begin(drills, group, every).await;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, drills: &Drills, group: &Group, every: Duration) {
        let order = DrillOrder { kind: group.drill.kind, max_ms: None, force: false, reason: None };
        let calm = CALM_SCHEDULED.min(every / 4).max(drills.calm());
        match drills.begin(&group.id, order, "schedule", calm).await {
            Ok(_under_way) => drop(self.put_off.remove(&group.id)),
            Err(why) => {
                let why = why.to_string();
                if self.put_off.insert(group.id.clone(), why.clone()).is_none() {
                    tracing::info!("a fire drill of {} is due, and put off: {why}", group.id);
                }
            }
        }
    }
}

/// Once for each drill and run of this agent.
fn take_part(drills: &Drills, drill: &DrillUnderWay) {
    let ours = drills.0.parts.facts.config.groups.iter().any(|group| group.id.as_str() == drill.group);
    if drill.leader == drills.node() {
        tokio::spawn(fall::run(drills.clone(), drill.clone()));
    } else if ours {
        tokio::spawn(watch::run(drills.clone(), drill.clone()));
    }
}

/// The first period begins when the first leader with a schedule is there.
async fn count_from_now(drills: &Drills, group: &Group) -> Result<(), ShelfError> {
    let begin = |history: Option<History>| {
        let mut history = history.unwrap_or_default();
        history.from.get_or_insert_with(clock::wall);
        Ok::<_, std::convert::Infallible>((history, ()))
    };
    let Ok(()) = drills.0.shelf.update(&book::shelf_mark(group.id.as_str()), begin).await?;
    Ok(())
}
