//! What a guard is told once, at its start, and never again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// 128 random bits that name one session (one run of an agent's lease) for ever.
pub type SessionId = [u8; 16];

/// How long a guard repeats its word, if nobody says otherwise.
const LINGER_DEFAULT: Duration = Duration::from_secs(10);

/// How long a kill may take before the guard raises the alarm, if nobody says otherwise.
const BUDGET_DEFAULT: Duration = Duration::from_millis(75);

/// How the guard is to hold the processes it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Containment {
    /// A cgroup of its own where the machine allows it, and the process tree always.
    #[default]
    Auto,
    /// The process tree alone, as on a machine without a writable cgroup v2.
    Tree,
}

/// What a guard is told at its start.
///
/// ```
/// use hotseat_guard::Settings;
/// let mut settings = Settings::new("netmon", "primary-1", [7; 16]);
/// settings.peers.push("10.0.0.102:7700".parse()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cluster's name, at most [`NAME_MAX`](crate::NAME_MAX) bytes.
    pub cluster: String,
    /// This node's name, at most [`NAME_MAX`](crate::NAME_MAX) bytes.
    pub node: String,
    /// The session this guard is for; random, never used twice.
    pub session: SessionId,
    /// How to hold what it starts.
    pub containment: Containment,
    /// How long to repeat the word after the death is proven, before the guard leaves.
    pub linger: Duration,
    /// How long after the kill began the death must be proven; later, the guard sends
    /// [`Report::Overdue`](crate::Report::Overdue) and starves the watchdog.
    pub budget: Duration,
    /// Whom to tell by UDP, at most [`PEERS_MAX`](crate::PEERS_MAX); replaced by
    /// [`Command::Peers`](crate::Command::Peers).
    pub peers: Vec<SocketAddr>,
    /// A hardware watchdog to feed, such as `/dev/watchdog`: a node whose dead cannot be proven dead is reset by it.
    pub watchdog: Option<PathBuf>,
    /// Whether this session may raise addresses: what lowers them is opened at the start or not at all.
    pub addresses: bool,
}

impl Settings {
    /// Settings with the defaults: automatic containment, 10 s of lingering, a budget of 75 ms, no peers, no watchdog.
    #[must_use]
    pub fn new(cluster: impl Into<String>, node: impl Into<String>, session: SessionId) -> Self {
        Self {
            cluster: cluster.into(),
            node: node.into(),
            session,
            containment: Containment::Auto,
            linger: LINGER_DEFAULT,
            budget: BUDGET_DEFAULT,
            peers: Vec::new(),
            watchdog: None,
            addresses: false,
        }
    }
}
