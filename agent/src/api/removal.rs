//! Takes dead nodes out of their groups (`amp_12`). A node that is alive stays; one that comes back with a new session is a
//! member again. It takes nobody's vote: a machine that starts anew is as silent as one that is gone, and who belongs to
//! the cluster is `members remove`'s.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use hotseat_client::{Dismiss, Dismissed};
use hotseat_core::{GroupId, NodeName};

use super::acts::{body, object};
use super::{Api, Refused, refuse};
use crate::embedded::belonging;
use crate::orders::Verb;
use crate::rights::Asker;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/nodes/remove", post(remove))
}

/// `POST /api/nodes/remove`, with `{"node": "NODE"}`, or `{"dead": true}` for all that are dead.
async fn remove(State(api): State<Api>, asker: Asker, bytes: Bytes) -> Result<Json<Dismissed>, Refused> {
    let form = "{\"node\": \"NODE\"} or {\"dead\": true}";
    let asked: Dismiss = body::read(&bytes, form)?;
    let reason = body::reason(asked.reason)?;
    let nodes = match (asked.node, asked.dead) {
        (Some(node), false) => BTreeSet::from([body::node(&node)?]),
        (None, true) => api.orders.dead(),
        (Some(_), true) | (None, false) => {
            return Err(refuse(StatusCode::BAD_REQUEST, format!("say which: {form}")));
        }
    };
    dismiss_all(&api, &asker, nodes, reason).await.map(Json)
}

/// Takes these nodes out, one after the other.
///
/// # Errors
/// At the first that cannot be taken out; says why.
pub(crate) async fn dismiss_all(
    api: &Api,
    asker: &Asker,
    nodes: BTreeSet<NodeName>,
    reason: Option<String>,
) -> Result<Dismissed, Refused> {
    let mut dismissed = Dismissed::default();
    for node in nodes {
        dismiss(api, asker, &node, reason.as_ref(), &mut dismissed).await?;
    }
    if let Some(embedded) = &api.facts.embedded {
        let gone = dismissed.removed.iter().chain(&dismissed.already);
        // It is said for people: they are off the lists all the same.
        dismissed.belong = belonging(&embedded.raft, gone).await.unwrap_or_default();
    }
    Ok(dismissed)
}

async fn dismiss(
    api: &Api,
    asker: &Asker,
    node: &NodeName,
    reason: Option<&String>,
    dismissed: &mut Dismissed,
) -> Result<(), Refused> {
    let groups = groups_of(api, node);
    if groups.is_empty() {
        return Err(refuse(StatusCode::NOT_FOUND, format!("no group has a member \"{node}\"")));
    }
    let mut new = false;
    for group in groups {
        let verb = Verb::Remove(node.clone());
        let acted = api.orders.act(&group, &verb, &asker.name, reason.cloned()).await.map_err(object(api))?;
        new |= !acted.already;
    }
    if new { &mut dismissed.removed } else { &mut dismissed.already }.push(node.to_string());
    Ok(())
}

/// The groups that this node is, or was, a member of.
fn groups_of(api: &Api, node: &NodeName) -> Vec<GroupId> {
    let snapshot = api.snapshot();
    let of = snapshot.view.groups.iter().filter(|group| group.members.iter().any(|member| member.node == *node));
    of.map(|group| group.id.clone()).collect()
}
