//! What each path needs: the one table. What is not in it is for administrators to change and for viewers to read, so
//! that a path that was forgotten here is closed, not open.

use axum::http::Method;

use crate::rights::Right;
use crate::rights::Right::{Admin, Operator, Public, Statistics, Status};

/// A path as it is routed, what is needed to read it, and what to change it.
type Row = (&'static str, Right, Right);

const TABLE: &[Row] = &[
    // Load balancers and NetSpyGlass's clients come without credentials.
    ("/health", Public, Public),
    ("/ping", Public, Public),
    ("/leader/{group}", Public, Public),
    ("/standby/{group}", Public, Public),
    ("/v1/server/healthy", Public, Public),
    ("/v1/server/shuttingDown", Public, Public),
    ("/v1/server/up", Public, Public),
    ("/v2/ping/net/{netid}", Public, Public),
    ("/v2/ping/net/{netid}/", Public, Public),
    ("/v2/ping/net/{netid}/se", Public, Public),
    ("/v2/ping/net/{netid}/se/", Public, Public),
    // What is unknown of AMP's paths is said to be so.
    ("/v1/{*path}", Public, Public),
    // Who has no token yet comes here to show one, or to read what there is.
    ("/api/openapi.json", Public, Public),
    ("/login", Public, Public),
    ("/login.css", Public, Public),
    ("/logout", Public, Public),
    ("/dashboard/icon.svg", Public, Public),
    ("/dashboard/script.js", Public, Public),
    ("/dashboard/style.css", Public, Public),
    // Members, and programs that follow a leader, ask each other.
    ("/api/groups/{group}/drained", Public, Public),
    ("/api/groups/{group}/sight", Public, Public),
    ("/api/groups/{group}/way", Public, Public),
    // Locks and candidates act upon the cluster; that they are of this machine, their handlers see to.
    ("/api/elections/{name}", Operator, Operator),
    ("/api/lock/changes", Operator, Operator),
    ("/api/lock/records", Operator, Operator),
    ("/api/lock/records/{kind}/{name}", Operator, Operator),
    ("/api/lock/renew", Operator, Operator),
    ("/api/lock/terms", Operator, Operator),
    ("/api/lock/votes", Operator, Operator),
    // Looking.
    ("/", Status, Operator),
    ("/api/cluster", Status, Admin),
    ("/api/events", Status, Admin),
    ("/api/groups/{group}/acts", Status, Operator),
    ("/api/groups/{group}/story", Status, Operator),
    ("/api/locks", Status, Admin),
    ("/api/members", Status, Admin),
    ("/dashboard/acts/{group}/{id}", Status, Operator),
    ("/dashboard/alerts", Status, Operator),
    ("/dashboard/ask/{what}/{group}", Status, Operator),
    // That files differ; the page asks for more before it shows what they hold.
    ("/dashboard/drift/{group}", Status, Operator),
    ("/dashboard/live", Status, Operator),
    ("/explain/{group}", Status, Operator),
    ("/explain/{group}/{epoch}", Status, Operator),
    ("/v1/server/ha/states", Status, Operator),
    ("/v1/server/planeid", Status, Operator),
    ("/v1/server/up/extended", Status, Operator),
    ("/v1/server/version", Status, Operator),
    ("/v2/nsg/cluster/net/{netid}/status", Status, Operator),
    ("/v2/nsg/cluster/net/{netid}/status/", Status, Operator),
    ("/metrics", Statistics, Admin),
    ("/v1/server/ha/metrics", Statistics, Operator),
    // Acting.
    ("/dashboard/act/{what}/{group}", Status, Operator),
    ("/api/alerts", Status, Operator),
    ("/api/alerts/test", Status, Operator),
    // What stands in files is more than status.
    ("/api/groups/{group}/drift", Operator, Operator),
    ("/api/groups/{group}/drill", Status, Operator),
    ("/api/groups/{group}/drills", Status, Operator),
    ("/api/groups/{group}/mode", Status, Operator),
    ("/api/groups/{group}/pause", Status, Operator),
    ("/api/groups/{group}/pin", Status, Operator),
    ("/api/groups/{group}/priority", Status, Operator),
    ("/api/groups/{group}/resume", Status, Operator),
    ("/api/groups/{group}/switchover", Status, Operator),
    ("/api/groups/{group}/sync", Status, Operator),
    ("/api/groups/{group}/sync/push", Status, Operator),
    ("/api/groups/{group}/sync/rollback", Status, Operator),
    ("/api/groups/{group}/sync/take-back", Status, Operator),
    ("/api/groups/{group}/unpin", Status, Operator),
    ("/api/nodes/remove", Status, Operator),
    ("/v1/server/ha/priority", Statistics, Operator),
    ("/v1/server/ha/state", Status, Operator),
    ("/v1/server/ha/states/clear", Status, Operator),
    ("/v1/server/ha/states/clear/node", Status, Operator),
    // What the whole cluster hangs on.
    ("/api/members/invite", Admin, Admin),
    ("/api/members/remove", Admin, Admin),
    ("/api/snapshot", Admin, Admin),
    ("/api/tokens", Admin, Admin),
    ("/api/tokens/{name}", Admin, Admin),
    ("/v1/server/ha/persist/export", Admin, Admin),
    ("/v1/server/ha/persist/import", Admin, Admin),
    ("/v1/server/shutdown", Admin, Admin),
];

/// Where programs change something many times a second, for as long as they live: what they are granted there is not
/// written down one by one.
const TRAFFIC: [&str; 3] = ["/api/elections/{name}", "/api/lock/records/{kind}/{name}", "/api/lock/renew"];

/// Whether an act at this path is an act of somebody, and not traffic.
pub(super) fn is_act(path: Option<&str>) -> bool {
    path.is_none_or(|path| !TRAFFIC.contains(&path))
}

/// What this needs; `path` is the route's, none where there is none.
pub(super) fn need(method: &Method, path: Option<&str>) -> Right {
    // That nothing is there is no secret.
    let Some(path) = path else { return Public };
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    match TABLE.iter().find(|(its, ..)| *its == path) {
        Some((_, read, _)) if reads => *read,
        Some((.., change)) => *change,
        None if reads => Right::Viewer,
        None => Admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_table_is_closed() {
        assert_eq!(need(&Method::GET, Some("/api/new")), Right::Viewer);
        assert_eq!(need(&Method::POST, Some("/api/new")), Admin);
        assert_eq!(need(&Method::POST, Some("/api/groups/{group}/switchover")), Operator);
        assert_eq!(need(&Method::POST, None), Public);
    }

    #[test]
    fn what_is_traffic_is_in_the_table() {
        assert!(TRAFFIC.iter().all(|path| TABLE.iter().any(|(its, ..)| its == path)));
        assert!(!is_act(Some("/api/lock/renew")) && is_act(Some("/api/groups/{group}/pause")) && is_act(None));
    }

    #[test]
    fn no_path_is_there_twice() {
        for (at, (path, ..)) in TABLE.iter().enumerate() {
            assert!(TABLE[at + 1..].iter().all(|(other, ..)| other != path), "{path}");
        }
    }
}
