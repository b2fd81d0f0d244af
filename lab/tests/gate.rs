//! Who clients are and what they speak, through real balancers and real TLS: HAProxy before and behind the proxy, curl and
//! Python's `ssl`, a certificate that is replaced while they come and go.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use hotseat_lab::certificate::certify;
use hotseat_lab::{Cluster, Haproxy, Node, Spec, http, program};

/// Every address that begins so is this machine's.
const BALANCERS: &str = "127.0.0.0/8";

/// HAProxy as the service: it says who its client is, as it sees it, and what it is told. `take` ends its line `bind`.
fn echo(node: &Node, take: &str) {
    let config = format!(
        "defaults\n mode http\n timeout client 30s\n timeout connect 1s\n timeout server 30s\nfrontend f\n bind {} {take}\n \
         http-request return status 200 content-type text/plain lf-string \
         \"node={} src=%[src] dst=%[dst] forwarded=%[req.hdr(forwarded)]\\n\"\n",
        node.service(),
        node.name
    );
    fs::write(node.path("echo.cfg"), config).unwrap();
}

fn around_haproxy() -> Spec {
    Spec::of("haproxy -db -f {home}/echo.cfg").hot().proxy("30s")
}

fn on_all(mut spec: Spec, nodes: usize, key: &str, value: &str) -> Spec {
    spec = spec.nodes(nodes);
    (1..=nodes).fold(spec, |spec, node| spec.only(node, "proxy", key, value))
}

fn started(spec: Spec, take: &str) -> Cluster {
    let cluster = Cluster::prepare(spec);
    for node in cluster.nodes() {
        echo(node, take);
        certify(&node.path("web.pem"), &node.path("web.key"));
        node.start();
    }
    cluster.settle();
    cluster
}

/// A client on another address of this machine.
fn ask_from(client: &str, to: SocketAddr) -> String {
    let output = curl(&["--interface", client, &format!("http://{to}/")]);
    String::from_utf8(output.stdout).unwrap()
}

fn curl(args: &[&str]) -> Output {
    Command::new("curl").args(["-sS", "--max-time", "60", "--noproxy", "*"]).args(args).output().unwrap()
}

/// In every version and protocol: the service and its request name the client and not those between.
#[test]
fn new_3_a_client_is_known_through_balancers() {
    if !Haproxy::possible() || !program::have("curl", "curl") {
        return;
    }
    for (protocol, sent, accept, send) in [
        ("http", "send-proxy", "v1", "v2"),
        ("auto", "send-proxy-v2", "any", "v1"),
        ("tcp", "send-proxy-v2", "v2", "v2"),
    ] {
        let gate = format!("{{ accept = \"{accept}\", from = [\"{BALANCERS}\"], send = \"{send}\" }}");
        let spec = on_all(around_haproxy(), 1, "proxy_protocol", &gate).only(1, "proxy", "protocol", &word(protocol));
        let cluster = started(spec, "accept-proxy");
        let proxy = cluster.nodes()[0].proxy();
        let before = Haproxy::start(&format!("listen l\n mode tcp\n bind {{listen}}\n server s {proxy} {sent}\n"));
        let answer = ask_from("127.0.0.5", before.address());
        assert!(answer.contains("src=127.0.0.5 "), "{protocol} {sent} {send}: {answer}");
        assert!(answer.contains(&format!("dst={} ", before.address().ip())), "{protocol}: {answer}");
        let named = if protocol == "tcp" { "forwarded=\n" } else { "forwarded=for=127.0.0.5;proto=http" };
        assert!(answer.contains(named), "{protocol}: {answer}");
        refused_without_preamble(proxy);
    }
}

fn word(text: &str) -> String {
    format!("\"{text}\"")
}

/// Who has to send a preamble and does not is reset.
fn refused_without_preamble(proxy: SocketAddr) {
    let answer = http::get(proxy, "/");
    assert_eq!(answer, None, "a listed sender has to say whose connection it is");
}

#[test]
fn new_3_nobody_else_says_who_a_client_is() {
    if !Haproxy::possible() {
        return;
    }
    let gate = "{ accept = \"any\", from = [\"10.0.0.0/8\"] }";
    let cluster = started(on_all(around_haproxy(), 1, "proxy_protocol", gate), "");
    let node = &cluster.nodes()[0];
    let mut forger = TcpStream::connect(node.proxy()).unwrap();
    forger.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    let ended = forger.read_to_end(&mut heard);
    assert!(ended.is_err() && heard.is_empty(), "reset, and not answered: {}", String::from_utf8_lossy(&heard));
    cluster
        .wait_for("its log to say why", |_| node.log().contains("is not listed in proxy_protocol.from").then_some(()));
    let honest = http::get(node.proxy(), "/").expect("an ordinary client");
    assert!(honest.body.contains("forwarded=for=127.0.0.1;proto=http"), "{honest:?}");
}

fn tls_cluster(nodes: usize) -> Option<Cluster> {
    let there = Haproxy::possible() && program::have("curl", "curl") && program::have("openssl", "openssl");
    let tls = "{ cert = \"{home}/web.pem\", key = \"{home}/web.key\" }";
    there.then(|| started(on_all(around_haproxy(), nodes, "tls", tls), ""))
}

/// What curl gets, and over which HTTP; none if it does not trust the certificate.
fn secure(node: &Node, ca: &Path, version: &str) -> Option<String> {
    let url = format!("https://{}/", node.proxy());
    let output = curl(&[version, "--cacert", ca.to_str().unwrap(), "-w", "HTTP/%{http_version}", &url]);
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn new_3_tls_ends_here_and_its_certificate_can_be_replaced() {
    let Some(cluster) = tls_cluster(1) else { return };
    let node = &cluster.nodes()[0];
    let (cert, old) = (node.path("web.pem"), node.path("old.pem"));
    fs::copy(&cert, &old).unwrap();
    for (version, spoken) in [("--http2", "HTTP/2"), ("--http1.1", "HTTP/1.1")] {
        let answer = secure(node, &old, version).expect("a certificate that is trusted");
        assert!(answer.ends_with(spoken) && answer.contains("forwarded=for=127.0.0.1;proto=https"), "{answer}");
    }
    assert!(http::get(node.proxy(), "/").is_none(), "nothing is said without TLS");

    certify(&node.path("web.pem"), &node.path("web.key"));
    cluster.wait_for("the new certificate", |_| secure(node, &cert, "--http2"));
    assert_eq!(secure(node, &old, "--http2"), None, "the old one is not shown any more");

    let good = node.path("good.pem");
    fs::copy(&cert, &good).unwrap();
    fs::write(&cert, "this is no certificate").unwrap();
    cluster.wait_for("the log to say it", |_| node.log().contains("this is not a certificate in PEM").then_some(()));
    assert!(secure(node, &good, "--http2").is_some(), "what was good stays");
    let told = node.log().matches("this is not a certificate in PEM").count();
    node.reload();
    cluster.wait_for("the reload", |_| node.log().contains("settings read anew").then_some(()));
    assert!(secure(node, &good, "--http2").is_some());
    assert_eq!(node.log().matches("this is not a certificate in PEM").count(), told, "it is said once");
}

/// Asks over one TLS connection until two nodes have answered, and then some more; each answer has to be a good one.
const CLIENT: &str = r#"
import http.client, ssl, sys
port, ca = sys.argv[1:]
client = http.client.HTTPSConnection("127.0.0.1", int(port), context=ssl.create_default_context(cafile=ca), timeout=60)
client.connect()
first, asked, after = client.sock, 0, 0
nodes = set()
while after < 100:
    client.request("GET", "/")
    answer = client.getresponse()
    body = answer.read().decode()
    assert answer.status == 200, (answer.status, body)
    assert client.sock is first, "the connection was closed"
    nodes.add(body.split()[0])
    asked, after = asked + 1, after + (len(nodes) > 1)
    if asked == 10:
        print("warm", flush=True)
print(sorted(nodes), asked)
"#;

/// Over one connection that is kept, through a planned change of leader: every request is answered, and well.
#[test]
fn new_3_tls_outlives_a_switchover() {
    let Some(cluster) = tls_cluster(2) else { return };
    let leader = cluster.leader();
    for beside in cluster.nodes() {
        let ca = beside.path("web.pem");
        let mut client = python(beside.proxy().port(), &ca);
        let mut warm = [0; 5];
        client.stdout.as_mut().unwrap().read_exact(&mut warm).expect("it is warm");
        let from = cluster.settle();
        let done = from.cli(&["switchover", "--wait", "60s"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        let output = client.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(cluster.settle().name, leader.name, "there and back");
}

fn python(port: u16, ca: &Path) -> Child {
    let mut command = Command::new("python3");
    command.args(["-c", CLIENT, &port.to_string()]).arg(ca).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A rendered file, in a real HAProxy.
fn rendered(node: &Node, words: &[&str]) -> String {
    let done = node.cli(&[&["config", "render"], words, &["--listen", "127.0.0.1:1"]].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    done.out.replace("bind 127.0.0.1:1\n", "bind {listen}\n")
}

/// What a proxy and a service want to hear first is in the load balancers' files, or they would not let anybody in.
#[test]
fn what_has_to_be_said_first_is_in_rendered_files() {
    if !Haproxy::possible() || !program::have("curl", "curl") {
        return;
    }
    let gate = format!("{{ accept = \"any\", from = [\"{BALANCERS}\"], send = \"v1\" }}");
    let tls = "{ cert = \"{home}/web.pem\", key = \"{home}/web.key\" }";
    let spec = on_all(on_all(around_haproxy(), 2, "proxy_protocol", &gate), 2, "tls", tls);
    let cluster = started(on_all(spec, 2, "on_standby", "\"carry\""), "accept-proxy");
    let leader = cluster.leader();
    for (words, scheme) in [(&["haproxy"][..], "http"), (&["haproxy", "--proxies"], "https")] {
        let file = rendered(leader, words);
        let haproxy = Haproxy::start(&file);
        let url = format!("{scheme}://{}/", haproxy.address());
        cluster.wait_for("the client is let in, and known", |_| {
            let said = curl(&["--insecure", "--interface", "127.0.0.7", &url]);
            String::from_utf8_lossy(&said.stdout).contains("src=127.0.0.7").then_some(())
        });
    }
    let nginx = rendered(leader, &["nginx"]);
    for line in ["proxy_pass https://web;", "proxy_ssl_verify off;", "Host $http_host;", "client_max_body_size 0;"] {
        assert!(nginx.contains(line), "{line}: {nginx}");
    }
    assert!(nginx.contains("must not be in their") && !nginx.contains("on_standby"), "{nginx}");
}
