//! The keeper: the parent of one service or hook, forked by the guard.
//!
//! It exists so that *two* processes would have to be lost before a service outlives its session. It needs the guard
//! for nothing: it has the deadline on a shared page and a timer of its own, sees the guard's death by pidfd, and as a
//! subreaper inherits every daemon its service leaves behind. It never reads a file and never talks to the agent.
//!
//! ```text
//!  starting --exec succeeded--> running --main process exited----> clearing --no child, cgroup empty--> gone
//!      |                           |                                  ^
//!      '--exec failed--------------+--deadline, Kill, guard dead------'
//! ```
//! What ends it: its tree is proven empty. Nothing else.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitStatus, getpid, set_child_subreaper, setsid};

use crate::armour;
use crate::cgroup::SlotGroup;
use crate::clock::{Timer, boottime};
use crate::fork::{Side, fork, fork_into, leave};
use crate::kin::{Kin, Reaped};
use crate::page::Page;
use crate::readiness::Readiness;
use crate::recipe::Recipe;
use crate::relay::{Ending, FromKeeper, ToKeeper};
use crate::session::lower_for;
use crate::signals;

const NAME: &CStr = c"seat-keeper";
/// How soon to look again while something resists the kill; then twice as long each time.
const AGAIN_FIRST: u64 = 2_000_000;
const AGAIN_MAX: u64 = 500_000_000;

/// What the guard gives a keeper on its way.
pub(crate) struct Orders<'a> {
    pub(crate) name: &'a str,
    pub(crate) recipe: &'a Recipe,
    pub(crate) group: Option<&'a SlotGroup>,
    pub(crate) page: Page,
    /// The guard's socket to the kernel, to lower its addresses through if it cannot.
    pub(crate) netlink: Option<BorrowedFd<'a>>,
    /// Our end of the socket to the guard.
    pub(crate) guard: &'a OwnedFd,
    /// The guard itself: readable when it is dead.
    pub(crate) guard_life: &'a OwnedFd,
    pub(crate) signals: &'a OwnedFd,
    pub(crate) proc: &'a OwnedFd,
}

/// Being a keeper, in a freshly forked child of the guard.
pub(crate) fn keep(orders: &Orders<'_>) -> ! {
    let mut kept: Vec<RawFd> =
        [orders.guard, orders.guard_life, orders.signals, orders.proc].map(AsRawFd::as_raw_fd).into();
    kept.push(orders.recipe.output().as_raw_fd());
    kept.extend(orders.netlink.as_ref().map(AsRawFd::as_raw_fd));
    kept.extend(orders.group.iter().flat_map(|group| group.descriptors()).map(|fd| fd.as_raw_fd()));
    armour::close_all_but(&mut kept);
    armour::name(NAME);
    armour::hurry();
    let _ = setsid();
    let errno = match Keeper::start(orders) {
        Ok(mut keeper) => keeper.run(),
        Err(errno) => errno,
    };
    FromKeeper::Failed(errno.raw_os_error()).send(orders.guard);
    leave(0)
}

struct Keeper<'a> {
    orders: &'a Orders<'a>,
    kin: Kin,
    timer: Timer,
    main: Option<Pid>,
    /// Where the errno of a failed exec comes from; closed without a word by a successful one.
    starting: Option<OwnedFd>,
    failed: bool,
    /// While clearing: when to look again, and how long to wait then.
    clearing: Option<(u64, u64)>,
    /// The guard is dead, or the deadline has passed.
    session_over: bool,
    lowered: bool,
}

impl<'a> Keeper<'a> {
    /// Starts the service. On an error there is none.
    fn start(orders: &'a Orders<'a>) -> Result<Self, Errno> {
        set_child_subreaper(Some(getpid()))?;
        let proc = rustix::io::fcntl_dupfd_cloexec(orders.proc, 3)?;
        let kin = Kin::of(proc).map_err(|_| Errno::SRCH)?;
        let timer = Timer::new().map_err(|_| Errno::MFILE)?;
        let (result, failure) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let keeper = getpid();
        let born = orders.group.map_or_else(fork, |group| fork_into(group.dir()))?;
        let main = match born {
            Side::Child => orders.recipe.become_it(keeper, &failure),
            Side::Parent(main) => main,
        };
        drop(failure);
        armour::close_all_but(&mut Self::still_needed(orders, &kin, &timer, &result));
        let starting = Some(result);
        Ok(Self {
            orders,
            kin,
            timer,
            main: Some(main),
            starting,
            failed: false,
            clearing: None,
            session_over: false,
            lowered: false,
        })
    }

    fn run(&mut self) -> ! {
        armour::title(&format!("seat-keeper: {}", self.orders.name));
        armour::lock_memory_in_use();
        let mut readiness = Readiness::default();
        loop {
            self.wait(&mut readiness);
            self.note_start();
            self.obey();
            self.reap();
            self.clear();
        }
    }

    fn wait(&mut self, readiness: &mut Readiness) {
        let deadline = self.clearing.map_or(self.orders.page.deadline(), |(again, _)| again);
        self.timer.arm(Some(deadline));
        readiness.clear();
        readiness.read(&self.timer);
        readiness.read(self.orders.signals);
        if self.clearing.is_none() {
            // Once clearing, nothing that anybody says makes a difference; and a dead guard is readable for ever.
            readiness.read(self.orders.guard);
            readiness.read(self.orders.guard_life);
        }
        if let Some(result) = &self.starting {
            readiness.read(result);
        }
        if let (Some(_), Some(group)) = (self.clearing, self.orders.group) {
            readiness.change(group.events());
        }
        readiness.wait();
    }

    /// Whether the exec has succeeded, failed, or is still under way.
    fn note_start(&mut self) {
        let Some(result) = &self.starting else { return };
        let mut errno = [0; 4];
        match read(result, &mut errno) {
            Ok(0) => {
                self.tell(FromKeeper::Started(self.main.map_or(0, |pid| pid.as_raw_nonzero().get().cast_unsigned())))
            }
            Ok(_) => {
                self.failed = true;
                self.tell(FromKeeper::Failed(i32::from_ne_bytes(errno)));
            }
            Err(_) => return,
        }
        self.starting = None;
    }

    /// Does what the guard says; and when the guard is dead or the deadline has passed, does what that means.
    fn obey(&mut self) {
        while let Some(order) = ToKeeper::receive(self.orders.guard) {
            match order {
                ToKeeper::Kill => self.begin_to_clear(),
                ToKeeper::Signal(signo) => self.pass_on(signo),
            }
        }
        if is_dead(self.orders.guard_life) || boottime() >= self.orders.page.deadline() {
            self.begin_to_clear();
            self.session_over = true;
        }
    }

    /// The main process is ours and not reaped, so its number is still its own.
    fn pass_on(&self, signo: i32) {
        if let Some(main) = self.main {
            signals::send(main, signo);
        }
    }

    fn begin_to_clear(&mut self) {
        if self.clearing.is_none() {
            self.clearing = Some((0, AGAIN_FIRST));
        }
    }

    /// Collects the dead. Without its main process a service is over, whatever of it still answers.
    fn reap(&mut self) {
        signals::drain(self.orders.signals);
        loop {
            match self.kin.reap() {
                Reaped::Ended(pid, status) if Some(pid) == self.main => {
                    self.main = None;
                    self.note_start();
                    if !self.failed {
                        self.tell(FromKeeper::Exited(ending(status)));
                    }
                    self.begin_to_clear();
                }
                Reaped::Ended(..) => {}
                Reaped::None => return,
                Reaped::Childless => return self.leave_if_empty(),
            }
        }
    }

    /// Kills what there is. What had children leaves them to us, so every death leads to another look.
    fn clear(&mut self) {
        let Some((again, pause)) = self.clearing else {
            return;
        };
        if let Some(group) = self.orders.group {
            group.kill();
        }
        self.kin.kill_children(|_| false);
        self.lower();
        let now = boottime();
        if now < again {
            return;
        }
        if pause > AGAIN_FIRST {
            // It has taken long: somebody cannot die. Then its children will not become ours, and are killed as hers.
            self.kin.kill_descendants(|_| false);
        }
        self.clearing = Some((now + pause, (pause * 2).min(AGAIN_MAX)));
    }

    /// Lowers the session's addresses once: the guard is dead or late. Again and again would be wrong, for a keeper that
    /// lingers with something that cannot die may see the next session raise them.
    fn lower(&mut self) {
        if self.session_over && !self.lowered {
            self.lowered = self.orders.netlink.is_none_or(|netlink| lower_for(netlink, self.orders.page));
        }
    }

    /// No child is left. Where there is a cgroup, it must be empty too (D4).
    fn leave_if_empty(&mut self) {
        self.begin_to_clear();
        if self.orders.group.is_some_and(SlotGroup::is_still_populated) {
            return;
        }
        self.lower();
        self.tell(FromKeeper::Gone);
        leave(0);
    }

    fn tell(&self, news: FromKeeper) {
        news.send(self.orders.guard);
    }

    /// Everything but the service's output: while a keeper held that, nobody could read to its end.
    fn still_needed(orders: &Orders<'_>, kin: &Kin, timer: &Timer, result: &OwnedFd) -> Vec<RawFd> {
        let mut kept: Vec<RawFd> =
            [orders.guard, orders.guard_life, orders.signals, result].map(AsRawFd::as_raw_fd).into();
        kept.push(timer.as_fd().as_raw_fd());
        kept.extend(kin.descriptors());
        kept.extend(orders.netlink.as_ref().map(AsRawFd::as_raw_fd));
        kept.extend(orders.group.iter().flat_map(|group| group.descriptors()).map(|fd| fd.as_raw_fd()));
        kept
    }
}

fn ending(status: WaitStatus) -> Ending {
    match status.exit_status() {
        Some(code) => Ending::Code(code),
        None => Ending::Signal(status.terminating_signal().unwrap_or(libc::SIGKILL)),
    }
}

/// Whether the process behind a pidfd is dead.
pub(crate) fn is_dead(life: &OwnedFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut [PollFd::from_borrowed_fd(life.as_fd(), PollFlags::IN)], Some(&at_once)), Ok(1))
}
