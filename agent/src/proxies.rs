//! The proxies of this node: which there are, and where each is to go.
//!
//! They are told by the loop's picture and never look at the store.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use hotseat_core::{GroupId, GroupView, MemberState, Seat};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::{Config, Group, OnStandby, Proxy, ReadsFrom};
use crate::proxy::{self, Drains, Gate, Limits, Redirect, Route, Tally, Target};
use crate::run::Failure;

/// All of them; they stop when this is dropped.
#[derive(Default)]
pub(crate) struct Proxies {
    handles: Vec<(GroupId, proxy::Handle)>,
    /// Where each group's proxy listens, in the order of the configuration.
    pub(crate) addresses: Vec<Option<SocketAddr>>,
}

impl Proxies {
    /// Starts them. Their certificates are read anew on `rereads`.
    ///
    /// # Errors
    /// What cannot be listened at, or what is wrong with a certificate.
    pub(crate) async fn open(config: &Config, rereads: &watch::Receiver<()>) -> Result<(Self, Routes), Failure> {
        let (mut proxies, mut routes) = (Self::default(), Routes::default());
        for group in &config.groups {
            let Some(proxy) = &group.proxy else {
                proxies.addresses.push(None);
                continue;
            };
            let (leader, told) = watch::channel(Route::default());
            let (listener, at) = listen(group, proxy.listen)?;
            proxies.addresses.push(Some(at));
            proxies.start(group, proxy, (listener, redirect(config, proxy, at)), told, rereads)?;
            let mut ways = Ways { leader, reads: None };
            if let Some(reads) = &proxy.reads {
                let (sender, told) = watch::channel(Route::default());
                let (listener, _at) = listen(group, reads.listen)?;
                proxies.start(group, proxy, (listener, None), told, rereads)?;
                ways.reads = Some((reads.from, sender));
            }
            routes.0.insert(group.id.clone(), ways);
        }
        Ok((proxies, routes))
    }

    fn start(
        &mut self,
        group: &Group,
        proxy: &Proxy,
        (listener, redirect): (TcpListener, Option<Redirect>),
        told: watch::Receiver<Route>,
        rereads: &watch::Receiver<()>,
    ) -> Result<(), Failure> {
        let limits = Limits { protocol: proxy.protocol, ..Limits::new(proxy.hold, proxy.max_parked) };
        let (gate, keeper) =
            Gate::open(proxy).map_err(|why| Failure(format!("group {}: proxy: tls: {why}", group.id)))?;
        if let Some(keeper) = keeper {
            tokio::spawn(keeper.run(rereads.clone()));
        }
        self.handles.push((group.id.clone(), proxy::spawn_behind(gate, redirect, listener, told, limits)));
        Ok(())
    }

    /// What clients of each group saw of its newest change of leader.
    pub(crate) fn tallies(&self) -> BTreeMap<GroupId, Tally> {
        let mut tallies = BTreeMap::new();
        for (group, proxy) in &self.handles {
            // The first one follows the leader; readers may be served by others.
            tallies.entry(group.clone()).or_insert_with(|| proxy.tally());
        }
        tallies
    }

    /// Tells for each group when nothing is under way from here to a leader that ends.
    pub(crate) fn drains(&self) -> BTreeMap<GroupId, Vec<Drains>> {
        let mut drains = BTreeMap::<_, Vec<_>>::new();
        for (group, proxy) in &self.handles {
            drains.entry(group.clone()).or_default().push(proxy.drains());
        }
        drains
    }
}

fn listen(group: &Group, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let named = |error: io::Error| Failure(format!("group {}: proxy on {address}: {error}", group.id));
    let listener = crate::listen::listen(address).map_err(named)?;
    let at = listener.local_addr().map_err(named)?;
    Ok((listener, at))
}

/// Where the proxy that listens `at` sends what belongs to another node, if it does not carry it.
fn redirect(config: &Config, proxy: &Proxy, at: SocketAddr) -> Option<Redirect> {
    let OnStandby::Redirect(to) = &proxy.on_standby else { return None };
    let scheme = if proxy.tls.is_some() { "https" } else { "http" };
    let to = to.clone().unwrap_or_else(|| format!("{scheme}://{{host}}:{}", at.port()));
    Some(Redirect::new(config.node.name.as_str(), &to))
}

/// Where the proxies of each group are to go: who holds this tells them.
#[derive(Debug, Default)]
pub struct Routes(BTreeMap<GroupId, Ways>);

#[derive(Debug)]
struct Ways {
    leader: watch::Sender<Route>,
    reads: Option<(ReadsFrom, watch::Sender<Route>)>,
}

impl Routes {
    /// Points a group's proxies by its picture; `own` is where this node's service listens.
    pub(crate) fn point(&self, group: &GroupView, own: Option<SocketAddr>) {
        let Some(ways) = self.0.get(&group.id) else { return };
        let leader = leader(group, own);
        if let Some((from, sender)) = &ways.reads {
            let led = leader.is_some();
            tell(sender, Route::spread(group.epoch.0, led, readers(group, *from, leader.clone())));
        }
        tell(&ways.leader, Route::leader(group.epoch.0, leader));
    }
}

fn tell(sender: &watch::Sender<Route>, next: Route) {
    sender.send_if_modified(|route| {
        let differs = *route != next;
        *route = next;
        differs
    });
}

fn leader(group: &GroupView, own: Option<SocketAddr>) -> Option<Target> {
    let address = match group.seat {
        Seat::Leading(_) => own,
        Seat::Promoting(_) | Seat::Demoting(_) | Seat::Releasing(_) => None,
        Seat::Standby | Seat::Claiming(_) => group.service.as_ref().and_then(|service| service.parse().ok()),
    };
    let node = group.leader.as_ref().map_or("", |leader| leader.as_str());
    address.map(|address| Target::new(node, address))
}

/// Who may be read from: the members that stand by with a service that is ready, and perhaps the leader.
fn readers(group: &GroupView, from: ReadsFrom, leader: Option<Target>) -> Vec<Target> {
    // Who leads by the record, or leads on until all is drained, does not stand by whatever it says of itself.
    let members = group.members.iter().filter(|member| group.leader.as_ref() != Some(&member.node));
    let ready = members.filter(|member| member.state == MemberState::HotStandby && member.healthy);
    let standbys = ready.filter_map(|member| {
        let address = member.service.as_ref()?.parse().ok()?;
        Some(Target::new(member.node.as_str(), address))
    });
    let mut targets: Vec<_> = standbys.collect();
    match from {
        ReadsFrom::Standby if !targets.is_empty() => {}
        ReadsFrom::Standby | ReadsFrom::Any => targets.extend(leader),
    }
    targets
}
