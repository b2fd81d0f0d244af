//! What the loop tells the guard.

use hotseat_core::{Exit, GuardCommand, ServiceInput};
use hotseat_guard::{Command, Settings};

use super::Driver;
use crate::unit;

impl Driver {
    pub(super) fn spawn_guard(&mut self) -> Option<Exit> {
        let settings = Settings { peers: self.known_peers.clone(), ..self.guard.clone() };
        self.supervisor.spawn(settings).err().map(Exit::NoGuard)
    }

    pub(super) fn guard_command(&mut self, command: GuardCommand) {
        match command {
            GuardCommand::Deadline(at) => self.supervisor.tell(&Command::Deadline { at: at.as_nanos() }),
            GuardCommand::End => self.supervisor.tell(&Command::End),
            GuardCommand::Signal(group, run) => {
                if let Some(unit) = self.units.get(&group) {
                    self.supervisor.signal(&group, run, unit.config.service.stop.signal.as_raw());
                }
            }
            GuardCommand::Kill(group, run) => self.supervisor.kill(&group, run),
            GuardCommand::Start { group, run, role } => {
                let Some(unit) = self.units.get(&group) else { return };
                let (word, epoch) = unit::words(role);
                unit.socket.set(word, epoch);
                let started =
                    unit.port_is_free().and_then(|()| self.supervisor.start_service(&group, run, unit.program(role)));
                if let Err(why) = started {
                    self.tasks.report(group, run, ServiceInput::StartFailed(why));
                }
            }
        }
    }
}
