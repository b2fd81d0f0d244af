//! What the services of a group did, as a register saw it: judged by the true time of each act, and told as text that
//! the simulator's checker reads too (`t_ns node epoch word`).

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// One write to a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Under which epoch.
    pub epoch: u64,
    /// By which node's service.
    pub node: String,
    /// The writer's count.
    pub number: u64,
    /// When it was done, by the one clock, in nanoseconds.
    pub at: u64,
    /// When it arrived, by the same clock.
    pub arrived: u64,
    /// Whether the register took it.
    pub accepted: bool,
}

/// See the module. In the order of arrival.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Everything that arrived.
    pub acts: Vec<Act>,
}

/// One service's time under one epoch: from its first act to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// Whose.
    pub node: String,
    /// Under which epoch.
    pub epoch: u64,
    /// Its first act.
    pub first: u64,
    /// Its last.
    pub last: u64,
}

/// Now, by the one clock: asked of the kernel, past any library that lies, and the same in every namespace.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).expect("after 1970")
}

impl Act {
    /// Reads a line of a writer.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut number = || words.next()?.parse().ok();
        let epoch = number()?;
        let node = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        Some(Self { epoch, node, number: number()?, at: number()?, arrived: 0, accepted: true })
    }
}

impl History {
    /// Who acted under which epoch and when, in the order of first acts.
    #[must_use]
    pub fn tenures(&self) -> Vec<Tenure> {
        let mut all: Vec<Tenure> = Vec::new();
        for act in &self.acts {
            match all.iter_mut().find(|it| it.node == act.node && it.epoch == act.epoch) {
                Some(tenure) => (tenure.first, tenure.last) = (tenure.first.min(act.at), tenure.last.max(act.at)),
                None => all.push(Tenure { node: act.node.clone(), epoch: act.epoch, first: act.at, last: act.at }),
            }
        }
        all.sort_by_key(|tenure| tenure.first);
        all
    }

    /// The longest time for which somebody went on acting after the next had begun: 0 is what is promised.
    #[must_use]
    pub fn overlap(&self) -> Duration {
        let tenures = self.tenures();
        let after = |(place, it): (usize, &Tenure)| {
            tenures[place + 1..].iter().map(|next| it.last.saturating_sub(next.first)).max()
        };
        Duration::from_nanos(tenures.iter().enumerate().filter_map(after).max().unwrap_or(0))
    }

    /// Writes that were done in time and delivered only after the next had begun: what a fence is for.
    #[must_use]
    pub fn delivered_late(&self) -> usize {
        let mut newest = 0;
        let late = |act: &&Act| {
            newest = newest.max(act.epoch);
            act.epoch < newest
        };
        self.acts.iter().filter(late).count()
    }

    /// Text for the simulator's checker, in the order of time: `acts` and `ceases` of every tenure, and, where the
    /// register is fenced, `accepted` and `refused` of every write as it arrived.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<(u64, String)> = Vec::new();
        for Tenure { node, epoch, first, last } in self.tenures() {
            lines.push((first, format!("{first} {node} {epoch} acts\n")));
            lines.push((last, format!("{last} {node} {epoch} ceases\n")));
        }
        for Act { arrived, node, epoch, accepted, .. } in &self.acts {
            let word = if *accepted { "accepted" } else { "refused" };
            lines.push((*arrived, format!("{arrived} {node} {epoch} {word}\n")));
        }
        // Stable: what began and ended at one instant stays in this order, and so does what arrived.
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}
