//! What was measured of each node in the last minutes, second by second, for the small charts. Bounded; the loop pays nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hotseat_core::MemberState;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::clock;
use crate::snapshot::{Facts, Snapshot};
use crate::vitals::Vitals;

/// Between two samples: what people can follow.
pub(super) const PACE: Duration = Duration::from_secs(1);

/// Samples kept of a node: as many as a small chart can show.
pub(super) const KEPT: usize = 90;

/// One second of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Of this node the slowest answer to a renewal; of others the time since they were heard of.
    pub(super) delay: Duration,
    /// What was left of its time, in hundredths: of its own lease when it was extended, of others' until they would count
    /// as silent.
    pub(super) margin: u8,
}

/// A node's newest samples, oldest first; nothing for a second in which nothing was heard.
pub(super) type Trace = VecDeque<Option<Sample>>;

/// See the module. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Samples {
    traces: Arc<Mutex<Arc<BTreeMap<String, Trace>>>>,
}

impl Samples {
    /// As they are now.
    pub(super) fn traces(&self) -> Arc<BTreeMap<String, Trace>> {
        Arc::clone(&self.traces.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes one sample a second. Ends with the loop, whose picture it reads.
    pub(super) async fn take(self, shown: watch::Receiver<Arc<Snapshot>>, facts: Facts, vitals: Arc<Vitals>) {
        let mut ticks = tokio::time::interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shown.has_changed().is_ok() {
            ticks.tick().await;
            let snapshot = Arc::clone(&shown.borrow());
            let now = sample(&snapshot, &facts, &vitals);
            let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
            *traces = Arc::new(extended(&traces, now));
        }
    }
}

/// Who is no member any more is forgotten.
fn extended(traces: &BTreeMap<String, Trace>, now: BTreeMap<String, Option<Sample>>) -> BTreeMap<String, Trace> {
    let longer = |(node, sample): (String, Option<Sample>)| {
        let before = traces.get(&node).into_iter().flatten();
        let skip = before.clone().count().saturating_sub(KEPT - 1);
        let trace = before.skip(skip).copied().chain([sample]).collect();
        (node, trace)
    };
    now.into_iter().map(longer).collect()
}

fn sample(snapshot: &Snapshot, facts: &Facts, vitals: &Vitals) -> BTreeMap<String, Option<Sample>> {
    let timing = &facts.config.cluster.timing;
    let (silence, age) = (timing.promise().silence(), clock::now().since(snapshot.taken));
    let mut all = BTreeMap::new();
    for member in snapshot.view.groups.iter().flat_map(|group| &group.members) {
        let delay = member.last_seen + age;
        let heard = member.state != MemberState::Offline && delay < silence;
        let sample = heard.then(|| Sample { delay, margin: hundredths(silence - delay, silence) });
        all.insert(member.node.to_string(), sample);
    }
    let own = vitals.take();
    let own = own.map(|it| Sample { delay: it.answer, margin: hundredths(it.margin, timing.lease()) });
    all.insert(snapshot.view.node.to_string(), own);
    all
}

fn hundredths(part: Duration, whole: Duration) -> u8 {
    let hundredths = part.as_nanos() * 100 / whole.as_nanos().max(1);
    u8::try_from(hundredths.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_bounded_and_whoever_is_gone_is_forgotten() {
        let sample = |margin| Some(Sample { delay: Duration::from_millis(3), margin });
        let mut traces = BTreeMap::new();
        for second in 0..200_u8 {
            let now = [(String::from("n1"), sample(second)), (String::from("n2"), None)];
            traces = extended(&traces, now.into());
        }
        assert_eq!(traces["n1"].len(), KEPT);
        assert_eq!(traces["n1"].back(), Some(&sample(199)));
        assert!(traces["n2"].iter().all(Option::is_none));
        traces = extended(&traces, [(String::from("n2"), None)].into());
        assert_eq!(traces.keys().collect::<Vec<_>>(), ["n2"]);
    }

    #[test]
    fn hundredths_are_of_the_whole() {
        let ms = Duration::from_millis;
        assert_eq!(hundredths(ms(780), ms(1000)), 78);
        assert_eq!(hundredths(ms(2000), ms(1000)), 100);
        assert_eq!(hundredths(ms(5), ms(0)), 100);
    }
}
