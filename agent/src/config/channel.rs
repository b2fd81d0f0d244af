//! How an `[[alert]]` is told: `webhook`, `slack`, `smtp`, `mqtt` or `command`.
//!
//! Passwords are never in the file: it names files that hold them. They are read when they are used.

mod read;

pub(super) use read::read;

use std::fmt;
use std::path::PathBuf;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `POST` of JSON.
    Webhook(Hook),
    /// `POST` of `{"text": …}`, as Slack and its like take it.
    Slack(Hook),
    /// Mail.
    Smtp(Smtp),
    /// A message to a broker.
    Mqtt(Mqtt),
    /// A program and its arguments; the JSON on its standard input, the same in its environment.
    Command(Vec<String>),
}

/// A place to `POST` to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Where.
    pub url: Address,
    /// A file whose text is sent as a bearer token.
    pub token: Option<PathBuf>,
    /// Certificates to trust besides those of the system.
    pub ca: Option<PathBuf>,
}

/// A URL, which may be a secret in itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// As it is written.
    Written(String),
    /// It is the text of this file.
    InFile(PathBuf),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Without its path: that of a webhook often is the key to it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(url) => {
                let parsed = reqwest::Url::parse(url);
                let origin = parsed.map_or_else(|_| String::from("?"), |url| url.origin().ascii_serialization());
                write!(f, "{origin}/…")
            }
            Self::InFile(path) => write!(f, "the URL in {}", path.display()),
        }
    }
}

/// A server of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Who one is to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// A file with the password.
    pub password: PathBuf,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Where.
    pub server: Server,
    /// How what is said stays between the two.
    pub tls: MailTls,
    /// Certificates to trust besides those of the system.
    pub ca: Option<PathBuf>,
    /// As whom.
    pub login: Option<Login>,
    /// Who the mail is from.
    pub from: String,
    /// Whom it is to.
    pub to: Vec<String>,
}

/// How mail is handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Begins in the clear and must become TLS before anything is said.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// In the clear. Only where that was asked for.
    Plain,
}

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mqtt {
    /// Where.
    pub server: Server,
    /// The topic; `{key}` and others are filled in.
    pub topic: String,
    /// The "thing key" that alerts belong to.
    pub key: Option<String>,
    /// TLS.
    pub tls: bool,
    /// Certificates to trust besides those of the system.
    pub ca: Option<PathBuf>,
    /// As whom.
    pub login: Option<Login>,
}

impl Channel {
    /// The key it stands under.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Smtp(_) => "smtp",
            Self::Mqtt(_) => "mqtt",
            Self::Command(_) => "command",
        }
    }

    /// Where to, for people, without secrets.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Webhook(hook) | Self::Slack(hook) => hook.url.to_string(),
            Self::Smtp(smtp) => format!("{} by {}", smtp.to.join(", "), smtp.server),
            Self::Mqtt(mqtt) => format!("{} at {}", mqtt.topic, mqtt.server),
            Self::Command(command) => command.first().cloned().unwrap_or_default(),
        }
    }
}
