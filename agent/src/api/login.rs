//! `/login` and `/logout`: a browser shows a token once, and a cookie from then on.

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;

use super::{Api, Remote};
use crate::rights::{self, Denied};

const PAGE: &str = include_str!("login.html");
const FORM: &str = include_str!("login_form.html");
const STYLE: &str = include_str!("login.css");

/// What there is to read where a token must not be sent.
const CLEAR: &str = "This page came in the clear, and a token would go back the same way: everybody in between could read it. \
                     Come with https (at this same address, if the node has a certificate), or from the node's own machine; \
                     [api] plain = true in its file is for networks where nobody else is on the way.";

/// Longest path to go back to, in bytes.
const NEXT_MAX: usize = 500;

/// The paths of this file.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/login", get(page).post(login)).route("/login.css", get(style)).route("/logout", post(logout))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Login {
    token: String,
    #[serde(default)]
    next: String,
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

async fn page(State(api): State<Api>, Extension(remote): Extension<Remote>, Query(wanted): Query<Wanted>) -> Response {
    shown(&api, remote, StatusCode::OK, "", &wanted.next)
}

async fn login(
    State(api): State<Api>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
    Form(login): Form<Login>,
) -> Response {
    if rights::is_foreign(&headers) {
        return foreign();
    }
    match api.rights.log_in(remote, login.token.trim()) {
        Ok(cookie) => {
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, own(&login.next).to_owned())])
                .into_response()
        }
        Err(denied) => shown(&api, remote, denied.status(), &denied.to_string(), &login.next),
    }
}

async fn logout(State(api): State<Api>, Extension(remote): Extension<Remote>, headers: HeaderMap) -> Response {
    if rights::is_foreign(&headers) {
        return foreign();
    }
    let cookie = api.rights.log_out(remote, &headers);
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, String::from("/login"))]).into_response()
}

/// Nobody is logged in or out by somebody else's page.
fn foreign() -> Response {
    Denied::Forbidden(String::from("this is not for web pages of other sites")).into_response()
}

/// The page; with a form only where a token may come back.
fn shown(api: &Api, remote: Remote, status: StatusCode, message: &str, next: &str) -> Response {
    let node = api.facts.config.node.name.as_str();
    let (form, message) = match api.rights.takes_tokens(remote) {
        true => (FORM, message),
        false if message.is_empty() => ("", CLEAR),
        false => ("", message),
    };
    let page = PAGE.replace("{form}", form);
    let fields = [("{node}", node), ("{message}", message), ("{next}", own(next))];
    let page = fields.iter().fold(page, |page, (field, value)| page.replace(field, &escaped(value)));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    (status, headers, page).into_response()
}

/// A path of ours, whatever was asked for: a login must not lead to another site.
fn own(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.len() <= NEXT_MAX && next.starts_with('/') && !next.starts_with("//") { next } else { "/" }
}

fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => String::from("&amp;"),
        '<' => String::from("&lt;"),
        '>' => String::from("&gt;"),
        '"' => String::from("&quot;"),
        '\'' => String::from("&#39;"),
        // What a field holds must not be taken for another field.
        '{' => String::from("&#123;"),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_path_of_ours() {
        let check = |next, to| assert_eq!(own(next), to, "{next}");
        check("/explain/web/3?x=1", "/explain/web/3?x=1");
        check("", "/");
        check("https://evil.example.org", "/");
        check("//evil.example.org", "/");
        check("/\\evil.example.org", "/");
        check("/a\r\nSet-Cookie: x=y", "/");
        check("javascript:alert(1)", "/");
    }

    #[test]
    fn what_is_shown_is_text() {
        assert_eq!(escaped("<script>\"'&{next}"), "&lt;script&gt;&quot;&#39;&amp;&#123;next}");
    }
}
