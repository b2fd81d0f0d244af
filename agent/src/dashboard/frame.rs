//! The page at one instant, and what its readers are sent: drawn once for all of them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use serde::Serialize;

use super::assets;
use super::fragment::{self, Fragment};
use super::scene::Scene;

/// See the module.
#[derive(Debug)]
pub(super) struct Frame {
    /// Grows; no number of an earlier run of this agent comes again.
    pub(super) number: u64,
    /// The number of the frame before.
    pub(super) before: u64,
    /// When.
    pub(super) at: SystemTime,
    /// The cluster and the node, for the page's title.
    pub(super) title: (String, String),
    /// The sections, from the top.
    pub(super) sections: Vec<Fragment>,
    inner: Vec<Fragment>,
    /// For who has the frame before.
    pub(super) news: Bytes,
    /// For everybody else.
    pub(super) whole: Bytes,
}

/// What a reader gets, as the data of an event.
#[derive(Serialize)]
struct Message<'a> {
    /// The frame's number.
    frame: u64,
    /// The agent's wall clock, in milliseconds: ages are counted from it.
    now: u64,
    /// Of the script and the style: with others the page has to be loaded anew.
    build: &'a str,
    /// Elements by their ids.
    parts: BTreeMap<&'a str, &'a str>,
}

impl Frame {
    /// Draws the scene; `old` is the frame before.
    pub(super) fn draw(scene: &Scene, old: Option<&Self>) -> Self {
        let now = millis(scene.now);
        let (before, number) = old.map_or((0, now), |old| (old.number, old.number + 1));
        let (sections, inner) = (fragment::sections(scene), fragment::inner(scene));
        let all = || sections.iter().chain(&inner);
        let fresh = |it: &&Fragment| old.is_none_or(|old| !old.has(it));
        let message = |parts: Vec<&Fragment>| {
            let parts = parts.into_iter().map(|it| (it.id.as_str(), it.html.as_str())).collect();
            event(&Message { frame: number, now, build: assets::build(), parts })
        };
        let (news, whole) = (message(all().filter(fresh).collect()), message(sections.iter().collect()));
        let title = (scene.cluster.cluster.clone(), scene.cluster.node.clone());
        Self { number, before, at: scene.now, title, sections, inner, news, whole }
    }

    /// Whether nothing but the time is different.
    pub(super) fn is_like(&self, old: &Self) -> bool {
        self.sections.len() == old.sections.len()
            && self.inner.len() == old.inner.len()
            && self.sections.iter().chain(&self.inner).all(|it| old.has(it))
    }

    fn has(&self, fragment: &Fragment) -> bool {
        self.sections.iter().chain(&self.inner).any(|mine| fragment.is_like(mine))
    }
}

fn event(message: &Message<'_>) -> Bytes {
    let data = serde_json::to_string(message).unwrap_or_default();
    Bytes::from(format!("data: {data}\n\n"))
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::scene;
    use super::*;

    fn parts(bytes: &Bytes) -> Vec<String> {
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let json = text.strip_prefix("data: ").expect("an event").trim_end();
        let message: serde_json::Value = serde_json::from_str(json).expect("JSON");
        message["parts"].as_object().expect("parts").keys().cloned().collect()
    }

    #[test]
    fn only_what_has_changed_is_news() {
        let mut scene = scene();
        let first = Frame::draw(&scene, None);
        assert!(parts(&first.whole).contains(&String::from("members")));
        let same = Frame::draw(&scene, Some(&first));
        assert_eq!(parts(&same.news), [""; 0]);
        assert!(same.is_like(&first) && same.number == first.number + 1 && same.before == first.number);
        scene.cluster.groups[0].epoch = 18;
        let next = Frame::draw(&scene, Some(&same));
        assert_eq!(parts(&next.news), ["groups"]);
        assert!(!next.is_like(&same));
    }
}
