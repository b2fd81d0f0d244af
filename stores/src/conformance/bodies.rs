//! Bodies come back as they went in: none, one byte, every byte, the biggest.

use super::{Finding, Handles, Verdict, body, ensure, expect_applied, fresh_key, read};
use crate::Body;

pub(super) async fn check(handles: &Handles) -> Verdict {
    let key = fresh_key("bodies")?;
    let every: Vec<u8> = (0..=255).collect();
    let biggest: Vec<u8> = (0..Body::LEN_MAX).map(|n| (n % 251) as u8).collect();
    let cases: [&[u8]; 7] = [b"", b"\n", b"\0", &every, &biggest, b"hotseat 1 00000000 0\n", b""];
    let mut version = None;
    for (case, handle) in cases.into_iter().zip(handles.iter().cycle()) {
        version = Some(expect_applied(handle, &key, version, body(case)).await?);
        for reader in handles {
            let found = read(reader, &key).await?.ok_or_else(|| Finding(format!("{key} is gone")))?;
            ensure(found.body.as_deref() == Ok(case), || {
                format!("{} bytes written, read back as {:?}", case.len(), found.body)
            })?;
        }
    }
    Ok(())
}
