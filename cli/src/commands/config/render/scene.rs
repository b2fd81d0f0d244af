//! What a balancer has to know of a group: who is in it, and where each member answers whom.
//!
//! Everything here comes from other machines, and goes into files that programs run by root will read: names are of a
//! few plain characters and addresses are addresses, or there is no file.

use std::net::SocketAddr;
use std::time::Duration;

use hotseat_client::{Client, Cluster, Group, Member};

use super::super::super::{Failed, explain, switchover};
use super::gate::Gate;

/// Longest name that any node or group has, in bytes.
const NAME_MAX: usize = 63;

/// A checked group.
#[derive(Debug)]
pub(super) struct Scene {
    /// The cluster.
    pub(super) cluster: String,
    /// The node that was asked.
    pub(super) asked: String,
    /// The group.
    pub(super) group: String,
    /// How long a lease lasts.
    pub(super) ttl: Duration,
    /// The members, by name; at least one.
    pub(super) seats: Vec<Seat>,
}

/// Where one member answers.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// Its name.
    pub(super) node: String,
    /// Its agent.
    pub(super) agent: SocketAddr,
    /// Its service.
    pub(super) service: Option<SocketAddr>,
    /// What its agent told; none if it does not answer.
    ports: Option<Ports>,
}

/// What an agent tells of itself alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ports {
    check: Option<SocketAddr>,
    line: Option<SocketAddr>,
    proxy: Option<SocketAddr>,
    gate: Gate,
}

impl Scene {
    /// Who did not answer.
    pub(super) fn silent(&self) -> impl Iterator<Item = &str> {
        self.seats.iter().filter(|seat| seat.ports.is_none()).map(|seat| seat.node.as_str())
    }

    /// Where a member is checked over HTTP, if it has a port for that.
    pub(super) fn check(&self, seat: &Seat) -> Option<SocketAddr> {
        self.at(seat, |ports| ports.check)
    }

    /// Where a member answers an agent-check.
    pub(super) fn line(&self, seat: &Seat) -> Option<SocketAddr> {
        self.at(seat, |ports| ports.line)
    }

    /// Every member's proxy, with the member.
    ///
    /// # Errors
    /// When one has none.
    pub(super) fn proxies(&self) -> Result<Vec<(&Seat, SocketAddr)>, Failed> {
        let of = |seat| self.at(seat, |ports| ports.proxy).map(|proxy| (seat, proxy));
        let none = |seat: &Seat| {
            Failed::new(format!(
                "{} has no proxy for {}\n       Add [group.proxy] with listen = \"0.0.0.0:8080\" to its file.",
                seat.node, self.group
            ))
        };
        self.seats.iter().map(|seat| of(seat).ok_or_else(|| none(seat))).collect()
    }

    /// What is said at a member's proxy and service; who does not answer is like the others.
    pub(super) fn gate(&self, seat: &Seat) -> Gate {
        let told = seat.ports.or_else(|| self.seats.iter().find_map(|other| other.ports));
        told.unwrap_or_default().gate
    }

    /// Whether any member's gate is so.
    pub(super) fn any(&self, is: impl Fn(Gate) -> bool) -> bool {
        self.seats.iter().any(|seat| is(self.gate(seat)))
    }

    /// An address of a member: on every address means on that of its agent, and who does not answer is like the others.
    fn at(&self, seat: &Seat, which: impl Fn(&Ports) -> Option<SocketAddr>) -> Option<SocketAddr> {
        match &seat.ports {
            Some(ports) => which(ports).map(|at| reached(at, seat.agent)),
            None => {
                let mut others = self.seats.iter().filter_map(|other| other.ports.as_ref()).map(which);
                let first = others.next()??;
                let alike = others.all(|other| other.is_some_and(|other| other.port() == first.port()));
                alike.then(|| SocketAddr::new(seat.agent.ip(), first.port()))
            }
        }
    }
}

fn reached(at: SocketAddr, agent: SocketAddr) -> SocketAddr {
    if at.ip().is_unspecified() { SocketAddr::new(agent.ip(), at.port()) } else { at }
}

/// Asks an agent for the group, and every member's agent for what only that one knows.
pub(super) async fn gather(client: &Client, group: Option<&str>) -> Result<Scene, Failed> {
    let cluster = client.cluster().await.map_err(explain)?;
    let group = switchover::pick(&cluster, group)?;
    let seats = group.members.iter().map(|member| seat(client, &cluster, group, member));
    let seats = futures_util::future::join_all(seats).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    if seats.is_empty() {
        return Err(Failed::new(format!("{} has no members", group.id)));
    }
    Ok(Scene {
        cluster: name(&cluster.cluster)?,
        asked: name(&cluster.node)?,
        group: name(&group.id)?,
        ttl: Duration::from_millis(cluster.ttl_ms),
        seats,
    })
}

async fn seat(client: &Client, cluster: &Cluster, group: &Group, member: &Member) -> Result<Seat, Failed> {
    let plain = member.address.strip_prefix("http://").unwrap_or(&member.address);
    Ok(Seat {
        node: name(&member.node)?,
        agent: address(plain)?,
        service: member.service.as_deref().map(address).transpose()?,
        ports: if member.node == cluster.node {
            Some(ports(group)?)
        } else {
            ask(client, cluster, group, member).await?
        },
    })
}

/// None from an agent that does not answer, or is not whom it should be.
async fn ask(client: &Client, cluster: &Cluster, group: &Group, member: &Member) -> Result<Option<Ports>, Failed> {
    let Ok(client) = client.beside(&member.address) else { return Ok(None) };
    let Ok(told) = client.way(&group.id).await else { return Ok(None) };
    if told.cluster != cluster.cluster || told.node != member.node {
        return Ok(None);
    }
    told.groups.iter().find(|its| its.id == group.id).map(ports).transpose()
}

fn ports(group: &Group) -> Result<Ports, Failed> {
    let at = |told: &Option<String>| told.as_deref().map(address).transpose();
    let gate = Gate::read(group.proxy_gate.as_ref())?;
    Ok(Ports { check: at(&group.check)?, line: at(&group.agent_check)?, proxy: at(&group.proxy)?, gate })
}

fn address(told: &str) -> Result<SocketAddr, Failed> {
    told.parse().map_err(|_| Failed::new(format!("\"{}\" is no address and cannot be in a file", told.escape_debug())))
}

fn name(told: &str) -> Result<String, Failed> {
    let plain = told.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if plain && (1..=NAME_MAX).contains(&told.len()) {
        return Ok(told.to_owned());
    }
    Err(Failed::new(format!("\"{}\" is no name and cannot be in a file", told.escape_debug())))
}
