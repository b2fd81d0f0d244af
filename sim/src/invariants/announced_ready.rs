//! announced_ready: a leader is announced only after a ready check passed since it was told of its epoch.

use super::Fact;

pub(super) fn see(fact: &Fact<'_>) -> Result<(), String> {
    match fact {
        Fact::Announced { checked: false, group, epoch, of, .. } => {
            Err(format!("{of:?} announces epoch {epoch} of {group}, whose service is not known to be ready"))
        }
        _ => Ok(()),
    }
}
