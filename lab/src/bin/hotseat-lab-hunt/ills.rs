//! The faults that a hunt draws from, and what each may cost.

use std::time::Duration;

use hotseat_lab::inject::{SYNCS, Wrong};
use hotseat_lab::{Cluster, Node};

use crate::seed::Seed;

/// A fault waits for so long at most after the cluster has settled: longer than any interval of `fast`.
const PHASE_MAX: Duration = Duration::from_millis(700);

/// It lasts for so long at most: several leases of `fast`.
const LENGTH_MAX: Duration = Duration::from_millis(2500);

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Ill {
    /// After the cluster has settled.
    pub(crate) phase: Duration,
    /// Until it is healed.
    length: Duration,
    /// Whom it befalls: 0 is the leader.
    whom: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    KillAgent,
    KillGuard,
    KillAgentAndGuard,
    KillKeepers,
    KillService,
    KillEverything,
    StopAgent,
    StopGuard,
    StopService,
    Freeze,
    Term,
    SwitchedOff,
    Unplugged,
    CutOff,
    Mute,
    Deaf,
    OnePairCut,
    Lossy,
    Reset,
    StoreLost,
    SlowSyncs,
}

const KINDS: [Kind; 21] = [
    Kind::KillAgent,
    Kind::KillGuard,
    Kind::KillAgentAndGuard,
    Kind::KillKeepers,
    Kind::KillService,
    Kind::KillEverything,
    Kind::StopAgent,
    Kind::StopGuard,
    Kind::StopService,
    Kind::Freeze,
    Kind::Term,
    Kind::SwitchedOff,
    Kind::Unplugged,
    Kind::CutOff,
    Kind::Mute,
    Kind::Deaf,
    Kind::OnePairCut,
    Kind::Lossy,
    Kind::Reset,
    Kind::StoreLost,
    Kind::SlowSyncs,
];

impl Ill {
    pub(crate) fn draw(seed: &mut Seed) -> Self {
        let kind = KINDS[usize::try_from(seed.one_of(KINDS.len() as u64)).expect("small")];
        // The leader as often as both others together.
        let whom = [0, 0, 1, 2][usize::try_from(seed.one_of(4)).expect("small")];
        Self { phase: seed.up_to(PHASE_MAX), length: seed.up_to(LENGTH_MAX), whom, kind }
    }

    /// One fault is at most one change; what comes back by degrees may be two.
    pub(crate) fn changes_max(&self) -> u64 {
        match self.kind {
            // It hangs for longer than its restarts are waited for, and is ended then.
            Kind::StopService | Kind::Lossy | Kind::SlowSyncs => 2,
            _ => 1,
        }
    }

    /// Begins, lasts and ends.
    pub(crate) fn befall(&self, cluster: &Cluster, leader: &Node) {
        let others: Vec<_> = cluster.others(leader).collect();
        let node = match self.whom {
            0 => leader,
            other => others[usize::try_from(other).expect("small") - 1],
        };
        let injected = self.begin(cluster, node);
        std::thread::sleep(self.length);
        drop(injected);
        self.end(cluster, node);
    }

    fn begin(&self, cluster: &Cluster, node: &Node) -> Option<hotseat_lab::inject::Injected> {
        let net = cluster.net();
        let this = node.number();
        let those: Vec<_> = cluster.others(node).map(Node::number).collect();
        let serves = !node.pids(hotseat_lab::processes::Kind::Service).is_empty();
        match self.kind {
            Kind::KillAgent => _ = node.kill_agent(),
            Kind::KillGuard => _ = node.kill_guard(),
            Kind::KillAgentAndGuard => _ = node.kill_agent_and_guard(),
            Kind::KillKeepers if serves => _ = node.kill_keepers(),
            Kind::KillService if serves => _ = node.kill_service(),
            Kind::StopService if serves => _ = node.stop_service(),
            // A cold standby has nothing of the kind.
            Kind::KillKeepers | Kind::KillService | Kind::StopService => {}
            Kind::KillEverything => node.kill_everything(),
            Kind::StopAgent => _ = node.stop_agent(),
            Kind::StopGuard => _ = node.stop_guard(),
            Kind::Freeze => _ = node.freeze(),
            Kind::Term => _ = node.term(),
            Kind::SwitchedOff => {
                cluster.unplug(node);
                node.kill_all();
            }
            Kind::Unplugged => _ = cluster.unplug(node),
            Kind::CutOff => _ = cluster.part(&[node]),
            Kind::Mute => _ = net.cut_one_way(&[this], &those),
            Kind::Deaf => _ = net.cut_one_way(&those, &[this]),
            Kind::OnePairCut => _ = net.cut(&[this], &those[..1]),
            Kind::Lossy => those.iter().for_each(|other| _ = (net.lose(this, *other, 30), net.lose(*other, this, 30))),
            Kind::Reset => those.iter().for_each(|other| _ = net.reset(this, *other)),
            Kind::StoreLost => _ = node.lose_store(),
            Kind::SlowSyncs => return Some(node.inject(SYNCS, Wrong::Slow(Duration::from_millis(400)))),
        }
        None
    }

    fn end(&self, cluster: &Cluster, node: &Node) {
        match self.kind {
            Kind::StopAgent => _ = node.continue_agent(),
            Kind::StopGuard | Kind::StopService => node.continue_all(),
            Kind::Freeze => _ = node.thaw(),
            Kind::SwitchedOff
            | Kind::Unplugged
            | Kind::CutOff
            | Kind::Mute
            | Kind::Deaf
            | Kind::OnePairCut
            | Kind::Lossy => {
                _ = cluster.heal();
            }
            Kind::StoreLost => _ = node.find_store(),
            Kind::Term => _ = node.wait_exit(),
            _ => {}
        }
        node.revive();
    }
}
