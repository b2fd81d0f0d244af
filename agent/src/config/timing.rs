//! `timing`: a preset, or a table of the parts. Whether it is safe, [`Timing`] decides.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::section::Section;
use hotseat_core::{Timing, UnsafeTiming};
use std::time::Duration;
use toml::de::DeValue;

const PRESETS: &[(&str, Timing)] =
    &[("fast", Timing::FAST), ("lan", Timing::LAN), ("wan", Timing::WAN), ("object-store", Timing::OBJECT_STORE)];
const KEYS: &[&str] = &["ttl", "renewal", "store_timeout", "stop_budget", "epsilon"];

// Parts that are left out stand to the ttl as in `Timing::of_ttl`; a test compares them.
const RENEWALS_PER_TTL: u32 = 6;
const STORE_TIMEOUTS_PER_TTL: u32 = 4;
const STOP_BUDGETS_PER_TTL: u32 = 10;
const STOP_BUDGET_MIN: Duration = Timing::FAST.stop_budget();
const EPSILON_PERCENT: u32 = 10;

/// Reads a preset's name or a table.
pub(super) fn read(entry: Entry<'_>) -> Result<Timing, Fault> {
    match entry.value.get_ref() {
        DeValue::String(_) => entry.word("timing", PRESETS),
        DeValue::Table(_) => parts(&entry.section("timing", KEYS)?),
        _ => Err(entry.wrong_type("\"fast\", \"lan\", \"wan\", \"object-store\" or a table")),
    }
}

fn parts(section: &Section<'_>) -> Result<Timing, Fault> {
    let ttl = section.need("ttl", "ttl = \"2s\"")?.duration()?;
    let timing = Timing::new(
        ttl,
        section.or("renewal", Entry::duration, ttl / RENEWALS_PER_TTL)?,
        section.or("store_timeout", Entry::duration, ttl / STORE_TIMEOUTS_PER_TTL)?,
        section.or("stop_budget", Entry::duration, STOP_BUDGET_MIN.max(ttl / STOP_BUDGETS_PER_TTL))?,
        section.or("epsilon", percent, EPSILON_PERCENT)?,
    );
    timing.map_err(|why| refused(section, &why))
}

/// Points at the part that is to blame, or at the whole if it is their sum.
fn refused(section: &Section<'_>, why: &UnsafeTiming) -> Fault {
    let part = match why {
        UnsafeTiming::Ttl(_) => section.get("ttl"),
        UnsafeTiming::Epsilon(_) => section.get("epsilon"),
        UnsafeTiming::Part(part, _) => KEYS.iter().find(|key| *key == part).and_then(|key| section.get(key)),
        UnsafeTiming::Sum { .. } => None,
    };
    let text = why.to_string();
    let advice = text.strip_prefix("unsafe timing: ").unwrap_or(&text);
    let spot = part.map_or_else(|| section.spot(), |entry| entry.spot());
    Fault::new(spot, "unsafe timing", advice)
}

/// `"10%"` or 10.
fn percent(entry: Entry<'_>) -> Result<u32, Fault> {
    if let DeValue::String(text) = entry.value.get_ref() {
        let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
        return number.ok_or_else(|| entry.fault(format!("{} is not a percentage", quoted(text)), "as in \"10%\""));
    }
    // What is safe, `Timing` says.
    Ok(entry.number(0..=100)?.try_into().expect("the bounds fit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_left_out_are_those_of_core() {
        for ttl in [500, 2_000, 3_000, 15_000].map(Duration::from_millis) {
            let text = format!("timing = {{ ttl = \"{}ms\" }}", ttl.as_millis());
            let table = toml::de::DeTable::parse(&text).unwrap();
            let base = std::path::Path::new("");
            let section = Section::open("", 0..0, table.get_ref(), base, &["timing"]).unwrap();
            assert_eq!(read(section.get("timing").unwrap()).unwrap(), Timing::of_ttl(ttl).unwrap());
        }
    }
}
