//! What one node saw of a leader's end, as moments with names and words.

use hotseat_client::story::Phase;
use hotseat_core::{Heard, Instant, NodeName, SessionState};

use crate::ledger::words;

/// Moments with their names and words.
pub(super) type Marks = Vec<(&'static str, Option<Instant>, String)>;

/// What was seen of the last leader's end.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs {
    pub(super) ceased: Option<Instant>,
    pub(super) doubt: Option<Instant>,
    pub(super) ending: Option<(Instant, SessionState)>,
    pub(super) ended: Option<(Instant, SessionState, Option<Heard>)>,
}

impl Signs {
    /// What can be said of the old leader's end, in the order of time.
    pub(super) fn marks(&self, old: Option<&NodeName>) -> Marks {
        let mut marks = Marks::new();
        let Some(old) = old else { return marks };
        let heard = self.ended.as_ref().and_then(|(.., heard)| heard.as_ref());
        if let Some((_, state, _)) = &self.ended
            && *state != SessionState::Released
        {
            let last = heard.and_then(|heard| heard.at);
            marks.push(("last-renewal", last, format!("the last renewal of {old} that was heard here")));
            let deadline = last.zip(heard).map(|(last, heard)| last + heard.promise.life());
            if *state == SessionState::Expired {
                let words =
                    format!("{old}'s own deadline at the latest, by its promise: its guard has stopped everything");
                marks.push(("deadline", deadline, words));
            }
        }
        if let Some(at) = self.doubt {
            marks.push(("doubt", Some(at), format!("{old} had been silent for half of its ttl: noticed")));
        }
        if let Some((at, state)) = self.ending {
            marks.push(("ending", Some(at), words::ending(old, state)));
        }
        if let Some((at, state, heard)) = &self.ended {
            marks.push(("ended", Some(*at), words::ended(old, *state, heard.as_ref())));
        }
        if let Some(at) = self.ceased {
            marks.push(("ceased", Some(at), format!("{old} serves no more, as seen here: clients are held")));
        }
        marks.sort_by_key(|(_, at, _)| *at);
        marks
    }
}

/// Until when, at the least, somebody served.
pub(super) fn last_sign(marks: &Marks) -> Option<Instant> {
    marks.iter().find_map(|(name, at, _)| at.filter(|_| matches!(*name, "last-renewal" | "ceased")))
}

/// In milliseconds after the first that is known.
pub(super) fn phases(marks: &Marks) -> Vec<Phase> {
    let zero = marks.iter().filter_map(|(_, at, _)| *at).min();
    let after = |at: Instant| zero.map(|zero| words::millis(at.since(zero)));
    let phase = |(name, at, note): &(&str, Option<Instant>, String)| Phase {
        name: String::from(*name),
        at_ms: at.and_then(after),
        note: note.clone(),
    };
    marks.iter().map(phase).collect()
}
