//! One caller, one step after the other: what a plain map would do.

use super::{Handles, Verdict, body, ensure, expect_applied, fresh_key, nonce, read};
use crate::{Entry, Written};

/// Far more than any window in which a store might remember old versions.
const VERSIONS_SINCE: u64 = 100;

pub(super) async fn check(handles: &Handles) -> Verdict {
    let (store, other) = (&handles[0], &handles[handles.len() - 1]);
    let key = fresh_key("sequence")?;
    ensure(read(store, &key).await?.is_none(), || format!("{key} is there before it was created"))?;
    let early = store.write(&key, Some(1), nonce(), body("early")).await;
    ensure(early == Written::Refused, || format!("a swap of a record that is absent: {early:?}"))?;
    expect_applied(store, &key, None, body("one")).await?;
    let again = other.write(&key, None, nonce(), body("again")).await;
    ensure(again == Written::Refused, || format!("a second creation: {again:?}"))?;
    expect_applied(other, &key, Some(1), body("two")).await?;
    // The same bytes make a version too (A6).
    let last = nonce();
    let same = store.write(&key, Some(2), last, body("two")).await;
    ensure(same == Written::Applied { version: 3 }, || format!("a swap for the same bytes: {same:?}"))?;
    let future = store.write(&key, Some(9), nonce(), body("future")).await;
    ensure(!matches!(future, Written::Applied { .. }), || format!("a swap of a version yet to come: {future:?}"))?;
    let wanted = Entry { key: key.clone(), version: 3, nonce: last, body: Ok(body("two")) };
    for handle in handles {
        let found = read(handle, &key).await?;
        ensure(found.as_ref() == Some(&wanted), || format!("read {found:?}, wrote {wanted:?}"))?;
        let listed = handle.list().await.map_err(|error| super::Finding(error.to_string()))?;
        ensure(listed.contains(&wanted), || format!("{wanted:?} is not listed"))?;
        ensure(listed.is_sorted_by(|a, b| a.key < b.key), || "a list is not ordered by key".to_owned())?;
    }
    Ok(())
}

pub(super) async fn stale_writer(handles: &Handles) -> Verdict {
    let key = fresh_key("stale")?;
    let mut version = expect_applied(&handles[0], &key, None, body("first")).await?;
    while version <= VERSIONS_SINCE {
        let handle = &handles[version as usize % handles.len()];
        version = expect_applied(handle, &key, Some(version), body(version.to_string())).await?;
    }
    for expect in [None, Some(1), Some(2), Some(VERSIONS_SINCE / 2), Some(version - 1)] {
        for handle in handles {
            let late = handle.write(&key, expect, nonce(), body("late")).await;
            ensure(late == Written::Refused, || {
                format!("a write over {expect:?} when {version} is current: {late:?}")
            })?;
        }
    }
    expect_applied(&handles[0], &key, Some(version), body("still here")).await.map(|_| ())
}
