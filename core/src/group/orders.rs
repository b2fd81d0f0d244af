//! What people have ordered of this group, as far as it is known here.

use alloc::string::String;

use super::Group;
use crate::desk::Desk;
use crate::id::Version;
use crate::orders::OrdersRecord;
use crate::record::{Key, Record};

/// The newest orders that were read. What cannot be read changes nothing: the last that could be go on.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) version: Version,
    pub(super) record: OrdersRecord,
}

impl Group {
    /// What people have ordered, as far as it is known here.
    pub(crate) fn orders(&self) -> &OrdersRecord {
        &self.orders.record
    }

    /// Takes what a look says of this group's orders; an older version is a stale read.
    pub(crate) fn ordered(&mut self, found: Option<&(Version, Result<Record, String>)>, desk: &mut Desk<'_>) {
        let Some((version, record)) = found else { return };
        let why = match record {
            Ok(Record::Orders(record)) if *version > self.orders.version => {
                self.orders = Orders { version: *version, record: record.clone() };
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
}
