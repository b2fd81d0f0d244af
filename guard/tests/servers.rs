//! The servers that people run: what they leave behind when their master is killed must not outlive their slot, and
//! nothing of them may outlive the session.
//!
//! nginx leaves a worker that goes on answering; every child of PostgreSQL has a session of its own; Nagios gives its
//! workers process groups of their own.
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::net::{TcpListener, TcpStream};

use hotseat_guard::{Command, Report, Start};
use rustix::process::Signal;
use stage::{BOTH, Held, Stage, have, signal, until};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Starts a server twice: its main process is killed, and then its session ends.
fn check(processes: usize, port: u16, server: impl Fn(&Stage) -> Start) {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        for killed in [true, false] {
            held.start(server(&stage));
            let main = held.started();
            until("it answers, with all its processes", || {
                stage.alive().len() >= processes && (port == 0 || answers(port))
            });
            if killed {
                signal(main, Signal::KILL);
                held.expect(&Report::Exited { slot: 1, code: None, signal: Some(9) });
                held.expect(&Report::Gone { slot: 1 });
                expect_nothing_of(&stage, port);
            }
        }
        held.send(&Command::End);
        expect_proof(&stage, &held, port);
    }
}

fn expect_proof(stage: &Stage, held: &Held, port: u16) {
    assert!(stage.hear().proves(&held.hash));
    expect_nothing_of(stage, port);
}

fn expect_nothing_of(stage: &Stage, port: u16) {
    assert_eq!(stage.alive(), []);
    assert!(port == 0 || !answers(port), "port {port} still answers");
}

fn run(program: &str, args: &[&str]) {
    let output = std::process::Command::new(program).args(args).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nginx() {
    if !have("nginx", "nginx") {
        return;
    }
    let port = free_port();
    check(3, port, |stage| {
        let dir = stage.dir.path().display();
        let config = format!(
            "daemon off; worker_processes 2; pid {dir}/pid; error_log {dir}/error.log; events {{}}
             http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
                     uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e; server {{ listen 127.0.0.1:{port}; }} }}"
        );
        let file = stage.dir.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        stage.command(1, &["nginx", "-e", "stderr", "-c", file.to_str().unwrap()])
    });
}

#[test]
fn redis() {
    if !have("redis-server", "redis-server") {
        return;
    }
    let port = free_port();
    check(1, port, |stage| stage.command(1, &["redis-server", "--port", &port.to_string(), "--save", ""]));
}

#[test]
fn postgresql() {
    let bin = "/usr/lib/postgresql/15/bin";
    if !std::path::Path::new(bin).exists() && !have("postgres", "postgresql-15") {
        return;
    }
    let port = free_port();
    check(6, port, |stage| {
        let data = stage.dir.path().join("data");
        let data = data.to_str().unwrap();
        let as_postgres = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
        if !std::path::Path::new(data).exists() {
            run("chmod", &["777", stage.dir.path().to_str().unwrap()]);
            let initdb = format!("{bin}/initdb");
            run("setpriv", &[&as_postgres[..], &[&initdb, "--no-sync", "-D", data]].concat());
        }
        let postgres = format!("{bin}/postgres");
        let port = port.to_string();
        let server = ["-D", data, "-p", &port, "-c", "fsync=off", "-k", stage.dir.path().to_str().unwrap()];
        stage.command(1, &[&["setpriv"], &as_postgres[..], &[&postgres], &server].concat())
    });
}

#[test]
fn nagios() {
    if !have("nagios4", "nagios4-core") {
        return;
    }
    check(5, 0, |stage| {
        let dir = stage.dir.path().display().to_string();
        let config = format!(
            "log_file={dir}/log\nlock_file={dir}/lock\nobject_cache_file={dir}/objects\nprecached_object_file={dir}/pre\n\
             status_file={dir}/status\nstate_retention_file={dir}/retention\ncommand_file={dir}/rw\nquery_socket={dir}/qh\n\
             temp_file={dir}/tmp\ntemp_path={dir}\ncheck_result_path={dir}\nlog_archive_path={dir}\ncfg_file={dir}/o.cfg\n\
             nagios_user=root\nnagios_group=root\ncheck_workers=4\nuse_syslog=0\n"
        );
        let objects = "define host{\n host_name h\n address 127.0.0.1\n max_check_attempts 1\n contacts c\n check_period t\n \
             notification_period t\n notification_interval 0\n}\ndefine service{\n host_name h\n service_description s\n \
             check_command k\n max_check_attempts 1\n check_interval 1\n retry_interval 1\n check_period t\n contacts c\n \
             notification_period t\n notification_interval 0\n}\ndefine command{\n command_name k\n command_line /bin/sleep 30\n}\n\
             define contact{\n contact_name c\n host_notification_period t\n service_notification_period t\n \
             host_notification_commands k\n service_notification_commands k\n}\ndefine timeperiod{\n timeperiod_name t\n \
             alias t\n}\n";
        std::fs::write(stage.dir.path().join("nagios.cfg"), config).unwrap();
        std::fs::write(stage.dir.path().join("o.cfg"), objects).unwrap();
        stage.command(1, &["nagios4", &format!("{dir}/nagios.cfg")])
    });
}
