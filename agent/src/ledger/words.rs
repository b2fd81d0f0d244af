//! What the story says, in words. It only words what was measured.

use std::time::Duration;

use hotseat_client::in_words;
use hotseat_client::story::Choice;
use hotseat_core::{Candidate, Demise, Edge, Field, Grounds, Heard, Instant, NodeName, Reason, SessionState};

use super::note::Note;

/// Whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The same in words: longer times in larger units.
pub(crate) fn ms(time: Duration) -> String {
    in_words(time)
}

/// What it is to ask the store to end the old leader's session.
pub(super) fn ending(old: &NodeName, state: SessionState) -> String {
    match state {
        SessionState::Proven => format!("the word of {old}'s guard was heard: the store is asked to end its session"),
        SessionState::Expired | SessionState::Released | SessionState::Alive => {
            format!("{old} was silent for long enough: the store is asked to end its session")
        }
    }
}

/// How the old leader's session ended.
pub(super) fn ended(old: &NodeName, state: SessionState, heard: Option<&Heard>) -> String {
    match state {
        SessionState::Proven => {
            format!("proof: {old}'s guard gave its word that nothing of its session lives; session ended")
        }
        SessionState::Released => format!("{old} ended its session itself, everything stopped"),
        SessionState::Expired | SessionState::Alive => {
            let silence = heard.map(|heard| ms(heard.promise.silence())).unwrap_or_default();
            let who = match heard.and_then(|heard| heard.grounds.as_ref()) {
                Some(Grounds::Promises(voters)) => {
                    format!("{} voters promised not to acknowledge it again", voters.len())
                }
                Some(Grounds::Proof(_)) | None => String::from("nobody had seen it renewed"),
            };
            format!("{old} had been silent for {silence} (ttl and a margin), {who}: session ended")
        }
    }
}

/// Why the old leader leads no more, where its session ended.
pub(super) fn cause(
    old: Option<&NodeName>,
    ended: Option<&(Instant, SessionState, Option<Heard>)>,
    note: &Note,
) -> String {
    let (Some(old), Some((_, state, heard))) = (old, ended) else { return String::new() };
    let from = heard.as_ref().map(|heard| format!(" ({})", heard.address)).unwrap_or_default();
    let since = heard.as_ref().and_then(|heard| heard.at).map(|at| note.wall_at(at).replacen('T', " ", 1));
    let since = since.map_or_else(|| String::from("not known since when"), |at| format!("since {at}"));
    match state {
        SessionState::Proven => {
            let demise = heard.as_ref().and_then(|heard| heard.demise);
            format!(
                "{}, and the guard proved that nothing of its session lives",
                demised(&format!("{old}{from}"), demise, &since)
            )
        }
        SessionState::Released => format!("{old}{from} stopped in order"),
        SessionState::Expired | SessionState::Alive => format!(
            "no message from {old}{from} {since}, and no proof of death: its host, its network or its agent was lost"
        ),
    }
}

/// What its guard or its own agent told of a session's end; `since` is when its last renewal was heard here.
fn demised(old: &str, demise: Option<Demise>, since: &str) -> String {
    match demise {
        Some(Demise::AgentGone) => format!("the agent of {old} ended without handing over"),
        Some(Demise::LeaseOver) => format!(
            "the agent of {old} was silent ({since}): hung, or cut off; \
             its guard ended the service when the lease ran out"
        ),
        Some(Demise::StoodStill) => {
            format!("the agent of {old} stood still ({since}), and its lease ran out: everything of it ended there")
        }
        Some(Demise::Unanswered) => format!(
            "{old} had lost the store, or its majority: its agent ran and asked, no renewal was acknowledged in time, \
             and it stopped everything itself"
        ),
        Some(Demise::AsTold) => format!("the agent of {old} had everything ended before its lease was over"),
        Some(Demise::Refused) => format!("others had ended the session of {old}, and it stopped everything"),
        Some(Demise::Unwritable) => {
            format!("{old} could not write that it had let go of a group, and ended its session for that")
        }
        Some(Demise::GuardGone) => format!("the guard of {old} was lost, and its session with it"),
        Some(Demise::Unknown) | None => format!("the session of {old} ended without a handing over"),
    }
}

/// The same where nothing of a session's end was seen.
pub(super) fn plain_cause(reason: &Reason, old: Option<&str>) -> String {
    let old = old.unwrap_or("the leader before");
    match reason {
        Reason::First => String::from("nobody had led this group before"),
        Reason::Switchover => format!("an operator asked {old} to hand over"),
        Reason::Stopped => format!("the agent of {old} was stopped in order, and handed over first"),
        Reason::ServiceExited(how) => format!("the service of {old} ended by itself ({how}), and {old} handed over"),
        Reason::Unhealthy(why) => {
            format!("the service of {old} failed its health checks ({why}), and {old} handed over")
        }
        Reason::NotReady(why) => format!("the service of {old} did not become ready ({why}), and {old} handed over"),
        Reason::Proven => format!("the guard of {old} proved that nothing of its session lives"),
        Reason::Lapsed => demised(old, Some(Demise::LeaseOver), "not known since when"),
        Reason::CutOff => demised(old, Some(Demise::Unanswered), "not known since when"),
        Reason::Silent => format!("{old} was silent; this agent had not seen it alive, so it is not known since when"),
        Reason::Replaced => format!("the agent of {old} began anew and did not lead any more"),
        Reason::Failback => {
            format!("a member of larger priority than {old} was well for long enough, and {old} handed over")
        }
        Reason::Ordered(what) => format!("people ordered it: {what}; {old} handed over"),
    }
}

/// Every member, and why it was chosen or not.
pub(super) fn choices(chosen: &NodeName, field: &Field) -> Vec<Choice> {
    let winner = field.members.iter().find(|(node, _)| node == chosen).and_then(|(_, it)| it.as_ref().ok());
    let choice = |(node, standing): &(NodeName, Result<Candidate, String>)| {
        let why = match standing {
            Err(why) if node == chosen => format!("nobody else wanted to; {why}"),
            Err(why) => why.clone(),
            Ok(it) if node == chosen => {
                let handed = if field.next.as_ref() == Some(node) { "handed over to it: " } else { "" };
                format!("{handed}{}", standing_words(it))
            }
            Ok(it) => passed_over(it, winner, field),
        };
        Choice { node: node.to_string(), chosen: node == chosen, why }
    };
    field.members.iter().map(choice).collect()
}

fn standing_words(it: &Candidate) -> String {
    let hot = if it.hot { "hot" } else { "cold" };
    let avoided = if it.avoided { ", has just given it up" } else { "" };
    format!("priority {}, {hot}{avoided}", it.priority)
}

fn passed_over(it: &Candidate, winner: Option<&Candidate>, field: &Field) -> String {
    let Some(winner) = winner else { return standing_words(it) };
    if field.next.as_ref() == Some(&winner.node) {
        return format!("{}: the old leader chose {}", standing_words(it), winner.node);
    }
    match Edge::of(winner, it) {
        Some(Edge::Avoided) => String::from("has just given it up, and does not win straight back"),
        Some(Edge::Priority) => format!("priority {}, below {}", it.priority, winner.priority),
        Some(Edge::Hot) => String::from("its service does not run yet"),
        Some(Edge::Fresh) => String::from("its state is older"),
        Some(Edge::Version) => format!("version {}, below {}", it.version, winner.version),
        Some(Edge::Name) => String::from("as good: the lower name goes first"),
        None if field.paused => {
            format!("{}: the group was paused, and only who led last could claim", standing_words(it))
        }
        None => format!("{}: it comes before {}, but did not claim in its turn", standing_words(it), winner.node),
    }
}

/// Why a service that failed was restarted where it was.
pub(super) fn nobody_better(me: &NodeName, field: &Field) -> String {
    if field.paused {
        return String::from("the group is paused, so nothing moves");
    }
    let others = field.members.iter().filter(|(node, _)| node != me);
    let why: Vec<_> = others
        .map(|(node, standing)| match standing {
            Ok(it) if it.hot => format!("{node} was hot, but on_exit says restart"),
            Ok(_) => format!("{node} was cold, so a restart is as fast"),
            Err(why) => why.clone(),
        })
        .collect();
    if why.is_empty() { String::from("there is no other member") } else { why.join("; ") }
}
