//! One group as the store tells of it, followed through an agent. It only carries.

use futures_util::Stream;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;

/// `GET /api/groups/{group}/sight`: what the store says of one group, as far as the asked agent has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// How much had been written to the store: of two sights, the one with the larger number is newer, whoever told it.
    pub written: u64,
    /// The number of the newest leadership; 0 before the first.
    pub epoch: u64,
    /// Who leads; none after a release, or once the leader's session has ended.
    pub leader: Option<String>,
    /// Whether the leader's service is ready.
    pub serving: bool,
    /// Where the leader's service answers, `host:port`.
    pub service: Option<String>,
    /// A stable word for why the leadership changed last: `switchover`, `proven`, `silent`, …
    pub why: String,
    /// The same in a sentence.
    pub reason: String,
    /// Everybody who has a session record and takes part in the group, by name.
    pub members: Vec<Sighted>,
    /// The nodes whose acknowledgements keep leases, where the agents themselves are the store.
    #[serde(default)]
    pub voters: Vec<String>,
    /// Why the agent cannot read or write the store, while it cannot. The rest is then as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// One member, as it said itself in its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighted {
    /// The node.
    pub node: String,
    /// Counts this node's sessions.
    pub session: u64,
    /// Whether its session is alive, and if not how it ended: `alive`, `released`, `proven` or `expired`.
    pub life: String,
    /// `leader`, `standby`, `hot-standby`, …
    pub state: String,
    /// Where its service answers.
    pub service: Option<String>,
    /// What is wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Client {
    /// One group as the store tells of it: at once, and again whenever it changes. Ends when the agent does.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn follow_group(&self, group: &str) -> Result<impl Stream<Item = Sight> + use<>, Error> {
        self.stream(&format!("/api/groups/{group}/sight")).await
    }
}
