//! What a lock does when its protocol's value says so: writes, renewals, the guard, and the command that it starts.

use std::collections::BTreeSet;
use std::sync::Arc;

use hotseat_core::{
    Action, Event, Exit, GroupId, GuardCommand, Input, Instant, Key, Record, Renewal, Role, ServiceInput, SessionState,
};
use hotseat_guard::Command;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{Holder, Running, Stage};
use crate::clock;
use crate::lock::parcel::Parcel;
use crate::lock::terms::environment;
use crate::output::Target;
use crate::supervisor::Program;

/// This binary, wherever it has been moved or upgraded to since.
const OURSELVES: &str = "/proc/self/exe";

impl Holder {
    /// Takes a step, and does what comes of it.
    pub(super) fn feed(&mut self, input: Input) {
        let now = clock::now();
        tracing::debug!("<- {input:?}");
        for action in self.node.step(now, input) {
            tracing::debug!("-> {action:?}");
            self.act(now, action);
        }
    }

    fn act(&mut self, now: Instant, action: Action) {
        match action {
            Action::Look => self.tasks.look(now),
            Action::Write { ticket, key, expect, record } => {
                let own = key == Key::Session(self.name.clone());
                if own && matches!(&record, Record::Session(record) if record.state == SessionState::Released) {
                    self.release = Some(ticket);
                }
                self.tasks.write(ticket, key, expect, record);
            }
            Action::Renew(renewal) => self.renew(renewal),
            Action::SpawnGuard => self.spawn_guard(),
            Action::AskGuard(session) => self.tasks.ask_guard(session),
            Action::Guard(command) => self.guard_command(command),
            Action::Tell(event) => self.note(&event),
            Action::Exit(exit) => self.exit = Some(exit),
            // A command has no readiness, health or role to be told of; silent sessions are ended by agents.
            Action::CheckReady(..)
            | Action::CheckHealth(..)
            | Action::Turn(..)
            | Action::Announce(..)
            | Action::Withdraw(..)
            | Action::Drain(..)
            | Action::Ask(..)
            | Action::Answer(..)
            | Action::Keep(..) => {}
        }
    }

    fn note(&mut self, event: &Event) {
        tracing::debug!("{event:?}");
        if let (Event::SessionOver(_, why), Stage::Running(it)) = (event, &mut self.stage) {
            it.lost.get_or_insert_with(|| why.clone());
        }
    }

    /// Late is as good as never: the next one follows soon.
    fn renew(&self, renewal: Renewal) {
        let (client, limit) = (self.options.client.clone(), self.terms.timing.store_timeout());
        tokio::spawn(async move {
            if let Err(error) = client.renew_lock(&renewal, limit).await {
                tracing::debug!("a renewal was not passed on: {error}");
            }
        });
    }

    fn spawn_guard(&mut self) {
        match self.supervisor.spawn(self.guard.clone()) {
            Err(why) => self.exit = Some(Exit::NoGuard(why)),
            Ok(session) => {
                self.session = session;
                let pid = self.supervisor.guard().and_then(|pid| Pid::from_raw(pid.cast_signed()));
                self.guarding = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
            }
        }
    }

    fn guard_command(&mut self, command: GuardCommand) {
        match command {
            GuardCommand::Deadline(at) => self.supervisor.tell(&Command::Deadline { at: at.as_nanos() }),
            GuardCommand::End => self.supervisor.tell(&Command::End),
            GuardCommand::Start { group, run, role: Role::Leader(epoch) } => {
                if let Err(why) = self.start(&group, run, epoch.0) {
                    self.tasks.report(group, run, ServiceInput::StartFailed(why));
                }
            }
            // A lock has no standbys that run.
            GuardCommand::Start { role: Role::Standby, .. } => {}
            GuardCommand::Signal(group, run) | GuardCommand::Kill(group, run) => {
                if let Stage::Running(it) = &mut self.stage {
                    it.lost.get_or_insert_with(|| String::from("others took it"));
                }
                self.supervisor.kill(&group, run);
            }
        }
    }

    fn start(&mut self, group: &GroupId, run: u64, epoch: u64) -> Result<(), String> {
        let parcel = Parcel::pack(&self.options.command, &environment(&self.terms, group, epoch));
        let Parcel { door, answer } = parcel.map_err(|error| error.to_string())?;
        self.stage = Stage::Running(Running {
            group: group.clone(),
            run,
            answer,
            early: Some(BTreeSet::new()),
            exit: None,
            lost: None,
        });
        let program = Program {
            name: self.options.lock.to_string(),
            argv: vec![OURSELVES.to_owned(), String::from("lock-child")],
            output: Target::Given(Arc::new(door)),
            ..Program::default()
        };
        self.supervisor.start_service(group, run, program)
    }
}
