//! Hotseat as a contestant: hot standbys, as it is recommended.

use std::time::{Duration, Instant};

use hotseat_client::Roll;

use super::{Blow, Contestant, Fault, NODES, service};
use crate::cluster::Cluster;
use crate::inject::{Injected, SYNCS, Wrong};
use crate::net::Net;
use crate::node::Node;
use crate::observer::demo;
use crate::spec::{GROUP, Spec, Store};

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

    fn net(&self) -> &Net {
        self.0.net()
    }

    fn log_leader(&self, leader: usize) -> Option<usize> {
        let roll: Roll = serde_json::from_str(&self.node(leader).get("/api/members")?.body).ok()?;
        Some(self.0.node(&roll.log_leader?).number())
    }

    fn align(&self, leader: usize, log: usize, together: bool) {
        let to = if together { log } else { leader % NODES + 1 };
        let body = format!("{{\"to\": \"n{to}\"}}");
        let answer = self.node(leader).post(&format!("/api/groups/{GROUP}/switchover"), &body);
        assert!(answer.as_ref().is_some_and(|it| it.status == 202), "switchover refused: {answer:?}");
        self.0.next_leader(self.node(leader));
    }

    fn strike(&self, blow: Blow, node: usize) -> Instant {
        match blow {
            Blow::Stop => self.node(node).stop_agent(),
            Blow::Ask => self.node(node).term(),
            Blow::Kill => self.node(node).kill_agent(),
        }
    }

    fn go_on(&self, node: usize) {
        self.node(node).continue_agent();
    }

    fn unplug(&self, node: usize) -> Instant {
        self.0.unplug(self.node(node))
    }

    fn heal(&self) {
        self.0.heal();
    }

    fn stall(&self, node: usize, delay: Duration) -> Option<Injected> {
        Some(self.node(node).inject(SYNCS, Wrong::Slow(delay)))
    }

    fn mend(&mut self, fault: Fault, leader: usize) {
        if matches!(fault, Fault::Process | Fault::Graceful) {
            self.node(leader).wait_exit();
            self.node(leader).start();
        }
    }
}
