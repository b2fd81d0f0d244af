//! `HAProxy`'s file, for 2.2 and later.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::super::super::Failed;
use super::gate::Preamble;
use super::scene::{Scene, Seat};

/// Checks are answered from memory: ten in a lease are no burden, and none is needed more often than this.
const INTER_MIN: Duration = Duration::from_millis(100);

/// A change is not to be noticed later than this, however long a lease lasts.
const INTER_MAX: Duration = Duration::from_secs(1);

const PAST_TLS: &str = "
# Look here: the nodes' proxies end TLS, and this goes past them, straight to services that speak none. End it here
# (bind … ssl crt FILE), or write the file with --proxies.
";

const REDIRECTS: &str = "
# Look here: on_standby = \"redirect\" is set. The proxy of a node that does not lead sends HTTP clients to the leader's
# own, past this balancer: they must be able to reach it. on_standby = \"carry\" keeps them here.
";

const INTRODUCES: &str = "
# The proxies are told who the client is (send-proxy): this machine has to be in their proxy_protocol.from, or they
# refuse it.
";

/// Straight to the leader's service.
pub(super) fn to_leader(scene: &Scene, listen: SocketAddr) -> Result<String, Failed> {
    let group = &scene.group;
    let ported = scene.seats.iter().all(|seat| scene.check(seat).is_some());
    let question = if ported { String::new() } else { format!(" GET /leader/{group}") };
    let mut text = head(scene, "to whoever leads");
    if scene.any(|gate| gate.tls) {
        text.push_str(PAST_TLS);
    }
    write!(
        text,
        "
frontend {group}
    bind {listen}
    # Exactly one node leads. When it starts, HAProxy takes every server for well until it has been checked, and a host
    # that is lost until a check has timed out. As long as more than one seems to lead, nobody is let in.
    tcp-request connection reject if {{ nbsrv({group}_leader) gt 1 }}
    default_backend {group}_leader

backend {group}_leader
    # 200 on the leader, 503 elsewhere, answered by each node alone. One answer is enough: it is not an opinion.
    # Nothing is sent to a node that does not lead, and what still is connected to it is cut.
    option httpchk{question}
    http-check expect status 200
    default-server inter {}ms rise 1 fall 1 on-marked-down shutdown-sessions
",
        inter(scene.ttl).as_millis()
    )
    .expect("a string takes it");
    for seat in &scene.seats {
        text.push_str(&server(scene, seat)?);
    }
    Ok(text)
}

/// To the nodes' own proxies, each of which knows the way.
pub(super) fn to_proxies(scene: &Scene, listen: SocketAddr) -> Result<String, Failed> {
    let group = &scene.group;
    let mut text = head(scene, "through the nodes' own proxies to whoever leads");
    for (needed, words) in
        [(scene.any(|gate| gate.redirects), REDIRECTS), (scene.any(|gate| gate.accept.is_some()), INTRODUCES)]
    {
        text.push_str(if needed { words } else { "" });
    }
    write!(
        text,
        "
frontend {group}
    bind {listen}
    default_backend {group}_proxies

backend {group}_proxies
    # Every node's proxy leads to the leader, and lets clients wait while there is none. A node that lost the others
    # cannot know who leads: its agent says that it is not well.
    balance roundrobin
    option httpchk GET /health
    http-check expect status 200
    default-server inter {}ms rise 1 fall 2 on-marked-down shutdown-sessions
",
        inter(scene.ttl).as_millis()
    )
    .expect("a string takes it");
    for (seat, proxy) in scene.proxies()? {
        let said = scene.gate(seat).accept.map_or("", Preamble::haproxy);
        writeln!(text, "    server {} {proxy} check {}{said}", seat.node, at("", seat.agent, proxy))
            .expect("a string takes it");
    }
    Ok(text)
}

fn head(scene: &Scene, whither: &str) -> String {
    let Scene { cluster, asked, group, ttl, .. } = scene;
    let ttl = ttl.as_millis();
    format!(
        "# haproxy.cfg: {whither} of group {group}, cluster {cluster}.
# By `hotseat config render haproxy`, from the cluster as {asked} saw it. Write it anew when nodes come, go or move.
# Is it right: haproxy -c -f FILE. Run it on two machines or more, so that none is a single point of failure.

global
    maxconn 8192
    # Checks of all servers may come at once: each node has its own, and they cost nothing.
    spread-checks 0

defaults
    mode tcp
    timeout connect 1s
    timeout client  1h
    timeout server  1h
    # A node that does not answer for as long as a lease lasts (ttl {ttl} ms) has none any more.
    timeout check   {ttl}ms
    # Who cannot be reached is given up at once for another.
    retries 3
    option redispatch 1
"
    )
}

fn inter(ttl: Duration) -> Duration {
    (ttl / 10).clamp(INTER_MIN, INTER_MAX)
}

fn server(scene: &Scene, seat: &Seat) -> Result<String, Failed> {
    let none = || {
        let what = format!("{}'s service of {} has no port: there is nothing to lead to", seat.node, scene.group);
        Failed::new(format!("{what}\n       Add port = 9100 to [group.service]."))
    };
    let service = seat.service.ok_or_else(none)?;
    let check = at("", scene.check(seat).unwrap_or(seat.agent), service);
    let mut line = format!("    server {} {service} check {check}", seat.node);
    if let Some(agent) = scene.line(seat) {
        let inter = inter(scene.ttl).as_millis();
        write!(line, " agent-check {} agent-inter {inter}ms", at("agent-", agent, service)).expect("a string takes it");
    }
    // Checks go to the agents, which are told nothing.
    line.push_str(scene.gate(seat).send.map_or("", Preamble::haproxy));
    Ok(line + "\n")
}

/// Where to check: only the port where it is on the server's own address.
fn at(prefix: &str, check: SocketAddr, server: SocketAddr) -> String {
    let port = format!("{prefix}port {}", check.port());
    if check.ip() == server.ip() { port } else { format!("{prefix}addr {} {port}", check.ip()) }
}
