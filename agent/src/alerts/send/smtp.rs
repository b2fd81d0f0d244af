//! Mail, handed to a server. Its `Message-ID` is the alert's own, so a second copy of one alert is seen to be that.

use std::path::Path;
use std::time::Duration;

use hotseat_client::Alert;
use lettre::message::Mailbox;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{secret, whole};
use crate::alerts::message;
use crate::config::{MailTls, Smtp};

/// Hands it in.
pub(super) async fn send(smtp: &Smtp, alert: &Alert, limit: Duration) -> Result<String, String> {
    let mail = compose(smtp, alert)?;
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.server.host)
        .port(smtp.server.port)
        .timeout(Some(limit))
        .tls(tls(smtp).await?);
    if let Some(login) = &smtp.login {
        transport = transport.credentials(Credentials::new(login.user.clone(), secret::read(&login.password).await?));
    }
    match transport.build().send(mail).await {
        Ok(response) => Ok(format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" "))),
        Err(error) => Err(whole(&error)),
    }
}

fn compose(smtp: &Smtp, alert: &Alert) -> Result<Message, String> {
    let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}"));
    let id = format!("<{}.{}@hotseat.invalid>", alert.id.replace('/', "."), alert.state);
    let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    let mut mail = Message::builder()
        .from(mailbox(&smtp.from)?)
        .subject(message::line(alert))
        .message_id(Some(id))
        // No out-of-office answer is wanted.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Hotseat-Alert", &alert.id))
        .date_now();
    for to in &smtp.to {
        mail = mail.to(mailbox(to)?);
    }
    mail.body(body(alert)).map_err(|error| error.to_string())
}

/// A line a fact, for people and for filters.
fn body(alert: &Alert) -> String {
    let number = alert.epoch.map(|epoch| epoch.to_string());
    let facts = [
        ("cluster", Some(alert.cluster.as_str())),
        ("rule", Some(alert.rule.as_str())),
        ("state", Some(alert.state.as_str())),
        ("severity", Some(alert.severity.as_str())),
        ("group", alert.group.as_deref()),
        ("node", alert.node.as_deref()),
        ("epoch", number.as_deref()),
        ("at", Some(alert.at.as_str())),
        ("noticed by", Some(alert.told_by.as_str())),
        ("id", Some(alert.id.as_str())),
    ];
    let facts = facts.into_iter().filter_map(|(name, fact)| Some(format!("{name:<12}{}\r\n", fact?)));
    let more = match &alert.group {
        Some(group) => format!("hotseat explain --group {group}"),
        None => String::from("hotseat status"),
    };
    format!("{}\r\n\r\n{}\r\nMore: {more}\r\n", message::line(alert), facts.collect::<String>())
}

async fn tls(smtp: &Smtp) -> Result<Tls, String> {
    let needs: fn(TlsParameters) -> Tls = match smtp.tls {
        MailTls::Plain => return Ok(Tls::None),
        MailTls::Tls => Tls::Wrapper,
        MailTls::Starttls => Tls::Required,
    };
    let mut parameters = TlsParameters::builder(smtp.server.host.clone());
    if let Some(ca) = &smtp.ca {
        parameters = parameters.add_root_certificate(certificate(ca).await?);
    }
    // It reads the machine's certificates.
    let made = tokio::task::spawn_blocking(|| parameters.build()).await.map_err(|error| error.to_string())?;
    made.map(needs).map_err(|error| whole(&error))
}

async fn certificate(path: &Path) -> Result<Certificate, String> {
    let pem = tokio::fs::read(path).await.map_err(|error| format!("{}: {error}", path.display()))?;
    Certificate::from_pem(&pem).map_err(|error| format!("{}: {error}", path.display()))
}
