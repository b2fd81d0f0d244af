//! What `dir:PATH` adds to the suite: foreign files, damage, clear errors, nothing left behind.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotseat_stores::{Body, Dir, Entry, Key, OpenError, Store, Written};

const LIMIT: Duration = Duration::from_secs(10);

async fn open(path: &Path) -> Dir {
    Dir::open(path, "netmon", LIMIT).await.unwrap()
}

fn key() -> Key {
    Key::parse("session/n1").unwrap()
}

fn body(text: &str) -> Body {
    Body::new(text).unwrap()
}

async fn write(store: &Dir, expect: Option<u64>, nonce: u128) -> Written {
    store.write(&key(), expect, nonce, body(&nonce.to_string())).await
}

async fn entry(store: &Dir) -> Entry {
    let read = store.read(&key()).await.unwrap().unwrap();
    let listed = store.list().await.unwrap();
    assert_eq!(listed.iter().find(|entry| entry.key == key()), Some(&read));
    read
}

/// A store with one record of two versions, and the directory of that record.
async fn with_record(place: &Path) -> (Dir, PathBuf) {
    let store = open(place).await;
    assert_eq!(write(&store, None, 1).await, Written::Applied { version: 1 });
    assert_eq!(write(&store, Some(1), 2).await, Written::Applied { version: 2 });
    (store, place.join("records/session=n1"))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(dir: &Path, prefix: &str) -> PathBuf {
    dir.join(names(dir).into_iter().find(|name| name.starts_with(prefix)).unwrap())
}

/// Spoils a fresh record and checks what a new handle says of it.
async fn check_damage(spoil: impl FnOnce(&Path), version: u64, expected: &str) {
    let place = tempfile::tempdir().unwrap();
    let (_, dir) = with_record(place.path()).await;
    spoil(&dir);
    let found = entry(&open(place.path()).await).await;
    let told = found.body.expect_err("must be damaged").0;
    assert!(told.contains(expected) && told.contains("session=n1"), "{told:?} should say {expected:?}");
    assert_eq!(found.version, version, "{told}");
}

#[tokio::test]
async fn damage_says_what_and_where() {
    check_damage(|dir| fs::write(file(dir, "b."), "").unwrap(), 2, "no header").await;
    check_damage(|dir| fs::write(file(dir, "b."), "hotseat 1 00000000 1 session/n1\n2").unwrap(), 2, "checksum").await;
    check_damage(|dir| fs::write(file(dir, "b."), vec![0; 1 << 20]).unwrap(), 2, "more than").await;
    check_damage(|dir| fs::remove_file(file(dir, "b.")).unwrap(), 2, "No such file").await;
    check_damage(|dir| fs::remove_file(file(dir, "0000")).unwrap(), 0, "no token").await;
    check_damage(|dir| fs::write(dir.join(format!("{:020}.{:032x}", 2, 9)), "").unwrap(), 0, "two tokens").await;
    check_damage(
        |dir| {
            fs::remove_dir_all(dir).unwrap();
            fs::write(dir, "").unwrap();
        },
        0,
        "Not a directory",
    )
    .await;
    check_damage(
        |dir| {
            let body = file(dir, "b.");
            fs::remove_file(&body).unwrap();
            rustix::fs::mknodat(rustix::fs::CWD, body, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        },
        2,
        "not a regular file",
    )
    .await;
}

#[tokio::test]
async fn a_record_copied_under_another_name_is_foreign() {
    let place = tempfile::tempdir().unwrap();
    let (store, dir) = with_record(place.path()).await;
    fs::rename(&dir, dir.with_file_name("session=n2")).unwrap();
    let found = store.list().await.unwrap().remove(0);
    assert!(found.body.expect_err("foreign").0.contains("written as \"session/n1\""));
}

#[tokio::test]
async fn a_damaged_record_is_replaced_by_a_swap_over_its_version() {
    let place = tempfile::tempdir().unwrap();
    let (store, dir) = with_record(place.path()).await;
    fs::write(file(&dir, "b."), "junk").unwrap();
    assert_eq!(write(&store, None, 3).await, Written::Refused);
    assert_eq!(write(&store, Some(2), 4).await, Written::Applied { version: 3 });
    assert_eq!(entry(&store).await.body, Ok(body("4")));
}

#[tokio::test]
async fn foreign_files_are_ignored() {
    let place = tempfile::tempdir().unwrap();
    let (store, dir) = with_record(place.path()).await;
    let token = file(&dir, "0000").file_name().unwrap().to_str().unwrap().to_owned();
    let strays = [".nfs00000001", "core", "README~", &format!("{token}~"), &format!(".{token}.swp"), "b.bak"];
    for stray in strays {
        fs::write(dir.join(stray), "stray").unwrap();
    }
    for stray in [".nfs0002", "lost+found", "x~"] {
        fs::create_dir(place.path().join("records").join(stray)).unwrap();
    }
    assert_eq!(entry(&store).await.body, Ok(body("2")));
    assert_eq!(store.list().await.unwrap().len(), 1);
    assert_eq!(write(&store, Some(2), 3).await, Written::Applied { version: 3 });
    assert!(strays.iter().all(|stray| dir.join(stray).exists()), "what is not ours is not removed");
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let place = tempfile::tempdir().unwrap();
    let (store, dir) = with_record(place.path()).await;
    // What a writer leaves that is killed between its body and its rename.
    let dead = format!("b.{:020}.{:032x}", 3, 77);
    fs::write(dir.join(&dead), "").unwrap();
    // It may be alive, and only slow: nobody removes it as long as it can still win.
    assert_eq!(entry(&store).await.body, Ok(body("2")));
    assert!(names(&dir).contains(&dead));
    for version in 2..50 {
        assert_eq!(
            write(&store, Some(version), u128::from(version) + 100).await,
            Written::Applied { version: version + 1 }
        );
    }
    assert_eq!(names(&dir).len(), 2, "one token and one body: {:?}", names(&dir));
    let draft = |key: &str| place.path().join("tmp").join(format!("{key}.{:032x}", 78));
    for key in ["session=n1", "session=n9"] {
        fs::create_dir(draft(key)).unwrap();
    }
    open(place.path()).await;
    assert!(!draft("session=n1").exists(), "a draft whose record exists can never win");
    assert!(draft("session=n9").exists(), "a draft whose record does not exist may belong to a slow writer");
    assert_eq!(names(&place.path().join("probe")), Vec::<String>::new());
}

#[tokio::test]
async fn a_nonce_used_twice_is_unknown_never_refused() {
    let place = tempfile::tempdir().unwrap();
    let (store, dir) = with_record(place.path()).await;
    fs::write(dir.join(format!("b.{:020}.{:032x}", 3, 3)), "an attempt that may be under way").unwrap();
    assert!(matches!(write(&store, Some(2), 3).await, Written::Unknown(_)));
}

#[tokio::test]
async fn a_store_that_went_away_or_back_is_not_empty() {
    let place = tempfile::tempdir().unwrap();
    let (store, dir) = with_record(place.path()).await;
    entry(&store).await;
    fs::remove_dir_all(&dir).unwrap();
    assert!(matches!(write(&store, Some(2), 8).await, Written::Unknown(_)), "gone back is not refused");
    fs::remove_dir_all(place.path().join("records")).unwrap();
    assert!(store.list().await.is_err());
    assert!(store.read(&key()).await.is_err());
    assert!(matches!(write(&store, Some(2), 9).await, Written::Unknown(_)));
    assert!(matches!(write(&store, None, 10).await, Written::Unknown(_)));
}

async fn refused(path: &Path, cluster: &str, expected: &str) {
    match Dir::open(path, cluster, LIMIT).await {
        Err(OpenError::Refused(told)) => {
            assert!(told.contains(expected), "{told:?} should say {expected:?}");
            println!("{told}");
        }
        other => panic!("{path:?} must be refused: {other:?}"),
    }
}

#[tokio::test]
async fn opening_says_what_is_wrong_and_what_would_be_right() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    open(&at("made")).await;
    refused(&at("no/parent"), "netmon", "mount the share, or create it").await;
    fs::write(at("file"), "").unwrap();
    refused(&at("file"), "netmon", "is not a directory").await;
    refused(Path::new("/proc/hotseat"), "netmon", "/proc/hotseat").await;
    refused(&at("made"), "other", "belongs to the cluster \"netmon\", not to \"other\"").await;
    refused(&at("made"), "", "one line").await;
    fs::write(at("made/hotseat.cluster"), "what").unwrap();
    refused(&at("made"), "netmon", "unfinished").await;
    fs::write(at("made/hotseat.cluster"), "hotseat 9 something\n").unwrap();
    refused(&at("made"), "netmon", "not written by this version").await;
    fs::create_dir(at("blocked")).unwrap();
    fs::write(at("blocked/records"), "").unwrap();
    refused(&at("blocked"), "netmon", "move away what is in its place").await;
}
