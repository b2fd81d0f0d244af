//! The suite every store passes, in one line:
//!
//! ```
//! use std::sync::Arc;
//! use hotseat_stores::{Memory, Store, conformance};
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let memory = Memory::new();
//! conformance::all(async || Arc::new(memory.clone()) as Arc<dyn Store>).await.unwrap();
//! # });
//! ```
//! It judges by the contract alone: it accepts stale reads and unknown writes, and never asks which
//! store it has. It uses keys of its own, so it may run in a store that has others.

mod bodies;
mod bystanders;
mod damage;
mod history;
mod linear;
mod names;
mod races;
mod sequence;

use std::fmt;
use std::sync::Arc;

use crate::{Body, Entry, Key, Store, Written};

pub use damage::damage_is_isolated;
pub use history::{Plan, record};
pub use linear::{Answer, Did, Op, linearizable};

/// What a store did against the contract, and in which check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

type Verdict = Result<(), Finding>;

/// Handles of one store, opened one by one, as several nodes would.
type Handles = [Arc<dyn Store>];

/// As many handles as two nodes with two agents each would hold.
const HANDLES: usize = 4;

/// Runs every check. `open` opens one more handle to the same place each time it is called.
///
/// # Errors
/// The first [`Finding`].
///
/// # Panics
/// On a runtime with one thread: calls would not race there.
pub async fn all(open: impl AsyncFn() -> Arc<dyn Store>) -> Verdict {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    let single = tokio::runtime::RuntimeFlavor::CurrentThread;
    assert!(flavor != single, "the suite races calls: use a runtime of several threads");
    let mut handles = Vec::new();
    for _ in 0..HANDLES {
        handles.push(open().await);
    }
    named("sequence", sequence::check(&handles).await)?;
    named("stale writer", sequence::stale_writer(&handles).await)?;
    named("bodies", bodies::check(&handles).await)?;
    named("names", names::check(&handles).await)?;
    named("creation race", races::creations(&handles).await)?;
    named("swap race", races::swaps(&handles).await)?;
    named("unknown outcome", races::unknown_outcomes(&handles).await)?;
    named("bystanders", bystanders::check(&handles).await)?;
    named("history", history::check(&handles).await)
}

fn named(check: &str, verdict: Verdict) -> Verdict {
    verdict.map_err(|Finding(what)| Finding(format!("{check}: {what}")))
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Finding(what())) }
}

/// A key nobody used before.
fn fresh_key(name: &str) -> Result<Key, Finding> {
    Key::parse(&format!("suite/{name}-{:016x}", nonce() as u64)).map_err(|bad| Finding(bad.to_string()))
}

/// A nonce nobody used before.
fn nonce() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("a test machine has random bytes");
    u128::from_le_bytes(bytes)
}

fn body(bytes: impl AsRef<[u8]>) -> Body {
    Body::new(bytes).expect("the suite writes no body that is too big")
}

/// A body that names the attempt which wrote it.
fn signed(nonce: u128) -> Body {
    body(nonce.to_be_bytes())
}

/// Who wrote this body.
fn signer(body: &Body) -> Option<u128> {
    Some(u128::from_be_bytes(body.get(..16)?.try_into().ok()?))
}

async fn read(store: &Arc<dyn Store>, key: &Key) -> Result<Option<Entry>, Finding> {
    store.read(key).await.map_err(|error| Finding(format!("{key} cannot be read: {error}")))
}

async fn expect_applied(store: &Arc<dyn Store>, key: &Key, expect: Option<u64>, body: Body) -> Result<u64, Finding> {
    let next = expect.unwrap_or(0) + 1;
    let written = store.write(key, expect, nonce(), body).await;
    ensure(written == Written::Applied { version: next }, || {
        format!("a write of {key} over {expect:?}, alone, must make version {next}, but: {written:?}")
    })?;
    Ok(next)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Finding {}
