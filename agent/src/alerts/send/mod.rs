//! Sends one alert to one receiver, once. Whether and when to try again is not decided here.

mod command;
mod hook;
mod mqtt;
mod secret;
mod smtp;
mod trust;

use std::path::Path;

use hotseat_client::Alert;
use tokio::time;

pub use command::{CHILD, become_command};

use crate::config::{self, Channel};

/// So much of a receiver's words is read.
const WORDS_MAX: usize = 300;

/// Sends it; the receiver's words, or why it is not known to have it. `exe` is `hotseat`, through which commands start.
pub(super) async fn send(exe: &Path, to: &config::Alert, alert: &Alert) -> Result<String, String> {
    let sent = async {
        match &to.channel {
            Channel::Webhook(hook) => hook::send(hook, alert, hook::webhook(alert)).await,
            Channel::Slack(hook) => hook::send(hook, alert, hook::slack(alert)).await,
            Channel::Smtp(smtp) => smtp::send(smtp, alert, to.timeout).await,
            Channel::Mqtt(mqtt) => mqtt::send(mqtt, alert).await,
            Channel::Command(command) => command::send(exe, command, alert).await,
        }
    };
    let late = |_| Err(format!("no answer within {}", humantime::format_duration(to.timeout)));
    time::timeout(to.timeout, sent).await.unwrap_or_else(late).map(short).map_err(short)
}

/// One line of bounded length, harmless to a terminal.
fn short(words: String) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    words.trim().chars().take(WORDS_MAX).map(plain).collect()
}

/// An error and what is behind it, without what it says twice.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}
