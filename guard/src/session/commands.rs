//! What the agent tells its guard, and what the guard does about it.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Signal, pidfd_send_signal};

use super::{Phase, Session};
use crate::clock::boottime;
use crate::fork::{Side, fork};
use crate::keeper::{Orders, keep};
use crate::packet::{self, Received};
use crate::recipe::Recipe;
use crate::relay::ToKeeper;
use crate::slot::Slot;
use crate::wire::{Command, Report, SLOTS_MAX, Start};
use crate::word::Trigger;

/// Commands taken in one turn: then the deadline is looked at again.
const COMMANDS_PER_TURN: usize = 32;

/// Reports that may wait for an agent that does not read them, before it counts as gone.
const OUTBOX_MAX: usize = 4 * SLOTS_MAX;

impl Session {
    /// Takes what the agent has sent.
    pub(super) fn listen(&mut self) {
        for _ in 0..COMMANDS_PER_TURN {
            let Some(control) = &self.control else { return };
            match packet::receive(control, self.buffer.as_mut_slice()) {
                Ok(Received::Packet(len, along)) => match Command::decode(&self.buffer[..len]) {
                    Ok(command) => self.obey(command, along),
                    // Not our agent's words. Whoever that is does not hold this session.
                    Err(_) => self.part_from_agent(),
                },
                Ok(Received::Nothing) => return,
                Ok(Received::Closed) | Err(_) => self.part_from_agent(),
            }
            if self.outbox.len() > OUTBOX_MAX {
                self.part_from_agent();
            }
        }
    }

    fn obey(&mut self, command: Command, along: Option<OwnedFd>) {
        match command {
            // Once only: a second one is no reason to give up a session, and no reason to change one.
            Command::Setup(_) => {}
            Command::Deadline { at } => self.extend(at),
            Command::Peers(peers) => self.herald.tell(&peers),
            Command::Start(start) => {
                if let Err(errno) = self.start(&start, along) {
                    self.outbox.push_back(Report::StartFailed { slot: start.slot, errno: errno.raw_os_error() });
                }
            }
            Command::Signal { slot, signo } => self.tell_keeper(slot, ToKeeper::Signal(signo)),
            Command::Kill { slot } => self.slots.iter().filter(|held| held.id == slot).for_each(Slot::kill),
            Command::Raise { address, seconds } => self.raise(address, seconds),
            Command::Lower { address } => self.lower(&address),
            Command::End => self.end(),
        }
    }

    /// A deadline that has passed was the last one: a lapsed session is over (B5).
    fn extend(&mut self, at: u64) {
        let deadline = self.page.deadline();
        if self.phase == Phase::Holding && (deadline == 0 || boottime() < deadline) {
            self.page.extend(at);
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if self.phase == Phase::Holding {
            let (now, deadline) = (boottime(), self.page.deadline());
            // An agent that finds its lease over says so in the very moment in which we do.
            let trigger = if deadline != 0 && now >= deadline { Trigger::Lease } else { Trigger::Order };
            self.begin_to_kill(now, trigger);
        }
    }

    fn tell_keeper(&self, slot: u32, order: ToKeeper) {
        for held in self.slots.iter().filter(|held| held.id == slot && held.has_keeper()) {
            order.send(&held.socket);
        }
    }

    /// The socket is closed, or what comes out of it is not ours. After the end that is as it should be; before, the
    /// agent may be alive and think it leads: it is killed, and no word is given until it is dead (D2).
    fn part_from_agent(&mut self) {
        self.control = None;
        self.outbox.clear();
        if self.ended || matches!(self.phase, Phase::Proven { .. }) {
            return;
        }
        let _ = pidfd_send_signal(&self.agent, Signal::KILL);
        self.agent_must_die = true;
        if self.phase == Phase::Holding {
            self.begin_to_kill(boottime(), Trigger::Agent);
        }
    }

    /// Starts a keeper, which starts the command.
    fn start(&mut self, start: &Start, output: Option<OwnedFd>) -> Result<(), Errno> {
        self.may_start(start.slot)?;
        let output = output.ok_or(Errno::BADF)?;
        let recipe = Recipe::new(start, output, self.inherited)?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        // Room now for what will be reported later.
        self.slots.reserve(1);
        self.keepers.reserve(1);
        self.outbox.reserve(4);
        let group = self.group.as_ref().map(|group| group.slot(start.slot)).transpose();
        let group = group.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let orders = Orders {
            name: &start.name,
            recipe: &recipe,
            group: group.as_ref(),
            page: self.page,
            netlink: self.addresses.as_ref().map(AsFd::as_fd),
            guard: &theirs,
            guard_life: &self.life,
            signals: &self.signals,
            proc: self.kin.proc(),
        };
        match fork() {
            Ok(Side::Child) => keep(&orders),
            Ok(Side::Parent(keeper)) => {
                let number = keeper.as_raw_nonzero().get();
                let place = self.keepers.partition_point(|known| *known < number);
                self.keepers.insert(place, number);
                self.slots.push(Slot::new(start.slot, keeper, ours, group));
                Ok(())
            }
            Err(errno) => {
                self.remove_group(group.as_ref());
                Err(errno)
            }
        }
    }

    fn may_start(&self, slot: u32) -> Result<(), Errno> {
        let deadline = self.page.deadline();
        if self.phase != Phase::Holding || deadline == 0 || boottime() >= deadline {
            return Err(Errno::TIME);
        }
        if self.slots.iter().any(|held| held.id == slot) {
            return Err(Errno::BUSY);
        }
        if self.slots.len() >= SLOTS_MAX {
            return Err(Errno::NOSPC);
        }
        Ok(())
    }
}
