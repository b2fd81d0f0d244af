//! `[group.vip]`: IP addresses that the leader's machine has, and no other.

use super::claims::Claims;
use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::node::Node;
use super::section::Section;
use hotseat_core::GroupId;
use hotseat_guard::{ADDRESSES_MAX, Address};
use std::fmt;
use std::net::IpAddr;
use toml::de::DeValue;

/// Keys of `[group.vip]`.
pub(super) const KEYS: &[&str] = &["address", "interface"];
/// The longest name that the kernel gives an interface.
const INTERFACE_MAX: usize = 15;
const EXAMPLE: &str = "\"10.0.0.50/24\", or a list of such";

/// IP addresses that the leader's machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vip {
    /// The addresses; at least one.
    pub addresses: Vec<Subnet>,
    /// The interface that they come to.
    pub interface: String,
}

/// An address and the size of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The address itself.
    pub ip: IpAddr,
    /// How many of its bits name the network.
    pub prefix: u8,
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl Vip {
    pub(super) fn read(section: &Section<'_>, id: &GroupId, node: &Node, claims: &mut Claims) -> Result<Self, Fault> {
        let entry = section.need("address", "address = \"10.0.0.50/24\"")?;
        let entries = match entry.value.get_ref() {
            DeValue::Array(_) => entry.items(EXAMPLE)?,
            _ => vec![entry],
        };
        if entries.is_empty() || entries.len() > ADDRESSES_MAX {
            return Err(
                entry.fault(format!("from one to {ADDRESSES_MAX} addresses can follow group \"{id}\""), EXAMPLE)
            );
        }
        let addresses = entries.into_iter().map(|entry| {
            let subnet = subnet(&entry, node)?;
            claims.vip(subnet.ip, entry.spot())?;
            Ok(subnet)
        });
        Ok(Self {
            addresses: addresses.collect::<Result<_, Fault>>()?,
            interface: section.need("interface", "interface = \"eth0\"").and_then(interface)?,
        })
    }
}

fn interface(entry: Entry<'_>) -> Result<String, Fault> {
    let name = entry.filled()?;
    let possible = name.len() <= INTERFACE_MAX && !name.contains(|c: char| c.is_whitespace() || c == '/');
    if possible {
        return Ok(name.to_owned());
    }
    let right = format!("at most {INTERFACE_MAX} characters, without spaces and slashes; `ip link` lists them");
    Err(entry.fault(format!("{} cannot be an interface", quoted(name)), right))
}

fn subnet(entry: &Entry<'_>, node: &Node) -> Result<Subnet, Fault> {
    let text = entry.text()?;
    let Some((ip, prefix)) = text.split_once('/') else { return Err(without_prefix(entry, text)) };
    let ip: IpAddr = ip.parse().map_err(|_| {
        entry.fault(
            format!("{} is not an IP address", quoted(text)),
            format!("an address and its prefix, as in {EXAMPLE}"),
        )
    })?;
    let max = Address::prefix_max(ip);
    let prefix = prefix.parse().ok().filter(|prefix| (1..=max).contains(prefix)).ok_or_else(|| {
        entry.fault(format!("the prefix of {} is out of range", quoted(text)), format!("a number from 1 to {max}"))
    })?;
    if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() {
        return Err(entry.fault(format!("{ip} cannot belong to one machine of several"), "an address of your network"));
    }
    if [Some(node.listen), node.advertise].into_iter().flatten().any(|own| own.ip() == ip) {
        return Err(entry.fault(format!("{ip} is this node's own address"), "one that no machine has for itself"));
    }
    Ok(Subnet { ip, prefix })
}

fn without_prefix(entry: &Entry<'_>, text: &str) -> Fault {
    match text.parse::<IpAddr>() {
        Ok(ip) => {
            let usual = if ip.is_ipv4() { 24 } else { 64 };
            entry.fault(
                format!("{} does not say how large its network is", quoted(text)),
                format!("add the prefix of the network, as in \"{ip}/{usual}\""),
            )
        }
        Err(_) => entry.fault(
            format!("{} is not an IP address", quoted(text)),
            format!("an address and its prefix, as in {EXAMPLE}"),
        ),
    }
}
