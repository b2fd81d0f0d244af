//! The section about rivals: every system in one run, one table, and what it does not say.

use std::fmt::Write as _;
use std::time::Duration;

use hotseat_lab::rivals::{self, Changes, Plan, Result, Seen, System, TAIL};
use hotseat_lab::spec::Store;

use crate::args::Args;
use crate::progress::Progress;
use crate::stats::{Series, ms};

/// What can take part here takes part.
pub(crate) fn measure(args: &Args) -> Vec<Result> {
    let asked = |system: &System| args.system.as_deref().is_none_or(|name| system.name() == name);
    let systems: Vec<_> = System::ALL.into_iter().filter(asked).filter(|system| system.possible()).collect();
    let (trials, rivals_trials) = (args.trials, args.rivals_trials());
    let progress = Progress::begin(format!(
        "{} systems side by side, {trials} trials of each fault, {rivals_trials} on rivals",
        systems.len()
    ));
    let plan = Plan { systems, store: args.store, faults: args.blows.clone(), trials, rivals_trials };
    let results = rivals::contest(&plan, |system, fault, seen| {
        progress.step(&format!("{}, {}: {}", system.title(), fault.title(), brief(seen)));
    });
    progress.end(&format!("{} series", results.len()));
    results
}

fn brief(seen: &Seen) -> String {
    let takeover = seen.takeover.map_or(String::from("none"), ms);
    format!("takeover {takeover} ms, overlap {} ms, {} changes", ms(seen.overlap), seen.changes)
}

/// The whole section.
pub(crate) fn told(results: &[Result], store: Store, stamp: &str) -> String {
    let mut text = format!("## Side by side\n\n{stamp}\n\n");
    write!(
        text,
        "Three hosts (network namespaces on one bridge) and a client outside of them; the same service, the same client, which \
         asks every node's service each 2 ms, the same faults on whoever leads, one trial at a time, at a moment drawn at \
         random from the system's own interval between two signs of life; every system is settled before. Hotseat: hot standbys, store `{}`. etcd 3.4: one on each \
         host, each `etcdctl` speaks to its own; cold. keepalived 2.2: the service runs everywhere and acts where the address is, \
         `nopreempt`. State in memory.\n\n\
         - **takeover**: from the fault to the first answer of another node; *none*: nobody took over within 12 s;\n\
         - **dark**: the longest time in which nobody answered;\n\
         - **overlap**: for how long the old one was seen acting after the new one had begun; watched for {} s after the fault is eased;\n\
         - **changes**: of leader, in all trials; ✗ where they are not what is right.\n\n\
         A loss, a kill and a stop are eased as soon as another one answers. Cuts, and the loss of the log's leader alone, last for two \
         leases and at least 2 s whatever happens, the disk's stall for 5 s, so *none* says there that nobody took over, and where \
         nobody has lost anything that is right. One way, the client outside hears and is heard all the same. Where a log has a \
         leader (store `raft`, etcd) it is moved first where a fault is about it.\n\n",
        store.word(),
        TAIL.as_secs(),
    )
    .expect("writing to memory");
    text.push_str("| fault | system | n | min | p50 | p99 | max | none | dark, p50 | max | ");
    text.push_str("trials with overlap | overlap, max | changes | right |  |\n");
    text.push_str("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --- | --- |\n");
    for fault in rivals::Fault::ALL {
        results.iter().filter(|result| result.fault == fault).for_each(|result| row(&mut text, result));
    }
    text + &format!("\n{}", followed(results))
}

fn row(text: &mut String, Result { system, fault, seen }: &Result) {
    let takeovers: Series = seen.iter().filter_map(|seen| seen.takeover).collect();
    let none = seen.iter().filter(|seen| seen.takeover.is_none()).count();
    let figures = [takeovers.min(), takeovers.percentile(50), takeovers.percentile(99), takeovers.max()];
    let figures = if none == seen.len() { [(); 4].map(|()| String::from("–")) } else { figures.map(ms) };
    let overlaps = seen.iter().filter(|seen| seen.overlap > Duration::ZERO).count();
    let overlap = ms(seen.iter().map(|seen| seen.overlap).max().unwrap_or_default());
    let dark: Series = seen.iter().map(|seen| seen.dark).collect();
    let (dark, darkest) = (ms(dark.percentile(50)), ms(dark.max()));
    let changes: usize = seen.iter().map(|seen| seen.changes).sum();
    let (right, mark) = judged(fault.changes(), seen);
    let n = seen.len();
    let (fault, system, figures) = (fault.title(), system.title(), figures.join(" | "));
    writeln!(
        text,
        "| {fault} | {system} | {n} | {figures} | {none} | {dark} | {darkest} | {overlaps} | {overlap} | {changes} of {n} | {right} | {mark} |"
    )
    .expect("writing to memory");
}

/// What is right, in words, and a mark where any trial was not.
fn judged(right: Changes, seen: &[Seen]) -> (&'static str, &'static str) {
    let (words, fine): (_, fn(usize) -> bool) = match right {
        Changes::One => ("1 each", |changes| changes == 1),
        Changes::OneAtMost => ("≤ 1 each", |changes| changes <= 1),
        Changes::None => ("0", |changes| changes == 0),
    };
    (words, if seen.iter().all(|seen| fine(seen.changes)) { "" } else { "✗" })
}

/// What a client sees that goes to the address that moves.
fn followed(results: &[Result]) -> String {
    let line = |result: &Result| {
        let values: Vec<_> = result.seen.iter().filter_map(|seen| seen.followed).collect();
        let (missing, values) = (result.seen.len() - values.len(), values.into_iter().collect::<Series>());
        let missing = if missing == 0 { String::new() } else { format!(", {missing} times not in time") };
        let (p50, max) = (ms(values.percentile(50)), ms(values.max()));
        format!("{}, {}: p50 {p50}, max {max}{missing}", result.system.title(), result.fault.title())
    };
    let all: Vec<_> =
        results.iter().filter(|it| it.seen.iter().any(|seen| seen.followed.is_some())).map(line).collect();
    if all.is_empty() {
        return String::new();
    }
    format!("The same through the virtual address, which is how keepalived's clients go, in ms: {}.\n", all.join("; "))
}
