//! Who led when, drawn: a row for every node, a row for the times without a leader, and the newest changes in words.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use hotseat_client::story::Leadership;
use hotseat_client::{Group, in_words};
use maud::{Markup, html};

use super::moment;
use super::scene::Scene;
use super::window::Window;

/// Changes told in words: what fits beside the picture.
const CHANGES: usize = 5;

/// The least width of a bar or a gap in thousandths: seen, and hit with a finger.
const LEAST: u32 = 4;

pub(super) fn timeline(scene: &Scene) -> Markup {
    html! {
        section #timeline aria-labelledby="h-timeline" {
            h2 #h-timeline { "Leaderships" }
            @for group in &scene.cluster.groups { (of_group(scene, group)) }
        }
    }
}

fn of_group(scene: &Scene, group: &Group) -> Markup {
    let all = scene.leaderships(group);
    let spans: Vec<_> = spans(all, scene.now);
    let window = Window::around(spans.iter().map(|span| span.began), scene.now);
    let nodes: BTreeSet<_> =
        group.members.iter().map(|member| member.node.as_str()).chain(spans.iter().map(|it| it.node)).collect();
    html! {
        div.card.timeline {
            h3 { (group.id) span.why { " · last " (window.words()) } }
            @if spans.is_empty() { p { "Nothing is written down yet." } }
            div.rows {
                @for node in nodes {
                    span.name { (node) }
                    (row(group, &window, "led", spans.iter().filter(|span| span.node == node), Span::part))
                }
                span.name { "no leader" }
                (row(group, &window, "gap", spans.iter().filter(|span| span.gap.is_some()), Span::gap_part))
                span {} (axis(&window))
            }
            ol.changes { @for leadership in all.iter().rev().take(CHANGES) { (change(scene, group, leadership)) } }
        }
    }
}

/// One leadership on the axis.
struct Span<'a> {
    leadership: &'a Leadership,
    node: &'a str,
    began: SystemTime,
    ended: SystemTime,
    /// From when to `began` nobody led.
    gap: Option<SystemTime>,
}

fn spans(all: &[Leadership], now: SystemTime) -> Vec<Span<'_>> {
    let mut spans: Vec<Span<'_>> = Vec::new();
    for (place, leadership) in all.iter().enumerate() {
        let (Some(node), Some(began)) = (&leadership.node, leadership.began.as_deref().and_then(moment::parse)) else {
            continue;
        };
        let next = all.get(place + 1).and_then(|next| next.began.as_deref()).and_then(moment::parse);
        let told = leadership.ended.as_ref().and_then(|ended| moment::parse(&ended.at));
        // Whatever clocks say: it ended before the next one began.
        let ended = told.unwrap_or(now).min(next.unwrap_or(now)).max(began);
        let outage = leadership.outage_ms.map(Duration::from_millis);
        let gap = outage.filter(|it| !it.is_zero()).and_then(|outage| began.checked_sub(outage));
        spans.push(Span { leadership, node, began, ended, gap });
    }
    spans
}

impl Span<'_> {
    fn part(&self, window: &Window) -> Option<(u32, u32)> {
        window.part(self.began, self.ended, LEAST)
    }

    fn gap_part(&self, window: &Window) -> Option<(u32, u32)> {
        window.part(self.gap?, self.began, LEAST)
    }
}

fn row<'a>(
    group: &Group,
    window: &Window,
    class: &str,
    spans: impl Iterator<Item = &'a Span<'a>>,
    part: impl Fn(&'a Span<'a>, &Window) -> Option<(u32, u32)>,
) -> Markup {
    let parts = spans.filter_map(|span| Some((span.leadership, part(span, window)?)));
    html! {
        svg class={ "row " (class) } viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            @for (leadership, (from, width)) in parts {
                a href=(explain(group, leadership.epoch)) tabindex="-1" {
                    rect x=(from) y="0" width=(width) height="10" { title { (headline(leadership)) } }
                }
            }
        }
    }
}

fn axis(window: &Window) -> Markup {
    html! { span.axis { @for mark in window.marks() { span { (mark) } } } }
}

/// Where a leadership is explained.
pub(super) fn explain(group: &Group, epoch: u64) -> String {
    format!("/explain/{}/{epoch}", group.id)
}

/// A leadership in a line.
pub(super) fn headline(it: &Leadership) -> String {
    let node = it.node.as_deref().unwrap_or("somebody");
    let what = match &it.from {
        Some(from) if from == node => format!("{node} leads again"),
        Some(from) if it.planned => format!("{node} took over from {from} as planned"),
        Some(from) => format!("{node} took over from {from}"),
        None => format!("{node} led"),
    };
    format!("Epoch {}: {what}, {}", it.epoch, it.reason)
}

/// What it cost, as far as that was measured.
pub(super) fn cost(it: &Leadership) -> Option<String> {
    let millis = Duration::from_millis;
    if let Some(longest) = it.waits.iter().map(|wait| wait.longest_ms).max() {
        return Some(format!("clients waited {}", in_words(millis(longest))));
    }
    let about = if it.outage_about { "about" } else { "at most" };
    it.outage_ms.map(|outage| format!("{about} {} without a leader", in_words(millis(outage))))
}

fn change(scene: &Scene, group: &Group, it: &Leadership) -> Markup {
    html! {
        li {
            @if let Some(began) = &it.began { (moment::at(began, scene.now)) }
            span {
                span.glyph aria-hidden="true" { (if it.planned { "◆" } else { "▲" }) } " "
                a href=(explain(group, it.epoch)) { (headline(it)) }
                @if let Some(cost) = cost(it) { span.why { " · " (cost) } }
            }
        }
    }
}
