//! `on_standby = "redirect"`: a request that comes to a node that does not lead is told where the leader is (`cmn_7`), and
//! is not carried. Only HTTP can be told; whatever else comes is carried as ever.

use super::route::Way;
use hyper::Uri;
use hyper::header::HeaderValue;
use std::sync::Arc;

/// Where the proxy of whoever leads is, for clients. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// This node: what it leads itself is carried.
    own: Arc<str>,
    /// `{host}` and `{node}` stand for the leader's.
    address: Arc<str>,
}

impl Redirect {
    /// From `own` to `address`, in which `{host}` is the leader's host and `{node}` its name.
    #[must_use]
    pub fn new(own: &str, address: &str) -> Self {
        Self { own: own.into(), address: address.into() }
    }

    /// Where this request belongs, if the leader is another node. The method and the body stay what they are.
    pub(super) fn elsewhere(&self, way: &Way, asked: &Uri) -> Option<HeaderValue> {
        if *way.target.node == *self.own {
            return None;
        }
        let ip = way.target.address.ip();
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let base = self.address.replace("{host}", &host).replace("{node}", &way.target.node);
        let path = asked.path_and_query().map_or("/", |path| path.as_str());
        // A path that is no path, as in `OPTIONS *`, must not become part of a host's name.
        let path = if path.starts_with('/') { path } else { "/" };
        HeaderValue::try_from(format!("{base}{path}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Target;

    fn check(address: &str, leader: &str, asked: &str, expected: Option<&str>) {
        let target = Target::new("n2", leader.parse().unwrap());
        let way = Way { epoch: 1, target };
        let told = Redirect::new("n1", address).elsewhere(&way, &asked.parse().unwrap());
        assert_eq!(told.as_ref().map(|told| told.to_str().unwrap()), expected, "{address} {leader} {asked}");
        assert_eq!(Redirect::new("n2", address).elsewhere(&way, &asked.parse().unwrap()), None, "it leads itself");
    }

    #[test]
    fn a_request_keeps_its_path() {
        let here = "http://{host}:8080";
        check(here, "10.0.0.2:9100", "/a/b?c=d", Some("http://10.0.0.2:8080/a/b?c=d"));
        check(here, "[fd00::2]:9100", "/", Some("http://[fd00::2]:8080/"));
        check("https://{node}.example.org", "10.0.0.2:9100", "http://evil/x", Some("https://n2.example.org/x"));
        check(here, "10.0.0.2:9100", "//evil/x", Some("http://10.0.0.2:8080//evil/x"));
        check(here, "10.0.0.2:9100", "*", Some("http://10.0.0.2:8080/"));
    }
}
