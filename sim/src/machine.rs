//! A machine: its clock, its agent, the guards it has run, and in what state it is. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use hotseat_core::{GroupId, Input, Instant, Node, NodeConfig, Question, SessionId};

use crate::clock::Clock;
use crate::event::What;
use crate::fault::Cut;
use crate::guard::Guard;
use crate::service::Temper;

/// One run of an agent.
#[derive(Debug)]
pub struct Agent {
    /// Which run of this machine's agents.
    pub life: u32,
    /// Its mind.
    pub node: Node,
    /// Stopped by SIGSTOP.
    pub paused: bool,
    /// What waits for it to run again.
    pub waiting: Vec<What>,
    /// The true time of its timer.
    pub wake: Option<u64>,
    /// Its guard.
    pub guard: Option<usize>,
    /// The session it told of, until it tells that it is over.
    pub session: Option<SessionId>,
    /// The newest deadline it gave its guard in this session.
    pub deadline: Option<Instant>,
    /// The simulated millisecond in which wakes are counted.
    pub window: u64,
    /// Wakes in it.
    pub wakes: u32,
    /// It has heard that its session is refused.
    pub refused: bool,
    /// It has looked at its copy of the log.
    pub informed: bool,
    /// How often the followers of each group were told to come or to go.
    pub followers: BTreeMap<GroupId, u32>,
    /// What its voter has bound itself to.
    pub bound: BTreeSet<SessionId>,
}

/// Renewals that have reached a machine whose agent does not read them, and since when each session's lie there.
#[derive(Debug, Default)]
pub struct Unread(Vec<(SessionId, u64, u64)>);

impl Unread {
    /// Notes what has to wait, if it is a renewal.
    pub fn note(&mut self, now: u64, what: &What) {
        if let What::Letter(_, input) | What::Tell(_, input) = what
            && let Input::Asked(_, Question::Renew(renewal)) = &**input
            && !self.0.iter().any(|(session, seq, _)| (*session, *seq) == (renewal.session, renewal.seq))
        {
            self.0.push((renewal.session, renewal.seq, now));
        }
    }

    /// Notes what is read.
    pub fn read(&mut self, input: &Input) {
        if let Input::Asked(_, Question::Renew(renewal)) = input
            && !self.0.is_empty()
        {
            self.0.retain(|(session, seq, _)| (*session, *seq) != (renewal.session, renewal.seq));
        }
    }

    /// Since when the oldest of this session has lain there.
    #[must_use]
    pub fn since(&self, session: SessionId) -> Option<u64> {
        self.0.iter().filter(|(it, ..)| *it == session).map(|(.., at)| *at).min()
    }

    /// The process that should have read them is gone.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    /// How the agent is configured here.
    pub config: NodeConfig,
    /// Its clock.
    pub clock: Clock,
    /// The name belongs to another machine: started by mistake.
    pub twin: bool,
    /// The agent, if one runs.
    pub agent: Option<Agent>,
    /// How many agents have run.
    pub lives: u32,
    /// Every guard that has run.
    pub guards: Vec<Guard>,
    /// What its services are like.
    pub tempers: BTreeMap<GroupId, Temper>,
    /// Since when it stands still.
    pub frozen: Option<u64>,
    /// When it was thawed last.
    pub thawed: Option<u64>,
    /// No power.
    pub off: bool,
    /// What waits for the thaw.
    pub waiting: Vec<What>,
    /// Whether its way to the store is cut.
    pub cut: Option<Cut>,
    /// Since when it reads the past.
    pub stale: Option<u64>,
    /// So many of a thousand writes are late.
    pub late: u64,
    /// Its disk's number; its own, unless it shares another's.
    pub disk: usize,
    /// The machine whose disk it shares, started there by mistake (B3).
    pub shares: Option<usize>,
    /// Promises on their way to the disk.
    pub keeping: Option<(u64, BTreeSet<SessionId>)>,
    /// What lies in the sockets.
    pub unread: Unread,
}

impl Machine {
    /// Powered on, with no agent yet.
    #[must_use]
    pub fn new(config: NodeConfig, clock: Clock, twin: bool, temper: Temper) -> Self {
        let tempers = config.groups.iter().map(|group| (group.id.clone(), temper)).collect();
        Self {
            config,
            clock,
            twin,
            agent: None,
            lives: 0,
            guards: Vec::new(),
            tempers,
            frozen: None,
            thawed: None,
            off: false,
            waiting: Vec::new(),
            cut: None,
            stale: None,
            late: 0,
            disk: 0,
            shares: None,
            keeping: None,
            unread: Unread::default(),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> String {
        let mark = if self.twin { "'" } else { "" };
        format!("{}{mark}", self.config.name)
    }

    /// Whether this run of the agent is the present one.
    #[must_use]
    pub fn lives(&self, life: u32) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.life == life)
    }
}
