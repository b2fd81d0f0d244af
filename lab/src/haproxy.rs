//! A real HAProxy, in a folder and on a port of its own. Dropped, it is dead.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::processes::MARK;
use crate::{CEILING, poll, ports, program};

/// What all configurations have in common: nothing is cut while it is in use, and a server that refuses is given up soon.
const COMMON: &str = "
global
    maxconn 4000
defaults
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    timeout http-request 10s
";

/// See the module.
#[derive(Debug)]
pub struct Haproxy {
    child: Child,
    address: SocketAddr,
    _home: TempDir,
}

impl Haproxy {
    /// Whether it is installed; says so if not.
    #[must_use]
    pub fn possible() -> bool {
        program::have("haproxy", "haproxy")
    }

    /// Starts it with these sections; in them `{listen}` is where its clients are to connect. Waits until they can.
    ///
    /// # Panics
    /// If it does not start, with what it said.
    #[must_use]
    pub fn start(sections: &str) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let home = tempfile::Builder::new().prefix("hotseat-lab-haproxy-").tempdir_in("/dev/shm").unwrap();
        let (file, log) = (home.path().join("haproxy.cfg"), home.path().join("log"));
        std::fs::write(&file, COMMON.to_owned() + &sections.replace("{listen}", &address.to_string())).unwrap();
        let said = std::fs::File::create(&log).unwrap();
        let mut command = Command::new(program::find("haproxy").expect("it was asked whether it is possible"));
        command.arg("-f").arg(&file).arg("-db").stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let child = command.env(MARK, format!("lab-{}-haproxy/h", std::process::id())).spawn().unwrap();
        let haproxy = Self { child, address, _home: home };
        let ready = poll(CEILING, || TcpStream::connect(address).ok());
        assert!(ready.is_some(), "HAProxy does not start: {}", std::fs::read_to_string(log).unwrap_or_default());
        haproxy
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
