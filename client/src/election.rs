//! What a candidate and the agent on its machine say to each other: `POST /api/elections/{name}`, again and again.
//!
//! ```text
//!  candidate ── Stand { seen } ──> agent: held until there is news, or a while is over
//!            <── Standing ──────── waiting | leading, with what is left of the lease | over
//! ```
//! It only carries. What it means is the business of [`Candidate`](crate::Candidate), and of the agent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;

/// An agent holds a question for no longer than [`HOLD_MAX`]; one that then takes this long is not well.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The longest an agent holds a question before it answers that there is no news.
pub const HOLD_MAX: Duration = Duration::from_secs(5);

/// The question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stand {
    /// Names this candidate and no other: 32 hexadecimal digits, by chance.
    pub candidate: String,
    /// Its process, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The epoch in which it knows that it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// It does not want to lead, and does nothing as leader any more.
    #[serde(default)]
    pub resign: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where the candidate stands.
    pub state: StandState,
    /// The epoch it leads in; of the newest leader while it waits.
    pub epoch: u64,
    /// While it leads, what was left of the lease when this was answered, in nanoseconds.
    #[serde(default)]
    pub lease_left_ns: u64,
    /// For how long the question was held before, in nanoseconds: the lease may be counted from its sending plus this.
    #[serde(default)]
    pub held_ns: u64,
}

/// Where a candidate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandState {
    /// In line.
    Waiting,
    /// It leads, for as long as the lease is good.
    Leading,
    /// It leads no more, and never will again under this name of a candidate.
    Over,
}

impl Client {
    /// Asks where a candidate stands, and begins to stand for it if it is new; the answer may take [`HOLD_MAX`].
    ///
    /// # Errors
    /// [`Error::Refused`] is for good; after others, ask again.
    pub async fn stand(&self, name: &str, stand: &Stand) -> Result<Standing, Error> {
        let request = self.http.post(format!("{}/api/elections/{name}", self.base)).json(stand);
        let response = request.timeout(HOLD_MAX + ANSWER_LIMIT).send().await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let later = response.status().is_server_error();
        match self.read(response).await {
            // It is starting, stopping, full, or without its store: none of that is for good.
            Err(Error::Refused(refusal)) if later => Err(Error::Unanswered(self.url().to_owned(), refusal.error)),
            other => other,
        }
    }
}
