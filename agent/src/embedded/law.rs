//! The law of the log: decodes what is to be written and what stands, and asks `hotseat_core::allows`.
//!
//! What it cannot read it does not allow to be replaced. Records that are not the protocol's are not its business.

use hotseat_core::{Key, Record, Rules, SessionRecord, VotersRecord, allows};
use hotseat_stores::Entry;
use hotseat_stores::raft::{Law, Standing};

use crate::codec;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statute;

impl Law for Statute {
    fn allows(&self, standing: &Standing<'_>, key: &hotseat_stores::Key, body: &[u8]) -> bool {
        let Ok(meant) = key.as_str().parse::<Key>() else { return true };
        let Ok(after) = codec::decode(&meant, 0, body) else { return false };
        let before = match standing.get(key).map(read) {
            None => None,
            Some(Some(before)) => Some(before),
            Some(None) => return false,
        };
        let voters = hotseat_stores::Key::parse("voters").ok().and_then(|key| standing.get(&key)).and_then(voters);
        let sessions: Vec<_> = standing.under("session").filter_map(session).collect();
        allows(Rules::default(), voters.as_ref(), sessions.iter(), before.as_ref(), &after.record)
    }
}

fn read(entry: &Entry) -> Option<Record> {
    let key = entry.key.as_str().parse().ok()?;
    Some(codec::decode(&key, entry.nonce, entry.body.as_ref().ok()?).ok()?.record)
}

fn session(entry: &Entry) -> Option<SessionRecord> {
    match read(entry)? {
        Record::Session(record) => Some(record),
        Record::Group(_) | Record::Voters(_) => None,
    }
}

fn voters(entry: &Entry) -> Option<VotersRecord> {
    match read(entry)? {
        Record::Voters(record) => Some(record),
        Record::Group(_) | Record::Session(_) => None,
    }
}
