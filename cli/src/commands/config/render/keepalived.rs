//! keepalived's file, one for each node.

use std::net::IpAddr;

use super::super::super::Failed;
use super::scene::{Scene, Seat};

/// Priority of the first node; the others follow below. Only one at a time has anything to say, so they hardly matter.
const PRIORITY_FIRST: u8 = 200;

/// VRRP's own bound on what the names of interfaces may be, less one for its end.
const INTERFACE_MAX: usize = 15;

/// What the operator has to say, checked.
#[derive(Debug)]
pub(super) struct Wish {
    address: IpAddr,
    prefix: u8,
    interface: String,
    router: u8,
    proxies: bool,
}

impl Wish {
    /// Checks what was typed.
    ///
    /// # Errors
    /// Says what would be right.
    pub(super) fn new(address: &str, interface: &str, router: u8, proxies: bool) -> Result<Self, Failed> {
        let wrong = || Failed::new(format!("\"{address}\" is no address: say it as 10.0.0.130 or 10.0.0.130/24"));
        let (ip, length) = address.split_once('/').map_or((address, None), |(ip, length)| (ip, Some(length)));
        let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
        let whole = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = length.map_or(Ok(whole), |length| length.parse().map_err(|_| wrong()))?;
        if prefix > whole {
            return Err(wrong());
        }
        let plain = interface.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
        if !plain || !(1..=INTERFACE_MAX).contains(&interface.len()) {
            return Err(Failed::new(format!("\"{}\" is no interface: ip link lists them", interface.escape_debug())));
        }
        Ok(Self { address: ip, prefix, interface: interface.to_owned(), router, proxies })
    }
}

/// The file of a node.
pub(super) fn text(scene: &Scene, node: Option<&str>, wish: &Wish) -> Result<String, Failed> {
    let node = node.unwrap_or(&scene.asked);
    let place = scene.seats.iter().position(|seat| seat.node == node);
    let place = place.ok_or_else(|| Failed::new(format!("{} has no member {}", scene.group, node.escape_debug())))?;
    check_hosts(scene, wish)?;
    if wish.proxies {
        scene.proxies()?;
    }
    let own = &scene.seats[place];
    Ok(head(scene, own) + &script(scene, own, wish) + &instance(scene, place, wish))
}

fn head(scene: &Scene, own: &Seat) -> String {
    let Scene { cluster, asked, group, .. } = scene;
    let node = &own.node;
    format!(
        "# keepalived.conf of {node}: a virtual address for group {group}, cluster {cluster}.
# By `hotseat config render keepalived`, from the cluster as {asked} saw it. Each node has a file of its own; write them
# anew when nodes come, go or move. Is it right: keepalived -t -f FILE. The script needs curl.
#
# What it cannot do: VRRP knows no epochs. A keepalived that hangs keeps the address while another takes it.

global_defs {{
    router_id {node}
    vrrp_version 3
    enable_script_security
    # Any other user would do, but `keepalived -t` (2.2) then ends itself by a signal instead of judging the file.
    script_user root
}}
"
    )
}

fn script(scene: &Scene, own: &Seat, wish: &Wish) -> String {
    let (group, url) = (&scene.group, question(scene, own, wish));
    let why = match wish.proxies {
        true => "Ends with 0 as long as this node is well, so that its proxy knows the way to the leader.",
        false => "Ends with 0 only while this node leads; without it the address is not here.",
    };
    format!(
        "
vrrp_script hotseat_{group} {{
    # {why}
    script \"/usr/bin/curl --silent --fail --max-time 1 --output /dev/null {url}\"
    interval 1
    timeout 2
    rise 1
    fall 1
    init_fail
}}
"
    )
}

fn instance(scene: &Scene, place: usize, wish: &Wish) -> String {
    let (own, group) = (&scene.seats[place], &scene.group);
    let peers = scene.seats.iter().filter(|seat| seat.node != own.node);
    let peers: String = peers.map(|seat| format!("        {} # {}\n", seat.agent.ip(), seat.node)).collect();
    let priority = PRIORITY_FIRST.saturating_sub(u8::try_from(place).unwrap_or(u8::MAX)).max(1);
    let Wish { address, prefix, interface, router, .. } = wish;
    let own = own.agent.ip();
    format!(
        "
vrrp_instance hotseat_{group} {{
    # Nobody begins as master: the script says who may.
    state BACKUP
    interface {interface}
    virtual_router_id {router}
    priority {priority}
    # Only those whose script ends with 0 take part, so there is hardly ever anybody to wait for.
    advert_int 0.2
    # Told to each other alone: many networks, clouds above all, carry no multicast.
    unicast_src_ip {own}
    unicast_peer {{
{peers}    }}
    virtual_ipaddress {{
        {address}/{prefix} dev {interface}
    }}
    track_script {{
        hotseat_{group}
    }}
}}
"
    )
}

/// What the script asks this node's own agent.
fn question(scene: &Scene, own: &Seat, wish: &Wish) -> String {
    match (wish.proxies, scene.check(own)) {
        (true, _) => format!("http://{}/health", own.agent),
        (false, Some(check)) => format!("http://{check}/"),
        (false, None) => format!("http://{}/leader/{}", own.agent, scene.group),
    }
}

fn check_hosts(scene: &Scene, wish: &Wish) -> Result<(), Failed> {
    for (place, seat) in scene.seats.iter().enumerate() {
        let ip = seat.agent.ip();
        if let Some(other) = scene.seats[..place].iter().find(|other| other.agent.ip() == ip) {
            let what = format!("{} and {} are both at {ip}", other.node, seat.node);
            return Err(Failed::new(format!("{what}: a virtual address needs a host for each node")));
        }
        if ip.is_ipv4() != wish.address.is_ipv4() {
            let what = format!("{} is at {ip} and the virtual address is {}", seat.node, wish.address);
            return Err(Failed::new(format!("{what}: VRRP needs both to be IPv4, or both IPv6")));
        }
    }
    Ok(())
}
