//! Hosts of their own for the nodes of a cluster: a network namespace each, one bridge between them, and one more host
//! outside of the nodes, where the test, its observer and its registers are. No wire leads out of it.
//!
//! ```text
//!   n1 10.77.0.1      n2 10.77.0.2      n3 10.77.0.3      outside 10.77.0.254
//!        │                 │                 │                   │
//!   ─────┴── p1 ───────────┴── p2 ───────────┴── p3 ─────────────┴── p0 ── bridge, in a namespace of its own
//! ```
//! The addresses are always the same: nothing of one `Net` can see another. File systems and clocks are shared by all
//! hosts, so that one clock says when anything happened anywhere. What can be done to it is in [`cut`] and [`delay`].

pub mod cut;
pub mod delay;
mod host;
mod sweep;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::ThreadId;

use crate::program;

pub use host::Host;
pub use sweep::sweep;

/// The host outside of the nodes.
pub const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 254));

/// Hosts of one `Net`: their addresses end in 1 to this.
const HOSTS_MAX: usize = 200;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// See the module. Dropped, nothing of it is left.
#[derive(Debug)]
pub struct Net {
    switch: Host,
    outside: Host,
    hosts: Vec<Host>,
    relay: delay::Relay,
    home: Option<(ThreadId, Host)>,
}

/// Whether nets can be made here; says what is missing if not, and fails where everything has to be tested.
#[must_use]
pub fn possible() -> bool {
    program::root() && program::have("ip", "iproute2") && program::have("nft", "nftables")
}

/// The address of the host of this number, from 1.
#[must_use]
pub fn address(number: usize) -> IpAddr {
    let last = u8::try_from(number).expect("few hosts");
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, last))
}

impl Net {
    /// So many hosts, all of which reach all others, and the outside.
    #[must_use]
    pub fn new(hosts: usize) -> Self {
        assert!(hosts <= HOSTS_MAX, "{hosts} hosts are more than {HOSTS_MAX}");
        sweep();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = |what: &str| Host::named(format!("{}{}-{count}-{what}", sweep::PREFIX, std::process::id()));
        let net = Self {
            switch: name("sw"),
            outside: name("out"),
            hosts: (1..=hosts).map(|number| name(&format!("n{number}"))).collect(),
            relay: delay::Relay::default(),
            home: None,
        };
        net.make();
        net
    }

    fn make(&self) {
        let all: Vec<_> = [&self.switch, &self.outside].into_iter().chain(&self.hosts).collect();
        host::ip(None, &all.iter().map(|host| format!("netns add {}\n", host.name())).collect::<String>());
        let mut wires = String::from("link add br0 type bridge\nlink set br0 up\n");
        for (port, host) in self.wired() {
            let name = host.name();
            wires +=
                &format!("link add p{port} type veth peer name eth0 netns {name}\nlink set p{port} master br0 up\n");
        }
        host::ip(Some(&self.switch), &wires);
        for (port, host) in self.wired() {
            let at = if port == 0 { OUTSIDE } else { address(port) };
            // Addresses are there at once: without IPv6 nothing is tried for duplicates first.
            host::ip(Some(host), &format!("address add {at}/24 dev eth0\nlink set lo up\nlink set eth0 up\n"));
        }
        self.make_rules();
    }

    /// Every host with the number of its port; the outside has 0.
    fn wired(&self) -> impl Iterator<Item = (usize, &Host)> {
        std::iter::once(&self.outside).chain(&self.hosts).enumerate()
    }

    /// The host of this number, from 1.
    #[must_use]
    pub fn host(&self, number: usize) -> &Host {
        &self.hosts[number - 1]
    }

    /// The host outside of the nodes.
    #[must_use]
    pub fn outside(&self) -> &Host {
        &self.outside
    }

    /// From now on the calling thread, and whatever it starts, is on the host outside; until the net is dropped.
    pub fn step_outside(&mut self) {
        self.home = Some((std::thread::current().id(), Host::of_this_thread()));
        self.outside.enter();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Some((thread, home)) = self.home.take()
            && thread == std::thread::current().id()
        {
            home.enter();
        }
        let all = [&self.switch, &self.outside].into_iter().chain(&self.hosts);
        all.for_each(Host::remove);
    }
}
