//! contained: after its deadline and the stop budget nothing of a session's services is alive.

use super::Fact;

pub(super) fn see(fact: &Fact<'_>) -> Result<(), String> {
    match fact {
        Fact::Outlived { machine, deadline, local } => {
            Err(format!("on machine {machine} a service lives at {local:?}; its deadline was {deadline:?}"))
        }
        _ => Ok(()),
    }
}
