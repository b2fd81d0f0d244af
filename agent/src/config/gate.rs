//! `proxy_protocol` and `tls` of `[group.proxy]`: what lies between a client's socket and its words.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use crate::proxy::preamble::{Intake, Version};
use crate::proxy::tls::Files;
use ipnet::IpNet;
use std::net::IpAddr;

const ACCEPTED: &[(&str, Option<Accept>)] = &[
    ("none", None),
    ("v1", Some(Accept::Only(Version::V1))),
    ("v2", Some(Accept::Only(Version::V2))),
    ("any", Some(Accept::Any)),
];
const SENT: &[(&str, Option<Version>)] = &[("none", None), ("v1", Some(Version::V1)), ("v2", Some(Version::V2))];
const FROM: &str = "a list of networks: [\"10.0.0.0/8\", \"192.168.1.7\"]";

#[derive(Clone, Copy)]
enum Accept {
    Only(Version),
    Any,
}

/// What is believed of who a client is, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Preambles {
    /// Whose word counts.
    pub intake: Intake,
    /// How the service is told.
    pub send: Option<Version>,
}

impl Preambles {
    /// The word for what has to be said by those who are listed, if anybody is.
    pub(super) fn accepted(&self) -> Option<&'static str> {
        match &self.intake {
            Intake::Sockets => None,
            Intake::Listed { version, .. } => Some(version.map_or("any", word)),
        }
    }

    /// The word for what is said to the service, if anything is.
    pub(super) fn sent(&self) -> Option<&'static str> {
        self.send.map(word)
    }
}

fn word(version: Version) -> &'static str {
    match version {
        Version::V1 => "v1",
        Version::V2 => "v2",
    }
}

/// `proxy_protocol = { accept = "v2", from = ["10.0.0.0/8"], send = "v1" }`.
pub(super) fn preambles(entry: Entry<'_>) -> Result<Preambles, Fault> {
    let section = entry.section("proxy_protocol", &["accept", "from", "send"])?;
    let send = section.or("send", |entry| entry.word("version", SENT), None)?;
    let accept = section.or("accept", |entry| entry.word("version", ACCEPTED), None)?;
    let from = section.maybe("from", networks)?;
    let intake = match (accept, from) {
        (None, None) => Intake::Sockets,
        (Some(accept), Some(from)) => Intake::Listed { version: accept.only(), from },
        (Some(_), None) => {
            let what = "\"accept\" without \"from\": anybody could say to be anybody";
            return Err(section.fault(what, "name those who may say it: from = [\"10.0.0.0/8\"]"));
        }
        (None, Some(_)) => {
            let what = "\"from\" without \"accept\": nobody may say who a client is";
            return Err(section.fault(what, "add accept = \"v2\", \"v1\" or \"any\", or leave \"from\" out"));
        }
    };
    Ok(Preambles { intake, send })
}

impl Accept {
    fn only(self) -> Option<Version> {
        match self {
            Self::Only(version) => Some(version),
            Self::Any => None,
        }
    }
}

fn networks(entry: Entry<'_>) -> Result<Vec<IpNet>, Fault> {
    let items = entry.items(FROM)?;
    if items.is_empty() {
        return Err(entry.fault("\"from\" is empty", FROM));
    }
    items.into_iter().map(network).collect()
}

/// A network, or one address.
fn network(entry: Entry<'_>) -> Result<IpNet, Fault> {
    let text = entry.text()?;
    let found = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let found = found.map_err(|_| entry.fault(format!("{} is not a network", quoted(text)), FROM))?;
    if found.addr() != found.network() {
        let what = format!("{} is an address within a network", quoted(text));
        return Err(
            entry.fault(what, format!("the network is \"{}\", the address \"{}\"", found.trunc(), found.addr()))
        );
    }
    Ok(found)
}

/// `tls = { cert = "…", key = "…" }`.
pub(super) fn tls(entry: Entry<'_>) -> Result<Files, Fault> {
    let section = entry.section("tls", &["cert", "key"])?;
    let file = |key| section.need(key, "tls = { cert = \"web.pem\", key = \"web.key\" }")?.path();
    Ok(Files { cert: file("cert")?, key: file("key")? })
}
