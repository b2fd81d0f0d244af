//! `POST /dashboard/act/{what}/{group}`: a form that was sent becomes the same act as any other; and
//! `GET /dashboard/acts/{group}/{id}`: what came of it. Whether whoever asks may, was decided before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Json};
use hotseat_client::{Act, Dismissed};
use hotseat_core::GroupId;
use maud::{Markup, html};
use serde::Deserialize;

use super::wall::Wall;
use super::{moment, page};
use crate::api::{self, Refused, acts, removal};
use crate::orders::Verb;
use crate::rights::Asker;

/// What forms say. An empty field is one that was left out.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Fields {
    #[serde(default)]
    node: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    epoch: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    reason: String,
}

/// What an act has led to.
enum Taken {
    /// It is on record, under this number.
    Written(u64),
    /// There was nothing to do.
    Already,
    /// These are members no more.
    Gone(Dismissed),
}

/// Takes an act, and leads to its page.
pub(super) async fn act(
    State(wall): State<Arc<Wall>>,
    Path((what, group)): Path<(String, String)>,
    asker: Asker,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let snapshot = wall.api().snapshot();
    let group = match api::find(&snapshot, &group) {
        Ok(group) => group.id.clone(),
        Err(refused) => return refused.into_response(),
    };
    let taken = match form {
        Ok(Form(fields)) => take(&wall, &what, &group, &asker, &fields).await,
        Err(error) => Err(wrong(format!("this is not what the page sends: {error}"))),
    };
    match taken {
        Ok(Taken::Written(id)) => Redirect::to(&format!("/dashboard/acts/{group}/{id}")).into_response(),
        Ok(Taken::Already) => said(&wall, &group, StatusCode::OK, "It is so already: nothing had to be done."),
        Ok(Taken::Gone(nodes)) => said(&wall, &group, StatusCode::OK, &gone(&nodes)),
        Err((status, Json(refusal))) => said(&wall, &group, status, &refusal.error),
    }
}

async fn take(wall: &Wall, what: &str, group: &GroupId, asker: &Asker, fields: &Fields) -> Result<Taken, Refused> {
    let (api, reason) = (wall.api(), acts::body::reason(Some(fields.reason.clone()))?);
    let nodes = match what {
        "remove" => Some(BTreeSet::from([acts::body::node(&fields.node)?])),
        "remove-dead" => Some(api.orders.dead()),
        _ => None,
    };
    if let Some(nodes) = nodes {
        return removal::dismiss_all(api, asker, nodes, reason).await.map(Taken::Gone);
    }
    let acted = api.orders.act(group, &verb(what, fields)?, &asker.name, reason).await.map_err(acts::object(api))?;
    Ok(acted.act.map_or(Taken::Already, |act| Taken::Written(act.id)))
}

fn verb(what: &str, fields: &Fields) -> Result<Verb, Refused> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|it| !it.is_empty());
    let node = |text: &str| acts::body::node(text.trim());
    Ok(match what {
        "pause" => Verb::Pause,
        "resume" => Verb::Resume,
        "pin" => Verb::Pin(given(&fields.node).map(|it| node(&it)).transpose()?),
        "unpin" => Verb::Unpin,
        "mode" => Verb::Mode(node(&fields.node)?, given(&fields.mode).map(|it| acts::body::mode(&it)).transpose()?),
        "priority" => Verb::Priority(node(&fields.node)?, number("a priority", given(&fields.priority))?),
        "switchover" => Verb::Switchover {
            to: given(&fields.to).map(|it| node(&it)).transpose()?,
            epoch: number("an epoch", given(&fields.epoch))?,
        },
        _ => return Err(wrong("there is no such act")),
    })
}

fn number<N: std::str::FromStr>(what: &str, text: Option<String>) -> Result<Option<N>, Refused> {
    text.map(|text| text.parse().map_err(|_| wrong(format!("{what} is a whole number")))).transpose()
}

fn wrong(why: impl Into<String>) -> Refused {
    api::refuse(StatusCode::BAD_REQUEST, why)
}

fn gone(nodes: &Dismissed) -> String {
    let all: Vec<_> = nodes.removed.iter().chain(&nodes.already).map(String::as_str).collect();
    match all.as_slice() {
        [] => String::from("No member is dead: nothing had to be done."),
        all if nodes.belong.is_empty() => format!("No members any more, unless they come back: {}.", all.join(", ")),
        all => {
            let (all, belong) = (all.join(", "), nodes.belong.join(", "));
            format!(
                "No members any more, unless they come back: {all}. Still in the cluster: {belong} (hotseat members remove)."
            )
        }
    }
}

/// What came of an act, or that it is under way.
pub(super) async fn outcome(State(wall): State<Arc<Wall>>, Path((group, id)): Path<(String, u64)>) -> Response {
    let snapshot = wall.api().snapshot();
    let group = match api::find(&snapshot, &group) {
        Ok(group) => group.id.clone(),
        Err(refused) => return refused.into_response(),
    };
    let book = wall.api().orders.book(&group);
    let act = book.as_ref().and_then(|(_, book)| book.act(id));
    let drawn = html! {
        @match act {
            Some(act) => (told(act)),
            // The next look at the store brings it.
            None => { h2 { "Act " (id) " of " (group) } (under_way()) }
        }
    };
    Html(answer(&wall, &group, &drawn)).into_response()
}

fn told(act: &Act) -> Markup {
    let now = SystemTime::now();
    html! {
        h2 { (act.what) " " (act.detail) }
        p.why {
            "act " (act.id) " · " (act.who) " at " (moment::at(&act.at, now)) ", through " (act.via)
            @if let Some(reason) = &act.reason { " · " (reason) }
        }
        @match &act.outcome {
            None => (under_way()),
            Some(outcome) => p class={ "banner " (if outcome.ok { "plain" } else { "bad" }) } role="status" {
                span.glyph aria-hidden="true" { (if outcome.ok { "✓" } else { "▲" }) } " " (outcome.text)
            },
        }
    }
}

/// The script asks again; a reader without it is sent here again.
fn under_way() -> Markup {
    html! {
        p.banner.plain.pending role="status" { "Under way…" }
        noscript { meta http-equiv="refresh" content="1"; }
    }
}

fn said(wall: &Wall, group: &GroupId, status: StatusCode, words: &str) -> Response {
    let class = if status.is_success() { "plain" } else { "bad" };
    let drawn = html! { p class={ "banner " (class) } role="status" { (words) } };
    (status, Html(answer(wall, group, &drawn))).into_response()
}

fn answer(wall: &Wall, group: &GroupId, drawn: &Markup) -> String {
    let body = html! { article.card.ask { (drawn) p { a.back href="/" { "Back to the dashboard" } } } };
    page::apart(wall.cluster(), group.as_str(), &body).into_string()
}

#[cfg(test)]
mod tests {
    use hotseat_core::{Mode, NodeName};
    use serde_json::json;

    use super::*;

    fn fields(json: serde_json::Value) -> Fields {
        serde_json::from_value(json).expect("fields")
    }

    #[test]
    fn forms_become_acts() {
        let check = |what, json, wanted: Verb| assert_eq!(verb(what, &fields(json)).ok(), Some(wanted), "{what}");
        let n2 = || NodeName::new("n2").expect("a name");
        check("pause", json!({}), Verb::Pause);
        check("pin", json!({"node": ""}), Verb::Pin(None));
        check("mode", json!({"node": "n2", "mode": "backup"}), Verb::Mode(n2(), Some(Mode::Backup)));
        check("priority", json!({"node": "n2", "priority": " -3 "}), Verb::Priority(n2(), Some(-3)));
        check("priority", json!({"node": "n2"}), Verb::Priority(n2(), None));
        let over = Verb::Switchover { to: Some(n2()), epoch: Some(7) };
        check("switchover", json!({"to": "n2", "epoch": "7"}), over);
    }

    #[test]
    fn what_is_no_act_is_said_to_be_none() {
        let bad = [
            ("destroy", json!({})),
            ("mode", json!({"node": "n2", "mode": "<b>"})),
            ("mode", json!({"mode": "auto"})),
            ("priority", json!({"node": "n2", "priority": "1e9"})),
            ("switchover", json!({"to": "../n2"})),
        ];
        for (what, json) in bad {
            let (status, _) = verb(what, &fields(json)).expect_err(what);
            assert_eq!(status, StatusCode::BAD_REQUEST, "{what}");
        }
    }
}
