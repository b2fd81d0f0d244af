//! Traces of changes of leader for a collector that speaks OTLP, if one is named: one trace for each change, a span for
//! each phase, as the story has them. Both halves of a planned change, told by two nodes, are of one trace.
//!
//! Nothing waits for a collector: what it does not take within a few tries is lost to it, and stands in the story.

mod span;

use std::time::Duration;

use hotseat_client::story::{Ended, Leadership};
use tokio::sync::mpsc;

use span::Traced;

/// Traces that wait: as many groups may change at once.
const WAITING_MAX: usize = 256;

/// Tries for each, the pause between them doubling: a collector that is started anew is back by then.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// A collector takes a few kilobytes in no time.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What is told.
#[derive(Clone, Debug)]
pub(crate) enum Tale {
    /// How a leadership of this node began.
    Rise(String, Box<Leadership>),
    /// How one ended: the group and its epoch.
    Fall(String, u64, Box<Ended>),
}

/// Where to tell it; tells nobody if there is no collector. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry(Option<mpsc::Sender<Tale>>);

impl Telemetry {
    /// Tells a collector at this URL, of this cluster and node.
    pub(crate) fn start(url: Option<&str>, cluster: &str, node: &str) -> Self {
        let Some(url) = url else { return Self(None) };
        let (sender, tales) = mpsc::channel(WAITING_MAX);
        let traced = Traced { cluster: cluster.to_owned(), node: node.to_owned() };
        tokio::spawn(run(url.to_owned(), traced, tales));
        Self(Some(sender))
    }

    /// Never waits.
    pub(crate) fn tell(&self, tale: Tale) {
        if let Some(sender) = &self.0
            && sender.try_send(tale).is_err()
        {
            tracing::debug!("a trace is left out: the collector is too slow");
        }
    }
}

/// Ends when nobody can tell anything any more.
async fn run(url: String, traced: Traced, mut tales: mpsc::Receiver<Tale>) {
    let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build();
    let http = match http {
        Ok(http) => http,
        Err(error) => return tracing::warn!("no traces: {error}"),
    };
    let mut failing = false;
    while let Some(tale) = tales.recv().await {
        let sent = send(&http, &url, &traced.request(&tale)).await;
        match sent {
            Ok(()) => failing = false,
            Err(why) if !failing => {
                failing = true;
                tracing::warn!("{url} does not take traces: {why}");
            }
            Err(_again) => {}
        }
    }
}

async fn send(http: &reqwest::Client, url: &str, body: &serde_json::Value) -> Result<(), String> {
    let mut why = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
        }
        match http.post(url).json(body).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            // It will not like it better the next time.
            Ok(answer) if answer.status().is_client_error() && answer.status().as_u16() != 429 => {
                return Err(format!("it answers {}", answer.status()));
            }
            Ok(answer) => why = format!("it answers {}", answer.status()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}
