//! lapsed_is_over: after its deadline, or a voter's refusal, a session writes, renews, starts and announces nothing.
//!
//! Two writes are no act of it: that it is over (`Released`, once everything is dead), and the
//! beginning of the node's next session.

use hotseat_core::{Key, Record, Role, SessionState};

use super::Fact;

pub(super) fn see(fact: &Fact<'_>) -> Result<(), String> {
    match fact {
        Fact::Wrote { lapsed: true, session, key, record, of } => {
            let allowed = match record {
                Record::Session(it) => it.state == SessionState::Released || *session != Some(it.session),
                Record::Group(_) | Record::Orders(_) | Record::Voters(_) => false,
            };
            let own = matches!(key, Key::Session(_));
            if allowed && own { Ok(()) } else { Err(format!("{of:?} writes {key} after its deadline: {record:?}")) }
        }
        Fact::Ordered { lapsed: true, group, role, of, .. } if *role != Role::Standby => {
            Err(format!("{of:?} orders {group} to be {role:?} after its deadline"))
        }
        Fact::Renewed { lapsed: true, session, .. } => Err(format!("{session:?} is renewed though it is over")),
        Fact::Announced { lapsed: true, group, epoch, of, .. } => {
            Err(format!("{of:?} announces epoch {epoch} of {group} after its deadline"))
        }
        _ => Ok(()),
    }
}
