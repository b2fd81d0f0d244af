//! Keys that look alike are different records, and the longest key works.

use super::{Finding, Handles, Verdict, body, ensure, expect_applied, nonce, read};
use crate::Key;

pub(super) async fn check(handles: &Handles) -> Verdict {
    let run = format!("s{:012x}", nonce() as u64 & 0xFFFF_FFFF_FFFF);
    let long = "x".repeat(64);
    let names = [
        run.clone(),
        format!("{run}/a"),
        format!("{run}/A"),
        format!("{run}/a/b"),
        format!("{run}.a"),
        format!("{run}-a"),
        format!("{run}_a"),
        format!("{run}/a."),
        format!("{run}/{long}/{long}"),
    ];
    let mut keys = Vec::new();
    for name in &names {
        let key = Key::parse(name).map_err(|bad| Finding(bad.to_string()))?;
        expect_applied(&handles[0], &key, None, body(name)).await?;
        keys.push(key);
    }
    for key in &keys {
        let found = read(&handles[1], key).await?.ok_or_else(|| Finding(format!("{key} is gone")))?;
        ensure(found.key == *key && found.body.as_deref() == Ok(key.as_str().as_bytes()), || {
            format!("{key} was read as {found:?}")
        })?;
    }
    Ok(())
}
