//! Fire drills, asked for and told of by one agent.

use crate::client::Client;
use crate::error::Error;
use crate::wire::{DrillOrder, DrillUnderWay, Drills};

impl Client {
    /// Begins a fire drill. It is under way when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] says what is in the way.
    pub async fn drill(&self, group: &str, order: &DrillOrder) -> Result<DrillUnderWay, Error> {
        self.post(&format!("/api/groups/{group}/drill"), order).await
    }

    /// The group's drills.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn drills(&self, group: &str) -> Result<Drills, Error> {
        self.get(&format!("/api/groups/{group}/drills")).await
    }
}
