//! Several handles want the same version at the same moment: one gets it.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Finding, Handles, Verdict, ensure, fresh_key, nonce, read, signed, signer};
use crate::{Fault, Faulty, Key, Store, Written};

const RACERS: usize = 8;
const ROUNDS: u64 = 25;

/// Eight ways, many rounds: one creates.
pub(super) async fn creations(handles: &Handles) -> Verdict {
    for _ in 0..ROUNDS {
        let key = fresh_key("create")?;
        let ends = race(handles, &key, None).await?;
        judge(handles, &key, 1, &ends).await?;
    }
    Ok(())
}

/// Eight ways, many rounds, on one record: one swaps.
pub(super) async fn swaps(handles: &Handles) -> Verdict {
    let key = fresh_key("swap")?;
    super::expect_applied(&handles[0], &key, None, signed(0)).await?;
    for version in 1..=ROUNDS {
        let ends = race(handles, &key, Some(version)).await?;
        judge(handles, &key, version + 1, &ends).await?;
    }
    Ok(())
}

type Ends = Vec<(u128, Written)>;

async fn race(handles: &Handles, key: &Key, expect: Option<u64>) -> Result<Ends, Finding> {
    let start = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for handle in handles.iter().cycle().take(RACERS) {
        let (handle, key, start, nonce) = (handle.clone(), key.clone(), start.clone(), nonce());
        racers.spawn(async move {
            start.wait().await;
            (nonce, handle.write(&key, expect, nonce, signed(nonce)).await)
        });
    }
    let mut ends = Vec::new();
    while let Some(end) = racers.join_next().await {
        ends.push(end.map_err(|error| Finding(error.to_string()))?);
    }
    Ok(ends)
}

async fn judge(handles: &Handles, key: &Key, version: u64, ends: &Ends) -> Verdict {
    let applied: Vec<u128> =
        ends.iter().filter(|(_, end)| *end == Written::Applied { version }).map(|(n, _)| *n).collect();
    let refused = ends.iter().filter(|(_, end)| *end == Written::Refused).count();
    let told = || format!("of {RACERS} racers for version {version} of {key}: {ends:?}");
    ensure(applied.len() <= 1, || format!("{} won, {}", applied.len(), told()))?;
    ensure(refused < RACERS, || format!("nobody won, {}", told()))?;
    let unknown = ends.iter().any(|(_, end)| matches!(end, Written::Unknown(_)));
    ensure(unknown || applied.len() + refused == RACERS, || format!("a wrong version, {}", told()))?;
    for handle in handles {
        let found = read(handle, key).await?;
        let holder = found.as_ref().and_then(|found| signer(found.body.as_ref().ok()?));
        let right = applied.first().is_none_or(|winner| holder == Some(*winner));
        ensure(right, || format!("the winner is not in the record ({found:?}), {}", told()))?;
    }
    Ok(())
}

/// An outcome that is unknown is settled by a new compare-and-swap over the same version (A1).
pub(super) async fn unknown_outcomes(handles: &Handles) -> Verdict {
    for (fault, lands) in [(Fault::AnswerLost, true), (Fault::CallLost, false)] {
        let road = Faulty::new(handles[0].clone(), 0);
        let key = fresh_key("unknown")?;
        super::expect_applied(&handles[1], &key, None, signed(0)).await?;
        let (first, second) = (nonce(), nonce());
        road.faults().script(fault);
        let lost = road.write(&key, Some(1), first, signed(first)).await;
        ensure(matches!(lost, Written::Unknown(_)), || format!("{fault:?} must be unknown: {lost:?}"))?;
        let fence = handles[1].write(&key, Some(1), second, signed(second)).await;
        let expected = if lands { Written::Refused } else { Written::Applied { version: 2 } };
        ensure(fence == expected, || format!("the fence after {fault:?}: {fence:?}"))?;
        let holder = read(&handles[0], &key).await?.and_then(|found| signer(found.body.as_ref().ok()?));
        let right = if lands { first } else { second };
        ensure(holder == Some(right), || format!("after {fault:?} the record is of {holder:?}"))?;
    }
    Ok(())
}
