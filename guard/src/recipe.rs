//! A command, made ready so that a freshly forked child can become it without allocating.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, c_char};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setsid};

use crate::armour::Inherited;
use crate::fork::leave;
use crate::signals;
use crate::wire::Start;

/// Where a command is looked for if its environment has no `PATH`.
const PATH_DEFAULT: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Exit status of a child that could not become the command; nobody sees it, the errno goes another way.
const NOT_STARTED: i32 = 127;

/// A command, ready to be executed.
pub(crate) struct Recipe {
    candidates: Vec<CString>,
    argv: Strings,
    env: Strings,
    cwd: Option<CString>,
    output: OwnedFd,
    inherited: Inherited,
}

impl Recipe {
    /// Prepares a command.
    pub(crate) fn new(start: &Start, output: OwnedFd, inherited: Inherited) -> Result<Self, Errno> {
        let variables = start.env.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        Ok(Self {
            candidates: candidates(start)?,
            argv: Strings::new(start.argv.iter().map(|argument| argument.as_bytes().to_vec()))?,
            env: Strings::new(variables)?,
            cwd: start.cwd.as_ref().map(|cwd| c_string(cwd.as_os_str().as_bytes().to_vec())).transpose()?,
            output,
            inherited,
        })
    }

    /// The descriptor that becomes the command's output.
    pub(crate) fn output(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.output)
    }

    /// Becomes the command, in a freshly forked child of `keeper`; or writes the errno to `failure` and ends.
    ///
    /// `failure` is close-on-exec: when it closes without a word, the command runs.
    pub(crate) fn become_it(&self, keeper: Pid, failure: &OwnedFd) -> ! {
        let errno = self.try_to_become_it(keeper);
        let _ = rustix::io::write(failure, &errno.raw_os_error().to_ne_bytes());
        leave(NOT_STARTED)
    }

    fn try_to_become_it(&self, keeper: Pid) -> Errno {
        // The second belt. Had the keeper died before this line, we would have another parent by now.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        if getppid() != Some(keeper) {
            leave(NOT_STARTED);
        }
        let _ = setsid();
        self.inherited.restore();
        for standard in [1, 2] {
            // SAFETY: dup2 takes no pointers; nothing in this child uses 1 or 2, which lead to /dev/null so far.
            if unsafe { libc::dup2(self.output.as_raw_fd(), standard) } < 0 {
                return last();
            }
        }
        if let Some(cwd) = &self.cwd
            && let Err(errno) = rustix::process::chdir(cwd.as_c_str())
        {
            return errno;
        }
        signals::restore_defaults();
        self.execute()
    }

    /// Tries every candidate, as a shell would: a file that may not be executed is remembered, and the search goes on.
    fn execute(&self) -> Errno {
        let mut worst = Errno::NOENT;
        for path in &self.candidates {
            // SAFETY: path, arguments and environment are NUL-terminated strings in arrays ended by a null pointer,
            // all owned by `self` and alive during the call.
            unsafe { libc::execve(path.as_ptr(), self.argv.pointers(), self.env.pointers()) };
            match last() {
                Errno::NOENT | Errno::NOTDIR => {}
                Errno::ACCESS => worst = Errno::ACCESS,
                errno => return errno,
            }
        }
        worst
    }
}

/// C strings and the array of pointers that `execve` wants.
struct Strings {
    _owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    fn new(strings: impl Iterator<Item = Vec<u8>>) -> Result<Self, Errno> {
        let owned = strings.map(c_string).collect::<Result<Vec<_>, _>>()?;
        // The strings live on the heap: moving the vector that owns them moves no string.
        let pointers = owned.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect();
        Ok(Self { _owned: owned, pointers })
    }

    fn pointers(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }
}

/// The files that the command may be: itself if it has a slash, else one in each directory of its `PATH`.
fn candidates(start: &Start) -> Result<Vec<CString>, Errno> {
    let command = start.argv.first().ok_or(Errno::INVAL)?.as_bytes();
    if command.contains(&b'/') {
        return Ok(vec![c_string(command.to_vec())?]);
    }
    let path = start.env.iter().rev().find(|(name, _)| name == OsStr::new("PATH"));
    let path = path.map_or(PATH_DEFAULT, |(_, value)| value.as_bytes());
    let directories = path.split(|byte| *byte == b':');
    directories.map(|directory| c_string(in_directory(directory, command))).collect()
}

/// An empty entry of `PATH` is the working directory.
fn in_directory(directory: &[u8], command: &[u8]) -> Vec<u8> {
    if directory.is_empty() { [b"./", command].concat() } else { [directory, b"/", command].concat() }
}

fn c_string(bytes: Vec<u8>) -> Result<CString, Errno> {
    CString::new(bytes).map_err(|_| Errno::INVAL)
}

fn last() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
