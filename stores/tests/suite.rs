//! Every store passes the suite, in one line; and the suite is able to fail.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use std::sync::Arc;
use std::time::Duration;

use hotseat_stores::conformance::{self, Plan, damage_is_isolated, linearizable};
use hotseat_stores::{Bounded, Dir, Fault, Faulty, Key, Memory, Store};

const LIMIT: Duration = Duration::from_secs(10);

async fn dir(path: &std::path::Path) -> Arc<dyn Store> {
    Arc::new(Dir::open(path, "suite", LIMIT).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory() {
    let memory = Memory::new();
    conformance::all(async || Arc::new(memory.clone()) as Arc<dyn Store>).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_with_a_limit() {
    let memory = Memory::new();
    conformance::all(async || Arc::new(Bounded::new(memory.clone(), LIMIT)) as Arc<dyn Store>).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directory_on_a_disk() {
    let place = tempfile::tempdir().unwrap();
    conformance::all(async || dir(place.path()).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directory_in_memory() {
    let place = tempfile::tempdir_in("/dev/shm").unwrap();
    conformance::all(async || dir(place.path()).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_damaged_record_hides_no_other() {
    let place = tempfile::tempdir().unwrap();
    let spoil = async |key: &Key| {
        let record = place.path().join("records").join(key.as_str().replace('/', "="));
        for file in std::fs::read_dir(record).unwrap().flatten() {
            if file.file_name().to_str().unwrap().starts_with("b.") {
                std::fs::write(file.path(), b"hotseat 1 0000").unwrap();
            }
        }
    };
    damage_is_isolated(async || dir(place.path()).await, spoil).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_with_lost_and_late_calls_are_linearizable() {
    for seed in 0..20 {
        let store = Faulty::new(Memory::new(), seed);
        for fault in [
            Fault::AnswerLost,
            Fault::CallLost,
            Fault::Late(Duration::from_millis(2)),
            Fault::Delay(Duration::from_millis(1)),
        ] {
            store.faults().at_random(80, fault);
        }
        let handles: Vec<Arc<dyn Store>> = (0..4).map(|_| Arc::new(store.clone()) as Arc<dyn Store>).collect();
        for (key, ops) in conformance::record(&handles, Plan::default()).await.unwrap() {
            assert!(linearizable(&ops), "seed {seed}, {key}: {ops:#?}");
        }
    }
}
