//! Making tokens, and taking them back.

use std::time::Duration;

use crate::client::Client;
use crate::error::Error;
use crate::wire::{MadeToken, NewToken, Token};

impl Client {
    /// Who has a token.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.get("/api/tokens").await
    }

    /// Makes one. From the first one on, every agent of the cluster wants to see one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_token(&self, name: &str, right: &str, good: Option<Duration>) -> Result<MadeToken, Error> {
        let good_s = good.map(|good| good.as_secs());
        self.post("/api/tokens", &NewToken { name: name.to_owned(), right: right.to_owned(), good_s }).await
    }

    /// Takes one back: it is worth nothing any more on any node, a moment later.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revoke_token(&self, name: &str) -> Result<(), Error> {
        self.delete::<serde_json::Value>(&format!("/api/tokens/{name}")).await.map(drop)
    }
}
