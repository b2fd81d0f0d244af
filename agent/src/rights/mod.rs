//! Who asks an agent over HTTP, and what they may do. It knows nothing of what is asked for.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::api::Remote;

/// What somebody may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// What load balancers ask.
    Public,
    /// Look.
    Viewer,
    /// Act upon groups.
    Operator,
    /// Everything.
    Admin,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// As records of acts name them.
    pub name: String,
    /// What they may do.
    pub right: Right,
}

impl Asker {
    /// Whoever reaches the port, from there: who belongs to the cluster is for this very machine to say.
    #[must_use]
    pub fn anyone(remote: Option<Remote>) -> Self {
        let from = remote.map(|remote| remote.0.ip().to_canonical());
        let right = if from.is_some_and(|from| from.is_loopback()) { Right::Admin } else { Right::Operator };
        Self { name: format!("anyone@{}", from.map_or_else(|| String::from("?"), |from| from.to_string())), right }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::anyone(parts.extensions.get::<Remote>().copied()))
    }
}
