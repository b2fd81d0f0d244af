//! nginx's file. It has no active checks without its commercial edition, so it leads to the nodes' proxies, which know.

use std::net::SocketAddr;

use super::super::super::Failed;
use super::scene::Scene;

/// The file.
pub(super) fn text(scene: &Scene, listen: SocketAddr) -> Result<String, Failed> {
    let Scene { cluster, asked, group, .. } = scene;
    let servers = scene.proxies()?.into_iter();
    let (scheme, tls, notes) = (scheme(scene)?, tls(scene), notes(scene));
    let servers: String = servers
        .map(|(seat, proxy)| format!("        server {proxy} max_fails=1 fail_timeout=2s; # {}\n", seat.node))
        .collect();
    Ok(format!(
        "# nginx.conf: HTTP, through the nodes' own proxies to whoever leads group {group}, cluster {cluster}.
# By `hotseat config render nginx`, from the cluster as {asked} saw it. Write it anew when nodes come, go or move.
# Is it right: nginx -t -c FILE. Run it on two machines or more, so that none is a single point of failure.
#
# What it can do: every node's proxy leads to the leader, and keeps requests waiting while there is none. When a proxy
# cannot be reached, the request goes to the next.
# What it cannot do: nginx asks nobody who leads (its checks are in the commercial edition), so it must not be given the
# services themselves. A lost host is found out by the requests that fail there: each waits for proxy_connect_timeout,
# and one that was under way is repeated only if its method is idempotent.
{notes}
events {{
    worker_connections 4096;
}}

http {{
    upstream {group} {{
{servers}        keepalive 64;
    }}

    # WebSockets pass.
    map $http_upgrade $hotseat_connection {{
        default upgrade;
        ''      '';
    }}

    server {{
        listen {listen};
        # How large a body may be is for the service to say.
        client_max_body_size 0;

        location / {{
            proxy_pass {scheme}://{group};
{tls}            proxy_http_version 1.1;
            # With its port, as the client said it.
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $hotseat_connection;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;

            proxy_connect_timeout 1s;
            # Longer than a proxy keeps a request waiting (`hold`, 30s unless said otherwise) and the service needs.
            proxy_read_timeout 90s;
            proxy_next_upstream error timeout;
            proxy_next_upstream_tries 3;
        }}
    }}
}}
"
    ))
}

/// What the proxies speak: one upstream speaks one.
fn scheme(scene: &Scene) -> Result<&'static str, Failed> {
    let with = scene.seats.iter().find(|seat| scene.gate(seat).tls);
    let without = scene.seats.iter().find(|seat| !scene.gate(seat).tls);
    match (with, without) {
        (Some(with), Some(without)) => Err(Failed::new(format!(
            "the proxy of {} ends TLS and that of {} does not: nginx speaks one or the other to all of them\n       \
             Set tls in [group.proxy] on all nodes or on none.",
            with.node, without.node
        ))),
        (Some(_), None) => Ok("https"),
        (None, _) => Ok("http"),
    }
}

fn tls(scene: &Scene) -> &'static str {
    if !scene.any(|gate| gate.tls) {
        return "";
    }
    "            # The proxies end TLS with the certificate that is for clients, which does not say these addresses. To have
            # it verified: proxy_ssl_name, proxy_ssl_trusted_certificate, and here \"on\".
            proxy_ssl_verify off;
"
}

/// What does not go without the operator.
fn notes(scene: &Scene) -> String {
    let redirects = "#
# Look here: on_standby = \"redirect\" is set. The proxy of a node that does not lead sends clients to the leader's own, past
# this nginx: they must be able to reach it. on_standby = \"carry\" keeps them here.
";
    let accepts = "#
# Look here: the proxies take the PROXY protocol, which nginx cannot send with HTTP. This machine must not be in their
# proxy_protocol.from, or they refuse it; they then take nginx for the client (X-Forwarded-For says who it is).
";
    let mut notes = String::new();
    if scene.any(|gate| gate.redirects) {
        notes.push_str(redirects);
    }
    if scene.any(|gate| gate.accept.is_some()) {
        notes.push_str(accepts);
    }
    notes
}
