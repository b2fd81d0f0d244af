//! Whether a request was sent by a web page of somebody else's (CSRF). A browser sends along whatever lets its user in,
//! whichever page asks for it; but it says which page that is, and a page cannot make it lie.

use axum::http::{HeaderMap, Method, header};

/// Whether a request changes nothing, whoever sends it.
pub(super) fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// Whether another site's page sent this. Programs that are no browsers say nothing, and are believed.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // "same-site" is another port of this machine, or another name of this domain: not we.
        return !["same-origin", "none"].iter().any(|own| site == own);
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    // "null" is nobody's.
    !matches!((origin, host(headers)), (Some((_, from)), Some(to)) if from.eq_ignore_ascii_case(to))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_browser_says_whose_page_it_is() {
        let check = |headers: &[(&'static str, &'static str)], foreign| {
            let all = headers.iter().chain(&[("host", "10.0.0.1:7700")]);
            let all = all.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(is_foreign(&all.collect()), foreign, "{headers:?}");
        };
        check(&[], false);
        check(&[("origin", "http://10.0.0.1:7700")], false);
        check(&[("origin", "https://10.0.0.1:7700")], false);
        check(&[("origin", "http://10.0.0.1:9999")], true);
        check(&[("origin", "http://10.0.0.1")], true);
        check(&[("origin", "http://evil.example.org")], true);
        check(&[("origin", "http://evil.example.org://10.0.0.1:7700")], true);
        check(&[("origin", "null")], true);
        check(&[("origin", "")], true);
        check(&[("sec-fetch-site", "same-origin"), ("origin", "null")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("sec-fetch-site", "same-site"), ("origin", "http://10.0.0.1:7700")], true);
        check(&[("sec-fetch-site", "cross-site")], true);
        check(&[("sec-fetch-site", "")], true);
    }
}
