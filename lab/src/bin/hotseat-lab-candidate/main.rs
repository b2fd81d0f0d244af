//! A program that links `hotseat-client`: it campaigns, writes to both registers as long as it leads, and campaigns again.
//!
//! ```text
//! hotseat-lab-candidate NAME AS AGENT FENCED OPEN
//! ```
//! It never ends by itself. On USR1 it resigns.
#![allow(clippy::unwrap_used, reason = "a program that cannot go on ends")]

use std::sync::{Arc, RwLock};

use hotseat_client::{Candidate, Leadership};
use hotseat_lab::history::now;
use hotseat_lab::writer::{Actor, write_on};
use tokio::signal::unix::{SignalKind, signal};

/// Who writes, for as long as it leads.
#[derive(Clone)]
struct Program {
    name: Arc<str>,
    leads: Arc<RwLock<Option<Arc<Leadership>>>>,
}

impl Actor for Program {
    fn name(&self) -> &str {
        &self.name
    }

    fn act<T>(&self, what: impl FnOnce(u64, u64) -> T) -> Option<T> {
        let leadership = self.leads.read().unwrap().clone()?;
        // In this order: a program that is stopped between the two goes on with what it was allowed to do by then.
        let at = now();
        leadership.is_leader().then(|| what(leadership.epoch(), at))
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [election, name, agent, fenced, open] = words.as_slice() else { panic!("{words:?}") };
    let program = Program { name: name.as_str().into(), leads: Arc::default() };
    for register in [fenced, open] {
        let (register, program) = (register.parse().unwrap(), program.clone());
        std::thread::spawn(move || write_on(register, &program));
    }
    let candidate = Candidate::new(agent, election).unwrap();
    let mut asked = signal(SignalKind::user_defined1()).unwrap();
    loop {
        let leadership = Arc::new(candidate.campaign().await.unwrap());
        *program.leads.write().unwrap() = Some(Arc::clone(&leadership));
        tokio::select! {
            () = leadership.lost() => {}
            _ = asked.recv() => {}
        }
        *program.leads.write().unwrap() = None;
        // A writer may hold it for the moment of one more write.
        if let Some(leadership) = Arc::into_inner(leadership) {
            leadership.resign().await;
        }
    }
}
