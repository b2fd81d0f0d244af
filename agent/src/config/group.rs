//! `[[group]]`: how this node takes part in one group.

use super::check_port::{self, CheckPort};
use super::claims::Claims;
use super::cluster::advice;
use super::drill::{self, Drill};
use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::floating::{self, Floating};
use super::node::Node;
use super::proxy::{self, Proxy};
use super::section::Section;
use super::service::{self, Service};
use super::sync::Sync;
use super::vip::{self, Vip};
use super::words::plain;
use crate::lock::GROUP_PREFIX;
use hotseat_core::{GroupId, Mode};
use std::time::Duration;
use toml::de::DeValue;

const KEYS: &[&str] = &[
    "id", "role", "mode", "priority", "failback", "calm", "hold_max", "netid", "service", "proxy", "check", "vip",
    "floating", "sync", "floating", "drill",
];
const MODES: &[(&str, Mode)] = &[
    ("auto", Mode::Auto),
    ("leader", Mode::Leader),
    ("standby", Mode::Standby),
    ("hot-standby", Mode::HotStandby),
    ("backup", Mode::Backup),
    ("disabled", Mode::Disabled),
];
/// AMP's words where they differ by more than case and `_`.
const MODES_OF_AMP: &[(&str, Mode)] = &[("master", Mode::Leader), ("hot-backup", Mode::Backup)];
const FAILBACKS: &str = "\"never\" or { after = \"10m\" }";
/// Long enough that a service which fails once an hour is not taken for one that does not settle.
const CALM: Duration = Duration::from_secs(600);
/// People wait so long without leaving, and a machine gets hot no more.
const HOLD_MAX: Duration = Duration::from_secs(30);
const ROLE: &str = "primary";

/// How this node takes part in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The HA id, unique in the file.
    pub id: GroupId,
    /// What the group is for: one name, or several with commas between.
    pub role: String,
    /// How this node takes part.
    pub mode: Mode,
    /// Among equals the largest leads.
    pub priority: i64,
    /// Whether leadership returns to a larger priority.
    pub failback: Failback,
    /// A leader that stays well for so long makes earlier changes count no more.
    pub calm: Duration,
    /// The longest that a change is held off where leaders do not stay; zero: never.
    pub hold_max: Duration,
    /// The number of the NSG pings, unique in the file.
    pub netid: u32,
    /// The program the group protects.
    pub service: Service,
    /// An address that follows the leader.
    pub proxy: Option<Proxy>,
    /// Where load balancers ask.
    pub check: Option<CheckPort>,
    /// IP addresses that the leader's machine has.
    pub vip: Option<Vip>,
    /// A command that moves an address of somebody else's network to the leader.
    pub floating: Option<Floating>,
    /// Files that are the same on all members.
    pub sync: Option<Sync>,
    /// Fire drills.
    pub drill: Drill,
}

/// Whether leadership returns to a node of larger priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Failback {
    /// It stays where it is.
    #[default]
    Never,
    /// Once that node was well for so long.
    After(Duration),
}

impl Group {
    /// How long requests that are under way may hold up a planned end; zero where there can be none.
    #[must_use]
    pub fn drain(&self) -> Duration {
        match (&self.proxy, self.service.port) {
            (Some(proxy), _) => proxy.drain,
            // Another node may have a proxy where this one has none.
            (None, Some(_)) => proxy::DRAIN,
            (None, None) => Duration::ZERO,
        }
    }

    /// Reads one `[[group]]`; `place` is its place in the file, from 1.
    pub(super) fn read(entry: Entry<'_>, place: u32, node: &Node, claims: &mut Claims) -> Result<Self, Fault> {
        let section = entry.section("[[group]]", KEYS)?;
        let id = id(section.need("id", "id = \"my-service\"")?, claims)?;
        let service =
            section.need("service", "[group.service] with a command")?.section("[group.service]", service::KEYS)?;
        let service = Service::read(&service, &id, node, claims)?;
        let proxy =
            |entry: Entry<'_>| Proxy::read(&entry.section("[group.proxy]", proxy::KEYS)?, &id, &service, claims);
        let proxy = section.maybe("proxy", proxy)?;
        let check = |entry: Entry<'_>| CheckPort::read(&entry.section("[group.check]", check_port::KEYS)?, &id, claims);
        let check = section.maybe("check", check)?;
        let vip = |entry: Entry<'_>| Vip::read(&entry.section("[group.vip]", vip::KEYS)?, &id, node, claims);
        let vip = section.maybe("vip", vip)?;
        let floating =
            |entry: Entry<'_>| Floating::read(&entry.section("[group.floating]", floating::KEYS)?, service.port);
        let floating = section.maybe("floating", floating)?;
        let sync = section.maybe("sync", |entry| Sync::read(entry, service.port, node, claims))?;
        let drill = |entry: Entry<'_>| Drill::read(&entry.section("[group.drill]", drill::KEYS)?);
        Ok(Self {
            drill: section.or("drill", drill, Drill::default())?,
            role: section.or("role", Entry::filled, ROLE)?.to_owned(),
            mode: section.or("mode", |e| e.word_or("mode", MODES, MODES_OF_AMP), Mode::Auto)?,
            priority: section.or("priority", |e| e.number(i64::MIN..=i64::MAX), 0)?,
            failback: section.or("failback", failback, Failback::Never)?,
            calm: section.or("calm", Entry::duration, CALM)?,
            hold_max: section.or("hold_max", Entry::duration, HOLD_MAX)?,
            netid: netid(&section, &id, place, claims)?,
            id,
            service,
            proxy,
            check,
            vip,
            floating,
            sync,
        })
    }
}

/// The mode of this name, in our spelling or in AMP's.
#[must_use]
pub fn mode(text: &str) -> Option<Mode> {
    let typed = plain(text);
    MODES.iter().chain(MODES_OF_AMP).find(|(word, _)| *word == typed).map(|(_, mode)| *mode)
}

fn id(entry: Entry<'_>, claims: &mut Claims) -> Result<GroupId, Fault> {
    let text = entry.text()?;
    if text.starts_with(GROUP_PREFIX) {
        let right = format!("an id that does not begin with \"{GROUP_PREFIX}\": those are the names of locks");
        return Err(entry.fault(format!("{} cannot be a group", quoted(text)), right));
    }
    let id = GroupId::new(text).map_err(|why| entry.fault(format!("{} is not a name", quoted(text)), advice(&why)))?;
    claims.id(&id, entry.spot())?;
    Ok(id)
}

fn netid(section: &Section<'_>, id: &GroupId, place: u32, claims: &mut Claims) -> Result<u32, Fault> {
    let given = section.get("netid");
    let netid = match given {
        Some(entry) => entry.number(1..=i64::from(u32::MAX))?.try_into().expect("the bounds fit"),
        None => place,
    };
    claims.netid(netid, id, given.map(|entry| entry.spot()), section.spot())?;
    Ok(netid)
}

fn failback(entry: Entry<'_>) -> Result<Failback, Fault> {
    match entry.value.get_ref() {
        DeValue::String(text) if text == "never" => Ok(Failback::Never),
        DeValue::String(text) => Err(entry.fault(format!("unknown failback {}", quoted(text)), FAILBACKS)),
        DeValue::Table(_) => {
            let section = entry.section("failback", &["after"])?;
            let after = section.need("after", "after = \"10m\"")?.duration()?;
            Ok(Failback::After(after))
        }
        _ => Err(entry.wrong_type(FAILBACKS)),
    }
}
