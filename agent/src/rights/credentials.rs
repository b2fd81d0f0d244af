//! What a request shows to be let in: a token as `Authorization: Bearer` or as the password of `Basic`, whose user name may
//! be anything, or in NetSpyGlass's own header; or the cookie of a login.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Where NetSpyGlass's clients put it.
const NSG: &str = "x-nsg-auth-api-token";

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Token(String),
    Cookie(String),
}

/// A token that is shown counts before a cookie; an `Authorization` that is neither is a token that is none.
pub(super) fn shown(headers: &HeaderMap, cookie: &str) -> Shown {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let token = authorization.to_str().ok().and_then(token);
        return Shown::Token(token.unwrap_or_default());
    }
    if let Some(token) = headers.get(NSG).and_then(|token| token.to_str().ok()) {
        return Shown::Token(token.trim().to_owned());
    }
    match find_cookie(headers, cookie) {
        Some(value) => Shown::Cookie(value.to_owned()),
        None => Shown::Nothing,
    }
}

fn token(authorization: &str) -> Option<String> {
    let (scheme, rest) = authorization.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// The value of the cookie of this name. One name may stand there several times; only the first one counts, as others may
/// have been planted by another port of this machine.
fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(its, _)| *its == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_cookies_are_found() {
        let check = |line: &str, expected: Shown| {
            let (name, value) = line.split_once(": ").expect("a header");
            let name: axum::http::HeaderName = name.parse().expect("a name");
            let headers = HeaderMap::from_iter([(name, value.parse().expect("a value"))]);
            assert_eq!(shown(&headers, "hotseat-n1"), expected, "{line}");
        };
        let token = |text: &str| Shown::Token(text.to_owned());
        check("authorization: Bearer hst1_x", token("hst1_x"));
        check("authorization: bearer  hst1_x ", token("hst1_x"));
        check("authorization: Basic YWRtaW46aHN0MV94", token("hst1_x"));
        check("authorization: Basic OmE6Yg==", token("a:b"));
        check("authorization: Basic %%%", token(""));
        check("authorization: Digest hst1_x", token(""));
        check("authorization: hst1_x", token(""));
        check("x-nsg-auth-api-token: hst1_x", token("hst1_x"));
        check("cookie: a=b; hotseat-n1=c", Shown::Cookie("c".into()));
        check("cookie: hotseat-n1=c; hotseat-n1=d", Shown::Cookie("c".into()));
        check("cookie: hotseat-n2=c", Shown::Nothing);
        check("accept: text/html", Shown::Nothing);
    }
}
