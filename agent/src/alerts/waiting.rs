//! For how long things have been so: what comes and goes within a moment is not worth a message.

use std::collections::BTreeMap;
use std::time::Duration;

use hotseat_core::Instant;

use super::finding::{Condition, Conditions, Key};

/// What is to be said now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It has been so for long enough.
    Opens(Key, Condition),
    /// It has long enough been over.
    Closes(Key),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watch {
    since: BTreeMap<Key, Instant>,
    over: BTreeMap<Key, Instant>,
}

impl Watch {
    /// What is due, when `found` is so, `open` was said, and each key is waited for as long as `patience` says.
    pub(super) fn look(
        &mut self,
        now: Instant,
        found: &Conditions,
        open: &[Key],
        patience: impl Fn(&Key) -> Duration,
    ) -> Vec<Due> {
        let fresh = found.keys().filter(|key| !open.contains(key));
        keep(&mut self.since, fresh, now);
        keep(&mut self.over, open.iter().filter(|key| !found.contains_key(key)), now);
        let ripe = |(key, since): &(&Key, &Instant)| now.since(**since) >= patience(key);
        let opens = self.since.iter().filter(ripe).map(|(key, _)| Due::Opens(key.clone(), found[key].clone()));
        let closes = self.over.iter().filter(ripe).map(|(key, _)| Due::Closes(key.clone()));
        opens.chain(closes).collect()
    }
}

/// Forgets what is no longer there, and notes since when the rest is.
fn keep<'a>(times: &mut BTreeMap<Key, Instant>, present: impl Iterator<Item = &'a Key>, now: Instant) {
    let mut kept = BTreeMap::new();
    for key in present {
        kept.insert(key.clone(), times.get(key).copied().unwrap_or(now));
    }
    *times = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::rule::Rule;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(0) + Duration::from_secs(1000 + seconds)
    }

    fn lost() -> (Key, Conditions) {
        let key = Key::new(Rule::MemberLost, "n2");
        let found = Conditions::from([(key.clone(), Condition::of_node("n2", String::from("n2 is offline")))]);
        (key, found)
    }

    #[test]
    fn only_what_lasts_is_said_and_only_once() {
        let (key, found) = lost();
        let mut watch = Watch::default();
        let mut look = |second, found: &Conditions, open: &[Key]| watch.look(at(second), found, open, |_| PATIENCE);
        assert_eq!(look(0, &found, &[]), []);
        assert_eq!(look(4, &found, &[]), []);
        assert_eq!(look(4, &Conditions::new(), &[]), [], "it was back, and the count begins anew");
        assert_eq!(look(5, &found, &[]), []);
        assert_eq!(look(9, &found, &[]), []);
        let opens = Due::Opens(key.clone(), found[&key].clone());
        assert_eq!(look(10, &found, &[]), std::slice::from_ref(&opens));
        assert_eq!(look(11, &found, &[]), [opens], "nobody has said it yet");
        assert_eq!(look(11, &found, std::slice::from_ref(&key)), []);
        assert_eq!(look(12, &Conditions::new(), std::slice::from_ref(&key)), []);
        assert_eq!(look(17, &Conditions::new(), std::slice::from_ref(&key)), [Due::Closes(key)]);
    }
}
