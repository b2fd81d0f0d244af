//! Whether a group of several nodes leans on one machine's store (nsg_6). It looks once, at the start.

use hotseat_core::SessionState;
use hotseat_stores::{Entry, Store};

use crate::codec;
use crate::config::Config;
use crate::run::Failure;

/// What is risky about the store, for people; `None` if nothing is, or it was asked for by name.
///
/// # Errors
/// When another node of one of our groups is alive in a store that dies with one machine.
pub(crate) async fn check(config: &Config, store: &dyn Store) -> Result<Option<String>, Failure> {
    let why = store.single_point_of_failure().filter(|_| !config.cluster.allow_single_point_of_failure);
    let Some(why) = why else { return Ok(None) };
    let entries = store.list().await.unwrap_or_default();
    if let Some(other) = entries.iter().find_map(|entry| fellow(entry, config)) {
        return Err(Failure(format!(
            "[cluster] store: single point of failure: {why}\n       \
             {other} is in the same group: all of it would stop with that one machine. Use store = \"raft\" (hotseat \
             init, hotseat join) or a store that survives the loss of a machine; or say in [cluster]: \
             allow_single_point_of_failure = true"
        )));
    }
    let risk = format!("single point of failure: {why}");
    tracing::warn!("the store is a {risk}");
    Ok(Some(risk))
}

/// Another living node in one of our groups.
fn fellow(entry: &Entry, config: &Config) -> Option<String> {
    let record = codec::session(entry)?;
    let shares = config.groups.iter().any(|group| record.members.contains_key(&group.id));
    let other = record.node != config.node.name && record.state == SessionState::Alive;
    (other && shares).then(|| format!("{} ({})", record.node, record.address))
}
