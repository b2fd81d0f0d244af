//! The report, as Markdown. Prose that people wrote between its two marks is kept.

use std::fmt::Write as _;
use std::time::Duration;

use hotseat_lab::rivals;

use crate::alarms::Alarms;
use crate::args::{Args, Part};
use crate::dashboard::Dashboard;
use crate::endurance::Endurance;
use crate::fault::{Aim, RENEWAL};
use crate::fronts::{self, told};
use crate::idle::Idle;
use crate::machine::Machine;
use crate::section::Section;
use crate::shortfalls::{self, aimed, broke, exceeded};
use crate::speed::Speed;
use crate::stats::{self, ms};
use crate::swaps::Swaps;
use crate::trial::{Result, Seen, Series};
use crate::{probe, through};

const OPEN: &str = "<!-- why: written by people, kept by the bench -->";
const CLOSE: &str = "<!-- /why -->";
const NO_WORDS: &str = "(Nobody has said why yet.)";

/// All that was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) machine: Machine,
    pub(crate) args: Args,
    pub(crate) faults: Vec<Series>,
    pub(crate) idle: Vec<Idle>,
    pub(crate) speed: Option<Speed>,
    pub(crate) alarms: Vec<Alarms>,
    pub(crate) endurance: Option<Endurance>,
    pub(crate) swaps: Vec<Swaps>,
    pub(crate) rivals: Vec<rivals::Result>,
    pub(crate) fronts: Vec<fronts::faults::Result>,
    pub(crate) load: Vec<fronts::load::Load>,
    pub(crate) endpoints: Vec<fronts::endpoints::Endpoint>,
    pub(crate) dashboard: Option<Dashboard>,
    pub(crate) took: Duration,
}

impl Findings {
    /// Trials in which two acted, or the leader changed more than once.
    pub(crate) fn unsafe_trials(&self) -> usize {
        self.faults
            .iter()
            .flat_map(|series| &series.results)
            .flat_map(|result| &result.seen)
            .filter(|seen| broke(seen))
            .count()
    }

    /// Changes of leader on a machine that was only too busy.
    pub(crate) fn false_alarms(&self) -> u64 {
        self.alarms.iter().map(|alarms| alarms.changes).sum()
    }
}

/// The whole report; `before` is the one it replaces.
pub(crate) fn render(findings: &Findings, before: Option<&str>) -> String {
    let mut text = head(findings);
    for series in &findings.faults {
        faults(&mut text, series);
    }
    if !findings.idle.is_empty() {
        idle(&mut text, &findings.idle);
    }
    if let Some(speed) = &findings.speed {
        write!(
            text,
            "## Simulator\n\nAim: ≥ 1000 simulated seconds per second of one core. It says: {}\n\n",
            speed.said
        )
        .unwrap();
    }
    for section in Section::ALL {
        // One that was measured earlier stands until it is measured again.
        let standing = || before.and_then(|before| section.standing(before));
        if let Some(its) = measured(findings, section).or_else(standing) {
            writeln!(text, "{its}").unwrap();
        }
    }
    short(&mut text, findings, before);
    text
}

/// The report that stands, with the sections that were measured in their places.
pub(crate) fn replaced(findings: &Findings, before: &str) -> String {
    let all = Section::ALL.into_iter().filter_map(|section| Some((section, measured(findings, section)?)));
    all.fold(before.to_owned(), |report, (section, text)| section.placed(&report, &text))
}

fn measured(findings: &Findings, section: Section) -> Option<String> {
    let Machine { date, cpu, cores, commit, load, .. } = &findings.machine;
    let stamp = format!("{date} · commit {commit} · {cores} cores {cpu} · load at the start {load}");
    let text = match section.part {
        Part::Endurance => findings.endurance.as_ref().map(|found| crate::endurance::told(found, &stamp)),
        Part::Swaps => {
            (!findings.swaps.is_empty()).then(|| crate::swaps::told(&findings.swaps, &findings.args.disk, &stamp))
        }
        Part::Rivals => {
            (!findings.rivals.is_empty()).then(|| crate::rivals::told(&findings.rivals, findings.args.store, &stamp))
        }
        Part::Fronts => (!findings.fronts.is_empty()).then(|| told::faults(&findings.fronts, &stamp)),
        Part::Load => (!findings.load.is_empty()).then(|| told::load(&findings.load, &stamp)),
        Part::Endpoints => (!findings.endpoints.is_empty()).then(|| told::endpoints(&findings.endpoints, &stamp)),
        Part::Alarms => (!findings.alarms.is_empty()).then(|| crate::alarms::told(&findings.alarms, &stamp)),
        Part::Dashboard => findings.dashboard.as_ref().map(|found| crate::dashboard::told(found, &stamp)),
        Part::Faults | Part::Idle | Part::Speed => None,
    };
    text.map(|text| section.marked(&text))
}

fn head(findings: &Findings) -> String {
    let Machine { date, cpu, cores, memory_gib, kernel, disk, commit, load } = &findings.machine;
    let (trials, took) = (findings.args.trials, findings.took.as_secs());
    let brief = if findings.args.quick { " **A quick run: too few trials to quote.**" } else { "" };
    format!(
        "# Benchmarks

Made by `make bench` (`hotseat-bench --write docs/benchmarks.md`); repeat it with that, look at it quickly with
`target/release/hotseat-bench --quick`. Do not edit: only the words below \"What falls short\" are kept.{brief}

{date} · commit {commit} · {cores} cores {cpu} · {memory_gib:.0} GiB · Linux {kernel} · disk: {disk} · load at the
start {load} · {trials} trials of each fault · took {took} s

Three nodes on one machine, `timing = \"fast\"` (ttl 500 ms), hot standby, the built-in demo service, a proxy on every
node, store `dir:`. Before each trial one leads, both others are hot standbys and every renewal is fresh; the
moment of the fault is drawn at random from the renewal interval ({} ms). Everything is seen from outside, with one clock:

- **takeover**: from the fault to the first answer of the new leader, every node's service asked directly each {} ms;
- **silence**: from the old leader's last answer to the new one's first;
- **proxy wait**: the longest wait of a client of a surviving node's proxy: a request every {} ms, each over a new
  connection, none tried again, each wait counted from when the request was due;
- **proxy dark**: the longest time in which that proxy answered nobody; **failed**: its requests that failed, per trial;
- **overlap**: by how much an answer of the old leader came after the new one's first: has to be 0;
- **changes**: of leader, in all trials: has to be one each.

All in milliseconds. p99 is the nearest rank: of {trials} values, the {}. ✗ marks what exceeds its aim. No figure here
is set against another product's, except where all were measured in one run: see \"Side by side\".

",
        ms(RENEWAL),
        probe::PACE.as_millis(),
        through::PACE.as_millis(),
        if trials < 100 { "largest" } else { "one that 99 of 100 do not exceed" },
    )
}

fn faults(text: &mut String, series: &Series) {
    let row = |text: &mut String, cells: &[&str]| writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    write!(text, "## Faults, store in {}\n\n", series.place).unwrap();
    row(text, &["fault", "n", "measure", "min", "p50", "p99", "max", "aim", ""]);
    row(text, &["---", "--:", "---", "--:", "--:", "--:", "--:", "---", "---"]);
    for result in &series.results {
        let n = result.seen.len().to_string();
        for (number, (name, values, aim)) in measures(result).into_iter().enumerate() {
            let (title, n) = if number == 0 { (result.fault.title(), n.as_str()) } else { ("", "") };
            let figures = [values.min(), values.percentile(50), values.percentile(99), values.max()].map(ms);
            let mark = if exceeded(&values, aim).is_empty() { "" } else { "✗" };
            let [min, p50, p99, max] = &figures;
            row(text, &[title, n, name, min, p50, p99, max, &aimed(aim), mark]);
        }
    }
    text.push('\n');
    row(
        text,
        &[
            "fault",
            "failed through the proxy: min",
            "p50",
            "max",
            "overlap, max",
            "changes",
            "why, says the cluster",
            "",
        ],
    );
    row(text, &["---", "--:", "--:", "--:", "--:", "--:", "---", "---"]);
    for result in &series.results {
        let mut failed: Vec<_> = result.seen.iter().map(|seen| seen.failed).collect();
        failed.sort_unstable();
        let [min, p50, max] =
            [0, failed.len().saturating_sub(1) / 2, failed.len().saturating_sub(1)].map(|at| failed[at].to_string());
        let overlap = ms(result.seen.iter().map(|seen| seen.overlap).max().unwrap_or_default());
        let changes: u64 = result.seen.iter().map(|seen| seen.changes).sum();
        let mark = if result.seen.iter().any(broke) { "✗" } else { "" };
        row(
            text,
            &[
                result.fault.title(),
                &min,
                &p50,
                &max,
                &overlap,
                &format!("{changes} of {}", result.seen.len()),
                &reasons(result),
                mark,
            ],
        );
    }
    text.push('\n');
}

fn measures(result: &Result) -> [(&'static str, stats::Series, Aim); 4] {
    let of = |pick: fn(&Seen) -> Duration| result.seen.iter().map(pick).collect();
    [
        ("takeover", of(|it| it.takeover), result.fault.aim()),
        ("silence", of(|it| it.silence), Aim::default()),
        ("proxy wait", of(|it| it.wait), result.fault.aim()),
        ("proxy dark", of(|it| it.dark), Aim::default()),
    ]
}

fn reasons(result: &Result) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for seen in &result.seen {
        match counted.iter_mut().find(|(reason, _)| *reason == seen.reason) {
            Some((_, count)) => *count += 1,
            None => counted.push((&seen.reason, 1)),
        }
    }
    let told = |(reason, count): &(&str, usize)| {
        if counted.len() == 1 { (*reason).to_owned() } else { format!("{reason} ({count})") }
    };
    counted.iter().map(told).collect::<Vec<_>>().join("; ")
}

fn idle(text: &mut String, idle: &[Idle]) {
    let over = idle.iter().map(|it| it.over.as_secs_f64()).fold(0.0, f64::max);
    write!(
        text,
        "## At rest\n\nOver {over:.0} s, release build, one group with a hot standby and a proxy, no clients, no health check \
         configured; of several alike the highest. Aim for an agent: ≤ 20 MB resident, ≤ 1 % of a core.\n\n"
    )
    .unwrap();
    text.push_str("| timing | process | resident MB | % of a core | threads |\n| --- | --- | --: | --: | --: |\n");
    for Idle { timing, what, resident_kb, percent, threads, .. } in idle {
        writeln!(text, "| {timing} | {what} | {:.1} | {percent:.2} | {threads} |", *resident_kb as f64 / 1024.0)
            .unwrap();
    }
    text.push('\n');
}

fn short(text: &mut String, findings: &Findings, before: Option<&str>) {
    text.push_str("## What falls short, and why\n\n");
    let all = shortfalls::all(findings);
    if all.is_empty() {
        text.push_str("Nothing that was measured in this run.\n");
    }
    for line in all {
        writeln!(text, "- {line}").unwrap();
    }
    let kept = before
        .and_then(|before| before.split_once(OPEN)?.1.split_once(CLOSE))
        .map_or(NO_WORDS, |(kept, _)| kept.trim());
    write!(text, "\n{OPEN}\n\n{kept}\n\n{CLOSE}\n").unwrap();
}
