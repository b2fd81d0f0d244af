//! What a command is started with: the terminal, files and pipes that `hotseat lock` itself was given, its words and its
//! environment. A guard starts programs away from all that, so it starts this very binary, and sends it a parcel.
//!
//! ```text
//!  hotseat lock ──0, 1, 2, words──> socket ──> [hotseat lock-child] ──exec──> CMD      same process, same tree
//!               <────────── errno, if there is no such program ──┘
//! ```
//! The child is inside of the guard's tree, under its deadline, before it reads the first byte.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// Standard input, output and error, and the words.
const DESCRIPTORS: usize = 4;

/// The kernel takes less than this for arguments and environment together.
const WORDS_MAX: u64 = 8 << 20;

/// Exit code of a command that is not there, as shells have it.
const NOT_FOUND: u8 = 127;
/// Exit code of one that cannot be executed.
pub(super) const NOT_EXECUTABLE: u8 = 126;

/// Names and values.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// A command, on its way into the guard's tree.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// For the child: its standard output, until it has read what is in here.
    pub(crate) door: OwnedFd,
    /// Where an error comes back.
    pub(crate) answer: UnixStream,
}

impl Parcel {
    /// Packs the command.
    ///
    /// # Errors
    /// When the system has no memory or descriptors for it.
    pub(crate) fn pack(words: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let words = write_down(words, environment)?;
        let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
        send(&ours, &[input.as_fd(), output.as_fd(), errors.as_fd(), words.as_fd()])?;
        ours.set_nonblocking(true)?;
        Ok(Self { door: theirs.into(), answer: ours })
    }
}

/// What kept the command from running; to be asked once it has ended.
pub(crate) fn why_not_run(answer: &mut UnixStream) -> Option<io::Error> {
    let mut errno = [0; 4];
    let read = answer.read(&mut errno).ok()?;
    (read == errno.len()).then(|| io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))
}

/// The exit code for that.
pub(crate) fn code_of(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// A text of zero-terminated words: how many belong to the command, these, then the environment as `NAME=VALUE`.
fn write_down(words: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<File> {
    let file = rustix::fs::memfd_create(c"hotseat-lock", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut text = words.len().to_string().into_bytes();
    text.push(0);
    for word in words {
        text.extend_from_slice(word.as_bytes());
        text.push(0);
    }
    for (name, value) in environment {
        text.extend_from_slice(&[name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat());
    }
    let mut file = File::from(file);
    file.write_all(&text)?;
    Ok(file)
}

fn read_back(file: OwnedFd) -> Option<(Vec<OsString>, Environment)> {
    let mut file = File::from(file);
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(WORDS_MAX).read_to_end(&mut text).ok()?;
    let mut all = text.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    let count: usize = std::str::from_utf8(all.next()?).ok()?.parse().ok()?;
    let words = all.by_ref().take(count).map(owned).collect();
    let environment = all.map(|variable| {
        let at = variable.iter().position(|byte| *byte == b'=').unwrap_or(variable.len());
        (owned(&variable[..at]), owned(variable.get(at + 1..).unwrap_or_default()))
    });
    Some((words, environment.collect()))
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn send(socket: &UnixStream, descriptors: &[BorrowedFd<'_>; DESCRIPTORS]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    along.push(SendAncillaryMessage::ScmRights(descriptors));
    sendmsg(socket, &[IoSlice::new(&[1])], &mut along, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(socket: BorrowedFd<'_>) -> Option<[OwnedFd; DESCRIPTORS]> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut along = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut along, RecvFlags::CMSG_CLOEXEC).ok()?;
    let descriptors = along.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    descriptors.flatten().collect::<Vec<_>>().try_into().ok()
}

/// Being `hotseat lock-child`: takes the parcel from standard output and becomes the command. Returns only if that
/// fails.
#[must_use]
pub fn become_command() -> ExitCode {
    let door = io::stdout();
    // A copy that the command does not inherit.
    let Ok(answer) = door.as_fd().try_clone_to_owned() else { return ExitCode::from(NOT_EXECUTABLE) };
    let unpacked = receive(door.as_fd()).and_then(|[input, output, errors, words]| {
        let (words, environment) = read_back(words)?;
        Some((input, output, errors, words, environment))
    });
    let Some((input, output, errors, words, environment)) = unpacked else {
        return ExitCode::from(NOT_EXECUTABLE);
    };
    let program = words.first().map_or(OsStr::new(""), OsString::as_os_str);
    let mut command = Command::new(program);
    command.args(words.iter().skip(1)).env_clear().envs(environment);
    let error = command.stdin(input).stdout(output).stderr(errors).exec();
    let errno = error.raw_os_error().unwrap_or_default();
    drop(File::from(answer).write_all(&errno.to_ne_bytes()));
    ExitCode::from(code_of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_environment_come_back_as_they_were() {
        let words: Vec<OsString> = ["sh", "-c", "", "a b\n", "ä=="].map(OsString::from).to_vec();
        let bytes = OsString::from_vec(vec![0xff, 0xfe]);
        let environment = vec![("A".into(), "1=2".into()), ("EMPTY".into(), "".into()), ("RAW".into(), bytes)];
        let file = write_down(&words, &environment).expect("there is memory");
        assert_eq!(read_back(file.into()), Some((words, environment)));
    }

    #[test]
    fn no_words_are_no_command() {
        let empty = write_down(&[], &[]).expect("there is memory");
        assert_eq!(read_back(empty.into()), Some((vec![], vec![])));
    }
}
