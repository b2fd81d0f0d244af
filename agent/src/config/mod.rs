//! `hotseat.toml`: read, checked once, and from then on only valid values.
//!
//! ```text
//!  text ──toml──▶ Section, Entry (raw, with places) ──checks──▶ Config (checked)
//!                        └──▶ Fault (a place and a reason) ──▶ ConfigError (line, column, carets)
//! ```
//!
//! It never touches anything but the one file: whether a program exists, a port is free or a
//! directory can be written is found out when it is used.

mod alert;
mod api;
mod channel;
mod check;
mod check_port;
mod claims;
mod cluster;
mod drill;
mod duration;
mod entry;
mod environment;
mod error;
mod excerpt;
mod fault;
mod floating;
mod gate;
mod group;
mod life;
mod node;
mod on_standby;
mod placeholders;
mod proxy;
mod reads;
mod section;
mod service;
mod store;
mod sync;
mod telemetry;
mod timing;
mod vip;
mod words;

pub use alert::Alert;
pub use api::Api;
pub use channel::{Address, Channel, Hook, Login, MailTls, Mqtt, Server, Smtp};
pub use check::{Check, Health};
pub use check_port::CheckPort;
pub use cluster::Cluster;
pub use drill::Drill;
pub use error::{ConfigError, Mistake};
pub use floating::Floating;
pub use gate::Preambles;
pub use group::{Failback, Group, mode};
pub use life::{Output, Restart, Stop};
pub use node::{Containment, Node};
pub use on_standby::OnStandby;
pub use placeholders::{Values, expand};
pub use proxy::Proxy;
pub use reads::{Reads, ReadsFrom};
pub use service::Service;
pub use store::StoreUrl;
pub use sync::{Named, Sync, overlap};
pub use telemetry::Telemetry;
pub use vip::{Subnet, Vip};

use claims::Claims;
use entry::Entry;
use fault::Fault;
use section::Section;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use toml::de::DeTable;

/// Far more than any cluster needs; keeps a wrong file (`-c /dev/zero`) from filling the memory.
const BYTES_MAX: u64 = 1 << 20;

/// Keys of the whole file.
const KEYS: &[&str] = &["cluster", "node", "api", "group", "alert", "telemetry"];

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What all nodes have in common.
    pub cluster: Cluster,
    /// What is true of this machine.
    pub node: Node,
    /// Who gets at the agent's port, and how.
    pub api: Api,
    /// The groups it takes part in, in the order of the file.
    pub groups: Vec<Group>,
    /// Where else to tell of what happens.
    pub telemetry: Telemetry,
    /// Who is told when something has happened.
    pub alerts: Vec<Alert>,
}

impl Config {
    /// Reads and checks a file. Relative paths in it start at its directory.
    ///
    /// # Errors
    /// [`ConfigError`], ready to be shown to whoever wrote the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |why| ConfigError::Unreadable(path.to_owned(), why);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(ConfigError::TooLarge(path.to_owned()));
        }
        match str::from_utf8(&bytes) {
            Ok(text) => Self::parse(&path.display().to_string(), text),
            Err(why) => {
                let before = &bytes[..why.valid_up_to()];
                let line = before.iter().filter(|b| **b == b'\n').count() + 1;
                Err(ConfigError::NotUtf8(path.to_owned(), line))
            }
        }
    }

    /// Checks a text. `file_name` is what errors call it; relative paths start at its directory.
    ///
    /// # Errors
    /// [`ConfigError`], ready to be shown to whoever wrote the text.
    ///
    /// ```
    /// # use hotseat_agent::config::Config;
    /// let error = Config::parse("hotseat.toml", "[clutser]").unwrap_err();
    /// assert!(error.to_string().contains("did you mean \"cluster\"?"));
    /// ```
    pub fn parse(file_name: &str, text: &str) -> Result<Self, ConfigError> {
        if text.len() as u64 > BYTES_MAX {
            return Err(ConfigError::TooLarge(file_name.into()));
        }
        Self::read(text, Path::new(file_name))
            .map_err(|fault| ConfigError::Mistake(Box::new(Mistake::new(file_name, text, fault))))
    }

    fn read(text: &str, file: &Path) -> Result<Self, Fault> {
        let base = file.parent().unwrap_or(Path::new(""));
        let table = DeTable::parse(text).map_err(|why| syntax(&why))?;
        let whole = Section::open("the file", 0..0, table.get_ref(), base, KEYS)?;
        let cluster = whole.need("cluster", "[cluster] with name and store")?.section("[cluster]", cluster::KEYS)?;
        let cluster = Cluster::read(&cluster)?;
        let section = whole.need("node", "[node] with name and listen")?.section("[node]", node::KEYS)?;
        let node = Node::read(&section)?;
        let api = whole.or("api", Api::read, Api::default())?;
        let mut claims = Claims::of(file);
        if let Some(listen) = section.get("listen") {
            claims.address(node.listen, "[node] listen".to_owned(), listen.spot())?;
        }
        let groups = whole.or("group", |entry| groups(entry, &node, &mut claims), Vec::new())?;
        let telemetry = |entry: Entry<'_>| Telemetry::read(&entry.section("[telemetry]", telemetry::KEYS)?);
        let telemetry = whole.or("telemetry", telemetry, Telemetry::default())?;
        let alerts = whole.or("alert", |entry| alert::read_all(entry, &groups), Vec::new())?;
        Ok(Self { cluster, node, api, groups, telemetry, alerts })
    }

    /// A whole `hotseat.toml` with a word on every key.
    #[must_use]
    pub fn example() -> &'static str {
        include_str!("example.toml")
    }
}

fn groups(entry: Entry<'_>, node: &Node, claims: &mut Claims) -> Result<Vec<Group>, Fault> {
    if entry.value.get_ref().is_table() {
        return Err(entry.fault("there may be several groups", "write [[group]], with two brackets"));
    }
    let entries = entry.items("[[group]] tables")?;
    (1..).zip(entries).map(|(place, entry)| Group::read(entry, place, node, claims)).collect()
}

/// The parser says "what, expected this"; the second half is the advice.
fn syntax(why: &toml::de::Error) -> Fault {
    let message = why.message().replace('\n', ", ");
    let (what, expected) = message.split_once(", expected ").unwrap_or((&message, ""));
    let advice = match (what, expected) {
        ("duplicate key", _) => "it is there already: keep one of the two".to_owned(),
        (_, "") => "this is not TOML".to_owned(),
        (_, expected) => format!("expected {expected}"),
    };
    Fault::new(why.span().unwrap_or(0..0), what, advice)
}
