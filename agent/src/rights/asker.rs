//! Who asks.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Right;

/// Who asks, as the door found it. Handlers take it like any other part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// As records of acts name them: `root@socket`, a token's name, `anyone@127.0.0.1`.
    pub name: String,
    /// What they may do.
    pub right: Right,
}

impl Asker {
    /// Somebody of whom nothing is known.
    pub(super) fn nobody() -> Self {
        Self { name: String::from("nobody"), right: Right::Public }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::nobody))
    }
}
