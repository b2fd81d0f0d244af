//! What is the matter, what people were told of, and whether it has reached them: a section of the page, and, at
//! `GET /dashboard/alerts`, everything that is on record.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::response::Html;
use hotseat_client::{Alert, Alerts, Channel, Delivery, Matter, Told};
use maud::{Markup, html};

use super::scene::Scene;
use super::wall::Wall;
use super::{moment, page};

/// Of what is the matter, shown on the page: the worst come first.
const STANDING: usize = 8;

/// Of what was said, shown on the page: the last night's.
const TOLD: usize = 5;

/// What a scene needs of what was said, to know whether there is more.
pub(super) const KEPT: usize = TOLD + 1;

/// The section.
pub(super) fn alerts(scene: &Scene) -> Markup {
    let alerts = &scene.alerts;
    html! {
        section #alerts aria-labelledby="h-alerts" {
            h2 #h-alerts { "Alerts" }
            div.card {
                (standing(&alerts.standing, STANDING, scene.now))
                (trouble(alerts))
                (told(alerts.told.iter().take(TOLD), scene.now))
                @if alerts.told.len() > TOLD || alerts.standing.len() > STANDING {
                    p { a href="/dashboard/alerts" { "All that is on record →" } }
                }
                (receivers(&alerts.channels, &scene.cluster.node))
            }
        }
    }
}

/// `GET /dashboard/alerts`.
pub(super) async fn all(State(wall): State<Arc<Wall>>) -> Html<String> {
    let scene = wall.scene();
    let alerts = wall.api().alerts.list(&scene.cluster).await;
    let body = html! {
        section aria-labelledby="h-standing" {
            h2 #h-standing { "Now" }
            div.card { (standing(&alerts.standing, alerts.standing.len(), scene.now)) }
        }
        section aria-labelledby="h-told" {
            h2 #h-told { "What was said" }
            div.card {
                (trouble(&alerts))
                @if alerts.told.is_empty() { p { "Nobody was told of anything yet." } }
                (told(alerts.told.iter(), scene.now))
                (receivers(&alerts.channels, &scene.cluster.node))
            }
        }
        nav.neighbours aria-label="Back" { a href="/" { "dashboard" } }
    };
    Html(page::apart(wall.cluster(), "alerts", &body).into_string())
}

fn standing(all: &[Matter], most: usize, now: SystemTime) -> Markup {
    html! {
        @if all.is_empty() { p.good { span.glyph aria-hidden="true" { "●" } " Nothing is the matter." } }
        @else {
            ul.standing {
                @for it in all.iter().take(most) {
                    li class=(class(&it.severity)) {
                        span.glyph aria-hidden="true" { "▲" } " " strong { (it.severity) ":" } " " (it.text)
                        span.why {
                            " · "
                            @match &it.said { Some(at) => { "said " (moment::since(at, now)) } None => "nobody was told", }
                        }
                    }
                }
                @if all.len() > most { li { "and " (all.len() - most) " more" } }
            }
        }
    }
}

fn class(severity: &str) -> &'static str {
    if severity == "critical" { "bad" } else { "warn" }
}

fn trouble(alerts: &Alerts) -> Markup {
    html! {
        @if let Some(why) = &alerts.trouble {
            p.banner.warn { "What was said cannot be read anew (" (why) "): this is what this node remembers." }
        }
    }
}

fn told<'a>(all: impl Iterator<Item = &'a Told>, now: SystemTime) -> Markup {
    html! { ol.events.told { @for it in all { (entry(it, now)) } } }
}

fn entry(told: &Told, now: SystemTime) -> Markup {
    let alert = &told.alert;
    html! {
        li {
            (moment::at(&alert.at, now))
            span {
                (state(alert)) " " (alert.text)
                @if alert.alone { span.why { " (" (alert.told_by) " spoke for itself)" } }
                @for delivery in &told.deliveries { " " (outcome(delivery, now)) }
            }
        }
    }
}

fn state(alert: &Alert) -> Markup {
    let (class, glyph, word) = match (alert.state.as_str(), alert.severity.as_str()) {
        ("resolved", _) => ("good", "✓", "over:"),
        (_, "critical") => ("bad", "▲", "critical:"),
        (_, "warning") => ("warn", "▲", "warning:"),
        _ => ("why", "●", "info:"),
    };
    html! { span class=(class) { span.glyph aria-hidden="true" { (glyph) } " " (word) } }
}

/// What came of it at one receiver.
fn outcome(delivery: &Delivery, now: SystemTime) -> Markup {
    let Delivery { name, state, by, tries, at, answer } = delivery;
    let (class, words) = match (state.as_str(), *tries) {
        ("sent", 1) => ("good", format!("✓ {name} has it from {by}")),
        ("sent", tries) => ("good", format!("✓ {name} has it from {by}, try {tries}")),
        ("failed", tries) => ("bad", format!("✕ {name} was GIVEN UP by {by} after {tries} tries: {answer}")),
        (_, 0) => ("why", format!("… {by} sends it to {name}")),
        (_, tries) => ("warn", format!("↻ {by} goes on trying {name}, {tries} so far: {answer}")),
    };
    html! { span class={ "delivery " (class) } { (words) " " (moment::at(at, now)) } }
}

fn receivers(channels: &[Channel], node: &str) -> Markup {
    html! {
        @if channels.is_empty() {
            p.why { "Nobody is told of anything: no [[alert]] is in the file of " (node) "." }
        } @else {
            p.why {
                "From " (node) " to "
                @for (at, it) in channels.iter().enumerate() { @if at > 0 { ", " } (it.name) " (" (it.kind) " " (it.to) ")" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::scene::tests::scene;
    use super::*;

    fn drawn(alerts: serde_json::Value) -> String {
        let mut scene = scene();
        scene.alerts = serde_json::from_value(alerts).expect("alerts");
        alerts_of(&scene)
    }

    fn alerts_of(scene: &Scene) -> String {
        super::alerts(scene).into_string()
    }

    fn told(state: &str, tries: u32) -> serde_json::Value {
        json!({"alert": {"id": "c/member-lost/n3/1", "cluster": "c", "rule": "member-lost", "state": "firing",
            "severity": "warning", "at": "2026-11-20T11:00:00Z", "text": "<b>n3</b> is offline", "told_by": "n1"},
            "deliveries": [{"name": "ops", "state": state, "by": "n1", "tries": tries, "at": "2026-11-20T11:00:01Z",
            "answer": "<i>500</i>"}]})
    }

    #[test]
    fn every_delivery_says_how_far_it_is() {
        let check = |state, tries, words: &str| {
            let drawn = drawn(json!({"channels": [], "told": [told(state, tries)]}));
            assert!(drawn.contains(words), "no {words:?} in {drawn}");
            assert!(!drawn.contains("<b>") && !drawn.contains("<i>"), "{drawn}");
        };
        check("sending", 0, "… n1 sends it to ops");
        check("sending", 3, "↻ n1 goes on trying ops, 3 so far: &lt;i&gt;500&lt;/i&gt;");
        check("sent", 1, "✓ ops has it from n1");
        check("failed", 12, "✕ ops was GIVEN UP by n1 after 12 tries");
    }

    #[test]
    fn much_is_bounded_and_nothing_is_said_to_be_nothing() {
        let none = drawn(json!({"channels": [], "told": []}));
        assert!(none.contains("Nothing is the matter") && none.contains("Nobody is told of anything"), "{none}");
        let standing = json!({"rule": "member-lost", "severity": "warning", "text": "gone", "said": null});
        let many = drawn(json!({"channels": [], "told": vec![told("sent", 1); KEPT], "standing": vec![standing; 20]}));
        assert_eq!(many.matches("has it from").count(), TOLD);
        assert_eq!(many.matches("nobody was told").count(), STANDING);
        assert!(many.contains("and 12 more") && many.contains("/dashboard/alerts"), "{many}");
    }
}
