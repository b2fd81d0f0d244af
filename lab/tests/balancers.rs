//! Real load balancers in front of a cluster, with the files that `hotseat config render` prints, through real faults:
//! once a balancer has seen a switch, not one request reaches a node that does not lead.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use hotseat_lab::balancer::{check_reached, through};
use hotseat_lab::net::{Host, OUTSIDE};
use hotseat_lab::observer::{Observer, demo};
use hotseat_lab::spec::array;
use hotseat_lab::{Balancer, CEILING, Case, Cluster, Node, Spec, net, program};

/// Where HAProxy and nginx listen, on the host outside of the nodes.
const ENTRANCE: SocketAddr = SocketAddr::new(OUTSIDE, 80);

/// keepalived's virtual address.
const VIRTUAL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100));

/// What is done to the node that leads.
#[derive(Clone, Copy, Debug)]
enum Fault {
    AgentKilled,
    ServiceKilled,
    AgentStopped,
    Planned,
    HostLost,
}

impl Fault {
    fn strike(self, cluster: &Cluster, old: &Node) {
        match self {
            Self::AgentKilled => _ = old.kill_agent(),
            Self::ServiceKilled => _ = old.kill_service(),
            Self::AgentStopped => _ = old.stop_agent(),
            Self::Planned => assert_eq!(old.post("/api/groups/web/switchover", "").unwrap().status, 202),
            Self::HostLost => _ = cluster.unplug(old),
        }
    }

    fn mend(self, cluster: &Cluster, old: &Node) {
        match self {
            Self::AgentKilled => {
                old.wait_exit();
                old.start();
            }
            Self::AgentStopped => _ = old.continue_agent(),
            Self::HostLost => _ = cluster.heal(),
            Self::ServiceKilled | Self::Planned => {}
        }
    }
}

/// Three hosts, and a service that answers as leader only, and says so if it is asked while it does not lead.
fn hosts(spec: impl FnOnce(Spec) -> Spec) -> Option<Cluster> {
    let there = net::possible() && program::have("curl", "curl");
    let fast = || Spec::writer().apart().hot().cluster("timing", "\"fast\"");
    there.then(|| Cluster::settled(spec(fast())))
}

fn rendered(node: &Node, words: &[&str]) -> String {
    let done = node.cli(&[&["config", "render"], words].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    done.out
}

/// Makes each fault while a client goes through the balancer; waits until the client sees the new leader.
fn check_faults(cluster: &Cluster, entrance: SocketAddr, faults: &[Fault]) {
    let client = Observer::start(vec![("client".into(), entrance)], through);
    for fault in faults {
        let case = Case::begin(cluster);
        cluster.wait_for("the client reaches the leader", |_| through(entrance).filter(|epoch| *epoch >= case.epoch));
        fault.strike(cluster, case.old);
        let told = format!("the client reaches the new leader after {fault:?}");
        cluster.wait_for(&told, |_| through(entrance).filter(|epoch| *epoch > case.epoch));
        fault.mend(cluster, case.old);
        case.end(2);
    }
    check_reached(&client.stop());
}

#[test]
fn cmn_4_haproxy_httpchk() {
    let Some(cluster) = program::have("haproxy", "haproxy").then(|| hosts(Spec::checked)).flatten() else { return };
    let file = rendered(cluster.leader(), &["haproxy", "--listen", "10.77.0.254:80"]);
    assert!(file.contains("    option httpchk\n") && file.contains("on-marked-down shutdown-sessions"), "{file}");
    // The regular check has to do without the other.
    let file: String = file.lines().map(|line| line.split(" agent-check").next().unwrap().to_owned() + "\n").collect();
    let _haproxy = Balancer::haproxy(cluster.net().outside(), &file);
    let all = [Fault::AgentKilled, Fault::ServiceKilled, Fault::AgentStopped, Fault::Planned, Fault::HostLost];
    check_faults(&cluster, ENTRANCE, &all);
}

#[test]
fn cmn_4_haproxy_agent_check() {
    let Some(cluster) = program::have("haproxy", "haproxy").then(|| hosts(Spec::checked)).flatten() else { return };
    let file = rendered(cluster.leader(), &["haproxy", "--listen", "10.77.0.254:80"]);
    // The agent-check has to do alone what the regular check does on a 503.
    let file = file.replace("expect status 200", "expect rstatus 200|503");
    assert!(file.contains("agent-check agent-port 9202"), "{file}");
    let _haproxy = Balancer::haproxy(cluster.net().outside(), &file);
    check_faults(&cluster, ENTRANCE, &[Fault::Planned, Fault::AgentKilled, Fault::Planned]);
}

/// A client that is connected already is cut from a node that does not lead any more.
#[test]
fn cmn_4_haproxy_cuts_what_hangs_on_the_old_one() {
    if !program::have("haproxy", "haproxy") {
        return;
    }
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2));
    let old = cluster.leader();
    let entrance = SocketAddr::from(([127, 0, 0, 1], free_port()));
    // Without ports of their own for it, the agents themselves are asked.
    let file = rendered(old, &["haproxy", "--listen", &entrance.to_string()]);
    assert!(file.contains("option httpchk GET /leader/web\n"), "{file}");
    let _haproxy = Balancer::haproxy(&Host::of_this_thread(), &file);
    cluster.wait_for("the way in", |_| demo(entrance));
    let mut kept = TcpStream::connect(entrance).unwrap();
    kept.set_read_timeout(Some(CEILING)).unwrap();
    kept.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = [0; 1024];
    let length = kept.read(&mut answer).unwrap();
    let told = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(told.starts_with("HTTP/1.1 200") && told.contains(&old.name), "{told}");
    Fault::Planned.strike(&cluster, old);
    // The demo service keeps connections for ever: it is HAProxy that ends this one.
    assert!(matches!(kept.read(&mut answer), Ok(0) | Err(_)), "it is cut");
    assert!(old.runs() && cluster.next_leader(old).0.leads());
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn cmn_5_keepalived_follows_the_leader() {
    if !program::have("keepalived", "keepalived") {
        return;
    }
    // The service has to answer at the virtual address too.
    let binary = program::service().display().to_string();
    let command =
        [&binary, "--listen", "0.0.0.0:{port}", "--fenced", "{fenced}", "--open", "{open}"].map(ToOwned::to_owned);
    let command = array(&command.each_ref().map(String::as_str));
    let Some(cluster) = hosts(|spec| spec.checked().service("command", &command)) else { return };
    let words = ["keepalived", "--address", "10.77.0.100/24", "--interface", "eth0"];
    let start = |node: &Node| {
        let file = rendered(node, &words);
        let named = rendered(cluster.leader(), &[&words[..], &["--node", &node.name]].concat());
        assert_eq!(settings(&file), settings(&named), "whoever is asked");
        Balancer::keepalived(cluster.net().host(node.number()), &file)
    };
    let _daemons: Vec<_> = cluster.nodes().iter().map(start).collect();
    check_faults(&cluster, SocketAddr::new(VIRTUAL, 9100), &[Fault::AgentKilled, Fault::Planned, Fault::HostLost]);
}

/// A file without its comments.
fn settings(file: &str) -> Vec<&str> {
    file.lines().filter(|line| !line.trim_start().starts_with('#')).collect()
}

#[test]
fn amp_14_nginx_leads_to_the_leader_through_the_proxies() {
    if !program::have("nginx", "nginx-light") {
        return;
    }
    let Some(cluster) = hosts(|spec| spec.proxy("30s")) else { return };
    let file = rendered(cluster.leader(), &["nginx", "--listen", "10.77.0.254:80"]);
    let _nginx = Balancer::nginx(cluster.net().outside(), &file);
    check_faults(&cluster, ENTRANCE, &[Fault::Planned, Fault::AgentKilled, Fault::HostLost]);
}

/// Two balancers in front of three proxies: whichever is lost, of either, clients reach the leader through the others.
#[test]
fn cmn_6_no_proxy_is_a_single_point_of_failure() {
    if !program::have("haproxy", "haproxy") {
        return;
    }
    let Some(cluster) = hosts(|spec| spec.proxy("30s")) else { return };
    let entrances = [80, 81].map(|port| SocketAddr::new(OUTSIDE, port));
    let start = |entrance: &SocketAddr| {
        let file = rendered(cluster.leader(), &["haproxy", "--proxies", "--listen", &entrance.to_string()]);
        Balancer::haproxy(cluster.net().outside(), &file)
    };
    let balancers = entrances.each_ref().map(start);
    check_faults(&cluster, entrances[0], &[Fault::Planned, Fault::AgentKilled]);
    balancers[0].kill();
    check_faults(&cluster, entrances[1], &[Fault::HostLost]);
    // Without any balancer: each node's own proxy leads to the leader, and stays when another node is lost.
    let case = Case::begin(&cluster);
    cluster.unplug(case.old);
    for node in case.others() {
        cluster.wait_for("its proxy leads to the new one", |_| through(node.proxy()).filter(|it| *it > case.epoch));
    }
    cluster.heal();
    case.end(2);
}

/// What cannot be is refused in words, and nothing is printed that a program would take.
#[test]
fn what_cannot_be_rendered_is_refused() {
    let cluster = Cluster::settled(Spec::demo().nodes(1).checked());
    let node = cluster.leader();
    let keepalived = ["keepalived", "--interface", "eth0", "--address"];
    let refused = |words: &[&str], why: &str| {
        let done = node.cli(&[&["config", "render"], words].concat());
        assert!(done.code != Some(0) && done.out.is_empty() && done.err.contains(why), "{words:?}: {done:?}");
    };
    refused(&["nginx"], "n1 has no proxy for web");
    refused(&["haproxy", "--proxies"], "listen = \"0.0.0.0:8080\"");
    refused(&["haproxy", "--group", "none"], "no group \"none\"");
    refused(&["haproxy", "--listen", "80"], "invalid value '80'");
    refused(&[&keepalived[..], &["10.0.0.130/33"]].concat(), "say it as 10.0.0.130");
    refused(&[&keepalived[..], &["10.0.0.130}\n"]].concat(), "say it as 10.0.0.130");
    refused(&[&keepalived[..], &["fd00::1"]].concat(), "both to be IPv4, or both IPv6");
    refused(&[&keepalived[..], &["10.0.0.130", "--node", "n9"]].concat(), "no member n9");
    refused(&["keepalived", "--address", "10.0.0.130", "--interface", "eth0;reboot"], "is no interface");
}
