//! A webhook: one `POST` of JSON. Any 2xx is a yes; nothing of the answer is believed beyond that.

use hotseat_client::Alert;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::{WORDS_MAX, secret, trust, whole};
use crate::alerts::message;
use crate::config::{Address, Hook};

/// What a webhook is given: the alert as it is, but its line for people as `text`, which chats show; the alert's own
/// text is the `summary`.
pub(super) fn webhook(alert: &Alert) -> Value {
    let mut value = json!(alert);
    value["summary"] = json!(alert.text);
    value["text"] = json!(message::line(alert));
    value
}

/// What Slack and its like take.
pub(super) fn slack(alert: &Alert) -> Value {
    json!({"text": message::line(alert)})
}

/// Posts it.
pub(super) async fn send(hook: &Hook, alert: &Alert, body: Value) -> Result<String, String> {
    let url = match &hook.url {
        Address::Written(url) => url.clone(),
        Address::InFile(path) => secret::read(path).await?,
    };
    let tls = trust::client(hook.ca.as_deref()).await?;
    // A proxy of the environment would be one more that must not fail; where a receiver leads to is not ours to follow.
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).tls_backend_preconfigured(tls);
    let client = client.build().map_err(told)?;
    let mut request = client
        .post(&url)
        .header("user-agent", concat!("hotseat/", env!("CARGO_PKG_VERSION")))
        .header("idempotency-key", format!("{}:{}", alert.id, alert.state))
        .json(&body);
    if let Some(path) = &hook.token {
        request = request.bearer_auth(secret::read(path).await?);
    }
    let response = request.send().await.map_err(told)?;
    let status = response.status();
    let words = format!("{status} {}", words(response).await);
    if status.is_success() { Ok(words) } else { Err(words) }
}

/// Its URL may be a secret.
fn told(error: reqwest::Error) -> String {
    whole(&error.without_url())
}

async fn words(mut response: reqwest::Response) -> String {
    let mut read = Vec::new();
    while read.len() < WORDS_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk[..chunk.len().min(WORDS_MAX - read.len())]),
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}
