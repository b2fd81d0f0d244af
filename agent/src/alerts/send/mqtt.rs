//! A message to a broker: MQTT 3.1.1, which the clouds of devices speak, at QoS 1: done when the broker has taken it.

use hotseat_client::Alert;
use rumqttc::{AsyncClient, MqttOptions, PublishOptions, QoS, TlsConfiguration, Transport};
use serde_json::json;

use super::{hook, secret, trust, whole};
use crate::config::Mqtt;
use crate::random;

/// A connection carries one message.
const QUEUE: usize = 2;

/// Seconds: longer than any one message takes.
const KEEP_ALIVE: u16 = 150;

/// What is filled in where there is no group, or no node.
const NONE: &str = "all";

/// Publishes it.
pub(super) async fn send(mqtt: &Mqtt, alert: &Alert) -> Result<String, String> {
    let topic = topic(mqtt, alert);
    let (client, mut events) = AsyncClient::builder(options(mqtt).await?).capacity(QUEUE).build();
    let taken = async {
        let options = PublishOptions::new(QoS::AtLeastOnce);
        let notice = client.publish_tracked(topic.as_str(), payload(mqtt, alert), options).await;
        let notice = notice.map_err(|error| error.to_string())?;
        notice.wait_completion_async().await.map_err(|error| error.to_string())
    };
    let failed = async {
        loop {
            if let Err(error) = events.poll().await {
                return whole(&error);
            }
        }
    };
    tokio::select! {
        taken = taken => taken?,
        why = failed => return Err(why),
    }
    // A broker takes a connection that just ends for a loss.
    if client.disconnect().await.is_ok() {
        while events.poll().await.is_ok() {}
    }
    Ok(format!("acknowledged at {topic}"))
}

/// The alert as a webhook gets it, and the thing's key.
fn payload(mqtt: &Mqtt, alert: &Alert) -> Vec<u8> {
    let mut value = hook::webhook(alert);
    if let Some(key) = &mqtt.key {
        value["thing_key"] = json!(key);
    }
    value.to_string().into_bytes()
}

/// What is filled in is one level of the topic, whatever it holds; a key may be a path.
fn topic(mqtt: &Mqtt, alert: &Alert) -> String {
    let level = |text: &str| text.replace(['/', '+', '#'], "-");
    let filled = [
        ("{cluster}", alert.cluster.as_str()),
        ("{group}", alert.group.as_deref().unwrap_or(NONE)),
        ("{node}", alert.node.as_deref().unwrap_or(NONE)),
        ("{rule}", alert.rule.as_str()),
    ];
    let topic = filled.iter().fold(mqtt.topic.clone(), |topic, (name, value)| topic.replace(name, &level(value)));
    topic.replace("{key}", mqtt.key.as_deref().unwrap_or(NONE))
}

async fn options(mqtt: &Mqtt) -> Result<MqttOptions, String> {
    // Of two clients with one name a broker throws one out.
    let name = format!("hotseat-{:016x}", random::nonce()?.0 >> 64);
    let mut options = MqttOptions::new(name, (mqtt.server.host.clone(), mqtt.server.port));
    options.set_keep_alive(KEEP_ALIVE);
    if let Some(login) = &mqtt.login {
        options.set_credentials(login.user.clone(), secret::read(&login.password).await?);
    }
    if mqtt.tls {
        let tls = trust::client(mqtt.ca.as_deref()).await?;
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls.into())));
    }
    Ok(options)
}
