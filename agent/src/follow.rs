//! Following a group from outside: what the store says of it, without being a member.
//!
//! It reads, at a steady pace, and never writes: a follower cannot become leader, hold anybody up or be missed.
//! What it shows may be a pace old, so it may route to a leader that is just being deposed; that such a leader
//! no longer acts is its guard's work, not the follower's.

use std::net::SocketAddr;
use std::time::Duration;

use hotseat_core::{GroupId, Key, Look, Reason, Record, SessionRecord, SessionState};
use tokio::sync::watch;

use crate::clock;
use crate::config::Config;
use crate::proxy::Route;
use crate::records::Records;
use crate::run::{Failure, open};
use crate::story;

/// What the store says of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The number of the newest leadership; 0 before the first.
    pub epoch: u64,
    /// Who leads; none after a release, or once the leader's session has ended.
    pub leader: Option<String>,
    /// Whether the leader's service is ready.
    pub serving: bool,
    /// Where the leader's service answers.
    pub service: Option<SocketAddr>,
    /// A stable word for why the leadership changed last: `switchover`, `proven`, `silent`, …
    pub why: &'static str,
    /// The same in a sentence.
    pub reason: String,
    /// Everybody who has a session record and takes part in the group, by name.
    pub members: Vec<Sighted>,
    /// Why the store could not be read, while it cannot. The rest is then as it was.
    pub trouble: Option<String>,
}

/// One member, as it said itself with its last renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighted {
    /// The node.
    pub node: String,
    /// Counts this node's sessions.
    pub session: u64,
    /// Whether its session is alive, and if not how it ended: `alive`, `released`, `proven` or `expired`.
    pub life: &'static str,
    /// `leader`, `standby`, `hot-standby`, …
    pub state: &'static str,
    /// Where its service answers.
    pub service: Option<String>,
    /// What is wrong, in words.
    pub trouble: Option<String>,
}

impl Sight {
    /// Where a proxy is to go.
    #[must_use]
    pub fn route(&self) -> Route {
        let target = self.service.filter(|_| self.serving && self.leader.is_some());
        Route { epoch: self.epoch, target }
    }

    fn read(look: &Look, group: &GroupId) -> Self {
        let records = look.records.values().filter_map(|(_, record)| record.as_ref().ok());
        let sessions: Vec<_> =
            records.filter_map(|it| if let Record::Session(it) = it { Some(it) } else { None }).collect();
        let mut sight =
            Self { members: sessions.iter().filter_map(|it| sighted(it, group)).collect(), ..Self::default() };
        let Some((_, Ok(Record::Group(record)))) = look.records.get(&Key::Group(group.clone())) else { return sight };
        let leads = record.leader.as_ref().filter(|leader| {
            sessions
                .iter()
                .any(|it| it.node == leader.node && it.session == leader.session && it.state == SessionState::Alive)
        });
        sight.epoch = record.epoch.0;
        sight.leader = leads.map(|leader| leader.node.to_string());
        sight.serving = leads.is_some() && record.serving;
        sight.service = record.service.as_ref().and_then(|service| service.parse().ok());
        sight.why = word(&record.reason);
        sight.reason = story::reason(&record.reason);
        sight
    }
}

fn sighted(record: &SessionRecord, group: &GroupId) -> Option<Sighted> {
    let member = record.members.get(group)?;
    let life = match record.state {
        SessionState::Alive => "alive",
        SessionState::Released => "released",
        SessionState::Proven => "proven",
        SessionState::Expired => "expired",
    };
    Some(Sighted {
        node: record.node.to_string(),
        session: record.session.ordinal,
        life,
        state: if record.state == SessionState::Alive { member.state.as_str() } else { "offline" },
        service: member.service.clone(),
        trouble: member.trouble.clone(),
    })
}

const fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::First => "first",
        Reason::Switchover => "switchover",
        Reason::Stopped => "stopped",
        Reason::ServiceExited(_) => "service-exited",
        Reason::Unhealthy(_) => "unhealthy",
        Reason::NotReady(_) => "not-ready",
        Reason::Proven => "proven",
        Reason::Silent => "silent",
        Reason::Replaced => "replaced",
    }
}

/// Follows the first group of a configuration, looking into its store every `pace`.
///
/// The task ends with the runtime, or when nobody holds the receiver any more.
///
/// # Errors
/// When the store refuses to be opened, or the file has no group.
pub async fn follow(config: &Config, pace: Duration) -> Result<watch::Receiver<Sight>, Failure> {
    let group = config.groups.first().map(|group| group.id.clone());
    let group = group.ok_or_else(|| Failure(String::from("there is no group to follow")))?;
    let records = Records::new(open(config).await?, config.node.name.as_str());
    let (show, shown) = watch::channel(Sight::default());
    tokio::spawn(async move {
        while !show.is_closed() {
            let next = match records.look(clock::now()).await {
                Ok(look) => Sight::read(&look, &group),
                Err(why) => Sight { trouble: Some(why), ..show.borrow().clone() },
            };
            show.send_if_modified(|sight| std::mem::replace(sight, next.clone()) != next);
            tokio::time::sleep(pace).await;
        }
    });
    Ok(shown)
}
