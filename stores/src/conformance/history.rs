//! Many callers on a few records, every call written down, and the checker's word on the whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;

use super::linear::OPS_MAX;
use super::{Answer, Did, Finding, Handles, Op, Verdict, ensure, fresh_key, linearizable, nonce, signed, signer};
use crate::{Key, Store, Written};

/// How much is raced.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Callers at the same time.
    pub callers: usize,
    /// Records they share.
    pub keys: usize,
    /// Calls of each caller on each record; callers × calls is at most 128.
    pub calls: usize,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { callers: 6, keys: 3, calls: 20 }
    }
}

pub(super) async fn check(handles: &Handles) -> Verdict {
    for (key, ops) in record(handles, Plan::default()).await? {
        ensure(linearizable(&ops), || format!("no order explains what happened to {key}: {ops:#?}"))?;
    }
    Ok(())
}

/// Lets the callers loose and writes down every call, by record; pass each to [`linearizable`].
///
/// # Errors
/// A [`Finding`] when a caller came to harm, or a read gave no sense.
pub async fn record(handles: &[Arc<dyn Store>], plan: Plan) -> Result<HashMap<Key, Vec<Op>>, Finding> {
    assert!(plan.callers * plan.calls <= OPS_MAX, "{plan:?} is more than the checker takes");
    let keys = (0..plan.keys).map(|_| fresh_key("history")).collect::<Result<Vec<_>, _>>()?;
    let clock = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for (handle, seed) in handles.iter().cycle().zip(0..plan.callers) {
        let caller = Caller { store: handle.clone(), clock: clock.clone(), random: nonce() as u64 ^ seed as u64 };
        callers.spawn(caller.run(keys.clone(), plan.calls));
    }
    let mut histories: HashMap<Key, Vec<Op>> = HashMap::new();
    while let Some(ran) = callers.join_next().await {
        for (key, op) in ran.map_err(|error| Finding(error.to_string()))?? {
            histories.entry(key).or_default().push(op);
        }
    }
    Ok(histories)
}

struct Caller {
    store: Arc<dyn Store>,
    clock: Arc<AtomicU64>,
    random: u64,
}

impl Caller {
    async fn run(mut self, keys: Vec<Key>, calls: usize) -> Result<Vec<(Key, Op)>, Finding> {
        let mut ops = Vec::new();
        let mut known = vec![0; keys.len()];
        for call in 0..calls * keys.len() {
            let at = call % keys.len();
            let op = match self.roll() % 3 {
                0 => self.read(&keys[at], &mut known[at]).await?,
                _ => Some(self.swap(&keys[at], &mut known[at]).await),
            };
            ops.extend(op.map(|op| (keys[at].clone(), op)));
        }
        Ok(ops)
    }

    async fn read(&self, key: &Key, known: &mut u64) -> Result<Option<Op>, Finding> {
        let begun = self.tick();
        let Ok(found) = self.store.read(key).await else {
            return Ok(None);
        };
        let ended = self.tick();
        let (version, nonce) = match &found {
            None => (0, 0),
            Some(entry) => {
                let signer = entry.body.as_ref().ok().and_then(signer);
                (entry.version, signer.ok_or_else(|| Finding(format!("unreadable: {entry:?}")))?)
            }
        };
        *known = version.max(*known);
        Ok(Some(Op { begun, ended, did: Did::Read { version, nonce } }))
    }

    async fn swap(&mut self, key: &Key, known: &mut u64) -> Op {
        // Mostly over what is known, now and then over something older.
        let expect = if self.roll().is_multiple_of(8) { known.saturating_sub(1) } else { *known };
        let nonce = nonce();
        let begun = self.tick();
        let over = (expect > 0).then_some(expect);
        let written = self.store.write(key, over, nonce, signed(nonce)).await;
        let ended = self.tick();
        let answer = match written {
            Written::Applied { version } => Answer::Applied(version),
            Written::Refused => Answer::Refused,
            Written::Unknown(_) => Answer::Unknown,
        };
        // Whoever wins, the next version to try is the one after.
        *known = (*known).max(expect + 1);
        Op { begun, ended, did: Did::Swap { expect, nonce, answer } }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn roll(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
