//! promise_kept: a voter's incarnation that has promised to end a session never acknowledges it again (B2).

use std::collections::BTreeSet;

use hotseat_core::{SessionId, VoterId};

use super::Fact;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct PromiseKept {
    given: BTreeSet<(VoterId, SessionId)>,
}

impl PromiseKept {
    pub(super) fn see(&mut self, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Promised { voter, session } => {
                self.given.insert((*voter, *session));
                Ok(())
            }
            Fact::Acknowledged { voter, session, seq } if self.given.contains(&(*voter, *session)) => {
                Err(format!("voter {voter:?} acknowledges renewal {seq} of {session:?}, which it had promised to end"))
            }
            _ => Ok(()),
        }
    }
}
