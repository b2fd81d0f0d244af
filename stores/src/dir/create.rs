//! Creation: prepare the whole record aside, then rename its directory into place.
//!
//! A record's directory is never empty and never removed, so a rename onto it fails, and of any
//! racers exactly one creates it. A record is never seen half made.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::files::{make_dir, sync_dir, told, write_new};
use super::frame;
use super::home::Home;
use super::lanes::Patience;
use super::swap::{Settled, settle};
use super::token::{Token, draft_record};
use crate::{Body, Key, Written};

/// Creates the record, if it was never there.
pub(super) fn create(home: &Home, key: &Key, nonce: u128, body: &Body, patience: &Patience) -> Written {
    let (dir, draft) = (home.record(key), home.draft(key, nonce));
    if fs::symlink_metadata(&dir).is_ok() {
        return Written::Refused;
    }
    let token = Token::first(nonce);
    if let Err(error) = prepare(&draft, &token, &frame::seal(key, body)) {
        return Written::Unknown(told("prepare", &draft, &error));
    }
    if patience.is_over() {
        discard(&draft, &token);
        return Written::Unknown("its caller gave up before it was sent".to_owned());
    }
    let renamed = fs::rename(&draft, &dir);
    match renamed.map_or_else(|error| judge(&dir, &draft, &token, &error), |()| Settled::Won) {
        Settled::Won => applied(home, key, &token, body),
        Settled::Lost => {
            discard(&draft, &token);
            Written::Refused
        }
        Settled::Open(what) => Written::Unknown(what),
    }
}

fn prepare(draft: &Path, token: &Token, file: &[u8]) -> io::Result<()> {
    make_dir(draft)?;
    write_new(&draft.join(token.body().name()), file)?;
    write_new(&draft.join(token.name()), b"")?;
    sync_dir(draft)
}

fn applied(home: &Home, key: &Key, token: &Token, body: &Body) -> Written {
    if let Err(error) = sync_dir(home.records()) {
        return Written::Unknown(told("sync", home.records(), &error));
    }
    home.cache().put(key, token, body);
    // Creation is rare, so it can afford to look what others left; what it cannot list, it leaves.
    drop(sweep_drafts(home));
    Written::Applied { version: token.version }
}

/// A draft that is still where it was has not been renamed, and what blocks its place stays there.
fn judge(dir: &Path, draft: &Path, token: &Token, error: &io::Error) -> Settled {
    let blocked =
        matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory);
    if blocked && draft.join(token.name()).exists() {
        return Settled::Lost;
    }
    settle(dir, &token.attempt(), error)
}

/// Removes what can never be renamed any more; what stays, the next start sweeps.
fn discard(draft: &Path, token: &Token) {
    drop(fs::remove_file(draft.join(token.name())));
    drop(fs::remove_file(draft.join(token.body().name())));
    drop(fs::remove_dir(draft));
}

/// Removes drafts that crashed writers left, of records that exist since: their rename can never
/// succeed. Those of records that do not exist may belong to a writer that is only slow: they stay.
pub(super) fn sweep_drafts(home: &Home) -> io::Result<()> {
    for found in fs::read_dir(home.drafts())? {
        let found = found?;
        let name = found.file_name();
        let record = name.to_str().and_then(draft_record).map(|record| home.records().join(record));
        if record.is_some_and(|record| record.is_dir()) {
            drop(fs::remove_dir_all(found.path()));
        }
    }
    Ok(())
}
