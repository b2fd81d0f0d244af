//! The heads of requests and answers: what is left out, and what is added, on the way through.

use super::pools::Upstream;
use crate::proxy::accept::Origin;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri, Version};

/// The epoch of the leader that answers; also what a service can compare with its own.
const EPOCH: HeaderName = HeaderName::from_static("x-hotseat-epoch");
/// The node of the service that answers.
const NODE: HeaderName = HeaderName::from_static("x-hotseat-node");
/// Only we say such things.
const OURS: &str = "x-hotseat-";
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// What is said of a client to the service (RFC 7239).
pub(super) fn forwarded(from: Origin) -> HeaderValue {
    let proto = if from.secure { "https" } else { "http" };
    let ip = from.ends.client.ip().to_canonical();
    let text = if ip.is_ipv6() { format!("for=\"[{ip}]\";proto={proto}") } else { format!("for={ip};proto={proto}") };
    text.try_into().expect("an address has nothing that a header may not have")
}

/// Whether a request says once for which host it is (RFC 9112, 3.2): with two, we and the service could mean different
/// ones. HTTP/1.0 need not say it, and HTTP/2 says it elsewhere.
pub(super) fn names_its_host<B>(request: &Request<B>) -> bool {
    match (request.headers().get_all(header::HOST).iter().count(), request.version()) {
        (0, Version::HTTP_11) => false,
        (0 | 1, _) => true,
        (_, _) => false,
    }
}

/// What a client wants to go on with instead of HTTP, if anything: not HTTP/2, which is ours to speak.
pub(super) fn upgrade(head: &Parts) -> Option<HeaderValue> {
    let wanted = head.headers.get(header::UPGRADE)?;
    let asked = listed(&head.headers, header::CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"));
    let ours = wanted.as_bytes().get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"h2"));
    (asked && !ours && head.version == Version::HTTP_11).then(|| wanted.clone())
}

/// Makes a client's head one for a service that speaks HTTP/1.
pub(super) fn to_http1(head: &mut Parts) {
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        head.headers.insert(header::HOST, host);
    }
    let path = head.uri.path_and_query().cloned();
    head.uri = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    head.version = Version::HTTP_11;
}

/// HTTP/2 may send cookies one by one; in HTTP/1 there is one line of them (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let all: Vec<_> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if all.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// Leaves out what concerns one connection only, and what nobody but us may say.
pub(super) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // Two lengths of one body are how requests are smuggled.
        headers.remove(header::CONTENT_LENGTH);
    }
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<_> =
            listed(headers, header::CONNECTION).filter_map(|word| HeaderName::try_from(word).ok()).collect();
        for name in named {
            headers.remove(name);
        }
    }
    let trailers = listed(headers, header::TE).any(|word| word.eq_ignore_ascii_case("trailers"));
    for name in [
        header::CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        HTTP2_SETTINGS,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TE,
        header::EXPECT,
    ] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    let forged: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with(OURS)).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
}

/// Says under whom this is sent, or was answered.
pub(super) fn stamp(headers: &mut HeaderMap, upstream: &Upstream) {
    headers.insert(EPOCH, upstream.epoch.clone());
    headers.insert(NODE, upstream.node.clone());
}

/// Asks for, or grants, something else instead of HTTP.
pub(super) fn switch(headers: &mut HeaderMap, to: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, to);
}

/// Whether gRPC is spoken: over HTTP/2, or not at all.
pub(super) fn is_grpc(head: &Parts) -> bool {
    head.version == Version::HTTP_2 && begins(&head.headers, b"application/grpc")
}

/// Whether this answer goes on for as long as the client likes.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    begins(headers, b"text/event-stream")
}

fn begins(headers: &HeaderMap, kind: &[u8]) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(kind))
}

/// The words of a header that is a list.
fn listed(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::preamble::Ends;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let mut all = HeaderMap::new();
        for (name, value) in pairs {
            all.append(name, value);
        }
        all
    }

    #[test]
    fn what_is_for_one_connection_stays_there() {
        let mut found = headers(&[
            ("connection", "keep-alive, X-Secret"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("x-secret", "1"),
            ("te", "gzip, trailers"),
            ("expect", "100-continue"),
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("accept", "*/*"),
        ]);
        strip(&mut found);
        assert_eq!(found, headers(&[("accept", "*/*"), ("te", "trailers")]));
    }

    #[test]
    fn nobody_else_says_what_the_epoch_is() {
        let mut found =
            headers(&[("x-hotseat-epoch", "9"), ("x-hotseat-epoch", "8"), ("x-hotseat-other", "a"), ("x-hot", "b")]);
        strip(&mut found);
        assert_eq!(found, headers(&[("x-hot", "b")]));
    }

    #[test]
    fn who_is_forwarded_is_named() {
        let check = |peer: &str, secure, expected: &str| {
            let ends = Ends { client: peer.parse().unwrap(), server: "10.0.0.9:8080".parse().unwrap() };
            let from = Origin { ends, secure };
            assert_eq!(forwarded(from).to_str().unwrap(), expected);
        };
        check("10.0.0.1:80", false, "for=10.0.0.1;proto=http");
        check("[::ffff:10.0.0.1]:80", true, "for=10.0.0.1;proto=https");
        check("[2001:db8::1]:80", false, "for=\"[2001:db8::1]\";proto=http");
    }

    #[test]
    fn only_what_is_not_http_is_an_upgrade() {
        let check = |connection: &str, to: &str, expected: bool| {
            let request = Request::builder().header("connection", connection).header("upgrade", to).body(()).unwrap();
            assert_eq!(upgrade(&request.into_parts().0).is_some(), expected, "{connection} {to}");
        };
        check("Upgrade", "websocket", true);
        check("keep-alive, upgrade", "websocket", true);
        check("keep-alive", "websocket", false);
        check("Upgrade, HTTP2-Settings", "h2c", false);
    }

    #[test]
    fn a_head_of_http_2_becomes_one_of_http_1() {
        let request = Request::builder().version(Version::HTTP_2).uri("http://shop.test/a?b=c");
        let request = request.header("cookie", "a=1").header("cookie", "b=2").body(()).unwrap();
        let (mut head, ()) = request.into_parts();
        to_http1(&mut head);
        assert_eq!((head.uri.to_string().as_str(), head.version), ("/a?b=c", Version::HTTP_11));
        assert_eq!(head.headers, headers(&[("cookie", "a=1; b=2"), ("host", "shop.test")]));
    }
}
