//! `POST /api/elections/{name}`: where a candidate stands, for programs on this machine that link `hotseat-client`.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use hotseat_client::{Stand, Standing};

use super::locks::admit;
use super::{Api, Refused, Remote, refuse};
use crate::lock::LockName;

/// Answers at once when there is news for the candidate, otherwise after a while.
pub(super) async fn stand(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(stand): Json<Stand>,
) -> Result<Json<Standing>, Refused> {
    admit(remote, &headers)?;
    let wrong = |why: String| refuse(StatusCode::BAD_REQUEST, why);
    let name = LockName::new(&name).map_err(wrong)?;
    let id = stand.candidate.as_str();
    let well_formed = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(id, 16).ok().filter(|_| well_formed);
    let id = id.ok_or_else(|| wrong(String::from("\"candidate\" is 32 hexadecimal digits")))?;
    let standing = api.elections.ask(name, id, stand).await;
    standing.map(Json).map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, why))
}
