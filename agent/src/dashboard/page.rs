//! The frame around everything that is shown: the head, and what the script needs to know.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets;
use super::frame::Frame;
use super::moment;

/// The front page, of one frame.
pub(super) fn front(frame: &Frame) -> Markup {
    let (cluster, node) = &frame.title;
    let (head, rest) = frame.sections.split_first().expect("a page begins with its head");
    let live = format!("/dashboard/live?after={}", frame.number);
    shell(
        &format!("{cluster} · {node}"),
        &html! {
            p #stale.banner.bad role="alert" hidden {
                span.glyph aria-hidden="true" { "▲" } " " span #silence {} span #elsewhere {}
            }
            (PreEscaped(&head.html))
            main id="main" data-live=(live) data-build=(assets::build()) data-node=(node) {
                @for section in rest { (PreEscaped(&section.html)) }
            }
            dialog id="ask" aria-label="Act" {}
            footer {
                p {
                    "As " (node) " saw it at " time #asof { (moment::words(frame.at)) } " UTC"
                    span id="liveness" { noscript { " · reload to look again" } }
                }
            }
        },
    )
}

/// A page beside the front page, about one group.
pub(super) fn apart(cluster: &str, group: &str, body: &Markup) -> Markup {
    shell(
        &format!("{group} · {cluster}"),
        &html! {
            header { div.bar { h1 { a href="/" { (cluster) } " · " (group) } } }
            main id="main" { (body) }
        },
    )
}

/// Any page.
pub(super) fn shell(title: &str, body: &Markup) -> Markup {
    let asset = |name: &str| format!("/dashboard/{name}?v={}", assets::build());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="same-origin";
                title { (title) " · Hotseat" }
                link rel="icon" href=(asset("icon.svg")) type="image/svg+xml";
                link rel="stylesheet" href=(asset("style.css"));
                script src=(asset("script.js")) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the groups" }
                (body)
            }
        }
    }
}
