//! Real servers as groups: how each is started by hand, in folders of its own, and how it is asked whether it acts.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cluster::Cluster;
use crate::node::Node;
use crate::observer::{http, postgres, redis};
use crate::spec::{Spec, array};

/// Where Debian keeps the programs of PostgreSQL 15.
const POSTGRES: &str = "/usr/lib/postgresql/15/bin";

/// A server that may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `python3 -m http.server`.
    Python,
    /// A master and two workers that outlive it.
    Nginx,
    /// No lock on its folder: a second one would run on the same files.
    Redis,
    /// Runs as another user; every child has a session of its own; all nodes use one data folder.
    Postgres,
    /// Without a port; its workers have process groups of their own.
    Nagios,
}

impl Server {
    /// Its program, and the package it comes in.
    #[must_use]
    pub fn program(self) -> (String, &'static str) {
        match self {
            Self::Python => ("python3".into(), "python3"),
            Self::Nginx => ("nginx".into(), "nginx"),
            Self::Redis => ("redis-server".into(), "redis-server"),
            Self::Postgres => (format!("{POSTGRES}/postgres"), "postgresql-15"),
            Self::Nagios => ("nagios4".into(), "nagios4-core"),
        }
    }

    /// Whether it can be asked over the network.
    #[must_use]
    pub fn has_port(self) -> bool {
        self != Self::Nagios
    }

    /// A cold group around it.
    #[must_use]
    pub fn spec(self) -> Spec {
        match self {
            Self::Python => Spec::of("python3 -m http.server {port} --bind 127.0.0.1").asked(http),
            Self::Nginx => Spec::of("nginx -e stderr -c {home}/nginx.conf").asked(http),
            Self::Redis => {
                let command =
                    ["redis-server", "--port", "{port}", "--bind", "127.0.0.1", "--dir", "{shared}", "--save", ""];
                Spec::of("redis-server").service("command", &array(&command)).asked(redis)
            }
            Self::Postgres => {
                let command = format!(
                    "setpriv --reuid=postgres --regid=postgres --clear-groups {POSTGRES}/postgres -D {{shared}}/data -p {{port}} \
                     -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories="
                );
                Spec::of(&command).service("stop", r#"{ signal = "INT", timeout = "10s" }"#).asked(postgres)
            }
            Self::Nagios => Spec::of("nagios4 {home}/nagios.cfg").portless(),
        }
    }

    /// Starts a cluster around it, and waits until it is settled.
    #[must_use]
    pub fn cluster(self, nodes: usize) -> Cluster {
        let cluster = Cluster::prepare(self.spec().nodes(nodes));
        if self == Self::Postgres {
            make_database(&cluster.root().join("shared"));
        }
        for node in cluster.nodes() {
            match self {
                Self::Nginx => configure_nginx(node),
                Self::Nagios => configure_nagios(node),
                Self::Python | Self::Redis | Self::Postgres => {}
            }
            node.start();
        }
        cluster.settle();
        cluster
    }
}

fn configure_nginx(node: &Node) {
    let (dir, address) = (node.path("work").display().to_string(), node.service());
    let config = format!(
        "daemon off; worker_processes 2; pid {dir}/pid; error_log stderr; events {{}}
         http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
                 uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e; server {{ listen {address}; return 200 ok; }} }}"
    );
    fs::write(node.path("nginx.conf"), config).unwrap();
}

fn configure_nagios(node: &Node) {
    let dir = node.path("work").display().to_string();
    let config = format!(
        "log_file={dir}/log\nlock_file={dir}/lock\nobject_cache_file={dir}/objects\nprecached_object_file={dir}/pre\n\
         status_file={dir}/status\nstate_retention_file={dir}/retention\ncommand_file={dir}/rw\nquery_socket={dir}/qh\n\
         temp_file={dir}/tmp\ntemp_path={dir}\ncheck_result_path={dir}\nlog_archive_path={dir}\ncfg_file={dir}/o.cfg\n\
         nagios_user=root\nnagios_group=root\ncheck_workers=3\nuse_syslog=0\n"
    );
    let objects = "define host{\n host_name h\n address 127.0.0.1\n max_check_attempts 1\n contacts c\n check_period t\n \
         notification_period t\n notification_interval 0\n}\ndefine service{\n host_name h\n service_description s\n \
         check_command k\n max_check_attempts 1\n check_interval 1\n retry_interval 1\n check_period t\n contacts c\n \
         notification_period t\n notification_interval 0\n}\ndefine command{\n command_name k\n command_line /bin/sleep 30\n}\n\
         define contact{\n contact_name c\n host_notification_period t\n service_notification_period t\n \
         host_notification_commands k\n service_notification_commands k\n}\ndefine timeperiod{\n timeperiod_name t\n alias t\n}\n";
    fs::write(node.path("nagios.cfg"), config).unwrap();
    fs::write(node.path("work/o.cfg"), objects).unwrap();
}

/// One database that all nodes use: two servers on it at once would destroy it.
fn make_database(shared: &Path) {
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir("/").output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let (folder, data) = (shared.to_str().unwrap(), shared.join("data"));
    run("chown", &["postgres", folder]);
    let initdb = format!("{POSTGRES}/initdb");
    let user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
    run("setpriv", &[&user[..], &[&initdb, "--no-sync", "-D", data.to_str().unwrap()]].concat());
}
