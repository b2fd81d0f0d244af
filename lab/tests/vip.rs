//! An IP address of our own that follows the leader, and a command that moves somebody else's. Every node has a host of its
//! own; a neighbour outside of them asks the address all the while.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use hotseat_client::Vip;
use hotseat_lab::addresses::Addresses;
use hotseat_lab::net::Host;
use hotseat_lab::observer::{Observer, Timeline, demo};
use hotseat_lab::processes::Kind;
use hotseat_lab::spec::{Store, array};
use hotseat_lab::{Case, Cluster, Node, Spec, net, program};

const V4: &str = "10.77.0.50";
const V6: &str = "fd00:77::50";
const PORT: u16 = 9100;
/// The neighbour asks nobody anew where an address is, for longer than any test takes.
const BELIEVES: &str = "600000";

fn addresses() -> String {
    array(&[&format!("{V4}/24"), &format!("{V6}/64")])
}

/// A service that answers at every address of its host.
fn spec() -> Spec {
    let service = program::service().display().to_string();
    let words = [service.as_str(), "--listen", "[::]:{port}", "--fenced", "{fenced}", "--open", "{open}"];
    Spec::writer().apart().hot().store(Store::Raft).service("command", &array(&words))
}

fn with_addresses() -> Spec {
    spec().vip("address", &addresses()).vip("interface", "\"eth0\"")
}

/// The host outside, as a neighbour that reaches both families and believes what it was told last.
fn neighbour(cluster: &Cluster) -> &Host {
    let host = cluster.net().outside();
    host.ip("address add fd00:77::254/64 dev eth0 nodad\n");
    for family in ["ipv4", "ipv6"] {
        let setting = format!("net.{family}.neigh.eth0.base_reachable_time_ms={BELIEVES}");
        let set = host.within(|| Command::new("sysctl").args(["-qw", &setting]).status().unwrap());
        assert!(set.success(), "{setting}");
    }
    host
}

fn at(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), PORT)
}

fn ask(ip: &str) -> Observer {
    Observer::start(vec![(ip.to_owned(), at(ip))], demo)
}

fn host(node: &Node, cluster: &Cluster) -> Host {
    cluster.net().host(node.number()).clone()
}

fn mac(host: &Host) -> String {
    let shown = host.show(&["link", "show", "eth0"]);
    let (_, rest) = shown.split_once("link/ether ").expect("an Ethernet");
    rest.split(' ').next().unwrap().to_owned()
}

fn vips(node: &Node) -> Vec<Vip> {
    node.group().map(|group| group.vip).unwrap_or_default()
}

fn all_up(node: &Node) -> Option<()> {
    let all = vips(node);
    (all.len() == 2 && all.iter().all(|vip| vip.up == Some(true))).then_some(())
}

/// Waits until both addresses answer under the leader's epoch, and the neighbour knows where they are.
fn settle(cluster: &Cluster, neighbour: &Host) {
    cluster.wait_for("both addresses at the leader", |cluster| {
        let leader = cluster.nodes().iter().find(|node| node.leads())?;
        let epoch = leader.group()?.epoch;
        let mac = mac(&host(leader, cluster));
        let there = |ip| demo(at(ip)) == Some(epoch) && neighbour.show(&["neigh", "show", ip]).contains(&mac);
        (there(V4) && there(V6)).then_some(())?;
        all_up(leader)
    });
}

fn fault(what: &str, cluster: &Cluster, old: &Node) {
    match what {
        "agent killed" => _ = old.kill_agent(),
        "agent stopped" => _ = old.stop_agent(),
        "guard killed" => _ = old.kill_guard(),
        "agent and guard killed" => _ = old.kill_agent_and_guard(),
        "frozen" => _ = old.freeze(),
        "unplugged" => _ = cluster.unplug(old),
        "switched off" => _ = old.kill_all(),
        "switchover" => assert_eq!(old.cli(&["switchover", "--wait", "60s"]).code, Some(0)),
        _ => unreachable!("{what}"),
    }
}

fn mend(cluster: &Cluster, old: &Node) {
    old.thaw();
    old.continue_all();
    cluster.heal();
    if !old.runs() {
        old.start();
    }
}

/// Whatever becomes of the leader: its addresses are gone before another has them, the neighbour is told where they are,
/// and no answer at either is of an older epoch than one before it.
fn follows(what: &str) {
    if !net::possible() {
        return;
    }
    let cluster = Cluster::settled(with_addresses());
    let neighbour = neighbour(&cluster);
    settle(&cluster, neighbour);
    let hosts: Vec<_> = cluster.nodes().iter().map(|node| host(node, &cluster)).collect();
    let owners = [V4, V6].map(|ip| Addresses::watch(ip, hosts.iter()));
    let asked = [V4, V6].map(ask);
    let case = Case::begin(&cluster);
    let old = case.old;
    fault(what, &cluster, old);
    let (new, _) = case.successor(&case.others());
    settle(&cluster, neighbour);
    mend(&cluster, old);
    let old_host = host(old, &cluster);
    case.end(1);
    settle(&cluster, neighbour);
    let new_host = host(new, &cluster);
    for (owners, asked) in owners.into_iter().zip(asked) {
        let seen: Timeline = asked.stop();
        let epochs: Vec<_> = seen.answers.iter().map(|answer| answer.epoch).collect();
        assert!(epochs.is_sorted(), "an answer of an older epoch: {epochs:?}");
        println!("{what}: {seen}");
        let order = owners.check_never_two();
        // The old one had it when the watch began: that is told with its next lifetime, or not at all any more.
        let order: Vec<_> = order.iter().map(String::as_str).skip_while(|name| *name == old_host.name()).collect();
        assert_eq!(order, [new_host.name()]);
    }
}

#[test]
fn cmn_5_own_address_agent_killed() {
    follows("agent killed");
}

#[test]
fn cmn_5_own_address_agent_stopped() {
    follows("agent stopped");
}

#[test]
fn cmn_5_own_address_guard_killed() {
    follows("guard killed");
}

#[test]
fn cmn_5_own_address_agent_and_guard_killed() {
    follows("agent and guard killed");
}

#[test]
fn cmn_5_own_address_frozen() {
    follows("frozen");
}

#[test]
fn cmn_5_own_address_unplugged() {
    follows("unplugged");
}

#[test]
fn cmn_5_own_address_switched_off() {
    follows("switched off");
}

#[test]
fn cmn_5_own_address_switchover() {
    follows("switchover");
}

/// Somebody else on the network has it: said with their hardware address, and taken as soon as it is free. The service
/// itself serves all the while.
#[test]
fn cmn_5_own_address_in_use() {
    if !net::possible() {
        return;
    }
    let cluster = Cluster::prepare(with_addresses());
    let stranger = neighbour(&cluster);
    stranger.ip(&format!("address add {V4}/24 dev eth0\naddress add {V6}/64 dev eth0 nodad\n"));
    cluster.nodes().iter().for_each(Node::start);
    let leader = cluster.settle();
    let owner = format!("in use on the network, by {}", mac(stranger));
    cluster.wait_for("trouble with both addresses", |_| {
        let all = vips(leader);
        let told = |vip: &Vip| vip.up == Some(false) && vip.trouble.as_ref().is_some_and(|why| why.contains(&owner));
        (all.len() == 2 && all.iter().all(told)).then_some(())
    });
    let status = leader.cli(&["status"]);
    assert!(status.out.contains("NOT UP: 10.77.0.50 is in use on the network, by"), "{status:?}");
    assert!(leader.group().unwrap().serving);
    // Whoever is asked: a monitor asks the node that it is told to.
    for node in cluster.nodes() {
        let (check, status) = (node.cli(&["check"]), node.cli(&["status"]));
        assert_eq!(check.code, Some(1), "{check:?}");
        for said in [check, status] {
            assert!(said.out.contains("NOT UP: 10.77.0.50 is in use on the network, by"), "{}: {said:?}", node.name);
        }
        let knows = vips(node).iter().any(|vip| vip.up.is_some());
        assert_eq!(knows, node.name == leader.name, "{}", node.name);
    }
    stranger.ip(&format!("address delete {V4}/24 dev eth0\naddress delete {V6}/64 dev eth0\n"));
    cluster.wait_for("both addresses are up", |_| all_up(leader));
    let status = leader.cli(&["status"]);
    assert!(status.out.contains("address 10.77.0.50/24 up on eth0"), "{status:?}");
    for node in cluster.nodes() {
        let check = node.cli(&["check"]);
        assert_eq!(check.code, Some(0), "{}: {check:?}", node.name);
    }
}

/// What is on the machine for another reason is said to be, and never touched.
#[test]
fn cmn_5_own_address_is_here_already() {
    if !net::possible() {
        return;
    }
    let cluster = Cluster::prepare(with_addresses().nodes(1));
    let node = cluster.node("n1");
    let machine = host(node, &cluster);
    machine.ip(&format!("address add {V4}/24 dev eth0\n"));
    node.start();
    cluster.wait_for("trouble", |_| {
        let all = vips(node);
        let why = all.first()?.trouble.clone()?;
        (why.contains("is on this machine already") && all[1].up == Some(true)).then_some(())
    });
    node.term();
    assert!(node.wait_exit().success(), "{}", node.log());
    let shown = machine.show(&["address", "show", "dev", "eth0"]);
    assert!(shown.contains(V4), "it stays: {shown}");
    assert!(!shown.contains(V6), "and ours has gone: {shown}");
}

/// An interface that is down is trouble until it is up; one that does not exist, or no permission, is no start.
#[test]
fn cmn_5_own_address_errors() {
    if !net::possible() || !program::have("setpriv", "util-linux") {
        return;
    }
    let cluster = Cluster::prepare(with_addresses().nodes(1).vip("interface", "\"spare0\""));
    let node = cluster.node("n1");
    let refused = |why: &str| {
        assert!(!node.wait_exit().success());
        assert!(node.log().contains(why), "no {why:?} in\n{}", node.log());
    };
    node.start();
    refused("group web: [group.vip] interface = \"spare0\": there is no such interface");
    let machine = host(node, &cluster);
    machine.ip("link add spare0 type veth peer name spare1\nlink set spare1 up\n");
    let mut without = Command::new("setpriv");
    without.args(["--bounding-set", "-net_admin,-net_raw"]).arg(program::hotseat());
    node.start_as(&mut without);
    refused("not allowed to move addresses: run the agent as root, or with CAP_NET_ADMIN and CAP_NET_RAW");
    node.start();
    cluster.wait_for("trouble", |_| {
        let why = vips(node).first()?.trouble.clone()?;
        why.contains("interface spare0 is down").then_some(())
    });
    machine.ip("link set spare0 up\n");
    cluster.wait_for("both addresses are up", |_| all_up(node));
}

/// The cloud of this test: a file that says where the address is. It writes down every call when it begins and when it is
/// done, and fails the first two of every leadership.
const CLOUD: &str = r#"
set -eu
cloud=$1; calls=$cloud/calls.$HOTSEAT_EPOCH
echo "begin $HOTSEAT_EPOCH $HOTSEAT_NODE" >> "$cloud/log"
echo >> "$calls"
sleep 0.3
if [ "$(wc -l < "$calls")" -le 2 ]; then echo "fail $HOTSEAT_EPOCH $HOTSEAT_NODE" >> "$cloud/log"; exit 1; fi
echo "moved $HOTSEAT_EPOCH $HOTSEAT_NODE" >> "$cloud/log"
"#;

fn calls(cluster: &Cluster) -> Vec<(String, u64, String)> {
    let log = fs::read_to_string(cluster.root().join("shared/log")).unwrap_or_default();
    let call = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        (words[0].to_owned(), words[1].parse().unwrap(), words[2].to_owned())
    };
    log.lines().map(call).collect()
}

fn moved(cluster: &Cluster) -> Option<()> {
    let leader = cluster.nodes().iter().find(|node| node.leads())?;
    let group = leader.group()?;
    group.floating.filter(|it| it.moved == Some(true))?;
    calls(cluster).contains(&("moved".to_owned(), group.epoch, leader.name.clone())).then_some(())
}

/// Tried until it succeeds, once per leadership; never begun by an old epoch after a newer one has begun, whether that
/// ended by a switchover in the middle of a call, a kill, or a hang.
#[test]
fn amp_15() {
    let command = array(&["sh", "-c", CLOUD, "cloud", "{shared}"]);
    let cluster = Cluster::settled(Spec::demo().hot().floating("command", &command).floating("timeout", "\"20s\""));
    cluster.wait_for("the address is moved", moved);
    let faults: [fn(&Node); 3] = [
        |old| assert_eq!(old.cli(&["switchover", "--wait", "60s"]).code, Some(0)),
        |old| _ = old.kill_agent(),
        |old| _ = old.stop_agent(),
    ];
    for fault in faults {
        let old = cluster.settle();
        fault(old);
        let (new, group) = cluster.next_leader(old);
        cluster.wait_for("a call of the new leader", |cluster| {
            calls(cluster).contains(&("begin".to_owned(), group.epoch, new.name.clone())).then_some(())
        });
        // In the middle of that call.
        assert_eq!(new.cli(&["switchover", "--wait", "60s"]).code, Some(0));
        cluster.wait_for("the address is moved", moved);
        old.continue_all();
        if !old.runs() {
            old.start();
        }
    }
    let all = calls(&cluster);
    let epochs: Vec<_> = all.iter().map(|(_, epoch, _)| *epoch).collect();
    assert!(epochs.is_sorted(), "an old epoch spoke after a newer one: {all:?}");
    for (_, epoch, node) in all.iter().filter(|(what, ..)| what == "moved") {
        let of = |word: &str| all.iter().filter(|(what, its, who)| what == word && its == epoch && who == node).count();
        assert_eq!((of("begin"), of("fail"), of("moved")), (3, 2, 1), "epoch {epoch}: {all:?}");
    }
    assert!(all.iter().filter(|(what, ..)| what == "moved").count() >= 4, "{all:?}");
    // Nothing of it is left behind.
    let leader = cluster.settle();
    let strays = cluster.others(leader).flat_map(|node| node.processes()).filter(|it| it.kind == Kind::Service);
    assert_eq!(strays.count(), 2, "one service each");
}
