//! The story of a run for people: events as sentences, told once however many nodes tell them.

use std::collections::BTreeSet;

use hotseat_core::{Bar, Event, Exit, Reason, Role, SessionId, SessionState};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Story {
    told: BTreeSet<String>,
}

impl Story {
    /// One line, or nothing if another node has told it already.
    pub(crate) fn event(&mut self, event: &Event) -> Option<String> {
        let line = match event {
            Event::NewLeader { group, node, epoch, reason } => {
                format!("{group}: {node} is the leader of epoch {epoch} ({})", Self::reason(reason))
            }
            Event::Serving { group, node, epoch } => format!("{group}: {node} serves in epoch {epoch}"),
            Event::NoLeader { group, epoch, reason } => {
                format!("{group}: epoch {epoch} ended ({})", Self::reason(reason))
            }
            Event::MemberCame(_) | Event::MemberLeft(..) | Event::Claiming(..) => return None,
            own => return Some(Self::own(own)),
        };
        self.told.insert(line.clone()).then_some(line)
    }

    /// What only one node tells.
    fn own(event: &Event) -> String {
        match event {
            Event::Waiting(session) => format!("waits: session {} of this node may still live", session.ordinal),
            Event::SessionBegan(session) => format!("session {} began", session.ordinal),
            Event::SessionOver(session, why) => format!("session {} is over: {why}", session.ordinal),
            Event::SessionEnded(node, session, state) => {
                format!("ended session {} of {node}: {}", session.ordinal, Self::ending(*state))
            }
            Event::Demoting(group, epoch, reason) => {
                format!("{group}: steps down from epoch {epoch} ({})", Self::reason(reason))
            }
            Event::ServiceStarted(group, role) => format!("{group}: service started as {}", Self::role(*role)),
            Event::ServiceReady(group, role) => format!("{group}: service ready as {}", Self::role(*role)),
            Event::ServiceExited(group, how) => format!("{group}: service ended: {how}"),
            Event::ServiceRestarts(group, pause, failures) => {
                format!("{group}: service restarts in {} ms, failure {failures}", pause.as_millis())
            }
            Event::HealthFailed(group, why, count, of) => {
                format!("{group}: health check {count} of {of} failed: {why}")
            }
            Event::Obeyed(group, epoch, act) => format!("{group}: act {act} is obeyed in epoch {epoch}"),
            Event::Refused(group, epoch, act, why) => format!("{group}: act {act} is refused in epoch {epoch}: {why}"),
            Event::Barred(group, epoch, bar) => {
                format!("{group}: kept from leading after epoch {epoch}: {}", Self::bar(bar))
            }
            Event::Damaged(key, why) => format!("{key} cannot be read: {why}"),
            other => format!("{other:?}"),
        }
    }

    fn bar(bar: &Bar) -> String {
        match bar {
            Bar::Paused => "it is paused".into(),
            Bar::Pinned(node) => format!("it is pinned to {node}"),
            Bar::Unrest(changes) => format!("{changes} changes in a row were nobody's plan"),
        }
    }

    fn role(role: Role) -> String {
        match role {
            Role::Standby => "standby".into(),
            Role::Leader(epoch) => format!("leader of epoch {epoch}"),
        }
    }

    /// A voter tells who asked that it has promised to end a session.
    pub(crate) fn promised(&mut self, voter: &str, session: SessionId, node: &str) -> Option<String> {
        let line = format!("promises never again to acknowledge session {} of {node}", session.ordinal);
        self.told.insert(format!("{voter} {session:?} {line}")).then_some(line)
    }

    const fn ending(state: SessionState) -> &'static str {
        match state {
            SessionState::Alive => "alive",
            SessionState::Released => "released",
            SessionState::Proven => "proven dead",
            SessionState::Expired => "silent for too long",
        }
    }

    fn reason(reason: &Reason) -> String {
        match reason {
            Reason::First => "the first".into(),
            Reason::Switchover => "switchover".into(),
            Reason::Stopped => "agent stopped".into(),
            Reason::ServiceExited(how) => format!("service ended: {how}"),
            Reason::Unhealthy(how) => format!("unhealthy: {how}"),
            Reason::NotReady(how) => format!("not ready: {how}"),
            Reason::Proven => "proven dead".into(),
            Reason::Lapsed => "its lease ran out".into(),
            Reason::CutOff => "its lease was not renewed".into(),
            Reason::Silent => "silent".into(),
            Reason::Replaced => "replaced by a later session".into(),
            Reason::Failback => "failback".into(),
            Reason::Ordered(what) => format!("ordered: {what}"),
        }
    }

    pub(crate) fn exit(exit: &Exit) -> String {
        match exit {
            Exit::Stopped => "agent exits, as asked".into(),
            Exit::NameTaken { address } => format!("agent exits: its name is taken by {address}"),
            Exit::LeaderThere(group, node) => format!("agent exits: {node} leads {group} already"),
            Exit::NoLeader(group) => format!("agent exits: nobody leads {group}"),
            Exit::Unlike { group, what, own, node, theirs } => {
                format!("agent exits: its {what} in {group} is {own}, that of {node} is {theirs}")
            }
            Exit::NoGuard(why) => format!("agent exits: no guard: {why}"),
        }
    }
}
