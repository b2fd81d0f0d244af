//! What keeps a node from leading a group that nobody holds: people's orders, or a group that does not settle.
//!
//! After a few changes in a row that nobody meant, each further one waits: a second, two, four, up to `hold_max`. A leader
//! that stays for `calm` makes an end of it, and so does `resume`.

use core::time::Duration;

use super::Group;
use crate::desk::{Desk, Post};
use crate::id::{Epoch, NodeName};
use crate::message::{Action, Event};
use crate::mutant::Mutant;
use crate::record::GroupRecord;
use crate::roster::Roster;
use crate::time::Instant;

/// So many changes in a row that nobody meant are followed at once: any one fault, and what comes of it.
const UNREST_FREE: u32 = 4;
/// The next waits so long; each further one twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bar {
    /// The group is paused, and another led it last.
    Paused,
    /// This member is to lead, and able to.
    Pinned(NodeName),
    /// So many changes in a row were nobody's plan.
    Unrest(u32),
}

/// How long a claim waits after so many changes in a row that nobody meant.
///
/// ```
/// # use hotseat_core::unrest_pause;
/// # use core::time::Duration;
/// let pauses: Vec<u64> = (3..8).map(|it| unrest_pause(it, Duration::from_secs(5)).as_secs()).collect();
/// assert_eq!(pauses, [0, 1, 2, 4, 5]);
/// assert_eq!(unrest_pause(9, Duration::ZERO), Duration::ZERO);
/// ```
#[must_use]
pub fn unrest_pause(changes: u32, hold_max: Duration) -> Duration {
    match changes.checked_sub(UNREST_FREE) {
        None => Duration::ZERO,
        Some(more) => PAUSE_FIRST.saturating_mul(1 << more.min(16)).min(hold_max),
    }
}

impl Group {
    /// What keeps this node from leading, and until when, if that is known.
    pub(crate) fn bar(&self, roster: &Roster<'_>, desk: &Post<'_>) -> Option<(Bar, Option<Instant>)> {
        let (since, reason) = self.vacant.as_ref()?;
        let (record, orders, me) = (self.register.body(), self.orders(), &desk.config.name);
        let breaks = |mutant| desk.config.rules.breaks(mutant);
        // A change that had begun before is completed.
        let named = record.and_then(|record| record.next.as_ref()) == Some(me);
        let last = record.and_then(GroupRecord::last) == Some(me);
        if orders.paused && !named && !last && !breaks(Mutant::PauseOpenToAll) {
            return Some((Bar::Paused, None));
        }
        let pinned = orders.pinned.as_ref().filter(|pinned| *pinned != me && !orders.paused && !named);
        if let Some(pinned) = pinned.filter(|pinned| roster.able(pinned, &self.config.id).is_ok())
            && !breaks(Mutant::PinUnheeded)
        {
            return Some((Bar::Pinned(pinned.clone()), None));
        }
        let until = *since + self.hold();
        let held = !reason.planned() && desk.now < until && !breaks(Mutant::UnrestUnheeded);
        held.then(|| (Bar::Unrest(record.map_or(0, |record| record.unrest)), Some(until)))
    }

    /// How long the next change that nobody meant is held off.
    pub(super) fn hold(&self) -> Duration {
        unrest_pause(self.unrest(), self.config.hold_max)
    }

    /// Changes in a row that were nobody's plan, as far as people have not said that it is well now.
    pub(crate) fn unrest(&self) -> u32 {
        let calm = self.orders().calm;
        self.register.body().filter(|record| record.epoch.0 > calm).map_or(0, |record| record.unrest)
    }

    /// Says once for each vacancy what keeps this node from filling it, if it could.
    pub(super) fn tell_barred(&mut self, roster: &Roster<'_>, desk: &mut Desk<'_>) {
        let epoch = self.register.body().map_or(Epoch(0), |record| record.epoch);
        if self.told_barred == Some(epoch) || !self.fit(desk) {
            return;
        }
        let next = self.register.body().and_then(|record| record.next.clone());
        if let Some((bar, _)) = self.bar(roster, desk)
            // Who leads next is said already.
            && next.map(Bar::Pinned).as_ref() != Some(&bar)
        {
            self.told_barred = Some(epoch);
            desk.out.push(Action::Tell(Event::Barred(self.config.id.clone(), epoch, bar)));
        }
    }
}
