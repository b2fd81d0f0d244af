//! Why somebody was turned away at the door, and what would help.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hotseat_client::Refusal;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Nobody knows who it is: a token would help.
    Unknown(String),
    /// What was shown is no token, or no longer.
    Wrong,
    /// Who it is does not matter, or is known and not enough.
    Forbidden(String),
    /// Somebody guesses: what is wrong is told again in so many seconds.
    TooMany(u64),
    /// It cannot be known who it is at the moment.
    Later(String),
}

impl Denied {
    /// As it is answered.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(_) | Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Later(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) | Self::Forbidden(why) | Self::Later(why) => f.write_str(why),
            Self::Wrong => f.write_str("this is no token of this cluster, or it has expired, or was revoked"),
            Self::TooMany(seconds) => write!(
                f,
                "too many tokens that are none came from there: a right one is heard at once, others in {seconds} s"
            ),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (status, error) = (self.status(), self.to_string());
        let again = matches!(self, Self::Later(_));
        let mut response = (status, Json(Refusal { error, leader: None, again })).into_response();
        let headers = response.headers_mut();
        match self {
            // Not "Basic": a browser would ask for a password in a window of its own, again and again.
            Self::Unknown(_) | Self::Wrong => {
                let challenge = HeaderValue::from_static("Bearer realm=\"hotseat\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::TooMany(seconds) => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds))),
            Self::Forbidden(_) | Self::Later(_) => {}
        }
        response
    }
}
