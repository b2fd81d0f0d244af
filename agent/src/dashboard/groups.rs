//! One card per group: who leads, is it safe, what is wrong.

use hotseat_client::{Drift, Floating, Group, Member, Vip};
use maud::{Markup, html};

use super::scene::Scene;
use super::{ask, drift, link, moment};

/// Files that differ, named on a card; all of them have a page.
const DRIFT: usize = 4;

pub(super) fn groups(scene: &Scene) -> Markup {
    html! {
        section #groups aria-label="Groups" {
            @for group in &scene.cluster.groups { (card(scene, group)) }
            @if scene.cluster.groups.is_empty() { p.card { "This node has no group: it only votes." } }
        }
    }
}

fn card(scene: &Scene, group: &Group) -> Markup {
    let health = Health::of(scene, group);
    html! {
        article class={ "card " (health.class()) } aria-labelledby={ "g-" (group.id) } {
            h2 id={ "g-" (group.id) } { span.glyph aria-hidden="true" { (health.glyph()) } " " (group.id) }
            p.lead { (leads(scene, group)) }
            p.safe.warn[health != Health::Good] { (scene.cluster.redundancy(group)) }
            @let troubles = troubles(scene, group);
            @if !troubles.is_empty() { ul.troubles { @for trouble in &troubles { li { (trouble) } } } }
            (orders(scene, group))
            (roads(group))
            (acts(group))
        }
    }
}

/// What people have ordered, and what still stands.
fn orders(scene: &Scene, group: &Group) -> Markup {
    html! {
        @for it in &group.orders.in_force {
            p.order {
                strong { (it.what) @if let Some(node) = &it.node { " of " (node) } @if let Some(value) = &it.value { " " (value) } }
                " by " (it.who) " " (moment::since(&it.at, scene.now))
                @if let Some(before) = &it.before { span.why { ", the file said " (before) } }
                @if let Some(reason) = &it.reason { ": " (reason) }
            }
        }
    }
}

fn acts(group: &Group) -> Markup {
    let pinned = group.orders.in_force.iter().any(|it| it.what == "pin");
    html! {
        p.acts {
            a.button href=(ask::link("switchover", group, None)) { "Switch over" }
            @if group.paused {
                a.button href=(ask::link("resume", group, None)) { "Resume" }
            } @else {
                a.button href=(ask::link("pause", group, None)) { "Pause" }
            }
            @if pinned { a.button href=(ask::link("unpin", group, None)) { "Unpin" } }
            a href={ "/explain/" (group.id) } { "Why is it so?" }
        }
    }
}

/// How a group is, at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Risky,
    Bad,
}

impl Health {
    fn of(scene: &Scene, group: &Group) -> Self {
        match group.leader {
            None => Self::Bad,
            Some(_) if group.serving && scene.cluster.can_lose(group) > 0 => Self::Good,
            Some(_) => Self::Risky,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Risky => "warn",
            Self::Bad => "bad",
        }
    }

    const fn glyph(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Risky => "◐",
            Self::Bad => "▲",
        }
    }
}

fn leads(scene: &Scene, group: &Group) -> Markup {
    let Some(leader) = &group.leader else {
        return html! { strong { "NOBODY LEADS" } " · last epoch " (group.epoch) };
    };
    html! {
        strong {
            @match link::to_node(group, leader).filter(|_| *leader != scene.cluster.node) {
                Some(url) => { a href=(url) { (leader) } }
                None => (leader),
            }
            " leads"
        }
        @if !group.serving { ", its service is not ready" }
        " · epoch " (group.epoch)
        @if let Some(since) = &group.since { " · since " (moment::since(since, scene.now)) }
        @if !group.reason.is_empty() { span.why { " (" (group.reason) ")" } }
    }
}

/// What somebody should look at.
fn troubles(scene: &Scene, group: &Group) -> Vec<Markup> {
    let members = group.members.iter().filter_map(|member| trouble(scene, member));
    let leader = group.leader.as_deref();
    let vips = group.vip.iter().filter_map(|vip| address(vip, leader));
    let floating = group.floating.iter().filter_map(|it| moved(it, leader));
    members.chain(vips).chain(floating).chain(drifting(group)).collect()
}

fn trouble(scene: &Scene, member: &Member) -> Option<Markup> {
    let contained = (member.contained == "degraded").then(|| String::from("contained: degraded"));
    match (member.trouble.as_ref().or(contained.as_ref()), member.state.as_str()) {
        (Some(trouble), state) => Some(html! { strong { (member.node) } " " (state) ": " (trouble) }),
        (None, "offline") => {
            let since = moment::ago(scene.now, member.last_seen_ms);
            Some(html! {
                strong { (member.node) } " offline"
                @if let Some(since) = since { " since " (moment::since(&since, scene.now)) }
            })
        }
        (None, _) => None,
    }
}

/// Files that should be the same everywhere and are not. It stops nothing.
fn drifting(group: &Group) -> impl Iterator<Item = Markup> {
    let line = |it: &Drift| html! { "drift: " strong { (it.path) } " on " (it.node) ": " (it.what) };
    let all = (!group.drift.is_empty()).then(|| {
        let more = group.drift.len().saturating_sub(DRIFT);
        html! { a href=(drift::link(&group.id, None)) { @if more > 0 { "and " (more) " more: " } "see how files differ →" } }
    });
    group.drift.iter().take(DRIFT).map(line).chain(all)
}

fn address(vip: &Vip, leader: Option<&str>) -> Option<Markup> {
    let state = match (&vip.trouble, vip.up, leader) {
        (_, _, None) => String::from("down: nobody leads"),
        (Some(trouble), ..) => format!("NOT UP: {trouble}"),
        (None, Some(false), _) => String::from("coming up"),
        (None, Some(true) | None, _) => return None,
    };
    Some(html! { "address " (vip.address) " " (state) })
}

fn moved(floating: &Floating, leader: Option<&str>) -> Option<Markup> {
    let state = match (&floating.trouble, floating.moved, leader) {
        (Some(trouble), ..) => format!("NOT MOVED: {trouble}"),
        (None, Some(false), Some(_)) => String::from("being moved"),
        (None, ..) => return None,
    };
    Some(html! { "floating address " (state) })
}

/// How clients get there.
fn roads(group: &Group) -> Markup {
    let vips = group.vip.iter().map(|vip| format!("address {}", vip.address));
    let proxy = group.proxy.iter().map(|proxy| format!("proxy here {proxy}"));
    let roads: Vec<_> = vips.chain(proxy).collect();
    html! { @if !roads.is_empty() { p.roads { (roads.join(" · ")) } } }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::{member, scene};
    use super::*;

    #[test]
    fn what_peers_say_is_text() {
        let mut scene = scene();
        let hostile = "<script>alert(1)</script>";
        scene.cluster.groups[0].reason = hostile.into();
        scene.cluster.groups[0].members[0].trouble = Some(hostile.into());
        let drawn = groups(&scene).into_string();
        assert!(!drawn.contains("<script") && drawn.contains("&lt;script&gt;"), "{drawn}");
    }

    #[test]
    fn colour_is_never_the_only_sign() {
        let mut scene = scene();
        let drawn = |scene: &Scene| groups(scene).into_string();
        assert!(drawn(&scene).contains("can lose 1 more node"));
        scene.cluster.groups[0].members[1] = member("n2", "offline");
        assert!(drawn(&scene).contains("NOBODY could take over") && drawn(&scene).contains("n2</strong> offline"));
        scene.cluster.groups[0].leader = None;
        assert!(drawn(&scene).contains("NOBODY LEADS") && drawn(&scene).contains("▲"));
    }
}
