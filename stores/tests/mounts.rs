//! The directory on file systems made for the purpose: full, read-only, immutable, stacked, and cut off
//! from power. Needs root; each test says what it skipped.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotseat_stores::{Body, Dir, Key, OpenError, Store, Written, conformance};

const LIMIT: Duration = Duration::from_secs(10);
const POWER_CUTS: u64 = 8;
/// Longer than any other test keeps its namespaces.
const FREE_WITHIN: Duration = Duration::from_secs(120);

/// A mount of this test's own; unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(at: &Path, args: &[&str]) -> Option<Mount> {
        fs::create_dir_all(at).unwrap();
        let done = run("mount", &[args, &[at.to_str().unwrap()]].concat());
        if !done {
            println!("skipped: cannot mount {args:?}");
        }
        done.then(|| Mount(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &[self.0.to_str().unwrap()]);
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|out| out.status.success())
}

fn key() -> Key {
    Key::parse("group/web").unwrap()
}

async fn refused(path: &Path, expected: &str) {
    let error = Dir::open(path, "netmon", LIMIT).await.expect_err("must be refused");
    assert!(matches!(&error, OpenError::Refused(told) if told.contains(expected)), "{error:?} should say {expected:?}");
    println!("{error}");
}

#[tokio::test]
async fn a_full_or_read_only_file_system_is_refused_or_unknown() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("small");
    let Some(_mount) = Mount::new(&at, &["-t", "tmpfs", "-o", "size=512k", "tmpfs"]) else {
        return;
    };
    let store = Dir::open(at.join("store"), "netmon", LIMIT).await.unwrap();
    assert_eq!(store.write(&key(), None, 1, Body::new("1").unwrap()).await, Written::Applied { version: 1 });
    fs::write(at.join("fill"), vec![0; 1 << 20]).unwrap_err();
    match store.write(&key(), Some(1), 2, Body::new("2").unwrap()).await {
        Written::Unknown(told) => assert!(told.contains("No space left"), "{told}"),
        other => panic!("a write to a full file system: {other:?}"),
    }
    let found = store.read(&key()).await.unwrap().unwrap();
    assert_eq!((found.version, found.body.as_deref()), (1, Ok(b"1".as_slice())));
    refused(&at.join("store"), "make room").await;
    fs::remove_file(at.join("fill")).unwrap();
    assert_eq!(store.write(&key(), Some(1), 3, Body::new("3").unwrap()).await, Written::Applied { version: 2 });
    assert!(run("mount", &["-o", "remount,ro", at.to_str().unwrap()]));
    refused(&at.join("store"), "mount it for writing").await;
    assert!(matches!(store.write(&key(), Some(2), 4, Body::new("4").unwrap()).await, Written::Unknown(_)));
}

#[tokio::test]
async fn a_directory_that_may_not_be_written_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().to_str().unwrap();
    if !run("chattr", &["+i", at]) {
        println!("skipped: cannot make {at} immutable");
        return;
    }
    let error = Dir::open(place.path(), "netmon", LIMIT).await;
    assert!(run("chattr", &["-i", at]));
    assert!(matches!(&error, Err(OpenError::Refused(told)) if told.contains("read and write there")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_on_an_overlay() {
    let place = tempfile::tempdir_in("/dev/shm").unwrap();
    let at = |name: &str| place.path().join(name);
    for dir in ["lower", "upper", "work"] {
        fs::create_dir(at(dir)).unwrap();
    }
    // Records that lie in the lower layer must work too: renaming those is where overlays differ.
    let lower = Dir::open(at("lower/store"), "suite", LIMIT).await.unwrap();
    assert_eq!(lower.write(&key(), None, 1, Body::new("1").unwrap()).await, Written::Applied { version: 1 });
    let layers = format!("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", place.path().display());
    let Some(mount) = Mount::new(&at("merged"), &["-t", "overlay", "-o", &layers, "overlay"]) else {
        return;
    };
    let path = mount.0.join("store");
    let open = async || Arc::new(Dir::open(&path, "suite", LIMIT).await.unwrap()) as Arc<dyn Store>;
    assert_eq!(open().await.write(&key(), None, 2, Body::new("2").unwrap()).await, Written::Refused);
    assert_eq!(open().await.write(&key(), Some(1), 3, Body::new("3").unwrap()).await, Written::Applied { version: 2 });
    conformance::all(open).await.unwrap();
}

/// Stops the file system at once, as a power cut does: what was not synced is gone.
const CUT: &str = "import fcntl,os,struct,sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_acknowledged_write_survives_a_power_cut() {
    let place = tempfile::tempdir().unwrap();
    let image = place.path().join("disk");
    fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    let disk = image.to_str().unwrap();
    if !run("mkfs.ext4", &["-q", "-F", disk]) {
        println!("skipped: needs mkfs.ext4");
        return;
    }
    let at = place.path().join("mnt");
    let mut acknowledged = None;
    for cut in 0..POWER_CUTS {
        wait_until_free(disk);
        let Some(mount) = Mount::new(&at, &["-o", "loop", disk]) else {
            return;
        };
        let store = Arc::new(Dir::open(at.join("store"), "netmon", LIMIT).await.unwrap());
        let found = store.read(&key()).await.unwrap();
        let now = found.as_ref().map(|found| found.version);
        assert!(now >= acknowledged, "{now:?} after the cut, {acknowledged:?} before it");
        assert!(found.is_none_or(|found| found.body.is_ok()));
        let listed = store.list().await.unwrap();
        assert!(listed.iter().all(|entry| entry.body.is_ok()), "{listed:?}");
        acknowledged = write_until_cut(store, &mount.0, now, cut).await;
        if acknowledged == now {
            println!("skipped: cannot cut the power of {at:?}");
            return;
        }
    }
    println!("{POWER_CUTS} power cuts, {acknowledged:?} is there");
}

/// A namespace that another test made meanwhile keeps a copy of our mount, and with it the file system that was cut, for
/// as long as it lives.
fn wait_until_free(disk: &str) {
    let begun = Instant::now();
    let held = || Command::new("losetup").args(["-j", disk]).output().is_ok_and(|out| !out.stdout.is_empty());
    while held() {
        assert!(begun.elapsed() < FREE_WITHIN, "{disk} is still mounted somewhere");
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn write_until_cut(store: Arc<Dir>, at: &Path, mut version: Option<u64>, cut: u64) -> Option<u64> {
    let at = at.to_owned();
    let cutter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20 + cut * 7));
        run("python3", &["-c", CUT, at.to_str().unwrap()])
    });
    let mut nonce = u128::from(cut) << 64;
    loop {
        nonce += 1;
        let body = Body::new(nonce.to_string()).unwrap();
        match store.write(&key(), version, nonce, body.clone()).await {
            Written::Applied { version: made } => version = Some(made),
            other => {
                assert!(matches!(other, Written::Unknown(_)), "{other:?}");
                assert!(cutter.join().unwrap());
                return version;
            }
        }
        let aside = Key::parse(&format!("session/c{nonce}")).unwrap();
        if nonce.is_multiple_of(7) {
            store.write(&aside, None, nonce, body).await;
        }
        if cutter.is_finished() && nonce > 1_000_000 {
            return version;
        }
    }
}
