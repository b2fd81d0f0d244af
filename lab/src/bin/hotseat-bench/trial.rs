//! One trial: a settled cluster, one fault at a moment drawn at random, and what was seen of it from outside.
//!
//! ```text
//!  settled ── probes on ── random phase ── fault ── new leader answers ── node back ── probes off ── settled
//! ```

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use hotseat_lab::{CEILING, Cluster, Node, Spec, poll};

use crate::args::Args;
use crate::fault::{Fault, RENEWAL};
use crate::probe::{Answer, Probe};
use crate::progress::Progress;
use crate::stats::ms;
use crate::through::{Asked, Client};

/// Probed before the phase begins, so that everything is warm.
const BEFORE: Duration = Duration::from_millis(60);

/// Probed after the new leader's first answer, and after a thaw: what comes too late, comes in this time.
const AFTER: Duration = Duration::from_millis(150);

/// Between two looks at whether a cluster has settled: seldom enough not to disturb it.
const LOOK: Duration = Duration::from_millis(15);

/// A node that came back waits ttl/2 before it claims: a fault before that would meet a cluster still starting.
const RETURNED: Duration = Duration::from_millis(300);

/// A renewal older than this is not fresh: two intervals, and a look.
const FRESH: Duration = Duration::from_nanos(2 * RENEWAL.as_nanos() as u64 + 30_000_000);

/// What was seen of one fault.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The old leader's last answer to the new one's first.
    pub(crate) silence: Duration,
    /// The fault to the new one's first answer.
    pub(crate) takeover: Duration,
    /// The longest wait of a request through a surviving node's proxy.
    pub(crate) wait: Duration,
    /// The longest time in which the proxy answered nobody.
    pub(crate) dark: Duration,
    /// Requests through the proxy that failed.
    pub(crate) failed: usize,
    /// By how much an answer of the old one came after the new one's first.
    pub(crate) overlap: Duration,
    /// How many such answers.
    pub(crate) late: usize,
    /// Changes of leader.
    pub(crate) changes: u64,
    /// Why the cluster says that the leader changed.
    pub(crate) reason: String,
}

/// All trials of one fault.
#[derive(Clone, Debug)]
pub(crate) struct Result {
    pub(crate) fault: Fault,
    pub(crate) seen: Vec<Seen>,
}

/// All faults in one place.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) place: String,
    pub(crate) results: Vec<Result>,
}

/// Runs every fault that is asked for, on one cluster.
pub(crate) fn series(args: &Args, place: &str) -> Series {
    let cluster = Cluster::settled(spec(place));
    let results = args.faults.iter().map(|fault| {
        let progress = Progress::begin(format!("{place}: {}", fault.title()));
        let mut seen = Vec::new();
        for number in 0..args.trials {
            seen.push(trial(&cluster, *fault, number));
            progress.step(&format!("{}/{}: {}", number + 1, args.trials, told(&seen[number])));
        }
        let worst = seen.iter().max_by_key(|seen| seen.takeover).map(told).unwrap_or_default();
        progress.end(&format!("{} trials, at worst {worst}", seen.len()));
        Result { fault: *fault, seen }
    });
    Series { place: place.to_owned(), results: results.collect() }
}

/// What is measured: hot standby, as fast as it goes, a proxy on every node.
pub(crate) fn spec(place: &str) -> Spec {
    // A service that is killed every second would otherwise be restarted after a growing pause, and be "failed" meanwhile.
    let restart = "{ backoff = \"50ms\", max = \"100ms\", attempts = 1000 }";
    Spec::demo().hot().cluster("timing", "\"fast\"").service("restart", restart).proxy("30s").place(place)
}

fn told(seen: &Seen) -> String {
    let Seen { takeover, wait, failed, overlap, changes, .. } = seen;
    format!(
        "takeover {} ms, proxy wait {} ms, {failed} failed, overlap {} ms, {changes} change",
        ms(*takeover),
        ms(*wait),
        ms(*overlap)
    )
}

fn trial(cluster: &Cluster, fault: Fault, number: usize) -> Seen {
    let (old, before) = settled(cluster);
    // Of the two survivors, now one and now the other.
    let survivor = cluster.others(old).nth(number % 2).unwrap();
    let probe = Probe::start(cluster.nodes().iter().map(Node::service));
    let client = Client::start(survivor.proxy());
    std::thread::sleep(BEFORE + phase());
    let struck = fault.strike(old);
    poll(CEILING, || (probe.newest() > before).then_some(()))
        .unwrap_or_else(|| panic!("{}: nobody took over", fault.name()));
    std::thread::sleep(AFTER);
    let asked = client.stop();
    let thawed = fault.undo(old, struck);
    if thawed.is_some() {
        std::thread::sleep(2 * AFTER);
    }
    let answers = probe.stop();
    let (_, after) = settles(cluster);
    let reason = cluster.leader().group().map(|group| group.reason).unwrap_or_default();
    judge(&answers, &asked, Moment { before, struck, thawed }, after, reason)
}

/// A moment within the renewal interval, each as likely.
pub(crate) fn phase() -> Duration {
    let bits = RandomState::new().hash_one(0);
    RENEWAL.mul_f64((bits >> 11) as f64 / (1_u64 << 53) as f64)
}

/// Waits until one leads and serves, both others are hot standbys of it, all three say the same, and every lease is
/// fresh; and then until nobody is a newcomer. The leader and its epoch.
pub(crate) fn settled(cluster: &Cluster) -> (&Node, u64) {
    let found = settles(cluster);
    std::thread::sleep(RETURNED);
    // It may have moved in the meantime: what it was is not settled then.
    match look(cluster) {
        Some(again) if again.1 == found.1 => found,
        Some(_) | None => settled(cluster),
    }
}

/// The same, whoever has come just now.
pub(crate) fn settles(cluster: &Cluster) -> (&Node, u64) {
    let start = Instant::now();
    loop {
        cluster.nodes().iter().for_each(Node::revive);
        if let Some(found) = look(cluster) {
            return found;
        }
        assert!(start.elapsed() < CEILING, "the cluster does not settle");
        std::thread::sleep(LOOK);
    }
}

/// What all nodes say, if it is the same and good.
fn look(cluster: &Cluster) -> Option<(&Node, u64)> {
    let mut said = None;
    for node in cluster.nodes() {
        let picture = node.picture()?;
        let fresh = picture.renewed_ms? <= u64::try_from(FRESH.as_millis()).unwrap();
        let group = picture.groups.into_iter().next()?;
        let leader = group.leader?;
        let ready = group.members.iter().filter(|member| match member.state.as_str() {
            "leader" => member.node == leader,
            "hot-standby" => true,
            _ => false,
        });
        let whole = group.serving && fresh && ready.count() == cluster.nodes().len();
        let this = (leader, group.epoch);
        if !whole || said.as_ref().is_some_and(|said| *said != this) {
            return None;
        }
        said = Some(this);
    }
    let (leader, epoch) = said?;
    let leader = cluster.node(&leader);
    leader.leads().then_some((leader, epoch))
}

struct Moment {
    before: u64,
    struck: Instant,
    thawed: Option<Instant>,
}

fn judge(answers: &[Answer], asked: &[Asked], moment: Moment, after: u64, reason: String) -> Seen {
    let Moment { before, struck, thawed } = moment;
    let first = answers.iter().find(|answer| answer.epoch > before).expect("it was waited for");
    let ago = |answer: &&Answer| answer.epoch <= before && answer.received <= first.received;
    let last = answers.iter().rev().find(ago).map_or(struck, |answer| answer.received);
    // An answer that is merely read late proves nothing; one to a later question does, and so does one of a process
    // that could not have given it before it was thawed.
    let late = answers.iter().filter(|it| {
        let given_later = it.sent >= first.received || thawed.is_some_and(|thawed| it.received >= thawed);
        it.epoch <= before && it.received > first.received && given_later
    });
    let late: Vec<_> = late.map(|answer| answer.received - first.received).collect();
    Seen {
        silence: first.received - last,
        takeover: first.received - struck,
        wait: asked.iter().map(|asked| asked.done - asked.due).max().unwrap_or_default(),
        dark: dark(asked),
        failed: asked.iter().filter(|asked| !asked.well).count(),
        overlap: late.iter().max().copied().unwrap_or_default(),
        late: late.len(),
        changes: after - before,
        reason,
    }
}

fn dark(asked: &[Asked]) -> Duration {
    let well: Vec<_> = asked.iter().filter(|asked| asked.well).map(|asked| asked.done).collect();
    well.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}
