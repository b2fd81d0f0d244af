//! How an AMP server refuses: JSON with a `message`, which its command-line client shows. It has a `Content-Type`
//! whatever went wrong, as those clients want.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// As Brooklyn's `ApiError`.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    message: String,
    /// Where the leader's agent is, where that is what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Elsewhere>,
    error: u16,
}

#[derive(Debug, Serialize)]
struct Elsewhere {
    leader: String,
}

/// With this status.
pub(super) fn refuse(status: StatusCode, message: impl Into<String>) -> Refused {
    Refused { message: message.into(), data: None, error: status.as_u16() }
}

/// A change that was sent to a node that does not lead: in AMP's words, and with where the leader is.
pub(super) fn not_here(leader: Option<String>) -> Refused {
    let only = "This request is only permitted against an active primary server";
    let message = leader.as_ref().map_or_else(|| format!("{only}; there is none now"), |at| format!("{only}: {at}"));
    Refused { data: leader.map(|leader| Elsewhere { leader }), ..refuse(StatusCode::FORBIDDEN, message) }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}

impl From<QueryRejection> for Refused {
    fn from(wrong: QueryRejection) -> Self {
        refuse(StatusCode::BAD_REQUEST, wrong.body_text())
    }
}
