//! Compare-and-swap: rename the token of the expected version to the next one's name.
//!
//! The source of the rename must exist and never exists again, so of any racers exactly one wins,
//! and a writer that was frozen for a thousand versions gets "no such file", for ever. Nothing is
//! renamed once the caller has given up.

use std::cmp::Ordering;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::files::{sync_dir, told, write_new};
use super::frame;
use super::home::Home;
use super::lanes::Patience;
use super::look::{Sight, sight};
use super::token::{BodyName, Fate, Token};
use crate::{Body, Key, Written};

/// What became of an attempt whose rename did not simply succeed.
pub(super) enum Settled {
    /// It is the current token, or was.
    Won,
    /// Another made its version.
    Lost,
    /// No telling.
    Open(String),
}

/// Replaces version `expect` of the record.
pub(super) fn swap(home: &Home, key: &Key, expect: u64, nonce: u128, body: &Body, patience: &Patience) -> Written {
    let dir = home.record(key);
    let seen = match sight(&dir) {
        Ok(Some(seen)) => seen,
        Ok(None) => return absent(home, key),
        Err(what) => return Written::Unknown(what),
    };
    match seen.token.version.cmp(&expect) {
        Ordering::Equal => {}
        Ordering::Greater => return Written::Refused,
        Ordering::Less => return Written::Unknown(went_back(&dir, seen.token.version, expect)),
    }
    // A renewal says nothing new: a rename is enough, and no disk has to be waited for.
    let same = home.cache().get(key, &seen.token).is_some_and(|now| now == *body);
    let next = if same { seen.token.next_with_same_body(nonce) } else { seen.token.next(nonce) };
    let Some(next) = next else {
        return Written::Unknown(format!("{} has the last version there can be", dir.display()));
    };
    let file = (!same).then(|| dir.join(next.body().name()));
    if let Some(file) = &file
        && let Err(error) = write_new(file, &frame::seal(key, body))
    {
        if error.kind() != ErrorKind::AlreadyExists {
            drop(fs::remove_file(file));
        }
        return Written::Unknown(told("write", file, &error));
    }
    if patience.is_over() {
        drop(file.map(fs::remove_file));
        return Written::Unknown("its caller gave up before it was sent".to_owned());
    }
    let renamed = fs::rename(dir.join(seen.token.name()), dir.join(next.name()));
    match renamed.map_or_else(|error| settle(&dir, &next.attempt(), &error), |()| Settled::Won) {
        Settled::Won => applied(home, key, &seen, &next, body),
        Settled::Lost => {
            drop(file.map(fs::remove_file));
            Written::Refused
        }
        // The body stays: the rename may land yet.
        Settled::Open(what) => Written::Unknown(what),
    }
}

/// A record that is not there has no version, if the store is there, and the record never was.
fn absent(home: &Home, key: &Key) -> Written {
    let seen = home.cache().version(key);
    match fs::metadata(home.records()) {
        Ok(_) if seen == 0 => Written::Refused,
        Ok(_) => Written::Unknown(went_back(&home.record(key), 0, seen)),
        Err(error) => Written::Unknown(told("read", home.records(), &error)),
    }
}

/// What was true cannot become false: this view is old, or the store is (C8).
fn went_back(dir: &Path, now: u64, before: u64) -> String {
    format!("{} shows version {now}, older than {before}: an old view of it, or the store has gone back", dir.display())
}

fn applied(home: &Home, key: &Key, seen: &Sight, next: &Token, body: &Body) -> Written {
    let dir = home.record(key);
    // On a disk of this machine a renewal need not outlive the machine: everybody who relies on it runs here.
    let durable = next.body() == next.attempt() || !home.is_local();
    if durable && let Err(error) = sync_dir(&dir) {
        return Written::Unknown(told("sync", &dir, &error));
    }
    home.cache().put(key, next, body);
    sweep(&dir, &seen.bodies, &next.body());
    Written::Applied { version: next.version }
}

/// Removes bodies that can never be current again: their version has been made, by `current`.
fn sweep(dir: &Path, bodies: &[BodyName], current: &BodyName) {
    for body in bodies.iter().filter(|body| body.version <= current.version && *body != current) {
        // What cannot be removed now, the next writer will try again.
        drop(fs::remove_file(dir.join(body.name())));
    }
}

/// Looks what became of the attempt to make `made` (A1): its nonce is seen, or its version is
/// another's; else it may still land. A rename that was sent twice says "no such file" and has won.
pub(super) fn settle(dir: &Path, made: &BodyName, error: &io::Error) -> Settled {
    let open = || Settled::Open(told("rename a token in", dir, error));
    match sight(dir) {
        Ok(Some(now)) => match now.token.fate(made.version, made.nonce) {
            Fate::Won => Settled::Won,
            Fate::Lost => Settled::Lost,
            Fate::Open | Fate::Forgotten => open(),
        },
        Ok(None) | Err(_) => open(),
    }
}
