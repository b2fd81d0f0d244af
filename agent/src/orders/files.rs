//! What became of an act upon a group's files, told by what is shown of their versions: so any agent can say it, however
//! many have died since. It reads nothing and writes nothing.

use hotseat_client::{Act, Sync, SyncVersion};

use super::settle::Verdict;

/// What such acts are called.
pub(super) const PUSH: &str = "sync-push";
pub(super) const ROLLBACK: &str = "sync-rollback";

/// Whether it is such an act.
pub(super) fn is_of(act: &Act) -> bool {
    matches!(act.what.as_str(), PUSH | ROLLBACK)
}

/// Whether it asks the leader to send, and nothing has come of it yet.
#[must_use]
pub fn is_open_push(act: &Act) -> bool {
    is_push(act) && act.outcome.is_none()
}

/// Whether it asks the leader to send.
pub(super) fn is_push(act: &Act) -> bool {
    act.what == PUSH
}

/// The verdict, once there is one.
pub(super) fn verdict(act: &Act, files: &Sync) -> Option<Verdict> {
    if let Some(version) = files.versions.iter().find(|version| version.act == Some(act.id)) {
        return Some((true, done(version)));
    }
    if let Some(answered) = files.answered.as_ref().filter(|answered| answered.act == act.id) {
        return Some((answered.ok, answered.text.clone()));
    }
    let later = files.versions.iter().filter_map(|version| version.act).find(|later| *later > act.id);
    later.map(|later| (false, format!("act {later} came before it was done")))
}

fn done(version: &SyncVersion) -> String {
    let what = version.of.map_or_else(|| format!("sent by {}", version.by), |of| format!("as version {of} was"));
    format!("version {} is in force, {what}", version.number)
}

/// Nothing more is waited for, and it is taken back: what is in the way may be gone in a week, and other files be there.
pub(super) fn overdue(files: Option<&Sync>) -> Verdict {
    let held = files.and_then(|files| files.held.as_deref());
    (false, format!("not done, and taken back: {}", held.unwrap_or("no leader has looked at the files")))
}

#[cfg(test)]
mod tests {
    use hotseat_client::Answered;

    use super::*;

    fn act(id: u64) -> Act {
        let text = String::from;
        let (at, who, via) = (text("2026-11-21T12:00:00Z"), text("ops"), text("n2"));
        Act { id, at, who, via, what: text(PUSH), detail: String::new(), reason: None, outcome: None }
    }

    fn version(number: u64, act: Option<u64>, of: Option<u64>) -> SyncVersion {
        let (by, at) = (String::from("n1"), String::new());
        let changed = Vec::new();
        SyncVersion { number, epoch: 1, by, at, who: None, reason: None, act, of, files: 1, bytes: 1, changed }
    }

    fn check(versions: Vec<SyncVersion>, answered: Option<u64>, right: Option<(bool, &str)>) {
        let answered = answered.map(|act| Answered { act, ok: true, text: String::from("there was nothing to send") });
        let found = verdict(&act(7), &Sync { versions, answered, ..Sync::default() });
        assert_eq!(found.as_ref().map(|(ok, text)| (*ok, text.as_str())), right);
    }

    #[test]
    fn the_version_that_names_the_act_is_what_came_of_it() {
        check(vec![version(1, None, None), version(2, Some(6), None)], None, None);
        let sent = vec![version(2, Some(7), None), version(3, Some(8), None)];
        check(sent, Some(6), Some((true, "version 2 is in force, sent by n1")));
        check(vec![version(4, Some(7), Some(2))], None, Some((true, "version 4 is in force, as version 2 was")));
    }

    #[test]
    fn there_may_be_nothing_to_do() {
        check(vec![version(1, None, None)], Some(7), Some((true, "there was nothing to send")));
        check(vec![version(1, None, None)], Some(6), None);
    }

    #[test]
    fn a_later_one_may_come_first() {
        check(vec![version(2, Some(8), Some(1))], None, Some((false, "act 8 came before it was done")));
    }
}
