//! A store must prove itself: at start-up the file system is raced against itself, and refused if
//! it lets two win.
//!
//! It proves what one machine can: the calls exist, refuse what they must refuse, and let one of
//! two racers win here. What two machines would see it cannot know.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use super::files::{fresh, sync_dir, write_new};
use super::home::unusable;
use crate::OpenError;

/// Enough that a file system that copies instead of renaming is caught; each costs well under a millisecond.
const ROUNDS: usize = 4;
/// A probe takes seconds at most: one this old was left by a crash.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

type Check = fn(&Path) -> io::Result<Result<(), String>>;

const CHECKS: [(&str, Check); 6] = [
    ("exclusive creation", creation_is_exclusive),
    ("renaming what is not there", rename_needs_its_source),
    ("renaming onto a record", rename_spares_a_record),
    ("two renames of one token", one_of_two_renames_wins),
    ("two creations of one record", one_of_two_creations_wins),
    ("syncing a directory", directory_syncs),
];

/// Races the file system under `root`, in a directory of this probe's own.
pub(super) fn prove(root: &Path) -> Result<(), OpenError> {
    let (probes, place) = places(root).map_err(|error| unusable("probe", root, &error))?;
    sweep(&probes);
    let proved =
        fs::create_dir_all(&place).map_err(|error| unusable("create", &place, &error)).and_then(|()| all(&place));
    drop(fs::remove_dir_all(&place));
    proved
}

fn places(root: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let nonce = fresh()?;
    let probes = root.join("probe");
    let place = probes.join(nonce);
    Ok((probes, place))
}

fn all(place: &Path) -> Result<(), OpenError> {
    for (name, check) in CHECKS {
        match check(place) {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => {
                return Err(OpenError::Refused(format!(
                    "the file system at {} cannot keep one leader: {name}: {broken}; \
                     use NFS, SMB, a cluster file system, or another kind of store",
                    place.display()
                )));
            }
            Err(error) => return Err(unusable(&format!("probe ({name})"), place, &error)),
        }
    }
    Ok(())
}

fn creation_is_exclusive(place: &Path) -> io::Result<Result<(), String>> {
    let file = place.join("exclusive");
    write_new(&file, b"first")?;
    Ok(match write_new(&file, b"second") {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => return Err(error),
        Ok(()) => Err("a file was created twice".to_owned()),
    })
}

fn rename_needs_its_source(place: &Path) -> io::Result<Result<(), String>> {
    Ok(match fs::rename(place.join("missing"), place.join("made")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => return Err(error),
        Ok(()) => Err("a missing file was renamed".to_owned()),
    })
}

fn rename_spares_a_record(place: &Path) -> io::Result<Result<(), String>> {
    let (record, draft) = (place.join("record"), place.join("draft"));
    for dir in [&record, &draft] {
        fs::create_dir(dir)?;
        write_new(&dir.join("token"), b"")?;
    }
    let renamed = fs::rename(&draft, &record).is_ok();
    let both_there = record.join("token").exists() && draft.join("token").exists();
    Ok(if renamed || !both_there { Err("a record was replaced".to_owned()) } else { Ok(()) })
}

fn one_of_two_renames_wins(place: &Path) -> io::Result<Result<(), String>> {
    for round in 0..ROUNDS {
        let dir = place.join(format!("swap-{round}"));
        fs::create_dir(&dir)?;
        write_new(&dir.join("token"), b"")?;
        let won = race(|racer| fs::rename(dir.join("token"), dir.join(racer)));
        let there = fs::read_dir(&dir)?.count();
        if won != 1 || there != 1 {
            return Ok(Err(format!("{won} of 2 were told that they won, and {there} files are there")));
        }
    }
    Ok(Ok(()))
}

fn one_of_two_creations_wins(place: &Path) -> io::Result<Result<(), String>> {
    for round in 0..ROUNDS {
        let dir = place.join(format!("create-{round}"));
        for racer in RACERS {
            fs::create_dir_all(dir.join(racer))?;
            write_new(&dir.join(racer).join(racer), b"")?;
        }
        let won = race(|racer| fs::rename(dir.join(racer), dir.join("record")));
        let there = fs::read_dir(dir.join("record"))?.count();
        if won != 1 || there != 1 {
            return Ok(Err(format!("{won} of 2 were told that they won, and {there} files are there")));
        }
    }
    Ok(Ok(()))
}

fn directory_syncs(place: &Path) -> io::Result<Result<(), String>> {
    sync_dir(place).map(Ok)
}

const RACERS: [&str; 2] = ["a", "b"];

/// How many of the racers were told that they won.
fn race(act: impl Fn(&str) -> io::Result<()> + Sync) -> usize {
    let start = Barrier::new(RACERS.len());
    let run = |racer| {
        start.wait();
        act(racer).is_ok()
    };
    thread::scope(|scope| {
        let runs = RACERS.map(|racer| scope.spawn(move || run(racer)));
        runs.into_iter().filter_map(|run| run.join().ok()).filter(|won| *won).count()
    })
}

/// Removes what probes left that crashed long ago.
fn sweep(probes: &Path) {
    let old = |path: &Path| -> Option<bool> {
        let written = fs::metadata(path).ok()?.modified().ok()?;
        Some(SystemTime::now().duration_since(written).ok()? > LEFTOVER_AGE)
    };
    for left in fs::read_dir(probes).into_iter().flatten().flatten() {
        if old(&left.path()) == Some(true) {
            drop(fs::remove_dir_all(left.path()));
        }
    }
}
