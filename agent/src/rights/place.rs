//! Rights that hang on where somebody is, and not on what they know, can be borrowed: by whoever is behind a proxy on this
//! machine, and by a web page whose name suddenly means this machine (DNS rebinding). Both are found out here.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::config::Config;

/// What proxies say of those they speak for…
const CARRIED: [&str; 9] = [
    "forwarded",
    "via",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "fastly-client-ip",
    "cdn-loop",
];

/// …and how all begins that some of them say.
const CARRIED_BY: [&str; 5] = ["x-forwarded-", "x-original-", "x-envoy-", "x-amzn-", "cf-"];

/// Whether a request says that it came through a proxy: its sender is not who asks.
pub(super) fn is_carried(headers: &HeaderMap) -> bool {
    let tells = |name: &str| CARRIED.contains(&name) || CARRIED_BY.iter().any(|all| name.starts_with(all));
    headers.keys().any(|name| tells(name.as_str()))
}

/// By which names this node may be called.
#[derive(Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// `localhost`, the node's own, and those that the configuration lists. An address is always right: no page that
    /// came from elsewhere has it for a name.
    pub(super) fn new(config: &Config) -> Self {
        let own = [String::from("localhost"), config.node.name.to_string()];
        Self(own.into_iter().chain(config.api.hosts.clone()).map(|name| name.to_ascii_lowercase()).collect())
    }

    /// The first name in a request that is none of this node's. No name at all is no browser's.
    pub(super) fn stranger(&self, request: &Parts) -> Option<String> {
        let hosts = request.headers.get_all(header::HOST).iter();
        let hosts = hosts.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
        let target = request.uri.authority().map(ToString::to_string);
        hosts.chain(target).find(|host| !self.know(host))
    }

    fn know(&self, authority: &str) -> bool {
        let host = host(authority).to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
        address || self.0.iter().any(|name| name == host)
    }
}

/// Without the port.
fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.is_empty() => host,
        Some(_) | None => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_says_gives_it_away() {
        let check = |name: &'static str, carried| {
            let headers =
                HeaderMap::from_iter([(header::HeaderName::from_static(name), header::HeaderValue::from_static("x"))]);
            assert_eq!(is_carried(&headers), carried, "{name}");
        };
        for name in ["forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-prefix", "x-real-ip"] {
            check(name, true);
        }
        for name in ["cf-connecting-ip", "true-client-ip", "x-envoy-external-address", "x-amzn-trace-id"] {
            check(name, true);
        }
        for name in ["host", "user-agent", "authorization", "x-request-id", "origin"] {
            check(name, false);
        }
    }

    #[test]
    fn addresses_and_own_names_are_known_and_others_are_not() {
        let names = Names(vec!["localhost".into(), "n1".into(), "ha.example.org".into()]);
        let check = |host: &str, known| assert_eq!(names.know(host), known, "{host}");
        check("127.0.0.1:7700", true);
        check("10.0.0.1", true);
        check("[::1]:7700", true);
        check("[::1]", true);
        check("LocalHost:7700", true);
        check("n1:7700", true);
        check("ha.example.org.", true);
        check("evil.example.org:7700", false);
        check("127.0.0.1.evil.example.org", false);
        check("n1.evil.example.org", false);
        check("", false);
        check(":7700", false);
        check("localhost@evil.example.org", false);
    }
}
