//! However much is written: the log stays short, and so does its file.

use std::sync::Arc;

use openraft::async_runtime::WatchReceiver;

use super::world::World;
use crate::{Body, Key, Store, Written};

const WRITERS: u64 = 32;

/// Has every writer write its own record so often; returns how large the folder is at the end.
async fn write(world: &World, each: u64, len: usize) -> u64 {
    let store: Arc<dyn Store> = Arc::new(world.nodes[0].raft.clone());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = Key::parse(&format!("w/{writer}")).unwrap();
                let mut version = store.read(&key).await.unwrap().map(|entry| entry.version);
                for _ in 0..each {
                    let next = version.unwrap_or(0) + 1;
                    let body = Body::new(vec![next as u8; len]).unwrap();
                    let written = store.write(&key, version, u128::from(next) << 32 | u128::from(writer), body).await;
                    assert_eq!(written, Written::Applied { version: next });
                    version = Some(next);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let files = std::fs::read_dir(&world.nodes[0].folder).unwrap().flatten();
    files.map(|file| file.metadata().unwrap().len()).sum()
}

fn kept(world: &World) -> u64 {
    let metrics = world.nodes[0].raft.0.metrics.borrow_watched();
    metrics.last_log_index.unwrap() - metrics.purged.map_or(0, |purged| purged.index())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_cut_behind_snapshots() {
    let world = World::of(1).await;
    write(&world, 500, 10).await;
    assert!(kept(&world) < 12_000, "{} entries are kept of 16000", kept(&world));
}

/// `cargo test --release … the_files_stay_flat -- --ignored --nocapture`: a million writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn the_files_stay_flat() {
    let world = World::of(1).await;
    let begun = std::time::Instant::now();
    let mut sizes = Vec::new();
    for _ in 0..10 {
        sizes.push(write(&world, 100_000 / WRITERS, 300).await);
        println!("{:?}: {} bytes in the folder, {} entries kept", begun.elapsed(), sizes.last().unwrap(), kept(&world));
    }
    assert!(sizes[9] < 2 * sizes[0] + 8 * 1024 * 1024, "{sizes:?}");
}
