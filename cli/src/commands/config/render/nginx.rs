//! nginx's file. It has no active checks without its commercial edition, so it leads to the nodes' proxies, which know.

use std::net::SocketAddr;

use super::super::super::Failed;
use super::scene::Scene;

/// The file.
pub(super) fn text(scene: &Scene, listen: SocketAddr) -> Result<String, Failed> {
    let Scene { cluster, asked, group, .. } = scene;
    let servers = scene.proxies()?.into_iter();
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

        location / {{
            proxy_pass http://{group};
            proxy_http_version 1.1;
            proxy_set_header Host $host;
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
