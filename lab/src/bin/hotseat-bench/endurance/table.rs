//! What was held, in a table, and whether it grew.

use std::fmt::Write as _;

use super::sample::FIGURES;
use super::{Endurance, KILL_EACH, LOOKS};
use crate::stats::{Series, ms};

/// Rows of the table.
const PARTS: usize = 10;

/// The first parts of a run are its warming up, and are not compared with: caches fill, a log grows to its usual length.
const WARM: usize = 3;

/// A figure that ends higher than this many per cent above where it was, and than its slack, has grown.
const GROWTH_MAX: u64 = 5;

/// The highest of the looks of one part, of one figure: what is filled and emptied again has a top.
fn top(found: &Endurance, part: usize, figure: usize) -> u64 {
    let looks = found.looks.iter().skip(1 + part * LOOKS / PARTS).take(LOOKS / PARTS);
    looks.map(|look| look[figure]).max().unwrap_or_default()
}

/// By how much a figure was higher in the last part than in the one after the warming up.
fn growth(found: &Endurance, figure: usize) -> i64 {
    let [before, after] = [WARM, PARTS - 1].map(|part| i64::try_from(top(found, part, figure)).expect("small"));
    after - before
}

fn grew(found: &Endurance, figure: usize) -> bool {
    let most = FIGURES[figure].slack.max(top(found, WARM, figure) * GROWTH_MAX / 100);
    growth(found, figure) > i64::try_from(most).expect("small")
}

/// Whether everything stayed where it was.
pub(crate) fn verdict(found: &Endurance) -> String {
    let grown: Vec<_> =
        (0..FIGURES.len()).filter(|figure| grew(found, *figure)).map(|figure| FIGURES[figure].title).collect();
    if grown.is_empty() { String::from("flat") } else { format!("not flat: {}", grown.join(", ")) }
}

/// The whole section.
pub(crate) fn told(found: &Endurance, stamp: &str) -> String {
    let Endurance { failovers, took, unasked, .. } = found;
    let mut text = format!(
        "## {failovers} failovers in one life\n\n{stamp} · took {} s\n\n\
         Three agents on one machine, `fast`, hot standbys, store `raft`, state in memory; each failover begins when one leads, both \
         others are hot standbys and every renewal is fresh. One in {KILL_EACH} is by SIGKILL of the leader's service, the others are \
         switchovers; no agent was started anew. Of each figure the highest of the three nodes and of {} looks. \
         *Growth*: the last row against row {}; flat is up to {GROWTH_MAX} %, or what any process does by itself.\n\n",
        took.as_secs(),
        LOOKS / PARTS,
        WARM + 1,
    );
    let titles: Vec<_> = FIGURES.iter().map(|figure| figure.title).collect();
    line(&mut text, "failovers", "one takes, p50 ms", &titles);
    line(&mut text, "--:", "--:", &[" --:"; FIGURES.len()]);
    let numbers = |look: &[u64]| look.iter().map(u64::to_string).collect::<Vec<_>>();
    line(&mut text, "0", "–", &numbers(&found.looks[0]));
    for part in 0..PARTS {
        let each = found.each.iter().skip(part * failovers / PARTS).take(failovers / PARTS).copied();
        let tops: Vec<_> = (0..FIGURES.len()).map(|figure| top(found, part, figure)).collect();
        let upto = ((part + 1) * failovers / PARTS).to_string();
        line(&mut text, &upto, &ms(each.collect::<Series>().percentile(50)), &numbers(&tops));
    }
    let growths: Vec<_> = (0..FIGURES.len())
        .map(|figure| format!("{:+}{}", growth(found, figure), if grew(found, figure) { " ✗" } else { "" }))
        .collect();
    line(&mut text, "growth", "", &growths);
    let unasked = if unasked.is_empty() { String::from("none") } else { unasked.join("; ") };
    write!(text, "\n**{}**; changes of leader that nobody asked for: {unasked}.\n", verdict(found))
        .expect("writing to memory");
    text
}

fn line<T: AsRef<str>>(text: &mut String, first: &str, second: &str, rest: &[T]) {
    let rest: Vec<_> = rest.iter().map(AsRef::as_ref).collect();
    writeln!(text, "| {first} | {second} | {} |", rest.join(" | ")).expect("writing to memory");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn life(figure: impl Fn(u64) -> u64) -> Endurance {
        let looks = (0..=LOOKS as u64).map(|look| [figure(look); FIGURES.len()]).collect();
        let each = vec![Duration::from_millis(10); LOOKS];
        Endurance { failovers: LOOKS, took: Duration::ZERO, unasked: Vec::new(), each, looks }
    }

    #[test]
    fn what_grows_is_told_from_what_does_not() {
        assert_eq!(verdict(&life(|_| 100_000)), "flat");
        // A log that is cut again and again, and a cache that fills at the beginning.
        assert_eq!(verdict(&life(|look| 100_000 + 9000 * (look % 7))), "flat");
        assert_eq!(verdict(&life(|look| 100_000 * look.min(20))), "flat");
        let leak = life(|look| 100_000 + 100 * look);
        assert!(verdict(&leak).starts_with("not flat: agent KiB"), "{}", verdict(&leak));
        assert!(told(&leak, "").contains("+6000 ✗"), "{}", told(&leak, ""));
    }
}
