//! How a lock's lease is kept where voters keep leases: its renewals go to them through the agent on its machine, and
//! what is heard of locks comes back the same way.
//!
//! ```text
//!  lock ── Renewal ──> agent's loop ── links ──> every voter
//!       <── Heard ──── agent's loop <── links ── answers, and the renewals of other locks
//! ```
//! It judges nothing: what an answer is worth, the lock's own protocol says. What cannot be passed on now is lost.

use hotseat_core::{Answer, Input, Question, Renewal, VoterId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::name::NODE_PREFIX;

/// Locks that may listen at once: as many as a machine has places for.
const LISTENERS_MAX: usize = 256;

/// What may wait for one lock. One that does not keep up loses some, as on any wire.
pub const WAITING_MAX: usize = 64;

/// What a lock has to say to the agent's loop.
#[derive(Debug)]
pub enum Word {
    /// Send this to the voters.
    Renew(Renewal),
    /// Tell me what you hear.
    Listen(mpsc::Sender<Heard>),
}

/// What an agent heard that may matter to a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heard {
    /// A voter's answer to a renewal.
    Answered(VoterId, Answer),
    /// Some lock is alive.
    Renewed(Renewal),
}

impl From<Heard> for Input {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::Answered(voter, answer) => Self::Answered(voter, answer),
            // Nobody counts the answer to this: a lock is no voter.
            Heard::Renewed(renewal) => Self::Asked(VoterId(0), Question::Renew(renewal)),
        }
    }
}

/// The locks that listen.
#[derive(Debug, Default)]
pub struct Ears(Vec<mpsc::Sender<Heard>>);

impl Ears {
    /// One more; those that have gone are forgotten.
    pub fn add(&mut self, ear: mpsc::Sender<Heard>) {
        self.0.retain(|ear| !ear.is_closed());
        if self.0.len() < LISTENERS_MAX {
            self.0.push(ear);
        }
    }

    /// Passes on what matters to locks.
    pub fn overhear(&self, input: &Input) {
        let heard = match input {
            Input::Answered(voter, answer @ (Answer::Heard(..) | Answer::Refused(_))) => {
                Heard::Answered(*voter, *answer)
            }
            Input::Asked(_, Question::Renew(renewal)) if renewal.node.as_str().starts_with(NODE_PREFIX) => {
                Heard::Renewed(renewal.clone())
            }
            _ => return,
        };
        for ear in &self.0 {
            drop(ear.try_send(heard.clone()));
        }
    }
}
