//! The agent's side: starting a guard and speaking with it.
//!
//! Never blocks and knows no runtime: wrap [`Guard::fd`] in whatever waits for readiness. What it must not be used for:
//! *dropping* a [`Guard`] before [`Report::Proof`] without having sent [`Command::End`] closes the control socket, and
//! the guard then kills this process (D2: a closed socket is not death, so it makes it one).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use crate::packet::{self, Received};
use crate::settings::Settings;
use crate::wire::{Command, Malformed, NAME_MAX, PACKET_MAX, PEERS_MAX, Report};

/// Room in the socket for one packet of the largest size and the kernel's own needs.
const SOCKET_BUFFER: usize = 2 * PACKET_MAX;

/// A guard that this process has started.
///
/// ```no_run
/// use hotseat_guard::{Command, Guard, Settings, boottime};
/// let guard = Guard::spawn(&std::env::current_exe()?, &Settings::new("netmon", "primary-1", [7; 16]))?;
/// guard.send(&Command::Deadline { at: boottime() + 1_800_000_000 }, None)?;
/// while let Some(report) = guard.receive()? {
///     println!("{report:?}");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Guard {
    socket: OwnedFd,
    child: Option<Child>,
}

impl Guard {
    /// Starts `exe guard --fd N` and tells it its settings. Its first report is [`Report::Hello`].
    ///
    /// The guard watches this *process* (by pidfd), so the calling thread may end.
    ///
    /// # Errors
    /// A name or a list over its bound is `InvalidInput`; otherwise what the system said to the start.
    pub fn spawn(exe: &Path, settings: &Settings) -> io::Result<Self> {
        check(settings)?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        for socket in [&ours, &theirs] {
            rustix::net::sockopt::set_socket_send_buffer_size(socket, SOCKET_BUFFER)?;
        }
        let agent = pidfd_open(getpid(), PidfdFlags::empty())?;
        packet::send(&ours, &Command::Setup(settings.clone()).encode(), Some(agent.as_fd()))?;
        let child = launch(exe, settings, &theirs)?;
        Ok(Self { socket: ours, child: Some(child) })
    }

    /// The control socket: readable when a report waits.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The guard's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Sends a command, and with [`Command::Start`] the descriptor of its output. Never blocks.
    ///
    /// # Errors
    /// `WouldBlock` if the guard does not keep up (try again when the socket is writable), `InvalidInput` if the command
    /// is over a bound or no message at all, `BrokenPipe` or `ConnectionReset` if the guard is gone.
    pub fn send(&self, command: &Command, output: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let packet = command.encode();
        if packet.len() > PACKET_MAX {
            return Err(invalid(Malformed::TooLong));
        }
        // What the guard would refuse is a mistake here, and here is where somebody can be told.
        Command::decode(&packet).map_err(invalid)?;
        packet::send(&self.socket, &packet, output)
    }

    /// The next report, or `None` if there is none at the moment. Never blocks.
    ///
    /// # Errors
    /// `UnexpectedEof` once the guard is gone, `InvalidData` if what it said is no message.
    pub fn receive(&self) -> io::Result<Option<Report>> {
        let mut buffer = [0; 256];
        match packet::receive(&self.socket, &mut buffer)? {
            Received::Packet(len, _) => Ok(Some(Report::decode(&buffer[..len])?)),
            Received::Nothing => Ok(None),
            Received::Closed => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl AsFd for Guard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd()
    }
}

impl AsRawFd for Guard {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

impl Drop for Guard {
    /// A guard lingers after its word; somebody has to collect its exit status then. Ends when the guard does.
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        if matches!(child.try_wait(), Ok(None)) {
            let waiting = std::thread::Builder::new().name("guard-exit".into());
            // Without a thread the guard stays a zombie until this process ends: harmless.
            drop(waiting.spawn(move || child.wait()));
        }
    }
}

fn launch(exe: &Path, settings: &Settings, control: &OwnedFd) -> io::Result<Child> {
    let fd = control.as_raw_fd();
    let mut command = std::process::Command::new(exe);
    // Its own name first, so that `pkill -f hotseat` spares it; the guard and its keepers write over the same place.
    command.arg0(format!("seat-guard: {}/{}", settings.cluster, settings.node));
    command.args(["guard", "--fd", &fd.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    inherit(&mut command, fd);
    command.spawn()
}

/// Lets the child, and it alone, inherit the control socket.
#[allow(unsafe_code)]
fn inherit(command: &mut std::process::Command, fd: std::os::fd::RawFd) {
    let keep = move || {
        // SAFETY: fcntl(F_SETFD) takes no pointers, is async-signal-safe, and `fd` is open: the caller of `spawn` holds
        // it until after the fork.
        match unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(keep) };
}

fn check(settings: &Settings) -> io::Result<()> {
    let long = settings.cluster.len() > NAME_MAX || settings.node.len() > NAME_MAX;
    if long || settings.peers.len() > PEERS_MAX {
        return Err(invalid(Malformed::TooLong));
    }
    Command::decode(&Command::Setup(settings.clone()).encode()).map_err(invalid)?;
    Ok(())
}

fn invalid(error: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
