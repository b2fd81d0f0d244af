//! Alerts: what is said to people when something has happened, and what came of saying it.

use serde::{Deserialize, Serialize};

/// One message: what webhooks and commands are given, and what MQTT topics carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The same on every node and at every try: who has had this `id` with this `state` may drop another.
    pub id: String,
    /// The cluster.
    pub cluster: String,
    /// Which rule: `leader-change`, `member-lost`, …
    pub rule: String,
    /// `event`: it happened; `firing`: it is so, and `resolved`: no longer; `test`: nothing is the matter.
    pub state: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The group, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The node it is about, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The epoch, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// When it was noticed, RFC 3339, by the wall clock of the node that noticed it.
    pub at: String,
    /// For people.
    pub text: String,
    /// The node that noticed it.
    pub told_by: String,
    /// The store did not answer: this node speaks for itself, and others may say the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// `GET /api/alerts`: what is the matter, where alerts go from the node that was asked, and what the cluster has said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// What is the matter at this moment, as the node that was asked sees it, the worst first.
    #[serde(default)]
    pub standing: Vec<Matter>,
    /// Where this node sends to.
    pub channels: Vec<Channel>,
    /// What was said, newest first.
    pub told: Vec<Told>,
    /// Why `told` may not be all: the store does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Something that is the matter, whether anybody was told or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// Which rule: `no-leader`, `member-lost`, …
    pub rule: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// The group, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The node it is about, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// For people.
    pub text: String,
    /// When it was said, RFC 3339; absent: nobody was told, or not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// One `[[alert]]` of a node's file, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// `webhook`, `slack`, `smtp`, `mqtt` or `command`.
    pub kind: String,
    /// Where to, as far as it is no secret.
    pub to: String,
    /// Its rules.
    pub when: Vec<String>,
}

/// One alert, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What was said.
    pub alert: Alert,
    /// To whom, by the name of the `[[alert]]`.
    pub deliveries: Vec<Delivery>,
}

/// What came of one alert at one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The name of the `[[alert]]`.
    pub name: String,
    /// `sending`, `sent`, or `failed`: given up.
    pub state: String,
    /// The node that sends, or has sent it.
    pub by: String,
    /// How often it was tried.
    pub tries: u32,
    /// When this was written down, RFC 3339.
    pub at: String,
    /// The receiver's words, or why there are none.
    pub answer: String,
}

/// `POST /api/alerts/test`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestAlert {
    /// To which `[[alert]]`; to all otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer for one `[[alert]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedAlert {
    /// Its name.
    pub name: String,
    /// Where it went.
    pub to: String,
    /// Whether the receiver has taken it.
    pub ok: bool,
    /// The receiver's words, or why there are none.
    pub answer: String,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
}
