//! The story on this machine's disk, so that it outlives the agent: `events.jsonl`, one JSON object a line.
//!
//! Written by a thread of its own: a disk that hangs holds up nobody, and what it loses was told all the same. It is not
//! waited for until it is safe from a power cut; a line that was torn by one is left out when the file is read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotseat_client::Event;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::{History, KEPT};
use crate::durable::PRIVATE;

/// Lines after which the file is written anew with those that are kept.
const LINES_MAX: usize = 2 * KEPT;

/// Bytes that are read of it: as many lines, each as long as a line may reasonably be.
const READ_MAX: u64 = 4 << 20;

/// How long an agent that stops waits for its last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The file, and what was in it.
#[derive(Debug)]
pub(super) struct Diary {
    path: PathBuf,
    lines: usize,
}

/// Tells up to which event all is written.
#[derive(Debug)]
pub struct Writing(watch::Receiver<u64>);

impl Diary {
    /// The file in this folder, and the events that it holds.
    pub(super) fn open(folder: &Path) -> (Self, Vec<Event>) {
        let path = folder.join("events.jsonl");
        let events = match read(&path) {
            Ok(events) => events,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!("{}: {error}: the story begins anew", path.display());
                Vec::new()
            }
        };
        (Self { path, lines: events.len() }, events)
    }

    /// Writes what comes after that event, until nobody can tell anything any more.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn keep(self, history: &History, after: u64) -> io::Result<Writing> {
        let (tell, told) = watch::channel(after);
        // Of itself it must not hope for more.
        let (kept, news) = history.subscribe(after);
        let again = history.downgrade();
        let mut pen = Pen { diary: self, file: None, tell, mute: false };
        let body = move || {
            pen.write(&kept);
            let mut news = news;
            loop {
                match news.blocking_recv() {
                    Ok(event) => pen.write(&[event]),
                    Err(RecvError::Closed) => return,
                    Err(RecvError::Lagged(_)) => {
                        let Some(history) = again.upgrade() else { return };
                        let kept;
                        (kept, news) = history.subscribe(*pen.tell.borrow());
                        pen.write(&kept);
                    }
                }
            }
        };
        std::thread::Builder::new().name(String::from("events")).spawn(body)?;
        Ok(Writing(told))
    }
}

impl Writing {
    /// Waits until that event is written, but no longer than a moment.
    pub async fn finish(mut self, newest: u64) {
        // A disk that hangs must not keep an agent from stopping.
        drop(tokio::time::timeout(LAST_LINES, self.0.wait_for(|written| *written >= newest)).await);
    }
}

/// What writes.
struct Pen {
    diary: Diary,
    file: Option<File>,
    tell: watch::Sender<u64>,
    /// Whether it was said that the disk does not take it.
    mute: bool,
}

impl Pen {
    fn write(&mut self, events: &[Event]) {
        let Some(last) = events.last() else { return };
        match self.try_write(events) {
            Ok(()) => self.mute = false,
            Err(error) => {
                self.file = None;
                if !std::mem::replace(&mut self.mute, true) {
                    tracing::warn!("{}: {error}: events are not kept over a restart", self.diary.path.display());
                }
            }
        }
        self.tell.send_replace(last.id);
    }

    fn try_write(&mut self, events: &[Event]) -> io::Result<()> {
        if self.diary.lines >= LINES_MAX {
            self.file = None;
            self.diary.lines = shorten(&self.diary.path)?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.diary.path)?),
        };
        let mut text = Vec::new();
        for event in events {
            serde_json::to_writer(&mut text, event)?;
            text.push(b'\n');
        }
        file.write_all(&text)?;
        self.diary.lines += events.len();
        Ok(())
    }
}

/// For appending; what a torn line left is closed first.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).mode(PRIVATE).open(path)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// Keeps the newest lines; says how many.
fn shorten(path: &Path) -> io::Result<usize> {
    let events = read(path)?;
    let kept = &events[events.len().saturating_sub(KEPT)..];
    let beside = path.with_extension("jsonl.new");
    let private = OpenOptions::new().create(true).write(true).truncate(true).mode(PRIVATE).open(&beside)?;
    let mut file = BufWriter::new(private);
    for event in kept {
        serde_json::to_writer(&mut file, event)?;
        file.write_all(b"\n")?;
    }
    file.into_inner()?.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(kept.len())
}

/// Its events, oldest first; of a file that is too long, the newest.
fn read(path: &Path) -> io::Result<Vec<Event>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(READ_MAX)))?;
    let mut text = Vec::new();
    file.take(READ_MAX).read_to_end(&mut text)?;
    // What is torn, or was somebody else's, is no event.
    let events = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Event>(line).ok());
    let mut events: Vec<_> = events.collect();
    let mut newest = 0;
    events.retain(|event| {
        let grows = event.id > newest;
        newest = newest.max(event.id);
        grows
    });
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        let at = String::from("2026-11-20T12:00:00.000Z");
        let (node, kind, text) = (String::from("n1"), String::from("test"), text.to_owned());
        Event { id: 0, at, node, kind, group: None, epoch: None, text }
    }

    /// One run of an agent: says this, and ends. What it found there at its start.
    fn run(folder: &Path, says: &[&str]) -> Vec<(u64, String)> {
        let (history, writing) = History::open(folder, &crate::metrics::Counts::default()).expect("a thread");
        let found = history.after(0).into_iter().map(|event| (event.id, event.text)).collect();
        says.iter().for_each(|text| history.add(event(text)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let newest = history.newest();
        runtime.block_on(writing.finish(newest));
        found
    }

    #[test]
    fn events_outlive_a_run_and_numbers_never_go_back() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(run(folder.path(), &["one", "two"]), []);
        let first = run(folder.path(), &["three"]);
        assert_eq!(first, [(1, "one".into()), (2, "two".into())]);
        let second = run(folder.path(), &[]);
        assert_eq!(second.len(), 3);
        assert!(second[2].0 > 2 + 1, "what was told and not written has numbers of its own: {second:?}");
    }

    #[test]
    fn a_torn_line_and_rubbish_are_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        run(folder.path(), &["one", "two"]);
        let path = folder.path().join("events.jsonl");
        let mut text = fs::read(&path).expect("it was written");
        text.truncate(text.len() - 9);
        text.splice(0..0, b"rubbish\n\xff\xfe\n".iter().copied());
        fs::write(&path, text).expect("a disk");
        let found: Vec<_> = run(folder.path(), &["three"]).into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, ["one"]);
        let found: Vec<_> = run(folder.path(), &[]).into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, ["one", "three"], "the torn line is not continued");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = vec!["something"; 3 * KEPT];
        for part in says.chunks(100) {
            run(folder.path(), part);
        }
        let lines = fs::read_to_string(folder.path().join("events.jsonl")).expect("it is there").lines().count();
        assert!((KEPT..=LINES_MAX + 100).contains(&lines), "{lines}");
    }
}
