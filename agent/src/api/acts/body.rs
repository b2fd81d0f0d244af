//! What stands in the bodies of acts, checked: whoever wrote them is told what would be right.

use axum::body::Bytes;
use axum::http::StatusCode;
use hotseat_client::is_hidden;
use hotseat_core::{Mode, NodeName};
use serde::de::DeserializeOwned;

use super::super::{Api, Refused, refuse};
use crate::snapshot::mode as word;

/// Longest reason, in bytes: a sentence or two. A hundred of them stand in a record.
const REASON_MAX: usize = 400;

const MODES: [Mode; 6] = [Mode::Auto, Mode::Leader, Mode::Standby, Mode::HotStandby, Mode::Backup, Mode::Disabled];

/// A body that may be empty.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes, form: &str) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}" } else { &body[..] };
    // A list would fill the fields in their order, an empty one with nothing: nobody has asked for that.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(wrong(format!("the body is not {form}")));
    }
    serde_json::from_slice(body).map_err(|error| wrong(format!("the body is not {form}: {error}")))
}

/// A node's name.
pub(crate) fn node(name: &str) -> Result<NodeName, Refused> {
    NodeName::new(name).map_err(|error| wrong(error.to_string()))
}

/// The same; the asked agent's own where none is given.
pub(crate) fn node_or(name: Option<&str>, api: &Api) -> Result<NodeName, Refused> {
    name.map_or_else(|| Ok(api.facts.config.node.name.clone()), node)
}

/// A mode.
pub(crate) fn mode(text: &str) -> Result<Mode, Refused> {
    MODES.into_iter().find(|mode| word(*mode) == text).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        wrong(format!("unknown mode {text:?}: one of {}", MODES.map(word).join(", ")))
    })
}

/// A reason, in one line.
pub(crate) fn reason(text: Option<String>) -> Result<Option<String>, Refused> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match &text {
        Some(text) if text.len() > REASON_MAX => Err(wrong(format!("a reason is {REASON_MAX} bytes at the most"))),
        Some(text) => match text.chars().find(|c| is_hidden(*c)) {
            // It is shown in terminals and on pages, beside what others wrote.
            Some(c) => Err(wrong(format!("a reason is one line of plain text, without U+{:04X}", u32::from(c)))),
            None => Ok(Some(text.clone())),
        },
        None => Ok(None),
    }
}

fn wrong(error: impl Into<String>) -> Refused {
    refuse(StatusCode::BAD_REQUEST, error)
}

#[cfg(test)]
mod tests {
    use hotseat_client::{DrillOrder, Why};

    use super::*;

    fn read_why(body: &'static str) -> Option<Why> {
        read(&Bytes::from_static(body.as_bytes()), "{}").ok()
    }

    #[test]
    fn only_an_object_is_an_act() {
        assert_eq!(read_why(""), Some(Why::default()));
        assert_eq!(read_why(" {\"reason\": \"x\"}"), Some(Why { reason: Some("x".into()) }));
        for body in ["[]", " [\"x\"]", "null", "\"x\"", "{\"reason\":", "{} {}", "{\"who\": \"x\"}", "\u{0}"] {
            assert_eq!(read_why(body), None, "{body}");
        }
        let crash = Bytes::from_static(b"[\"crash\"]");
        assert!(read::<DrillOrder>(&crash, "{}").is_err());
    }

    #[test]
    fn a_reason_is_a_line_that_can_be_read() {
        let told = |text: &str| reason(Some(text.to_owned())).map_err(|(_, refusal)| refusal.0.error);
        let good = |text: &str, kept: Option<&str>| assert_eq!(told(text), Ok(kept.map(str::to_owned)));
        good("  n2 has slow disks – für später  ", Some("n2 has slow disks – für später"));
        good(" ", None);
        good(&"x".repeat(REASON_MAX), Some(&"x".repeat(REASON_MAX)));
        let bad = |text: &str, why: &str| {
            let refused = told(text).expect_err(text);
            assert!(refused.contains(why), "{refused}");
        };
        bad(&"x".repeat(REASON_MAX + 1), "400 bytes");
        bad("\u{1b}[2J", "without U+001B");
        bad("a\nb", "without U+000A");
        bad("to n1\u{202e}2n", "without U+202E");
        bad("quiet\u{200b}", "without U+200B");
    }
}
