//! The pieces a page consists of. A piece is sent again when it has changed, and by its id takes the place of the old one.

use maud::Markup;

use super::scene::Scene;
use super::{alerts, beats, events, groups, head, members, timeline};

/// One element of the page.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    /// Of the element.
    pub(super) id: String,
    /// The element.
    pub(super) html: String,
    /// The same without what other fragments bring up to date in it.
    steady: Option<String>,
}

impl Fragment {
    /// An element that only changes as a whole.
    pub(super) fn new(id: impl Into<String>, html: Markup) -> Self {
        Self { id: id.into(), html: html.into_string(), steady: None }
    }

    fn around(id: &str, html: Markup, steady: Markup) -> Self {
        Self { steady: Some(steady.into_string()), ..Self::new(id, html) }
    }

    /// Whether it need not be sent to who has that one.
    pub(super) fn is_like(&self, old: &Self) -> bool {
        let mine = self.steady.as_ref().unwrap_or(&self.html);
        self.id == old.id && mine == old.steady.as_ref().unwrap_or(&old.html)
    }
}

/// The sections, from the top.
pub(super) fn sections(scene: &Scene) -> Vec<Fragment> {
    vec![
        Fragment::new("head", head::head(scene)),
        Fragment::new("groups", groups::groups(scene)),
        Fragment::new("alerts", alerts::alerts(scene)),
        Fragment::new("timeline", timeline::timeline(scene)),
        Fragment::around("members", members::members(scene, true), members::members(scene, false)),
        Fragment::new("events", events::events(scene)),
    ]
}

/// What changes every second, inside of the sections.
pub(super) fn inner(scene: &Scene) -> Vec<Fragment> {
    beats::beats(scene)
}
