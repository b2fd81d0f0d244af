//! Writers killed at any point of any call: the directory stays readable, no acknowledged update
//! is lost, and nothing piles up.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hotseat_stores::{Body, Dir, Entry, Key, Store, Written};

const LIMIT: Duration = Duration::from_secs(10);
const PLACE: &str = "HOTSEAT_TEST_WRITER_PLACE";
const KILLS: u64 = 40;
/// Far above what a count takes on the slowest machine.
const CEILING: Duration = Duration::from_secs(60);

fn counter() -> Key {
    Key::parse("group/counter").unwrap()
}

fn count(entry: Option<&Entry>) -> u64 {
    entry.map_or(0, |entry| {
        let body = entry.body.as_ref().expect("a kill damages nothing");
        let count = std::str::from_utf8(body).unwrap().parse().unwrap();
        assert_eq!(count, entry.version, "the counter is its version");
        count
    })
}

fn random() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_le_bytes(bytes)
}

/// Not a test: what the children run. Counts up, and says so after each acknowledgement.
#[tokio::test]
async fn writer() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    let store = Dir::open(place, "kill", LIMIT).await.unwrap();
    println!("open");
    loop {
        let found = store.read(&counter()).await.unwrap();
        let (expect, next) = (found.as_ref().map(|f| f.version), count(found.as_ref()) + 1);
        let body = Body::new(next.to_string()).unwrap();
        // Creation is killed too: a record of its own each time.
        let aside = Key::parse(&format!("session/{:016x}", random() as u64)).unwrap();
        if let Written::Applied { version } = store.write(&counter(), expect, random(), body).await {
            assert_eq!(version, next);
            println!("counted {next}");
        }
        if next.is_multiple_of(5) {
            store.write(&aside, None, random(), Body::new("1").unwrap()).await;
        }
    }
}

struct Writer {
    child: Child,
    lines: mpsc::Receiver<String>,
    counted: Vec<u64>,
}

fn start(place: &Path) -> Writer {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (told, lines) = mpsc::channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
    Writer { child, lines, counted: Vec::new() }
}

fn counted(line: &str) -> Option<u64> {
    line.split("counted ").nth(1)?.parse().ok()
}

impl Writer {
    /// Lets it be until so much was acknowledged to it, however busy the machine is.
    fn wait_for(&mut self, counts: usize) {
        while self.counted.len() < counts {
            let line = self.lines.recv_timeout(CEILING).expect("it goes on writing");
            self.counted.extend(counted(&line));
        }
    }

    /// Kills it and returns what was acknowledged to it.
    fn kill(mut self) -> Vec<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.counted.extend(self.lines.iter().filter_map(|line| counted(&line)));
        self.counted
    }
}

#[tokio::test]
async fn killed_at_any_point_nothing_is_lost() {
    let place = tempfile::tempdir().unwrap();
    let store = Dir::open(place.path(), "kill", LIMIT).await.unwrap();
    let mut acknowledged = HashSet::new();
    let (mut before, mut other) = (0, start(place.path()));
    for kill in 0..KILLS {
        let next = start(place.path());
        // Two at a time; from the moment of opening to some way into the writing.
        other.wait_for(kill as usize % 4);
        thread::sleep(Duration::from_micros(random() as u64 % 60_000));
        for count in std::mem::replace(&mut other, next).kill() {
            assert!(acknowledged.insert(count), "{count} was acknowledged twice");
        }
        let listed = store.list().await.unwrap();
        assert!(listed.iter().all(|entry| entry.body.is_ok()), "{listed:?}");
        let now = count(listed.iter().find(|entry| entry.key == counter()));
        let most = acknowledged.iter().max().copied().unwrap_or(0);
        assert!(now >= before && now >= most, "{now} after {before}, {most} acknowledged");
        before = now;
    }
    other.kill();
    println!("{KILLS} kills, {} counts acknowledged, {before} made", acknowledged.len());
    assert!(acknowledged.len() as u64 > KILLS, "the writers hardly wrote");
    settle(&store, place.path()).await;
}

/// After one more write a record has one token and one body again.
async fn settle(store: &Dir, place: &Path) {
    let now = count(store.read(&counter()).await.unwrap().as_ref());
    let body = Body::new((now + 1).to_string()).unwrap();
    let written = store.write(&counter(), Some(now), random(), body).await;
    assert_eq!(written, Written::Applied { version: now + 1 });
    let left = std::fs::read_dir(place.join("records/group=counter")).unwrap().count();
    assert_eq!(left, 2, "one token and one body");
}
