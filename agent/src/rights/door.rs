//! The door before every handler: nobody gets in who may not, every handler knows who asks, and what anybody wanted to
//! change is written down.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::StreamExt;

use super::denied::Denied;
use super::{Ground, Guest, Right, Rights, headers, page};
use crate::api::{Remote, query};

/// What is needed to do this at a path of the router's; none where there is no such path.
type Needs = fn(&Method, Option<&str>) -> Right;

/// Whether what is changed at such a path is worth a line for each time.
type IsAct = fn(Option<&str>) -> bool;

/// How often a stream that goes on and on looks whether its reader would still be let in.
const LOOK: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) rights: Rights,
    pub(crate) needs: Needs,
    pub(crate) is_act: IsAct,
}

/// The layer, for `axum::middleware::from_fn_with_state`.
pub(crate) async fn pass(
    State(door): State<Door>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let path = path.as_ref().map(MatchedPath::as_str);
    let (need, is_act) = ((door.needs)(request.method(), path), (door.is_act)(path));
    let mut response = door.answer(need, is_act, request, next).await;
    headers::add(response.headers_mut());
    response
}

impl Door {
    async fn answer(&self, need: Right, is_act: bool, request: Request, next: Next) -> Response {
        if need == Right::Public {
            return next.run(request).await;
        }
        let (mut parts, body) = request.into_parts();
        let Some(remote) = parts.extensions.get::<Remote>().copied() else {
            return Denied::Later(String::from("it is not known where this comes from")).into_response();
        };
        let changes = (!page::is_safe(&parts.method)).then(|| format!("{} {}", parts.method, parts.uri.path()));
        let guest = match self.enter(need, remote, &parts) {
            Ok(guest) => guest,
            Err((who, denied)) => {
                if let (Some(who), Some(what)) = (who, changes) {
                    self.rights.note_refusal(&who, remote, &what, denied.status().as_u16());
                }
                return turned_away(denied, &parts);
            }
        };
        let Guest { asker, ground } = guest;
        let who = asker.name.clone();
        parts.extensions.insert(asker);
        let response = next.run(Request::from_parts(parts, body)).await;
        if let Some(what) = changes.filter(|_| is_act || !response.status().is_success()) {
            self.rights.note(&who, remote, &what, response.status().as_u16());
        }
        self.while_good(ground, need, response)
    }

    /// Lets somebody in; or says why not, and who it is if that is known.
    fn enter(&self, need: Right, remote: Remote, request: &Parts) -> Result<Guest, (Option<String>, Denied)> {
        if !page::is_safe(&request.method) && page::is_foreign(&request.headers) {
            let why = "this is not for web pages of other sites";
            return Err((Some(String::from("a page of another site")), Denied::Forbidden(String::from(why))));
        }
        let guest = self.rights.recognise(remote, request).map_err(|denied| (None, denied))?;
        if guest.asker.right.covers(need) {
            return Ok(guest);
        }
        if self.rights.is_unread() {
            let why = "this agent has just come, and has not read yet who may do what: try again in a moment";
            return Err((Some(guest.asker.name), Denied::Later(String::from(why))));
        }
        let (name, right) = (guest.asker.name, guest.asker.right);
        let why = format!("this needs the right \"{need}\"; {name} has \"{right}\"");
        Err((Some(name), Denied::Forbidden(why)))
    }

    /// What goes on and on ends when that does for which somebody was let in: the token, its right, the login.
    fn while_good(&self, ground: Ground, need: Right, response: Response) -> Response {
        let endless = HeaderValue::from_static("text/event-stream");
        if response.headers().get(header::CONTENT_TYPE) != Some(&endless) {
            return response;
        }
        let rights = self.rights.clone();
        let over = async move {
            while rights.admits(ground, need) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, Body::from_stream(body.into_data_stream().take_until(Box::pin(over))))
    }
}

/// A browser that could log in is shown where.
fn turned_away(denied: Denied, request: &Parts) -> Response {
    let accepts = request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let looks = request.method == Method::GET && accepts.contains("text/html");
    match denied {
        Denied::Unknown(_) if looks => {
            Redirect::to(&format!("/login?next={}", query::escaped(request.uri.path()))).into_response()
        }
        denied => denied.into_response(),
    }
}
