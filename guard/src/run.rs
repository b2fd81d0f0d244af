//! Becoming a guard: everything that is opened, taken or locked, before the first word to the agent.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open, set_child_subreaper, setsid};

use crate::armour::{self, Inherited};
use crate::cgroup::SessionGroup;
use crate::clock::Timer;
use crate::fork::leave;
use crate::herald::Herald;
use crate::kin::Kin;
use crate::lan::Netlink;
use crate::packet::{self, Received};
use crate::page::Page;
use crate::readiness::Readiness;
use crate::session::{Addresses, Phase, Session};
use crate::settings::{Containment, Settings};
use crate::signals;
use crate::watchdog::Watchdog;
use crate::wire::{Command, Contained, PACKET_MAX, Report};
use crate::word::proof_hash;

/// Exit status of a guard that was started by anything but an agent.
const MISUSED: i32 = 64;

/// Is a guard, with the agent at the other end of this descriptor, until its session is over. Never returns.
///
/// To be called first thing in `main` for `hotseat guard --fd N`, before any thread or runtime exists and before
/// anything is opened: it closes every other descriptor. What it does not understand ends it at once with status 64;
/// nothing has been started then.
pub fn run(fd: RawFd) -> ! {
    let Some(control) = adopt(fd) else { leave(MISUSED) };
    let buffer = Box::new([0; PACKET_MAX]);
    match open(control, buffer) {
        Ok(mut session) => {
            session.run();
            leave(0)
        }
        Err(_) => leave(MISUSED),
    }
}

/// Takes over the descriptor that the agent left open for us, and closes all others.
#[allow(unsafe_code)]
fn adopt(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: fcntl takes no pointers here; a descriptor that is not open is refused.
    if fd < 3 || unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return None;
    }
    armour::close_all_but(&mut [fd]);
    armour::detach_from_terminal().ok()?;
    // SAFETY: the descriptor is open, above standard error, and `run` is called before anything else could own it.
    Some(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) })
}

/// Reads the settings and prepares; tells the agent if that fails.
fn open(control: OwnedFd, mut buffer: Box<[u8; PACKET_MAX]>) -> io::Result<Session> {
    signals::ignore_all();
    let _ = setsid();
    let (settings, agent) = first_message(&control, buffer.as_mut_slice())?;
    armour::name(c"seat-guard");
    armour::title(&format!("seat-guard: {}/{}", settings.cluster, settings.node));
    let told = control.try_clone()?;
    prepare(control, settings, agent, buffer).inspect_err(|error| {
        let errno = Errno::from_io_error(error).unwrap_or(Errno::IO).raw_os_error();
        let _ = packet::send(&told, &Report::Unfit { errno }.encode(), None);
    })
}

/// The settings, and the agent as a descriptor that cannot mean anybody else later.
fn first_message(control: &OwnedFd, buffer: &mut [u8]) -> io::Result<(Settings, OwnedFd)> {
    let mut readiness = Readiness::default();
    loop {
        match packet::receive(control, buffer)? {
            Received::Packet(len, Some(agent)) => match Command::decode(&buffer[..len])? {
                Command::Setup(settings) => return Ok((settings, agent)),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            },
            Received::Packet(_, None) => return Err(io::ErrorKind::InvalidData.into()),
            Received::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            Received::Nothing => {
                readiness.clear();
                readiness.read(control);
                readiness.wait();
            }
        }
    }
}

fn prepare(control: OwnedFd, settings: Settings, agent: OwnedFd, buffer: Box<[u8; PACKET_MAX]>) -> io::Result<Session> {
    let signals = signals::of_children()?;
    set_child_subreaper(Some(getpid()))?;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| io::Error::from(Errno::NOSYS))?;
    let inherited = Inherited::replace();
    armour::hurry();
    let kin = Kin::new()?;
    let herald = Herald::new(&settings, secret)?;
    let page = Page::new()?;
    let netlink = settings.addresses.then(Netlink::open).transpose()?;
    let watchdog = settings.watchdog.as_deref().map(Watchdog::open).transpose()?;
    let mut session = Session {
        group: group(&settings),
        secret,
        control: Some(control),
        agent,
        agent_must_die: false,
        ended: false,
        life: pidfd_open(getpid(), PidfdFlags::empty())?,
        signals,
        inherited,
        kin,
        page,
        addresses: netlink.map(|netlink| Addresses::new(netlink, page)),
        slots: Vec::new(),
        keepers: Vec::new(),
        outbox: VecDeque::with_capacity(16),
        herald,
        watchdog,
        timer: Timer::new()?,
        phase: Phase::Holding,
        again: None,
        buffer,
        settings,
    };
    greet(&mut session);
    Ok(session)
}

/// A cgroup, unless it is not wanted or cannot be had.
fn group(settings: &Settings) -> Option<SessionGroup> {
    match settings.containment {
        Containment::Tree => None,
        Containment::Auto => SessionGroup::create(&settings.cluster, &settings.node, settings.session).ok(),
    }
}

fn greet(session: &mut Session) {
    let hello = Report::Hello {
        proof_hash: proof_hash(&session.secret),
        containment: if session.group.is_some() { Contained::Cgroup } else { Contained::Tree },
        memory_locked: armour::lock_memory(),
        pid: getpid().as_raw_nonzero().get().cast_unsigned(),
    };
    session.outbox.push_back(hello);
    session.flush();
}
