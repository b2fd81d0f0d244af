//! Where the members' reports differ, in words. It decides nothing: drift is shown, and stops nothing.

use std::collections::{BTreeMap, BTreeSet};

use hotseat_client::Drift;

use super::entry::below;
use super::report::{Report, Seen};

/// Differences shown of one group.
const SHOWN_MAX: usize = 64;
/// Characters of what another node says.
const WORDS_MAX: usize = 300;

/// What is different, by node and path.
pub(super) fn drift(reports: &BTreeMap<String, Report>, leader: Option<&str>) -> Vec<Drift> {
    let mut all = watched(reports, leader);
    for (node, report) in reports {
        for (path, seen) in &report.changed {
            all.push(one(node, path, seen.what.as_deref().unwrap_or("is different")));
        }
        if let Some(trouble) = &report.trouble {
            all.push(one(node, &format!("version {}", report.version), trouble));
        }
        if report.more > 0 {
            all.push(one(node, "…", &format!("{} more are different", report.more)));
        }
    }
    all.sort_unstable();
    all.truncate(SHOWN_MAX);
    all
}

/// Words of another node become text that can do no harm.
fn one(node: &str, path: &str, what: &str) -> Drift {
    let plain = |text: &str| text.chars().take(WORDS_MAX).collect::<String>().escape_debug().to_string();
    Drift { node: node.to_owned(), path: plain(path), what: plain(what) }
}

/// Watched files are compared with those of the leader, or with what most members have.
fn watched(reports: &BTreeMap<String, Report>, leader: Option<&str>) -> Vec<Drift> {
    let paths: BTreeSet<&String> = reports.values().flat_map(|report| report.watched.keys()).collect();
    let names: BTreeSet<&String> = reports.values().flat_map(|report| &report.watch).collect();
    let mut all = Vec::new();
    for name in names {
        let without = reports.iter().filter(|(_, report)| !report.watch.contains(name));
        all.extend(without.map(|(node, _)| one(node, name, "is not watched here, and is elsewhere")));
    }
    for path in paths {
        all.extend(of_path(path, reports, leader));
    }
    all
}

fn of_path(path: &str, reports: &BTreeMap<String, Report>, leader: Option<&str>) -> Vec<Drift> {
    // Who does not watch it at all has been told so.
    let watch = |report: &&Report| report.watch.iter().any(|name| below(name, path).is_some());
    let sides: BTreeMap<&str, Option<&Seen>> = reports
        .iter()
        .filter(|(_, report)| watch(report))
        .map(|(node, report)| (node.as_str(), report.watched.get(path)))
        .collect();
    let Some(measure) = measure(&sides, leader) else { return Vec::new() };
    let expected = sides[measure];
    sides.iter().filter_map(|(node, seen)| Some(one(node, path, &difference(*seen, expected, measure)?))).collect()
}

/// The member that the others are compared with: the leader; without one, the first of the most that agree.
fn measure<'a>(sides: &BTreeMap<&'a str, Option<&Seen>>, leader: Option<&str>) -> Option<&'a str> {
    if let Some((node, _)) = leader.and_then(|leader| sides.get_key_value(leader)) {
        return Some(node);
    }
    let agree = |seen: &Option<&Seen>| sides.values().filter(|other| *other == seen).count();
    let most = sides.values().map(agree).max()?;
    sides.iter().find(|(_, seen)| agree(seen) == most).map(|(node, _)| *node)
}

fn difference(seen: Option<&Seen>, expected: Option<&Seen>, measure: &str) -> Option<String> {
    match (seen, expected) {
        (Some(Seen { what: Some(what), .. }), _) => Some(what.clone()),
        (Some(seen), Some(expected)) if seen.digest == expected.digest => None,
        (Some(_), Some(_)) => Some(format!("differs from that of {measure}")),
        (None, Some(_)) => Some(format!("is not there, and is on {measure}")),
        (Some(_), None) => Some(format!("is there, and is not on {measure}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digest;
    use super::*;

    fn report(files: &[(&str, &str)]) -> Report {
        let seen = |content: &str| Seen { digest: Some(Digest::of(content.as_bytes())), what: None, text: None };
        let watched = files.iter().map(|(path, content)| ((*path).to_owned(), seen(content))).collect();
        Report { watch: vec!["conf".into()], watched, ..Report::default() }
    }

    fn check(reports: &[(&str, Report)], leader: Option<&str>, expected: &[&str]) {
        let reports = reports.iter().map(|(node, report)| ((*node).to_owned(), report.clone())).collect();
        let shown: Vec<_> =
            drift(&reports, leader).iter().map(|it| format!("{} {} {}", it.node, it.path, it.what)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn members_are_compared_with_the_leader() {
        let same = || report(&[("conf/a", "1"), ("conf/b", "2")]);
        let other = || report(&[("conf/a", "9"), ("conf/c", "3")]);
        check(&[("n1", same()), ("n2", same())], Some("n1"), &[]);
        let expected = [
            "n2 conf/a differs from that of n1",
            "n2 conf/b is not there, and is on n1",
            "n2 conf/c is there, and is not on n1",
        ];
        check(&[("n1", same()), ("n2", other()), ("n3", same())], Some("n1"), &expected);
        check(&[("n1", same()), ("n2", other()), ("n3", same())], None, &expected);
    }

    #[test]
    fn who_is_alone_with_what_it_watches_is_told() {
        let bare = Report::default();
        check(
            &[("n1", report(&[("conf/a", "1")])), ("n2", bare)],
            Some("n1"),
            &["n2 conf is not watched here, and is elsewhere"],
        );
    }

    #[test]
    fn what_others_say_cannot_harm_a_terminal() {
        let mut hostile = Report::default();
        let what = format!("\u{1b}[2J{}", "x".repeat(10_000));
        hostile.changed.insert("a\nb".into(), Seen { digest: None, what: Some(what), text: None });
        let shown = drift(&BTreeMap::from([("n1".into(), hostile)]), None);
        assert_eq!(shown[0].path, "a\\nb");
        assert!(!shown[0].what.contains('\u{1b}') && shown[0].what.len() < 400, "{shown:?}");
    }
}
