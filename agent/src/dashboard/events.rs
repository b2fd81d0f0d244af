//! The newest lines of this node's story.

use maud::{Markup, html};

use super::moment;
use super::scene::Scene;

pub(super) fn events(scene: &Scene) -> Markup {
    html! {
        section #events aria-labelledby="h-events" {
            h2 #h-events { "Events" }
            div.card {
                @if scene.events.is_empty() { p { "Nothing has happened since this agent started." } }
                ol.events {
                    @for event in &scene.events { li { (moment::at(&event.at, scene.now)) " " span { (event.text) } } }
                }
            }
        }
    }
}
