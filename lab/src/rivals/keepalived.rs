//! keepalived as a contestant: the service runs on every host, and acts where the virtual address is.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Blow, Contestant, Fault, Foreign, NODES, PORT, hosts, one_answers, service_words};
use crate::CEILING;
use crate::net::{Net, OUTSIDE};
use crate::program;
use crate::register::Registers;

/// Where clients go.
const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100));

#[derive(Debug)]
pub(super) struct Keepalived {
    millis: u32,
    daemons: Vec<Foreign>,
    _services: Vec<Foreign>,
    _registers: Registers,
    home: TempDir,
    net: Net,
}

impl Keepalived {
    pub(super) fn start(millis: u32) -> Self {
        let net = hosts();
        let home = tempfile::Builder::new().prefix("hotseat-lab-keepalived-").tempdir_in("/dev/shm").unwrap();
        let registers = Registers::start(OUTSIDE);
        let services = (1..=NODES).map(|number| {
            let folder = home.path().join(format!("s{number}"));
            std::fs::create_dir_all(&folder).unwrap();
            let mut command = Command::new(program::service());
            let every = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            command.args(service_words(number, every, &registers)).args(["--vip", &VIP.to_string()]);
            let mark = format!("lab-{}-vip{millis}-service/n{number}", std::process::id());
            Foreign::start(net.host(number), &mark, &folder, &mut command)
        });
        let services = services.collect();
        let mut all = Self { millis, daemons: Vec::new(), _services: services, _registers: registers, home, net };
        all.daemons = (1..=NODES).map(|number| all.begin(number)).collect();
        all
    }

    fn begin(&self, number: usize) -> Foreign {
        let folder = self.home.path().join(format!("n{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("keepalived.conf"), configuration(number, self.millis)).unwrap();
        // What a killed one has left would keep the next from starting.
        ["pid", "vrrp.pid"].iter().for_each(|file| drop(std::fs::remove_file(folder.join(file))));
        let mut command = Command::new("keepalived");
        command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file", "keepalived.conf"]);
        command.args(["--pid", "pid", "--vrrp_pid", "vrrp.pid"]);
        let mark = format!("lab-{}-vip{}-daemon/n{number}", std::process::id(), self.millis);
        Foreign::start(self.net.host(number), &mark, &folder, &mut command)
    }
}

/// None comes back by itself, as Hotseat's nodes do not. The higher the priorities, the shorter the wait of who takes over.
fn configuration(number: usize, millis: u32) -> String {
    let mut text = String::from("global_defs {\n vrrp_version 3\n}\nvrrp_instance web {\n state BACKUP\n nopreempt\n");
    let advert = f64::from(millis) / 1000.0;
    write!(text, " interface eth0\n virtual_router_id 7\n priority {}\n advert_int {advert}\n", 254 - number).unwrap();
    write!(text, " virtual_ipaddress {{\n  {VIP}/24 dev eth0\n }}\n}}\n").unwrap();
    text
}

impl Contestant for Keepalived {
    fn follows(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(VIP, PORT))
    }

    fn settle(&mut self) -> usize {
        // Each is two processes once it has started.
        let started = || self.daemons.iter().all(|daemon| daemon.named("keepalived").len() >= 2);
        one_answers(CEILING, started).expect("it settles")
    }

    fn net(&self) -> &Net {
        &self.net
    }

    fn strike(&self, blow: Blow, node: usize) -> Instant {
        let what = match blow {
            Blow::Stop => Signal::STOP,
            Blow::Ask => Signal::TERM,
            Blow::Kill => Signal::KILL,
        };
        self.daemons[node - 1].signal("keepalived", what)
    }

    fn go_on(&self, node: usize) {
        self.daemons[node - 1].signal("keepalived", Signal::CONT);
    }

    fn mend(&mut self, fault: Fault, leader: usize) {
        if matches!(fault, Fault::Process | Fault::Graceful) {
            self.daemons[leader - 1].end();
            // A killed daemon leaves its address behind.
            let vip = format!("{VIP}/24");
            let remove = || program::run("ip".as_ref(), &["address", "del", &vip, "dev", "eth0"]);
            self.net.host(leader).within(remove);
            self.daemons[leader - 1] = self.begin(leader);
        }
    }
}
