//! listens_first: a voter does not bind itself while a renewal of that session lies unread before it (B8).
//!
//! A short stop goes unnoticed, and does no harm; so only what lay there for more than a ttl counts.

use super::Fact;

pub(super) fn see(fact: &Fact<'_>) -> Result<(), String> {
    match fact {
        Fact::Binds { voter, session, lay, ttl } if lay > ttl => Err(format!(
            "voter {voter:?} promises to end {session:?}, whose renewal has lain there unread for {lay} ns"
        )),
        _ => Ok(()),
    }
}
