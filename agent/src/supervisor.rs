//! The agent's hand on its guard: what runs, in which slot, and where its output goes.
//!
//! ```text
//!  loop ──GuardCommand──> Supervisor ──wire──> guard ──> services, hooks, command checks
//!  loop <──── Input ───── Supervisor <──wire── guard
//! ```
//!
//! It carries out and reports; it decides nothing, and a slot is free only when the guard says that its tree
//! is gone.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use hotseat_core::{GroupId, GuardReport, Input, Nonce, Proof, ProofHash, Secret, ServiceInput};
use hotseat_guard::{Address, Command, Contained, Guard, Report, Settings, Start};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use crate::vip::{Holdings, Tell};
use crate::{output, random, ready, vigil};

/// A command that is to run inside the guard's tree (D3), and what becomes of it.
#[derive(Debug)]
pub enum Job {
    /// Run it; the answer is `Err` with words unless it exits with 0.
    Run {
        /// For `Kill`.
        id: u64,
        /// What to run.
        program: Program,
        /// The answer, once its whole tree is gone.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// It took too long.
    Kill(u64),
}

/// A program to start.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// What `ps` shows.
    pub name: String,
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// Its environment, complete.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub cwd: Option<PathBuf>,
    /// Where its output goes.
    pub output: output::Target,
}

#[derive(Debug)]
enum Use {
    Service(GroupId, u64),
    Job { id: u64, reply: Option<oneshot::Sender<Result<(), String>>>, ended: Result<(), String> },
}

/// See the module. Ends with the agent; the guard outlives it just long enough to kill and to prove.
#[derive(Debug)]
pub struct Supervisor {
    exe: PathBuf,
    guard: Option<AsyncFd<Guard>>,
    session: [u8; 16],
    slots: HashMap<u32, Use>,
    /// What was told to start and is not known to have: the programs' names.
    starting: HashMap<u32, String>,
    pids: HashMap<GroupId, u32>,
    next: u32,
    guarding: Option<u32>,
    ended: Option<(Option<i32>, Option<i32>)>,
    holdings: Holdings,
}

impl Supervisor {
    /// Without a guard. `exe` is started as `exe guard --fd N`.
    #[must_use]
    pub fn new(exe: PathBuf) -> Self {
        Self {
            exe,
            guard: None,
            session: [0; 16],
            slots: HashMap::new(),
            starting: HashMap::new(),
            pids: HashMap::new(),
            next: 1,
            guarding: None,
            ended: None,
            holdings: Holdings::default(),
        }
    }

    /// The process of a group's service, while it runs.
    #[must_use]
    pub fn pid(&self, group: &GroupId) -> Option<u32> {
        self.pids.get(group).copied()
    }

    /// The processes of all services that run.
    #[must_use]
    pub fn pids(&self) -> BTreeMap<GroupId, u32> {
        self.pids.iter().map(|(group, pid)| (group.clone(), *pid)).collect()
    }

    /// The process of the newest guard.
    #[must_use]
    pub fn guard(&self) -> Option<u32> {
        self.guarding
    }

    /// How the main process of a service ended last: its exit code, or the signal that ended it.
    #[must_use]
    pub fn ended(&self) -> Option<(Option<i32>, Option<i32>)> {
        self.ended
    }

    /// Starts a guard for a new session of its own, whose random part is the answer.
    ///
    /// # Errors
    /// What the system says.
    pub fn spawn(&mut self, settings: Settings) -> Result<Nonce, String> {
        let session = random::nonce()?;
        let settings = Settings { session: session.0.to_be_bytes(), ..settings };
        self.start_guard(&settings).map_err(|error| error.to_string())?;
        Ok(session)
    }

    fn start_guard(&mut self, settings: &Settings) -> io::Result<()> {
        let guard = Guard::spawn(&self.exe, settings)?;
        // The linger is a little over two ttls: a stop is seen within half a ttl or so.
        tokio::spawn(vigil::watch(guard.pid(), settings.linger / 8));
        self.guarding = Some(guard.pid());
        self.session = settings.session;
        self.slots.clear();
        self.starting.clear();
        self.pids.clear();
        self.holdings.clear();
        self.guard = Some(ready::guard(guard)?);
        Ok(())
    }

    /// Tells the guard; a guard that cannot be told is found dead by [`Supervisor::report`].
    pub fn tell(&self, command: &Command) {
        if let Some(guard) = &self.guard
            && let Err(error) = guard.get_ref().send(command, None)
        {
            tracing::warn!("the guard was not told {command:?}: {error}");
        }
    }

    /// Starts a group's service.
    ///
    /// # Errors
    /// Why not, in words; nothing was started then.
    pub fn start_service(&mut self, group: &GroupId, run: u64, program: Program) -> Result<(), String> {
        self.start(Use::Service(group.clone(), run), program)
    }

    /// Runs or ends a job.
    pub fn job(&mut self, job: Job) {
        match job {
            Job::Run { id, program, reply } => {
                let (tell, told) = oneshot::channel();
                let used = Use::Job { id, reply: Some(tell), ended: Err(String::from("did not run")) };
                match self.start(used, program) {
                    // The answer comes when its tree is gone.
                    Ok(()) => drop(tokio::spawn(async move {
                        drop(reply.send(told.await.unwrap_or_else(|_| Err(String::from("its guard is gone")))))
                    })),
                    Err(why) => drop(reply.send(Err(why))),
                }
            }
            Job::Kill(id) => {
                let slot = self.slots.iter().find(|(_, used)| matches!(used, Use::Job { id: its, .. } if *its == id));
                if let Some((slot, _)) = slot {
                    self.tell(&Command::Kill { slot: *slot });
                }
            }
        }
    }

    fn start(&mut self, used: Use, program: Program) -> Result<(), String> {
        let Some(guard) = &self.guard else { return Err(String::from("no guard")) };
        let sink = output::open(&program.name, program.output).map_err(|error| format!("its output: {error}"))?;
        let slot = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        let name = program.argv.first().cloned().unwrap_or_default();
        let start = Start {
            slot,
            name: program.name,
            argv: program.argv.into_iter().map(Into::into).collect(),
            env: program.env.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            cwd: program.cwd,
        };
        guard.get_ref().send(&Command::Start(start), Some(sink.as_fd())).map_err(|error| error.to_string())?;
        self.slots.insert(slot, used);
        self.starting.insert(slot, name);
        Ok(())
    }

    /// Signals the main process of a run.
    pub fn signal(&self, group: &GroupId, run: u64, signo: i32) {
        if let Some(slot) = self.slot(group, run) {
            self.tell(&Command::Signal { slot, signo });
        }
    }

    /// Kills a run's whole tree.
    pub fn kill(&self, group: &GroupId, run: u64) {
        if let Some(slot) = self.slot(group, run) {
            self.tell(&Command::Kill { slot });
        }
    }

    /// Has an address raised for a group; `tell` hears what becomes of it.
    pub fn raise(&mut self, group: GroupId, address: Address, seconds: u32, tell: Tell) {
        // Without a guard nobody holds anything: `tell` closes.
        if self.guard.is_some() {
            self.holdings.add(address, group, tell);
            self.tell(&Command::Raise { address, seconds });
        }
    }

    /// Has every address of a group lowered.
    pub fn lower(&self, group: &GroupId) {
        self.holdings.of(group).into_iter().for_each(|address| self.tell(&Command::Lower { address }));
    }

    /// The same, and answers when none is left.
    pub fn lower_and_answer(&mut self, group: GroupId, reply: oneshot::Sender<()>) {
        self.lower(&group);
        self.holdings.when_none(group, reply);
    }

    fn slot(&self, group: &GroupId, run: u64) -> Option<u32> {
        let same = |used: &Use| matches!(used, Use::Service(its, number) if its == group && *number == run);
        self.slots.iter().find(|(_, used)| same(used)).map(|(slot, _)| *slot)
    }

    /// Waits for what the guard reports and says what it means. Cancel-safe. Waits for ever without a guard.
    pub async fn report(&mut self) -> Input {
        loop {
            let Some(guard) = &self.guard else { return std::future::pending().await };
            let Ok(mut ready) = guard.readable().await else { return self.lost() };
            match guard.get_ref().receive() {
                Ok(None) => ready.clear_ready(),
                Ok(Some(report)) => {
                    drop(ready);
                    if let Some(input) = self.understand(report) {
                        return input;
                    }
                }
                Err(error) => {
                    drop(ready);
                    tracing::debug!("the guard is gone: {error}");
                    return self.lost();
                }
            }
        }
    }

    fn lost(&mut self) -> Input {
        self.guard = None;
        self.slots.clear();
        self.pids.clear();
        self.holdings.clear();
        Input::Guard(GuardReport::Lost)
    }

    fn understand(&mut self, report: Report) -> Option<Input> {
        match report {
            Report::Hello { proof_hash, containment, memory_locked, .. } => {
                if !memory_locked {
                    tracing::warn!("the guard's memory is not locked: a machine that swaps can make it late");
                }
                let contained = match containment {
                    Contained::Cgroup => "cgroup",
                    Contained::Tree => "tree",
                };
                Some(Input::Guard(GuardReport::Ready {
                    proof: ProofHash(proof_hash),
                    session: Nonce(u128::from_be_bytes(self.session)),
                    contained: contained.to_owned(),
                }))
            }
            Report::Unfit { errno } => {
                let why = io::Error::from_raw_os_error(errno);
                Some(Input::Guard(GuardReport::Failed(format!("the guard cannot do its work: {why}"))))
            }
            Report::Overdue => {
                tracing::error!(
                    "ALARM: something of this node's services cannot be killed; nobody takes over until it is dead"
                );
                None
            }
            Report::Proof { secret } => {
                self.guard = None;
                self.holdings.clear();
                let session = Nonce(u128::from_be_bytes(self.session));
                Some(Input::Guard(GuardReport::Proven(Proof { session, secret: Secret(secret), demise: None })))
            }
            Report::Started { slot, pid } => {
                self.starting.remove(&slot);
                let Some(Use::Service(group, run)) = self.slots.get(&slot) else { return None };
                self.pids.insert(group.clone(), pid);
                Some(Input::Service(group.clone(), *run, ServiceInput::Started))
            }
            Report::StartFailed { slot, errno } => self.start_failed(slot, errno),
            Report::Exited { slot, code, signal } => self.exited(slot, code, signal),
            Report::Gone { slot } => self.gone(slot),
            Report::Raised { address, errno } => {
                self.holdings.raised(&address, errno);
                None
            }
            Report::Lowered { address } => {
                self.holdings.lowered(&address);
                None
            }
        }
    }

    fn start_failed(&mut self, slot: u32, errno: i32) -> Option<Input> {
        let program = self.starting.remove(&slot).unwrap_or_default();
        let why = format!("{program} cannot be started: {}", io::Error::from_raw_os_error(errno));
        match self.slots.remove(&slot)? {
            Use::Service(group, run) => Some(Input::Service(group, run, ServiceInput::StartFailed(why))),
            Use::Job { reply, .. } => {
                drop(reply.map(|reply| reply.send(Err(why))));
                None
            }
        }
    }

    fn exited(&mut self, slot: u32, code: Option<i32>, signal: Option<i32>) -> Option<Input> {
        let how = match (code, signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => String::from("ended"),
        };
        match self.slots.get_mut(&slot)? {
            Use::Service(group, run) => {
                self.pids.remove(group);
                self.ended = Some((code, signal));
                Some(Input::Service(group.clone(), *run, ServiceInput::Exited(how)))
            }
            Use::Job { ended, .. } => {
                *ended = if code == Some(0) { Ok(()) } else { Err(how) };
                None
            }
        }
    }

    fn gone(&mut self, slot: u32) -> Option<Input> {
        match self.slots.remove(&slot)? {
            Use::Service(group, run) => Some(Input::Service(group, run, ServiceInput::Gone)),
            Use::Job { reply, ended, .. } => {
                drop(reply.map(|reply| reply.send(ended)));
                None
            }
        }
    }
}
