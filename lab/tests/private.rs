//! What a cluster keeps for its members is not for everybody on their machines.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod files;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use files::{sending, wait_for_version, write};
use hotseat_lab::Spec;
use hotseat_lab::spec::Store;

const SECRET: &str = "password=this is for the service's own eyes\n";

/// Files that any user may read, below a folder that any user may enter.
fn open_to_all(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let about = entry.metadata().unwrap();
        let mode = about.permissions().mode();
        if about.is_dir() && mode & 0o001 != 0 {
            open_to_all(&entry.path(), found);
        } else if about.is_file() && mode & 0o004 != 0 {
            found.push(entry.path());
        }
    }
}

/// The secret as it may stand in a file: as it is, and in base64 after any other bytes.
fn forms() -> Vec<String> {
    let shifted = (0..3).map(|cut| STANDARD_NO_PAD.encode(&SECRET[cut..SECRET.len() - SECRET.len() % 3]));
    let whole = |text: String| text[..text.len() - 4].to_owned();
    shifted.map(whole).chain([SECRET.to_owned()]).collect()
}

fn a_private_file_stays_private(store: Store) {
    let cluster = sending(Spec::demo().store(store), |node| {
        write(node, "conf/secret", SECRET);
        fs::set_permissions(node.path("conf/secret"), Permissions::from_mode(0o600)).unwrap();
    });
    wait_for_version(&cluster, 1);
    let leader = cluster.leader();
    if store == Store::Raft {
        let saved = leader.cli(&["snapshot", "save", cluster.root().join("snapshot").to_str().unwrap()]);
        assert_eq!(saved.code, Some(0), "{saved:?}");
    }
    let mut found = Vec::new();
    open_to_all(cluster.root(), &mut found);
    assert!(!found.is_empty(), "logs and the like are there");
    for path in found {
        let held = fs::read(&path).unwrap();
        let held = String::from_utf8_lossy(&held);
        assert!(!forms().iter().any(|form| held.contains(form.as_str())), "{}", path.display());
    }
}

hotseat_lab::on_every_store!(a_private_file_stays_private);
