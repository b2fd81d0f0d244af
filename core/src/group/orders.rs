//! What people have ordered of this group, as far as it is known here, and what it makes of this node.

use alloc::string::String;

use super::Group;
use crate::desk::{Desk, Post};
use crate::id::{NodeName, Version};
use crate::mode::Mode;
use crate::mutant::Mutant;
use crate::orders::{MemberOrder, OrdersRecord};
use crate::record::{Key, Record};
use crate::roster::Roster;
use crate::time::Instant;

/// The newest orders that were read. What cannot be read changes nothing: the last that could be go on.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) version: Version,
    pub(super) record: OrdersRecord,
    /// When they were.
    pub(super) since: Option<Instant>,
    /// The newest switchover that was obeyed, or refused, here.
    pub(super) answered: u64,
}

impl Group {
    /// What people have ordered, as far as it is known here.
    pub(crate) fn orders(&self) -> &OrdersRecord {
        &self.orders.record
    }

    /// The version of that.
    pub(crate) fn ordered_version(&self) -> Version {
        self.orders.version
    }

    /// Takes what a look says of this group's orders; an older version is a stale read.
    pub(crate) fn ordered(&mut self, found: Option<&(Version, Result<Record, String>)>, desk: &mut Desk<'_>) {
        let Some((version, record)) = found else { return };
        let why = match record {
            Ok(Record::Orders(record)) if *version > self.orders.version => {
                let since = Some(desk.now);
                self.orders = Orders { version: *version, record: record.clone(), since, ..self.orders };
                return;
            }
            Ok(Record::Orders(_)) => return,
            Ok(Record::Session(_) | Record::Group(_) | Record::Voters(_)) => {
                "another record stands in the orders' place"
            }
            Err(why) => why,
        };
        desk.damaged(Key::Orders(self.config.id.clone()), &Err::<(), _>(String::from(why)));
    }

    /// Whether a member cannot lead for a reason that these orders may have lifted, if it knew of them: it says so when it
    /// does, within a ttl.
    pub(super) fn unaware(&self, node: &NodeName, roster: &Roster<'_>, desk: &Post<'_>) -> bool {
        let id = &self.config.id;
        let late = self.orders.since.is_none_or(|since| desk.now >= since + desk.config.timing.ttl());
        let behind = roster.heeded(node, id).is_some_and(|version| version < self.orders.version);
        behind && !late && roster.able(node, id).is_err()
    }

    pub(super) fn order(&self, desk: &Post<'_>) -> MemberOrder {
        self.orders().of(&desk.config.name)
    }

    /// How this node takes part: as ordered, else as configured.
    pub(super) fn mode(&self, desk: &Post<'_>) -> Mode {
        self.order(desk).mode.unwrap_or(self.config.mode)
    }

    pub(super) fn priority(&self, desk: &Post<'_>) -> i64 {
        self.order(desk).priority.unwrap_or(self.config.priority)
    }

    /// Whether this node, leading, is to stay where it is.
    pub(super) fn paused(&self, desk: &Post<'_>) -> bool {
        self.orders().paused && !desk.config.rules.breaks(Mutant::PauseOpenToPlans)
    }

    pub(super) fn pinned_here(&self, desk: &Post<'_>) -> bool {
        self.orders().pinned.as_ref() == Some(&desk.config.name)
    }
}
