//! The protocol's events in words, for the log, the history and the people. It changes nothing.

use hotseat_client::Event as Line;
use std::time::Duration;

use hotseat_core::{Bar, Event, GroupId, NodeName, Reason, Role, SessionState};

use crate::clock;
use crate::lock::NODE_PREFIX;

/// How loud an event is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// As it should be.
    Info,
    /// Somebody may want to look.
    Warn,
}

/// Why a leadership changed, in words.
#[must_use]
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::First => String::from("nobody had led before"),
        Reason::Switchover => String::from("switchover"),
        Reason::Stopped => String::from("the old leader was stopped"),
        Reason::ServiceExited(how) => format!("service ended: {how}"),
        Reason::Unhealthy(why) => format!("service unhealthy: {why}"),
        Reason::NotReady(why) => format!("service not ready: {why}"),
        Reason::Proven => String::from("the old leader's guard proved its death"),
        Reason::Lapsed => String::from("the old leader's lease ran out: its guard ended it there, and proved it"),
        Reason::CutOff => String::from("the old leader had lost the store or its majority, and stopped itself"),
        Reason::Silent => String::from("the old leader was silent: host, network or agent lost"),
        Reason::Replaced => String::from("the old leader's agent began anew"),
        Reason::Failback => String::from("a member of larger priority was well for long enough"),
        Reason::Ordered(what) => format!("ordered: {what}"),
    }
}

/// The same as a stable word for programs.
#[must_use]
pub const fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::First => "first",
        Reason::Switchover => "switchover",
        Reason::Stopped => "stopped",
        Reason::ServiceExited(_) => "service-exited",
        Reason::Unhealthy(_) => "unhealthy",
        Reason::NotReady(_) => "not-ready",
        Reason::Proven => "proven",
        Reason::Lapsed => "lapsed",
        Reason::CutOff => "cut-off",
        Reason::Silent => "silent",
        Reason::Replaced => "replaced",
        Reason::Failback => "failback",
        Reason::Ordered(_) => "ordered",
    }
}

fn ended(state: SessionState) -> &'static str {
    match state {
        SessionState::Alive => "alive",
        SessionState::Released => "stopped in order",
        SessionState::Proven => "dead: its guard proved it",
        SessionState::Expired => "silent for too long",
    }
}

fn role(role: &Role) -> String {
    match role {
        Role::Standby => String::from("standby"),
        Role::Leader(epoch) => format!("leader, epoch {epoch}"),
    }
}

/// Whether it is about somebody's lock: locks come and go many times a second, and are nobody's members.
#[must_use]
pub fn is_of_a_lock(event: &Event) -> bool {
    match event {
        Event::SessionEnded(node, ..) | Event::MemberCame(node) | Event::MemberLeft(node, _) => {
            node.as_str().starts_with(NODE_PREFIX)
        }
        _ => false,
    }
}

/// One event as a line of this node's story.
#[must_use]
pub fn tell(me: &NodeName, event: &Event) -> (Line, Loudness) {
    let (kind, group, epoch, text) = words(me, event);
    let loud =
        matches!(kind, "session-over" | "no-leader" | "service-exited" | "health-failed" | "damaged" | "member-left");
    let line = Line {
        id: 0,
        at: clock::wall(),
        node: me.to_string(),
        kind: kind.to_owned(),
        group: group.map(ToString::to_string),
        epoch,
        text,
    };
    (line, if loud { Loudness::Warn } else { Loudness::Info })
}

/// What happened longer than this before it was heard of is told with its own time: an agent that has just begun hears
/// of much that is old.
const LATE: Duration = Duration::from_millis(500);

/// Since when that is so, for a line that is told late.
#[must_use]
pub fn learnt_late(told: &str, since: Option<String>) -> String {
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    let late = |since: &String| time(told)?.duration_since(time(since)?).ok();
    since.filter(|since| late(since) > Some(LATE)).map(|since| format!(", since {since}")).unwrap_or_default()
}

type Words<'a> = (&'static str, Option<&'a GroupId>, Option<u64>, String);

fn words<'a>(me: &NodeName, event: &'a Event) -> Words<'a> {
    match event {
        Event::Waiting(_) => {
            let text = format!("{me} waits until its earlier run is known to be dead");
            ("waiting", None, None, text)
        }
        Event::SessionBegan(session) => {
            ("session-began", None, None, format!("{me} is here (session {})", session.ordinal))
        }
        Event::SessionOver(_, why) => {
            ("session-over", None, None, format!("{me} stops everything: its session is over, {why}"))
        }
        Event::SessionEnded(node, _, state) => {
            ("session-ended", None, None, format!("{me} ended the session of {node}: {}", ended(*state)))
        }
        Event::MemberCame(node) => ("member-came", None, None, format!("{node} is here")),
        Event::MemberLeft(node, state) => ("member-left", None, None, format!("{node} is gone ({})", ended(*state))),
        Event::NewLeader { group, node, epoch, reason: why } => {
            let text = format!("{node} leads {group}, epoch {epoch} ({})", reason(why));
            ("new-leader", Some(group), Some(epoch.0), text)
        }
        Event::Serving { group, node, epoch } => {
            ("serving", Some(group), Some(epoch.0), format!("{group} is served by {node}, epoch {epoch}"))
        }
        Event::NoLeader { group, epoch, reason: why } => {
            let text = format!("nobody leads {group} after epoch {epoch} ({})", reason(why));
            ("no-leader", Some(group), Some(epoch.0), text)
        }
        Event::Demoting(group, epoch, why) => {
            let text = format!("{me} hands {group} over, epoch {epoch} ends ({})", reason(why));
            ("demoting", Some(group), Some(epoch.0), text)
        }
        Event::Obeyed(..) | Event::Refused(..) | Event::Claiming(..) | Event::Barred(..) => turn_words(me, event),
        Event::Damaged(key, what) => {
            ("damaged", None, None, format!("the record {key} cannot be read and counts as held: {what}"))
        }
        Event::ServiceStarted(..)
        | Event::ServiceReady(..)
        | Event::ServiceExited(..)
        | Event::ServiceRestarts(..)
        | Event::HealthFailed(..) => service_words(event),
    }
}

/// Who does, or does not, take or give up a leadership, and why.
fn turn_words<'a>(me: &NodeName, event: &'a Event) -> Words<'a> {
    match event {
        Event::Obeyed(group, epoch, act) => {
            ("obeyed", Some(group), Some(epoch.0), format!("{me} ends epoch {epoch} of {group} as ordered (act {act})"))
        }
        Event::Refused(group, epoch, act, why) => {
            ("refused", Some(group), Some(epoch.0), format!("{me} does not do as ordered (act {act}): {why}"))
        }
        Event::Claiming(group, epoch) => {
            ("claiming", Some(group), Some(epoch.0), format!("{me} tries to lead {group}, epoch {epoch}"))
        }
        Event::Barred(group, epoch, bar) => {
            let text = format!("{me} does not take {group} over after epoch {epoch}: {}", barred(bar));
            ("barred", Some(group), Some(epoch.0), text)
        }
        other => ("other", None, None, format!("{other:?}")),
    }
}

/// What keeps a node from leading, in words.
#[must_use]
pub fn barred(bar: &Bar) -> String {
    match bar {
        Bar::Paused => String::from("the group is paused, and another led it last"),
        Bar::Pinned(node) => format!("it is pinned to {node}, which can lead"),
        Bar::Unrest(changes) => format!("{changes} changes in a row were nobody's plan, so it waits a little"),
    }
}

/// The same, and for how long still.
#[must_use]
pub fn waits(bar: &Bar, left: Option<Duration>) -> String {
    let left =
        left.map_or_else(String::new, |left| format!(" ({:.1} s more; `hotseat resume` ends it)", left.as_secs_f64()));
    format!("{}{left}", barred(bar))
}

fn service_words(event: &Event) -> Words<'_> {
    match event {
        Event::ServiceStarted(group, it) => {
            ("service-started", Some(group), None, format!("service of {group} started ({})", role(it)))
        }
        Event::ServiceReady(group, it) => {
            ("service-ready", Some(group), None, format!("service of {group} is ready ({})", role(it)))
        }
        Event::ServiceExited(group, how) => {
            ("service-exited", Some(group), None, format!("service of {group} ended: {how}"))
        }
        Event::ServiceRestarts(group, pause, times) => {
            let text = format!("service of {group} restarts in {} ms (failure {times})", pause.as_millis());
            ("service-restarts", Some(group), None, text)
        }
        Event::HealthFailed(group, why, count, of) => {
            ("health-failed", Some(group), None, format!("health check of {group} failed, {count} of {of}: {why}"))
        }
        other => ("other", None, None, format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::learnt_late;

    #[test]
    fn old_news_says_since_when() {
        let late = |since: &str| learnt_late("2026-11-21T20:25:54.371Z", Some(since.into()));
        assert_eq!(late("2026-11-21T20:25:53.152Z"), ", since 2026-11-21T20:25:53.152Z");
        assert_eq!(late("2026-11-21T20:25:54.300Z"), "");
        assert_eq!(late("2026-11-21T20:25:55.000Z"), "", "another machine's clock is ahead");
        assert_eq!(learnt_late("2026-11-21T20:25:54.371Z", None), "");
    }
}
