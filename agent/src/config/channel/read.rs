//! The values of `webhook`, `slack`, `smtp`, `mqtt` and `command`, checked.

use super::{Address, Channel, Hook, Login, MailTls, Mqtt, Server, Smtp};
use crate::config::entry::Entry;
use crate::config::fault::{Fault, quoted};
use crate::config::section::Section;

/// The port of mail that is handed in, and of MQTT, where none is said.
const SMTP_PORT: u16 = 587;
const MQTT_PORT: u16 = 1883;
const MQTT_TLS_PORT: u16 = 8883;
/// What MQTT's length of a topic leaves room for, and more than anybody reads.
const TOPIC_MAX: usize = 200;
/// What a topic may name.
const TOPIC_NAMES: [&str; 5] = ["{key}", "{cluster}", "{group}", "{node}", "{rule}"];

const SMTP: &[&str] = &["server", "tls", "ca", "user", "password_file", "from", "to"];
const MQTT: &[&str] = &["server", "topic", "key", "tls", "ca", "user", "password_file"];

/// The value of the one key that says how.
pub(in crate::config) fn read(entry: Entry<'_>) -> Result<Channel, Fault> {
    match entry.key {
        "webhook" => hook(entry, "[alert.webhook]").map(Channel::Webhook),
        "slack" => hook(entry, "[alert.slack]").map(Channel::Slack),
        "smtp" => smtp(&entry.section("[alert.smtp]", SMTP)?).map(Channel::Smtp),
        "mqtt" => mqtt(&entry.section("[alert.mqtt]", MQTT)?).map(Channel::Mqtt),
        _ => entry.argv().map(Channel::Command),
    }
}

/// A URL alone, or a table.
fn hook(entry: Entry<'_>, name: &'static str) -> Result<Hook, Fault> {
    if entry.value.get_ref().is_str() {
        return Ok(Hook { url: url(entry)?, token: None, ca: None });
    }
    let section = entry.section(name, &["url", "url_file", "token_file", "ca"])?;
    let address = section.one_of(&["url", "url_file"], "url = \"https://example.org/hotseat\"")?;
    let url = if address.key == "url" { url(address)? } else { Address::InFile(address.path()?) };
    Ok(Hook { url, token: section.maybe("token_file", Entry::path)?, ca: section.maybe("ca", Entry::path)? })
}

fn url(entry: Entry<'_>) -> Result<Address, Fault> {
    let text = entry.filled()?;
    let parsed = reqwest::Url::parse(text).ok();
    let right = |url: reqwest::Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
    if parsed.is_some_and(right) {
        return Ok(Address::Written(text.to_owned()));
    }
    Err(entry.fault(format!("{} is not a URL to post to", quoted(text)), "as in \"https://example.org/hotseat\""))
}

fn smtp(section: &Section<'_>) -> Result<Smtp, Fault> {
    let words = &[("starttls", MailTls::Starttls), ("tls", MailTls::Tls), ("none", MailTls::Plain)];
    Ok(Smtp {
        server: section.need("server", "server = \"mail.example.org:587\"").and_then(|it| server(it, SMTP_PORT))?,
        tls: section.or("tls", |entry| entry.word("kind of TLS", words), MailTls::Starttls)?,
        ca: section.maybe("ca", Entry::path)?,
        login: login(section)?,
        from: section.need("from", "from = \"hotseat@example.org\"").and_then(mailbox)?,
        to: section.need("to", "to = [\"ops@example.org\"]").and_then(mailboxes)?,
    })
}

fn mqtt(section: &Section<'_>) -> Result<Mqtt, Fault> {
    let tls = section.or("tls", Entry::flag, false)?;
    let port = if tls { MQTT_TLS_PORT } else { MQTT_PORT };
    let key = section.maybe("key", Entry::filled)?.map(str::to_owned);
    let entry = section.get("topic");
    let topic = entry.map(|entry| topic(entry, key.is_some())).transpose()?;
    let usual = || String::from(if key.is_some() { "hotseat/{key}" } else { "hotseat/{cluster}/{rule}" });
    Ok(Mqtt {
        server: section.need("server", "server = \"10.0.0.9:1883\"").and_then(|it| server(it, port))?,
        topic: topic.unwrap_or_else(usual),
        key,
        tls,
        ca: section.maybe("ca", Entry::path)?,
        login: login(section)?,
    })
}

fn login(section: &Section<'_>) -> Result<Option<Login>, Fault> {
    let user = section.maybe("user", Entry::filled)?;
    let password = section.maybe("password_file", Entry::path)?;
    match (user, password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => Ok(Some(Login { user: user.to_owned(), password })),
        (Some(_), None) => {
            Err(section.fault("\"user\" without \"password_file\"", "name a file that holds the password"))
        }
        (None, Some(_)) => {
            Err(section.fault("\"password_file\" without \"user\"", "say whose password it is: user = \"…\""))
        }
    }
}

/// `HOST:PORT`, or `HOST` where there is a usual port.
fn server(entry: Entry<'_>, usual: u16) -> Result<Server, Fault> {
    let text = entry.filled()?;
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)),
        None => (text, Some(usual)),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '[' | ']');
    let possible = !bare.is_empty() && !bare.contains(strange) && (bare == host) != bare.contains(':');
    match port {
        Some(port) if possible => Ok(Server { host: bare.to_owned(), port }),
        _ => Err(entry.fault(
            format!("{} is not a server", quoted(text)),
            format!("a host and a port, as in \"example.org:{usual}\" or \"[fd00::1]:{usual}\""),
        )),
    }
}

fn mailbox(entry: Entry<'_>) -> Result<String, Fault> {
    let text = entry.filled()?;
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(entry.fault(
            format!("{} is not a mail address", quoted(text)),
            "as in \"ops@example.org\" or \"Hotseat <hotseat@example.org>\"",
        )),
    }
}

fn mailboxes(entry: Entry<'_>) -> Result<Vec<String>, Fault> {
    if entry.value.get_ref().is_str() {
        return Ok(vec![mailbox(entry)?]);
    }
    let items = entry.items("a list of mail addresses: [\"ops@example.org\"]")?;
    if items.is_empty() {
        return Err(entry.fault("\"to\" is empty", "add a mail address: to = [\"ops@example.org\"]"));
    }
    items.into_iter().map(mailbox).collect()
}

fn topic(entry: Entry<'_>, keyed: bool) -> Result<String, Fault> {
    let text = entry.filled()?;
    let bare = TOPIC_NAMES.iter().fold(text.to_owned(), |bare, name| bare.replace(name, ""));
    let fault = |what: String, right: &str| Err(entry.fault(what, right));
    if text.contains("{key}") && !keyed {
        return fault(format!("{} names a key, and there is none", quoted(text)), "add key = \"the thing's key\"");
    }
    if text.len() > TOPIC_MAX || bare.contains(['#', '+', '{', '}']) || bare.contains(char::is_control) {
        let right = "no + and #, at most 200 characters; in braces: {key}, {cluster}, {group}, {node}, {rule}";
        return fault(format!("{} is not a topic to publish to", quoted(text)), right);
    }
    Ok(text.to_owned())
}
