//! What this node publishes of itself for a group.

use super::{Group, Seat};
use crate::desk::Post;
use crate::mode::Mode;
use crate::record::{Member, MemberState};

impl Group {
    /// What this node publishes of itself.
    pub(crate) fn member(&self, desk: &Post<'_>) -> Member {
        let hot = self.service.ready().is_some();
        Member {
            state: self.state(desk),
            mode: self.mode(desk),
            priority: self.priority(desk),
            role: self.config.role.clone(),
            candidate: self.able(desk),
            hot,
            fresh: 0,
            service: self.config.address.clone(),
            trouble: self.service.trouble().cloned(),
            orders: self.orders.version,
        }
    }

    fn state(&self, desk: &Post<'_>) -> MemberState {
        match (&self.seat, self.mode(desk)) {
            (Seat::Leading(_), _) => MemberState::Leader,
            (Seat::Promoting(_) | Seat::Claiming(_), _) => MemberState::Starting,
            (_, _) if desk.session.is_none() => MemberState::Starting,
            (_, Mode::Disabled) => MemberState::Offline,
            (_, Mode::Backup) => MemberState::Backup,
            (_, _) if !self.fit_to_serve() => MemberState::Failed,
            (_, _) if self.service.ready().is_some() => MemberState::HotStandby,
            (_, _) if self.resting(desk).is_some() && !desk.stopping => MemberState::Starting,
            (_, _) => MemberState::Standby,
        }
    }
}
