//! One form for every refusal: what axum itself refuses, in plain text, is said as JSON like all else.

use axum::body::to_bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::refuse;

/// Longest text of a refusal, in bytes.
const TEXT_MAX: usize = 4096;

/// The same answer; as a refusal in JSON if it blames the client in plain text.
pub(super) async fn as_json(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !status.is_client_error() || !kind.starts_with("text/plain") {
        return response;
    }
    let text = to_bytes(response.into_body(), TEXT_MAX).await.unwrap_or_default();
    refuse(status, String::from_utf8_lossy(&text).trim()).into_response()
}
