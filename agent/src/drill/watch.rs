//! The other members' part in a drill: they ask as clients do, note what they saw, and judge when all have.

use std::time::Duration;

use hotseat_client::{DrillSeen, DrillUnderWay, DrillWatch};
use hotseat_core::GroupId;
use tokio::time::{Instant, sleep};

use super::probe::Probe;
use super::{Drills, PACE, book};
use crate::shelf::ShelfError;

/// The service has to answer once before anything is measured.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// A service may take this long to come up elsewhere; with it the lease that has to end first.
pub(super) const LED_WITHIN: Duration = Duration::from_secs(120);

/// After the new leader serves, the watcher's own question has to be answered by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What was seen is written down by then, or not at all.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);

/// Other watchers have this long to tell what they saw.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// Watches a drill to its end.
pub(super) async fn run(drills: Drills, drill: DrillUnderWay) {
    if let Err(error) = watch(&drills, &drill).await {
        tracing::warn!("fire drill of {}: {error}", drill.group);
    }
}

async fn watch(drills: &Drills, drill: &DrillUnderWay) -> Result<(), ShelfError> {
    let Ok(group) = GroupId::new(&drill.group) else { return Ok(()) };
    let parts = &drills.0.parts;
    let probe = Probe::begin(&group, &parts.facts, parts.shown.clone());
    let until = Instant::now() + FIRST_WITHIN;
    while probe.good().is_none() {
        if Instant::now() >= until {
            tracing::warn!("fire drill of {group}: not watched from here: {} fails already", probe.asked());
            return Ok(());
        }
        sleep(PACE).await;
    }
    note(drills, drill, probe.asked(), None).await?;
    let Some(since) = led(drills, drill).await? else { return Ok(()) };
    let until = Instant::now() + ANSWER_WITHIN;
    while since.is_some() && probe.good() < since && Instant::now() < until {
        sleep(PACE).await;
    }
    let asked = probe.asked().to_owned();
    let seen = probe.end(since);
    patiently(|| note(drills, drill, &asked, Some(seen))).await?;
    patiently(|| judge(drills, drill)).await
}

/// A majority may be away for a moment: that is what drills are about.
async fn patiently<D: Future<Output = Result<(), ShelfError>>>(mut deed: impl FnMut() -> D) -> Result<(), ShelfError> {
    let until = Instant::now() + WRITTEN_WITHIN;
    loop {
        match deed().await {
            Err(ShelfError::Unavailable(_)) if Instant::now() < until => sleep(PACE).await,
            done => return done,
        }
    }
}

async fn note(drills: &Drills, drill: &DrillUnderWay, asked: &str, seen: Option<DrillSeen>) -> Result<(), ShelfError> {
    let watch = DrillWatch { node: drills.node().to_owned(), asked: asked.to_owned(), seen };
    drills.change(drill.id, |drill| book::note(drill, watch.clone())).await
}

/// Waits for somebody who leads after the drill; says when that was seen here, if it was in time. `None` when the drill was
/// called off.
async fn led(drills: &Drills, drill: &DrillUnderWay) -> Result<Option<Option<std::time::Instant>>, ShelfError> {
    let until = Instant::now() + LED_WITHIN;
    while Instant::now() < until {
        if next_leader(drills, drill).is_some() {
            return Ok(Some(Some(std::time::Instant::now())));
        }
        // The store may be out of reach for as long as a majority is.
        if matches!(drills.under_way(drill.id).await, Ok(None)) {
            return Ok(None);
        }
        sleep(PACE).await;
    }
    Ok(Some(None))
}

/// Who serves in a later epoch.
fn next_leader(drills: &Drills, drill: &DrillUnderWay) -> Option<String> {
    let snapshot = drills.snapshot();
    let group = snapshot.view.groups.iter().find(|group| group.id.as_str() == drill.group)?;
    let leader = group.leader.as_ref().filter(|_| group.serving && group.epoch.0 > drill.epoch);
    leader.map(ToString::to_string)
}

/// Writes the judgement down when all have told what they saw, or had their time.
pub(super) async fn judge(drills: &Drills, drill: &DrillUnderWay) -> Result<(), ShelfError> {
    let until = Instant::now() + TOLD_WITHIN;
    loop {
        let Some(now) = drills.under_way(drill.id).await? else { return Ok(()) };
        if book::all_have_seen(&now) || Instant::now() >= until {
            return drills.settle(book::judge(&now, next_leader(drills, &now)), &now.group).await;
        }
        sleep(PACE).await;
    }
}
