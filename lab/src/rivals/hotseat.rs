//! Hotseat as a contestant: hot standbys, as it is recommended.

use std::time::Instant;

use super::{Contestant, Fault, service};
use crate::cluster::Cluster;
use crate::node::Node;
use crate::observer::demo;
use crate::spec::{Spec, Store};

#[derive(Debug)]
pub(super) struct Hotseat(Cluster);

impl Hotseat {
    pub(super) fn start(timing: &str, store: Store) -> Self {
        let spec = Spec::writer().apart().hot().store(store).cluster("timing", &format!("\"{timing}\""));
        Self(Cluster::settled(spec))
    }

    fn node(&self, number: usize) -> &Node {
        &self.0.nodes()[number - 1]
    }
}

impl Contestant for Hotseat {
    fn settle(&mut self) -> usize {
        let number = self.0.settle().number();
        self.0.wait_for("an answer", |_| demo(service(number)));
        number
    }

    fn strike(&mut self, fault: Fault, leader: usize) -> Instant {
        match fault {
            Fault::Process => self.node(leader).kill_agent(),
            Fault::Host => self.0.unplug(self.node(leader)),
            Fault::Stopped => self.node(leader).stop_agent(),
            Fault::Graceful => self.node(leader).term(),
        }
    }

    fn ease(&self, fault: Fault, leader: usize) {
        match fault {
            Fault::Host => _ = self.0.heal(),
            Fault::Stopped => _ = self.node(leader).continue_agent(),
            Fault::Process | Fault::Graceful => {}
        }
    }

    fn mend(&mut self, fault: Fault, leader: usize) {
        match fault {
            Fault::Process | Fault::Graceful => {
                self.node(leader).wait_exit();
                self.node(leader).start();
            }
            Fault::Host | Fault::Stopped => {}
        }
    }
}
