//! The guard of one session, as the protocol wants it: parent of the services, holder of an absolute deadline.
//!
//! Ideal in what it does, not in when: it may be paused, and its word may be lost. While it is paused its
//! keepers still kill at the deadline; only the proof waits. On a machine that thaws it runs first.

use hotseat_core::{Instant, Nonce, Proof, Secret};

use crate::event::AgentRef;
use crate::event::What;
use crate::service::Process;

/// See the module.
#[derive(Debug)]
pub struct Guard {
    /// Whose session it guards.
    pub agent: AgentRef,
    /// The random part of the session's name.
    pub session: Nonce,
    /// The proof of death.
    pub secret: Secret,
    /// The deadline as it was given.
    pub deadline: Option<Instant>,
    /// When it will act on that: the same, unless the mutant counts left-over time.
    pub alarm: Option<Instant>,
    /// Whether an alarm is planned.
    pub armed: bool,
    /// Everything is being killed, or is dead.
    pub ending: bool,
    /// Everything is dead and the word may be given.
    pub proven: bool,
    /// It was killed.
    pub lost: bool,
    /// Since when it has been stopped.
    pub paused: Option<u64>,
    /// What waits for it to run again.
    pub waiting: Vec<What>,
    /// What it runs.
    pub processes: Vec<Process>,
    /// Who asked for its word.
    pub asked: Vec<AgentRef>,
}

impl Guard {
    /// Just started.
    #[must_use]
    pub const fn new(agent: AgentRef, session: Nonce, secret: Secret) -> Self {
        Self {
            agent,
            session,
            secret,
            deadline: None,
            alarm: None,
            armed: false,
            ending: false,
            proven: false,
            lost: false,
            paused: None,
            waiting: Vec::new(),
            processes: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Its word.
    #[must_use]
    pub const fn word(&self) -> Proof {
        Proof { session: self.session, secret: self.secret, demise: None }
    }
}
