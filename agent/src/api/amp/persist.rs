//! `/ha/persist/export` and `/import`: what the cluster has written down of its groups, as one document; and what people had
//! ordered in it, ordered again. Epochs, sessions and leaders are never taken from a document: they are the store's alone.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use hotseat_client::StoredRecord;
use hotseat_core::{GroupId, Key, NodeName, OrdersRecord, Record};
use hotseat_stores::{Entry, Store};
use serde::{Deserialize, Serialize};

use super::acts::{About, admit, take};
use super::answer::{self, Refused};
use crate::api::Api;
use crate::clock;
use crate::codec;
use crate::orders::Verb;
use crate::rights::Asker;

/// The form of the document. A later one is refused, not guessed at.
const FORM: u32 = 1;

/// Longest document that is taken in, in bytes: a few groups with a year of acts each.
pub(super) const DOCUMENT_MAX: usize = 4 << 20;

/// What is about groups; whose keys begin otherwise may be secret.
const KINDS: &[&str] = &["group/", "orders/", "session/", "story/", "drills/"];

/// What is exported.
#[derive(Serialize, Deserialize)]
struct Document {
    hotseat: u32,
    cluster: String,
    at: String,
    records: Vec<StoredRecord>,
}

/// `GET /ha/persist/export`.
pub(super) async fn export(State(api): State<Api>) -> Result<impl IntoResponse, Refused> {
    let listed = api.facts.records.store().list().await;
    let entries = listed.map_err(|error| answer::refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let about_groups = |entry: &&Entry| KINDS.iter().any(|kind| entry.key.as_str().starts_with(kind));
    let document = Document {
        hotseat: FORM,
        cluster: api.facts.config.cluster.name.clone(),
        at: clock::wall(),
        records: entries.iter().filter(about_groups).map(stored).collect(),
    };
    let name = format!("attachment; filename=\"hotseat-state-{}.json\"", api.facts.config.node.name);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(document)))
}

fn stored(entry: &Entry) -> StoredRecord {
    let text = entry.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
    let (body, damage) = match text {
        Ok(text) => (Some(text), None),
        Err(damage) => (None, Some(damage.to_string())),
    };
    let (key, nonce) = (entry.key.to_string(), format!("{:032x}", entry.nonce));
    StoredRecord { key, version: entry.version, nonce, body, damage }
}

/// What was ordered again, in words.
#[derive(Serialize)]
pub(super) struct Imported {
    orders: usize,
}

/// `POST /ha/persist/import`, with a document as it was exported.
pub(super) async fn import(
    State(api): State<Api>,
    headers: HeaderMap,
    asker: Asker,
    body: Bytes,
) -> Result<Json<Imported>, Refused> {
    let wrong = |why: String| answer::refuse(StatusCode::BAD_REQUEST, format!("not what was exported: {why}"));
    let document: Document = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
    if document.hotseat != FORM {
        return Err(wrong(format!("form {} of another hotseat; this one reads form {FORM}", document.hotseat)));
    }
    let snapshot = api.snapshot();
    let mut orders = 0;
    for (group, record) in document.records.iter().filter_map(ordered) {
        let Some(view) = snapshot.group(&group) else { continue };
        admit(&snapshot, view, &headers, About::Others)?;
        let known = |node: &NodeName| view.members.iter().any(|member| member.node == *node);
        for verb in verbs(&record, known) {
            take(&api, &group, &verb, &asker).await?;
            orders += 1;
        }
    }
    Ok(Json(Imported { orders }))
}

/// The orders of a group, where a record is that.
fn ordered(stored: &StoredRecord) -> Option<(GroupId, OrdersRecord)> {
    let key: Key = stored.key.parse().ok()?;
    let Key::Orders(group) = &key else { return None };
    match codec::decode(&key, 0, stored.body.as_ref()?.as_bytes()).ok()?.record {
        Record::Orders(record) => Some((group.clone(), record)),
        Record::Session(_) | Record::Group(_) | Record::Voters(_) => None,
    }
}

/// What stands in it, as acts. A switchover was for its time.
fn verbs(record: &OrdersRecord, known: impl Fn(&NodeName) -> bool) -> Vec<Verb> {
    let members = record.members.iter().filter(|(node, _)| known(node)).flat_map(|(node, order)| {
        let mode = order.mode.map(|mode| Verb::Mode(node.clone(), Some(mode)));
        let priority = order.priority.map(|priority| Verb::Priority(node.clone(), Some(priority)));
        mode.into_iter().chain(priority)
    });
    let pinned = record.pinned.iter().filter(|node| known(node)).map(|node| Verb::Pin(Some(node.clone())));
    let paused = record.paused.then_some(Verb::Pause);
    members.chain(pinned).chain(paused).collect()
}
