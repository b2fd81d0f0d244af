//! The section about compare and swap: the embedded store beside an etcd of three, in the same run.

use std::fmt::Write as _;
use std::time::Duration;

use hotseat_lab::rivals::{Round, System, swap};

use crate::progress::Progress;
use crate::stats::{Series, ms};

/// Rounds of each, by turns, so that whatever else goes on falls on both alike.
const ROUNDS: usize = 3;

/// Clients at once: one node of each is asked by none, by one, or by many.
const CLIENTS: [usize; 3] = [1, 3, 24];

/// Timing `lan`: its pace is what etcd's own defaults are nearest to.
const SYSTEMS: [System; 2] = [System::Hotseat("lan"), System::Etcd];

/// All rounds with so many clients.
#[derive(Clone, Debug)]
pub(crate) struct Swaps {
    clients: usize,
    rounds: Vec<Round>,
}

/// So long for each round.
pub(crate) fn measure(place: &str, length: Duration) -> Vec<Swaps> {
    if !SYSTEMS.into_iter().all(System::possible) {
        return Vec::new();
    }
    let with = |clients| {
        let progress = Progress::begin(format!("compare and swap, {clients} clients, store in {place}"));
        let turns = (0..ROUNDS).flat_map(|_| SYSTEMS);
        let rounds = turns.map(|system| {
            let round = swap(system, place, clients, length);
            progress.step(&format!("{}: {:.0} writes a second", name(system), rate(&round)));
            round
        });
        let found = Swaps { clients, rounds: rounds.collect() };
        progress.end(&format!("{:.2} times as many as etcd", found.ratio()));
        found
    };
    CLIENTS.map(with).to_vec()
}

fn rate(round: &Round) -> f64 {
    round.waits.len() as f64 / round.over.as_secs_f64()
}

fn name(system: System) -> &'static str {
    match system {
        System::Hotseat(_) => "**hotseat**, store `raft`",
        System::Etcd => "etcd 3.4",
        System::Keepalived(_) => "keepalived",
    }
}

impl Swaps {
    /// Rates of a system's rounds, sorted.
    fn rates(&self, system: System) -> Vec<f64> {
        let mut rates: Vec<_> = self.rounds.iter().filter(|round| round.system == system).map(rate).collect();
        rates.sort_by(f64::total_cmp);
        rates
    }

    /// How many times as many writes as etcd makes, by the middle round of each.
    pub(crate) fn ratio(&self) -> f64 {
        let [hotseat, etcd] = SYSTEMS.map(|system| self.rates(system)[ROUNDS / 2]);
        hotseat / etcd
    }

    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    fn row(&self, text: &mut String, system: System) {
        let rates = self.rates(system);
        let its = self.rounds.iter().filter(|round| round.system == system);
        let waits: Series = its.flat_map(|round| round.waits.iter().copied()).collect();
        let [p50, p99, max] = [50, 99, 100].map(|percent| ms(waits.percentile(percent)));
        let (times, mark) = match system {
            System::Hotseat(_) => (format!("{:.2}", self.ratio()), if self.ratio() < 1.0 { "✗" } else { "" }),
            System::Etcd | System::Keepalived(_) => (String::from("1"), ""),
        };
        let (least, middle, most) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
        let (clients, name) = (self.clients, name(system));
        writeln!(
            text,
            "| {clients} | {name} | {least:.0} | {middle:.0} | {most:.0} | {times} | {p50} | {p99} | {max} | {mark} |"
        )
        .expect("writing to memory");
    }
}

/// The whole section.
pub(crate) fn told(all: &[Swaps], place: &str, stamp: &str) -> String {
    let rounds = all.iter().flat_map(|swaps| &swaps.rounds);
    let (bytes, length) = rounds.last().map_or((0, 0), |round| (round.bytes, round.over.as_secs()));
    let mut text = format!(
        "## Compare and swap\n\n{stamp}\n\n\
         Three hosts (network namespaces on one bridge), everything in {place}, fsync on in both. The clients are spread over the three \
         hosts, each speaks to the node of its own, over one HTTP connection that is kept, and has a record of its own of {bytes} bytes, \
         which it replaces again and again, by the version that its last write made. {ROUNDS} rounds of {length} s of each, by turns, a \
         new cluster for each round. Asked the same way, they do not do the same: Hotseat is asked as `hotseat lock` asks it, parses \
         and judges every write by its law on every node, syncs twice for a commit, and its nodes speak mutual TLS; etcd is asked \
         through its own JSON gateway, which passes each request on to its gRPC, and its nodes speak plainly. *Times*: the middle \
         round of Hotseat against that of etcd; aim ≥ 1.\n\n",
    );
    text.push_str("| clients | store | writes a second: min | median | max | times | p50 ms | p99 ms | max ms |  |\n");
    text.push_str("| --: | --- | --: | --: | --: | --: | --: | --: | --: | --- |\n");
    for swaps in all {
        SYSTEMS.into_iter().for_each(|system| swaps.row(&mut text, system));
    }
    text
}
