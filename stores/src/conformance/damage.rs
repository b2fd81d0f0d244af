//! One bad record hides no other, and is told as damage: never as absent, never as whole.

use std::sync::Arc;

use super::{Finding, Verdict, body, ensure, expect_applied, fresh_key, read};
use crate::{Key, Store};

/// Creates three records, lets `damage` spoil the one in the middle, and looks at all of them
/// through a handle opened before and one opened after.
///
/// # Errors
/// A [`Finding`] when the damage hides, spreads, or goes unseen.
pub async fn damage_is_isolated(open: impl AsyncFn() -> Arc<dyn Store>, damage: impl AsyncFn(&Key)) -> Verdict {
    let before = open().await;
    let keys = [fresh_key("damage-a")?, fresh_key("damage-b")?, fresh_key("damage-c")?];
    for key in &keys {
        expect_applied(&before, key, None, body(key.as_str())).await?;
        expect_applied(&before, key, Some(1), body(key.as_str())).await?;
    }
    damage(&keys[1]).await;
    let after = open().await;
    let listed = after.list().await.map_err(|error| Finding(error.to_string()))?;
    for (key, spoiled) in keys.iter().zip([false, true, false]) {
        let in_list = listed.iter().find(|entry| entry.key == *key).cloned();
        for found in [in_list, read(&after, key).await?] {
            let found = found.ok_or_else(|| Finding(format!("{key} is hidden")))?;
            ensure(found.body.is_err() == spoiled, || format!("damaged: {spoiled}, but read as {found:?}"))?;
            let named = found.body.as_ref().err().is_none_or(|damage| !damage.0.is_empty());
            ensure(named, || format!("the damage of {key} has no words"))?;
        }
    }
    let neighbours = [&keys[0], &keys[2]];
    for key in neighbours {
        expect_applied(&before, key, Some(2), body("after")).await?;
    }
    Ok(())
}
