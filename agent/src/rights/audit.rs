//! `data_dir/audit.log`: one line of JSON for everything that somebody changed, or was let in to; and `refused.log`, for who was
//! not let in. Strangers can write there, as often as they like, so those two share neither file nor queue: what was done
//! stays, whoever tries to bury it. It is written beside the requests: a disk that hangs keeps nobody waiting, and what is
//! lost then is counted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::Serialize;

use crate::clock;
use crate::durable;

/// What was done, in `data_dir`.
pub(super) const DONE: &str = "audit.log";

/// What nobody was let in for, beside it.
pub(super) const REFUSED: &str = "refused.log";

/// A file that has grown to this, in bytes, is put aside…
const SIZE_MAX: u64 = 10 << 20;

/// …and so many of those are kept: years of what people do, days of what a script that went wild does.
const ASIDE_MAX: u32 = 4;

/// Lines that may wait for the disk.
const WAITING_MAX: usize = 1024;

/// Longest piece of a request that is repeated, in characters.
const PIECE_MAX: usize = 200;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    at: String,
    who: String,
    from: String,
    what: String,
    answer: u16,
    /// As many more like this went before and were not written.
    #[serde(skip_serializing_if = "is_zero")]
    more: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Line {
    /// Now.
    pub(super) fn new(who: &str, from: &str, what: &str, answer: u16) -> Self {
        let piece = |text: &str| text.chars().take(PIECE_MAX).collect();
        Self { at: clock::wall(), who: piece(who), from: piece(from), what: piece(what), answer, more: 0 }
    }

    /// With so many that went before.
    pub(super) fn after(mut self, more: u64) -> Self {
        self.more = more;
        self
    }
}

/// A handle on the log. Its thread ends with the last one.
#[derive(Clone)]
pub(super) struct Audit {
    file: &'static str,
    lines: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

impl Audit {
    /// With this name in this folder.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(super) fn open(data_dir: &Path, file: &'static str) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING_MAX);
        let (path, lost) = (data_dir.join(file), Arc::new(AtomicU64::new(0)));
        let seen = Arc::clone(&lost);
        std::thread::Builder::new().name(String::from("audit")).spawn(move || write_all(&path, &waiting, &seen))?;
        Ok(Self { file, lines, lost })
    }

    /// Writes a line, soon.
    pub(super) fn tell(&self, line: Line) {
        tracing::info!(who = %line.who, from = %line.from, answer = line.answer, "asked: {}", line.what);
        if self.lines.try_send(line).is_err() && self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!("{} cannot keep up: what is asked for is not written down", self.file);
        }
    }
}

/// Writes what comes, until nobody is left who could send anything.
fn write_all(path: &Path, lines: &Receiver<Line>, lost: &AtomicU64) {
    for mut line in lines {
        let missing = lost.swap(0, Ordering::Relaxed);
        line.more = line.more.saturating_add(missing);
        if let Err(error) = write(path, &line, SIZE_MAX) {
            lost.fetch_add(missing + 1, Ordering::Relaxed);
            tracing::error!("{} cannot be written: {error}", path.display());
        }
    }
}

/// The file is opened for each line: whoever moves it away, as logrotate does, needs to tell nobody.
fn write(path: &Path, line: &Line, size_max: u64) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    if fs::metadata(path).is_ok_and(|found| found.len() + text.len() as u64 > size_max) {
        put_aside(path)?;
    }
    let mut file: File = OpenOptions::new().create(true).append(true).mode(durable::PRIVATE).open(path)?;
    file.write_all(&text)
}

/// `audit.log` becomes `audit.log.1`, that `audit.log.2`, and the last one goes.
fn put_aside(path: &Path) -> io::Result<()> {
    let numbered = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    for number in (1..ASIDE_MAX).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, numbered(1))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_few_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(DONE);
        let line = Line::new("root@socket", "socket", "POST /api/groups/web/pause", 200);
        let length = serde_json::to_vec(&line).expect("JSON").len() as u64 + 1;
        for _ in 0..3 * (ASIDE_MAX + 3) {
            write(&path, &line, 2 * length).expect("a disk");
        }
        let files: Vec<_> = fs::read_dir(folder.path()).expect("it is there").flatten().collect();
        assert_eq!(files.len(), 1 + ASIDE_MAX as usize);
        for file in files {
            let found = file.metadata().expect("it is there");
            assert!(found.len() <= 2 * length && found.permissions().mode() & 0o777 == durable::PRIVATE);
        }
    }

    #[test]
    fn what_a_stranger_says_stays_one_short_line() {
        let said = "x\n{\"at\":\u{1b}[2J".repeat(1000);
        let text = serde_json::to_string(&Line::new(&said, &said, &said, 401).after(7)).expect("JSON");
        assert!(text.len() < 8 * PIECE_MAX * 3 && !text.contains('\n') && !text.contains('\u{1b}'));
        assert!(text.ends_with("\"more\":7}"), "{text}");
    }
}
