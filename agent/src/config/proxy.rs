//! `[group.proxy]`: an address on this node that follows the leader.

use super::claims::Claims;
use super::entry::Entry;
use super::fault::Fault;
use super::gate::{self, Preambles};
use super::on_standby::OnStandby;
use super::reads::Reads;
use super::section::Section;
use super::service::Service;
use crate::proxy::{Protocol, tls};
use hotseat_client::ProxyGate;
use hotseat_core::GroupId;
use std::net::SocketAddr;
use std::time::Duration;

/// Keys of `[group.proxy]`.
pub(super) const KEYS: &[&str] =
    &["listen", "protocol", "hold", "max_parked", "drain", "proxy_protocol", "tls", "on_standby", "reads"];
const PROTOCOLS: &[(&str, Protocol)] = &[("auto", Protocol::Auto), ("http", Protocol::Http), ("tcp", Protocol::Tcp)];
/// Longer than a failover takes with the slowest preset, shorter than most clients' patience.
const HOLD: Duration = Duration::from_secs(30);
/// What most requests take far less than; half of `hold` where that is shorter; also for nodes without a proxy of the group, as others may have one.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// A parked connection costs a descriptor: this many fit beside everything else in the usual 4,096.
const MAX_PARKED: usize = 1024;

/// An address on this node that follows the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Where clients connect. Port 0 (on loopback only): any free one.
    pub listen: SocketAddr,
    /// What clients speak.
    pub protocol: Protocol,
    /// How long a client is kept waiting while nobody leads.
    pub hold: Duration,
    /// How many clients may wait at a time.
    pub max_parked: usize,
    /// What is believed of who a client is, and said to the service.
    pub preambles: Preambles,
    /// The certificate to end the clients' TLS with; none: it is not ended here.
    pub tls: Option<tls::Files>,
    /// What it does while another node leads.
    pub on_standby: OnStandby,
    /// How long requests that are under way may hold up a planned end.
    pub drain: Duration,
    /// Where members that do not lead answer.
    pub reads: Option<Reads>,
}

impl Proxy {
    pub(super) fn read(
        section: &Section<'_>,
        id: &GroupId,
        service: &Service,
        claims: &mut Claims,
    ) -> Result<Self, Fault> {
        let listen = section.need("listen", "listen = \"0.0.0.0:8080\"")?;
        let address = listen.address()?;
        claims.address(address, format!("the proxy of group \"{id}\""), listen.spot())?;
        if service.port.is_none() {
            return Err(section.fault("the service has no port to forward to", "add port = 9100 to [group.service]"));
        }
        let protocol = section.or("protocol", |entry| entry.word("protocol", PROTOCOLS), Protocol::Auto)?;
        let on_standby = section.or("on_standby", OnStandby::read, OnStandby::Carry)?;
        if let (Protocol::Tcp, OnStandby::Redirect(_), Some(entry)) = (protocol, &on_standby, section.get("on_standby"))
        {
            return Err(entry.fault("only HTTP knows redirects", "protocol = \"http\" or \"auto\", or leave this out"));
        }
        let hold = section.or("hold", Entry::duration, HOLD)?;
        Ok(Self {
            listen: address,
            protocol,
            hold,
            max_parked: section.or("max_parked", max_parked, MAX_PARKED)?,
            preambles: section.or("proxy_protocol", gate::preambles, Preambles::default())?,
            tls: section.maybe("tls", gate::tls)?,
            on_standby,
            drain: section.or("drain", |entry| drain(entry, hold), DRAIN.min(hold / 2))?,
            reads: section.maybe("reads", |entry| Reads::read(entry, id, claims))?,
        })
    }
}

impl Proxy {
    /// What others have to know who set a load balancer before it.
    pub(crate) fn shown(&self) -> ProxyGate {
        ProxyGate {
            tls: self.tls.is_some(),
            accept: self.preambles.accepted().map(str::to_owned),
            send: self.preambles.sent().map(str::to_owned),
            redirects: self.on_standby != OnStandby::Carry,
        }
    }
}

/// While requests under way hold a planned end up, all others are parked: they must not be given up before it.
fn drain(entry: Entry<'_>, hold: Duration) -> Result<Duration, Fault> {
    let drain = entry.duration()?;
    if !drain.is_zero() && drain >= hold {
        let what = format!("\"drain\" is not shorter than \"hold\" ({hold:?})");
        let why = "all other clients wait while a planned change is held up, and would be refused";
        return Err(entry.fault(what, format!("{why}: at most half of hold, or a longer hold")));
    }
    Ok(drain)
}

/// None may be parked: then a client without a leader is refused at once.
fn max_parked(entry: Entry<'_>) -> Result<usize, Fault> {
    Ok(entry.number(0..=1_000_000)?.try_into().expect("the bounds fit"))
}
