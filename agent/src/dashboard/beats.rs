//! How each node's renewals go: the newest second in numbers, the last minute and a half as small charts.

use std::time::Duration;

use hotseat_client::{Group, Member};
use maud::{Markup, html};

use super::fragment::Fragment;
use super::samples::{Sample, Trace};
use super::scene::Scene;
use super::sparkline;

/// Below this people should look: in hundredths of a lease.
const THIN: u8 = 25;

/// The cells of every member, each to be replaced by itself.
pub(super) fn beats(scene: &Scene) -> Vec<Fragment> {
    let pairs = scene.cluster.groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)));
    let cells = pairs.flat_map(|(group, member)| {
        [
            Fragment::new(id("delay", group, member), delay(scene, group, member, true)),
            Fragment::new(id("margin", group, member), margin(scene, group, member, true)),
        ]
    });
    cells.collect()
}

/// Their column heads.
pub(super) fn heads() -> Markup {
    html! {
        th scope="col" title="of this node: the slowest answer to a renewal; of others: since they were heard of" { "Renewed" }
        th scope="col" title="what was left of its time at the last renewal" { "Margin" }
    }
}

/// Both cells of a member, or their places.
pub(super) fn cells(scene: &Scene, group: &Group, member: &Member, beating: bool) -> Markup {
    html! { (delay(scene, group, member, beating)) (margin(scene, group, member, beating)) }
}

fn id(kind: &str, group: &Group, member: &Member) -> String {
    format!("{kind}-{}-{}", group.id, member.node)
}

fn trace<'a>(scene: &'a Scene, member: &Member, beating: bool) -> Option<(&'a Trace, Option<Sample>)> {
    let trace = scene.traces.get(&member.node).filter(|_| beating)?;
    Some((trace, trace.back().copied().flatten()))
}

fn delay(scene: &Scene, group: &Group, member: &Member, beating: bool) -> Markup {
    let own = member.node == scene.cluster.node;
    html! {
        td.beat id=(id("delay", group, member)) data-label="Renewed" {
            @if let Some((trace, newest)) = trace(scene, member, beating) {
                (sparkline::bars(trace.iter().map(|it| it.map(|it| it.delay))))
                " "
                @match newest {
                    Some(sample) => { (tenths(sample.delay)) @if !own { " ago" } }
                    None => "–",
                }
            }
        }
    }
}

fn margin(scene: &Scene, group: &Group, member: &Member, beating: bool) -> Markup {
    html! {
        td.beat id=(id("margin", group, member)) data-label="Margin" {
            @if let Some((trace, newest)) = trace(scene, member, beating) {
                (sparkline::line(trace.iter().map(|it| it.map(|it| it.margin))))
                " "
                @match newest {
                    Some(sample) if sample.margin < THIN => span.warn { "▲ " (sample.margin) " %" },
                    Some(sample) => { (sample.margin) " %" }
                    None => "–",
                }
            }
        }
    }
}

fn tenths(time: Duration) -> String {
    match time.as_micros() {
        short @ ..10_000 => format!("{}.{} ms", short / 1000, short / 100 % 10),
        long => format!("{} ms", long / 1000),
    }
}
