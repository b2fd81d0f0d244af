//! Readers while writers write: a record that exists is always there, and always whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::{Finding, Handles, Verdict, body, ensure, expect_applied, fresh_key};
use crate::{Entry, Key, Store};

const VERSIONS: u64 = 60;
const READERS: usize = 3;
/// A store may be done writing before a reader has begun: it reads so often all the same.
const READS_MIN: u64 = 30;

pub(super) async fn check(handles: &Handles) -> Verdict {
    let keys = [fresh_key("bystander-a")?, fresh_key("bystander-b")?];
    for key in &keys {
        expect_applied(&handles[0], key, None, patterned(1)).await?;
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for handle in handles.iter().cycle().skip(1).take(READERS) {
        readers.spawn(watch(handle.clone(), keys.clone(), done.clone()));
    }
    let written = write(handles, &keys).await;
    done.store(true, Ordering::Release);
    while let Some(seen) = readers.join_next().await {
        seen.map_err(|error| Finding(error.to_string()))??;
    }
    written
}

async fn write(handles: &Handles, keys: &[Key]) -> Verdict {
    for version in 1..VERSIONS {
        for (key, handle) in keys.iter().zip(handles) {
            expect_applied(handle, key, Some(version), patterned(version + 1)).await?;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn watch(store: Arc<dyn Store>, keys: [Key; 2], done: Arc<AtomicBool>) -> Verdict {
    // A list may be of a moment before the records came; but what a handle has shown once, it shows from then on.
    for key in &keys {
        whole(key, super::read(&store, key).await?.as_ref())?;
    }
    let mut reads = 0;
    while reads < READS_MIN || !done.load(Ordering::Acquire) {
        reads += 1;
        let listed = store.list().await.map_err(|error| Finding(error.to_string()))?;
        for key in &keys {
            whole(key, listed.iter().find(|entry| entry.key == *key))?;
            whole(key, super::read(&store, key).await?.as_ref())?;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn whole(key: &Key, entry: Option<&Entry>) -> Verdict {
    let right = entry.is_some_and(|entry| entry.body.as_ref() == Ok(&patterned(entry.version)));
    ensure(right, || format!("a reader beside a writer saw {key} as {entry:?}"))
}

/// A body of a length and content that only this version has.
fn patterned(version: u64) -> crate::Body {
    let len = 1 + (version as usize * 397) % 9000;
    body(vec![version as u8; len])
}
