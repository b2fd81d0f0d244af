//! The leader's part in a drill: it falls when somebody watches, and only if it is still safe.

use std::time::Duration;

use hotseat_client::{DrillKind, DrillUnderWay};
use hotseat_core::GroupId;
use tokio::time::{Instant, sleep};

use super::safety::{self, Own};
use super::strike::{Means, strike};
use super::{Drills, PACE, book, find};
use crate::shelf::ShelfError;

/// Somebody has to watch by then: it takes a look at the store and one good answer of the service.
const WATCHERS_WITHIN: Duration = Duration::from_secs(15);

/// Then the others have this long to watch too.
const OTHERS_WITHIN: Duration = Duration::from_millis(500);

/// Falls, or calls the drill off and writes down why.
pub(super) async fn run(drills: Drills, drill: DrillUnderWay) {
    let off = match prepare(&drills, &drill).await {
        Ok(None) => fall(&drills, &drill).await.err(),
        Ok(Some(why)) => Some(why),
        // Nobody knows how it stands; whoever watches judges.
        Err(error) => return tracing::warn!("fire drill of {}: {error}", drill.group),
    };
    if let Some(why) = off
        && let Err(error) = drills.settle(book::called_off(&drill, &why), &drill.group).await
    {
        tracing::warn!("fire drill of {} is called off ({why}), and that cannot be written: {error}", drill.group);
    }
}

/// Waits for watchers, and says what is in the way.
async fn prepare(drills: &Drills, drill: &DrillUnderWay) -> Result<Option<String>, ShelfError> {
    let until = Instant::now() + WATCHERS_WITHIN;
    loop {
        match drills.under_way(drill.id).await? {
            // It was done before this agent began anew, or somebody has judged it.
            None => return Ok(None),
            Some(now) if now.struck => return Ok(None),
            Some(now) if !now.watchers.is_empty() => break,
            Some(_) if Instant::now() >= until => {
                return Ok(Some(String::from("no other member could watch: nothing would have been measured")));
            }
            Some(_) => sleep(PACE).await,
        }
    }
    sleep(OTHERS_WITHIN).await;
    loop {
        match against(drills, drill) {
            // A store that is slow for a moment, a member that is just not heard.
            Err(NotNow(_)) if Instant::now() < until => sleep(PACE).await,
            Err(NotNow(why)) => return Ok(Some(why)),
            Ok(why) => return Ok(why),
        }
    }
}

/// What may pass.
struct NotNow(String);

/// What is in the way for good.
fn against(drills: &Drills, drill: &DrillUnderWay) -> Result<Option<String>, NotNow> {
    let cluster = drills.cluster();
    let Some(group) = find(&cluster, &drill.group).filter(|group| group.epoch == drill.epoch) else {
        return Ok(Some(String::from("the leader has changed meanwhile")));
    };
    if drill.order.kind == DrillKind::Crash && !drill.order.force && !drills.0.parts.facts.config.node.is_supervised() {
        return Ok(Some(format!(
            "nothing is known to start the agent of {} again: set supervised = true in its [node] if something does, or --force",
            drill.leader
        )));
    }
    // It was calm when the drill was asked for.
    let own = Own { led: Duration::ZERO, calm: Duration::ZERO, hold: Duration::ZERO };
    safety::against(&cluster, group, &drill.order, own).map_or(Ok(None), |why| Err(NotNow(why)))
}

/// Once and never again, whatever happens to this agent.
async fn fall(drills: &Drills, drill: &DrillUnderWay) -> Result<(), String> {
    let unwritten = |error: ShelfError| error.to_string();
    let Some(now) = drills.under_way(drill.id).await.map_err(unwritten)?.filter(|now| !now.struck) else {
        return Ok(());
    };
    drills.change(now.id, |drill| drill.struck = true).await.map_err(unwritten)?;
    let group = GroupId::new(&drill.group).map_err(|error| error.to_string())?;
    let parts = &drills.0.parts;
    let silence = parts.facts.config.cluster.timing.promise().silence();
    strike(&now, &group, Means { exe: &parts.exe, orders: &parts.orders, frozen: silence * 2 }).await
}
