//! AMP's words for what we call otherwise.

use axum::http::StatusCode;
use hotseat_core::{GroupView, MemberState, Mode};

use super::answer::{self, Refused};
use crate::config;
use crate::snapshot::Snapshot;

/// AMP's word for a member's state. `MASTER` only once the promotion is complete.
pub(super) const fn state(state: MemberState) -> &'static str {
    match state {
        MemberState::Starting => "INITIALIZING",
        MemberState::Leader => "MASTER",
        MemberState::Standby => "STANDBY",
        MemberState::HotStandby => "HOT_STANDBY",
        MemberState::Backup => "HOT_BACKUP",
        MemberState::Failed => "FAILED",
        MemberState::Offline => "TERMINATED",
    }
}

/// What this node is in a group. Whoever has led and may not act any more has failed, whatever it believed last.
pub(super) fn own_state(snapshot: &Snapshot, group: &GroupView) -> &'static str {
    let mine = group.members.iter().find(|member| member.node == snapshot.view.node);
    let mine = mine.map_or(MemberState::Starting, |member| member.state);
    let lapsed = mine == MemberState::Leader && !snapshot.leads(group);
    state(if lapsed { MemberState::Failed } else { mine })
}

/// A mode, in AMP's spelling or in ours.
pub(super) fn mode(text: &str) -> Result<Mode, Refused> {
    let known = "AUTO, MASTER, STANDBY, HOT_STANDBY, HOT_BACKUP, DISABLED";
    let unknown = || {
        let text: String = text.chars().take(40).collect();
        answer::refuse(StatusCode::BAD_REQUEST, format!("unknown mode {text:?}: one of {known}"))
    };
    config::mode(text).ok_or_else(unknown)
}
