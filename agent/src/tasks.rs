//! The deeds that take time, each in a task of its own; what comes of it is sent back to the loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hotseat_core::{
    Epoch, Expect, GroupId, Input, Instant, Key, Nonce, Proof, Record, Role, Secret, ServiceInput, SessionId, Ticket,
};
use hotseat_guard::Answer;
use tokio::sync::{mpsc, oneshot, watch};

use crate::check;
use crate::config::Check;
use crate::drain::drained;
use crate::driver::Message;
use crate::records::Records;
use crate::snapshot::Snapshot;
use crate::supervisor::{Job, Program};
use crate::unit::Unit;

/// How long one ready check may take; the next one follows soon.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// A service without a port is taken for ready when it has lived this long.
const ALIVE_AFTER: Duration = Duration::from_millis(300);

/// How long to wait for the word of an earlier guard: it kills within its deadline, or never.
const WORD_LIMIT: Duration = Duration::from_secs(3600);

/// Starts tasks and knows where their results go. Tasks end by themselves, each within a limit.
#[derive(Clone)]
pub struct Tasks {
    inbox: mpsc::Sender<Message>,
    records: Records,
    jobs: Arc<AtomicU64>,
}

impl Tasks {
    /// Results go to `inbox`.
    #[must_use]
    pub fn new(inbox: mpsc::Sender<Message>, records: Records) -> Self {
        Self { inbox, records, jobs: Arc::default() }
    }

    /// Since when the group's leader leads, as the last look found it.
    pub fn leads_since(&self, group: &GroupId) -> Option<String> {
        self.records.leads_since(group)
    }

    /// Lists the store.
    pub fn look(&self, began: Instant) {
        let this = self.clone();
        tokio::spawn(async move {
            let message = match this.records.look(began).await {
                Ok(look) => Message::Input(Input::Looked(look)),
                Err(why) => Message::LookFailed(why),
            };
            this.send(message).await;
        });
    }

    /// Compares and swaps.
    pub fn write(&self, ticket: Ticket, key: Key, expect: Expect, record: Record) {
        let this = self.clone();
        tokio::spawn(async move {
            let outcome = this.records.write(&key, expect, &record).await;
            this.send(Message::Input(Input::Written(ticket, outcome))).await;
        });
    }

    /// Waits for the word of an earlier session's guard on this machine.
    pub fn ask_guard(&self, session: SessionId) {
        let this = self.clone();
        // A thread of its own: the word may take as long as a kill.
        std::thread::spawn(move || {
            let id = session.id;
            if let Answer::Proof(secret) = hotseat_guard::ask(id.0.to_be_bytes(), WORD_LIMIT) {
                let proof = Proof { session: Nonce(id.0), secret: Secret(secret), demise: None };
                drop(this.inbox.blocking_send(Message::Input(Input::Proof(proof))));
            }
        });
    }

    /// Reports for a service.
    pub fn report(&self, group: GroupId, run: u64, input: ServiceInput) {
        let this = self.clone();
        tokio::spawn(async move { this.send(Message::Input(Input::Service(group, run, input))).await });
    }

    /// One ready check.
    pub fn check_ready(&self, unit: Arc<Unit>, run: u64) {
        let this = self.clone();
        tokio::spawn(async move {
            let result = match unit.check(&unit.config.service.ready) {
                Check::Alive => {
                    tokio::time::sleep(ALIVE_AFTER).await;
                    Ok(())
                }
                check => this.check(&unit, &check, READY_LIMIT).await,
            };
            this.report(unit.id().clone(), run, ServiceInput::Ready(result));
        });
    }

    /// One health check.
    pub fn check_health(&self, unit: Arc<Unit>, run: u64) {
        let Some(health) = unit.config.service.health.clone() else { return };
        let this = self.clone();
        tokio::spawn(async move {
            let result = this.check(&unit, &unit.check(&health.check), health.timeout).await;
            this.report(unit.id().clone(), run, ServiceInput::Health(result));
        });
    }

    /// Waits until nothing is under way to a leader that ends.
    pub fn drain(&self, group: GroupId, epoch: Epoch, limit: Duration, shown: watch::Receiver<Arc<Snapshot>>) {
        let this = self.clone();
        tokio::spawn(async move {
            drained(group.clone(), epoch, limit, shown).await;
            this.send(Message::Input(Input::Drained(group, epoch))).await;
        });
    }

    async fn check(&self, unit: &Unit, check: &Check, limit: Duration) -> Result<(), String> {
        match (check, unit.address) {
            (Check::Command(argv), _) => self.run(unit.check_command(argv, Role::Standby), limit).await,
            (Check::Alive, _) | (Check::Http { .. } | Check::Tcp, None) => Ok(()),
            (Check::Http { .. } | Check::Tcp, Some(target)) => {
                let verdict = check::run(check, target, limit).await;
                if verdict.ok { Ok(()) } else { Err(verdict.detail) }
            }
        }
    }

    /// Tells a running service its new role, then runs the hook of that change.
    pub fn turn(&self, unit: Arc<Unit>, run: u64, role: Role) {
        let this = self.clone();
        tokio::spawn(async move {
            let result = this.turned(&unit, role).await;
            this.report(unit.id().clone(), run, ServiceInput::Turned(result));
        });
    }

    async fn turned(&self, unit: &Unit, role: Role) -> Result<bool, String> {
        let (word, epoch) = crate::unit::words(role);
        let limit = unit.turn_limit();
        let Some(confirmed) = unit.socket.turn(word, epoch, limit).await else {
            return Err(format!("it did not confirm that it is {word} within {limit:?}"));
        };
        match unit.hook(role) {
            None => Ok(confirmed),
            Some(hook) => {
                let name = hook.name.clone();
                self.run(hook, limit).await.map(|()| true).map_err(|why| format!("{name}: {why}"))
            }
        }
    }

    /// Runs a command in the guard's tree (D3) and waits until nothing of it is alive.
    async fn run(&self, program: Program, limit: Duration) -> Result<(), String> {
        let outcome = self.run_until(program, limit, std::future::pending()).await;
        outcome.expect("nothing ends it before its time")
    }

    /// The same, and ends it before its time once `over` is ready: `None` then.
    pub async fn run_until(
        &self,
        program: Program,
        limit: Duration,
        over: impl Future<Output = ()>,
    ) -> Option<Result<(), String>> {
        let id = self.jobs.fetch_add(1, Ordering::Relaxed);
        let (reply, mut answer) = oneshot::channel();
        self.send(Message::Job(Job::Run { id, program, reply })).await;
        let lost = || Err(String::from("its guard is gone"));
        let too_long = tokio::select! {
            answer = &mut answer => return Some(answer.unwrap_or_else(|_| lost())),
            () = tokio::time::sleep(limit) => true,
            () = over => false,
        };
        self.send(Message::Job(Job::Kill(id))).await;
        drop(answer.await);
        too_long.then(|| Err(format!("no end within {limit:?}: killed")))
    }

    async fn send(&self, message: Message) {
        // A loop that is gone needs no results.
        drop(self.inbox.send(message).await);
    }
}
