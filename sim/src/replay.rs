//! The same invariants over a log of real events, so that one checker judges what was simulated and what happened.
//!
//! A line is `T_NS NODE EPOCH WORD`, in the order of time. The words:
//!
//! ```text
//! acts, ceases          the node's service begins to act under this epoch, and does so no more
//! claims                the group's record names this node under this epoch
//! accepted, refused     a fenced resource took a write under this epoch, or did not
//! ```
//! It speaks of one group, and never looks at a clock: what is not in the log has not happened.

use hotseat_core::{Epoch, GroupId, GroupRecord, Key, Leader, NodeName, Nonce, Reason, Record, SessionId};

use crate::event::GuardRef;
use crate::invariants::{Broken, Fact, Invariants, Place};

/// What was seen of a log that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Lines read.
    pub lines: usize,
    /// The newest epoch anybody acted under.
    pub newest: u64,
    /// Writes that a fence kept out.
    pub refused: usize,
}

/// Checks a log.
///
/// # Errors
/// The first line that breaks a promise, or is none.
pub fn replay(text: &str) -> Result<Replayed, Broken> {
    let mut replay = Replay::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let at = |broken: Broken| Broken { what: format!("line {}: {}: {line}", number + 1, broken.what), ..broken };
        replay.line(line).map_err(at)?;
        replay.seen.lines += 1;
    }
    Ok(replay.seen)
}

#[derive(Default)]
struct Replay {
    invariants: Invariants,
    seen: Replayed,
    nodes: Vec<NodeName>,
    now: u64,
    /// The newest epoch that the fenced resource has taken.
    fence: u64,
}

fn format(what: impl Into<String>) -> Broken {
    Broken { invariant: "format", what: what.into() }
}

impl Replay {
    fn line(&mut self, line: &str) -> Result<(), Broken> {
        let words: Vec<_> = line.split(' ').collect();
        let [now, node, epoch, word] = words[..] else { return Err(format("not T_NS NODE EPOCH WORD")) };
        let number = |text: &str| text.parse().map_err(|_| format(format!("{text} is not a number")));
        let (now, epoch) = (number(now)?, number(epoch)?);
        if now < self.now {
            return Err(format("earlier than the line before it"));
        }
        self.now = now;
        let node = NodeName::new(node).map_err(|why| format(why.to_string()))?;
        self.word(&node, epoch, word)
    }

    fn word(&mut self, node: &NodeName, epoch: u64, word: &str) -> Result<(), Broken> {
        let group = GroupId::new("log").expect("a plain name");
        let machine = self.number(node);
        let place = Place { guard: GuardRef { machine, at: 0 }, run: epoch };
        // A service acts under one session; which one, the log does not say.
        let session = Nonce((u128::from(epoch) << 64) | machine as u128);
        match word {
            "acts" => {
                self.seen.newest = self.seen.newest.max(epoch);
                self.see(&Fact::Acts { group: &group, place, epoch: Epoch(epoch), session })
            }
            "ceases" => self.see(&Fact::Ceases { group: &group, place }),
            "claims" => {
                let record = claim(node, Epoch(epoch), session);
                self.see(&Fact::Applied { key: &Key::Group(group), before: None, after: &record })
            }
            "accepted" if epoch < self.fence => {
                let what = format!("taken after epoch {} had been taken", self.fence);
                Err(Broken { invariant: "fenced", what })
            }
            "accepted" => {
                self.fence = epoch;
                Ok(())
            }
            "refused" => {
                self.seen.refused += 1;
                Ok(())
            }
            _ => Err(format(format!("what is {word}?"))),
        }
    }

    fn see(&mut self, fact: &Fact<'_>) -> Result<(), Broken> {
        self.invariants.see(self.now, fact)
    }

    fn number(&mut self, node: &NodeName) -> usize {
        self.nodes.iter().position(|known| known == node).unwrap_or_else(|| {
            self.nodes.push(node.clone());
            self.nodes.len() - 1
        })
    }
}

fn claim(node: &NodeName, epoch: Epoch, session: Nonce) -> Record {
    let leader = Leader { node: node.clone(), session: SessionId { ordinal: 1, id: session } };
    Record::Group(GroupRecord {
        nonce: session,
        epoch,
        leader: Some(leader),
        serving: false,
        service: None,
        next: None,
        avoid: None,
        reason: Reason::First,
        unrest: 0,
        obeyed: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(log: &str, expected: &str) {
        let found = replay(log).map_or_else(|broken| broken.invariant, |_| "holds");
        assert_eq!(found, expected, "{log}");
    }

    #[test]
    fn one_after_the_other_holds() {
        check(
            "1 a 1 claims\n1 a 1 acts\n2 a 1 accepted\n5 a 1 ceases\n6 b 2 claims\n7 b 2 acts\n8 b 2 accepted\n8 a 1 refused\n",
            "holds",
        );
    }

    #[test]
    fn each_promise_is_seen_broken() {
        check("1 a 1 acts\n2 b 2 acts\n", "one_leader");
        check("1 a 2 acts\n2 a 2 ceases\n3 b 1 acts\n", "epoch_grows");
        check("1 a 1 acts\n2 a 1 ceases\n3 b 1 acts\n", "epoch_grows");
        check("1 a 1 acts\n2 b 2 claims\n", "dead_before_next");
        check("1 a 2 accepted\n2 b 1 accepted\n", "fenced");
    }

    #[test]
    fn what_is_no_log_is_refused() {
        for log in ["1 a 1", "x a 1 acts", "1 a -1 acts", "1 a 1 sleeps", "2 a 1 acts\n1 a 1 ceases", "1 . 1 acts"] {
            check(log, "format");
        }
    }
}
