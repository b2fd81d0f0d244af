//! The faults that are measured: how each is made, what is owed then, and how the node comes back.

use std::time::{Duration, Instant};

use hotseat_lab::Node;
use hotseat_lab::spec::GROUP;

/// The lease of `timing = "fast"`.
pub(crate) const TTL: Duration = Duration::from_millis(500);

/// How often it is renewed: the phase of every fault is drawn from here.
pub(crate) const RENEWAL: Duration = Duration::from_nanos(TTL.as_nanos() as u64 / 6);

/// A frozen node is thawed after this: three times its lease.
pub(crate) const FROZEN: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Service,
    Agent,
    AgentAndService,
    AgentStopped,
    NodeFrozen,
    Term,
    Switchover,
}

/// What is aimed at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Aim {
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
    pub(crate) max: Option<Duration>,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::Service,
        Self::Agent,
        Self::AgentAndService,
        Self::AgentStopped,
        Self::NodeFrozen,
        Self::Term,
        Self::Switchover,
    ];

    /// For `--fault`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Agent => "agent",
            Self::AgentAndService => "agent-and-service",
            Self::AgentStopped => "agent-stopped",
            Self::NodeFrozen => "node-frozen",
            Self::Term => "term",
            Self::Switchover => "switchover",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Service => "service SIGKILL",
            Self::Agent => "agent SIGKILL",
            Self::AgentAndService => "agent and service SIGKILL",
            Self::AgentStopped => "agent SIGSTOP",
            Self::NodeFrozen => "node frozen, thawed after 1.5 s",
            Self::Term => "agent SIGTERM",
            Self::Switchover => "switchover",
        }
    }

    /// What the issue lists; nothing is aimed at elsewhere.
    pub(crate) fn aim(self) -> Aim {
        let millis = |millis: u64| Some(Duration::from_millis(millis));
        match self {
            Self::Agent => Aim { p50: millis(60), p99: millis(150), max: None },
            Self::AgentStopped | Self::NodeFrozen => Aim { p50: None, p99: None, max: millis(500 + 150) },
            Self::Switchover => Aim { p50: None, p99: millis(100), max: None },
            Self::Service | Self::AgentAndService | Self::Term => Aim { p50: None, p99: None, max: None },
        }
    }

    /// Makes the fault; the moment it was complete, or for orderly changes the moment they were asked for.
    pub(crate) fn strike(self, leader: &Node) -> Instant {
        match self {
            Self::Service => leader.kill_service(),
            Self::Agent => leader.kill_agent(),
            Self::AgentAndService => leader.kill_agent_and_service(),
            Self::AgentStopped => leader.stop_agent(),
            Self::NodeFrozen => leader.freeze(),
            Self::Term => leader.term(),
            Self::Switchover => {
                let asked = Instant::now();
                let answer = leader.post(&format!("/api/groups/{GROUP}/switchover"), "");
                assert!(answer.as_ref().is_some_and(|it| it.status == 202), "switchover refused: {answer:?}");
                asked
            }
        }
    }

    /// Undoes what is left of it, once the new leader has been seen. `Some`: when a frozen node went on.
    pub(crate) fn undo(self, node: &Node, struck: Instant) -> Option<Instant> {
        match self {
            Self::Service | Self::Switchover => None,
            Self::Agent | Self::AgentAndService | Self::Term => {
                node.wait_exit();
                node.start();
                None
            }
            Self::AgentStopped => {
                node.continue_agent();
                None
            }
            Self::NodeFrozen => {
                std::thread::sleep(FROZEN.saturating_sub(struck.elapsed()));
                let thawed = Instant::now();
                node.thaw();
                Some(thawed)
            }
        }
    }
}
