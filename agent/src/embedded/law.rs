//! The law of the log: decodes what is to be written and what stands, and asks `hotseat_core::allows`.
//!
//! What it cannot read it does not allow to be replaced. Records that are not the protocol's are not its business.

use hotseat_core::{Key, Rules, allows};
use hotseat_stores::raft::{Law, Standing};

use crate::codec;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statute;

impl Law for Statute {
    fn allows(&self, standing: &Standing<'_>, key: &hotseat_stores::Key, body: &[u8]) -> bool {
        let Ok(meant) = key.as_str().parse::<Key>() else { return true };
        if let Key::Orders(_) = meant {
            // Free for all, even to replace what cannot be read: so also decide replicas that do not know this key.
            return true;
        }
        let Ok(after) = codec::decode(&meant, 0, body) else { return false };
        let before = match standing.get(key).map(codec::record) {
            None => None,
            Some(Some(before)) => Some(before),
            Some(None) => return false,
        };
        let voters = hotseat_stores::Key::parse("voters").ok().and_then(|key| standing.get(&key));
        let voters = voters.and_then(codec::voters);
        // Lazily: few writes ask about sessions, and there may be thousands.
        let sessions = standing.under("session").filter_map(codec::session);
        allows(Rules::default(), voters.as_ref(), sessions, before.as_ref(), &after.record)
    }
}
