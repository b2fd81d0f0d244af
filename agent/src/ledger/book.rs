//! The record `story/GROUP`: the newest leaderships of a group and the changes that it was spared, and how pages are put
//! into it. A page that is put in twice is there once; in which order they come does not matter.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use hotseat_client::story::{Back, Ended, Leadership, Phase, Spared, Wait};
use serde::{Deserialize, Serialize};

use super::words;

/// Leaderships kept: a year of a quiet group, an afternoon of a broken one.
const LEADERSHIPS_MAX: usize = 100;

/// Spared changes kept.
const SPARED_MAX: usize = 50;

/// Bytes of the whole: half of what a store takes in one record, as every change writes all of it.
const BYTES_MAX: usize = 128 * 1024;

/// What is spared again within this time counts as the same trouble.
const SAME_WITHIN: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Oldest first, one per epoch.
    #[serde(default)]
    pub leaderships: Vec<Leadership>,
    /// Oldest first.
    #[serde(default)]
    pub spared: Vec<Spared>,
}

/// What there is to put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// A leadership began; told by its leader.
    Began(Box<Leadership>),
    /// The leadership of that epoch, held by that node, has ended.
    Ended(u64, String, Ended),
    /// More is known of how it began.
    Phases(u64, Vec<Phase>),
    /// How long nobody had led before that epoch, in milliseconds, as that node saw it which did not lead.
    Gap(u64, String, u64),
    /// What clients of one proxy saw of it.
    Waited(u64, Wait),
    /// The old leader's node is back.
    Back(u64, Back),
    /// A change did not come to be.
    Spared(Spared),
}

impl Book {
    /// The same with these pages in it.
    pub(crate) fn with(mut self, pages: &[Page]) -> Result<(Self, Self), Infallible> {
        for page in pages {
            self.put(page.clone());
        }
        self.estimate();
        self.trim();
        Ok((self.clone(), self))
    }

    fn put(&mut self, page: Page) {
        match page {
            Page::Began(leadership) => self.began(*leadership),
            Page::Ended(epoch, node, ended) => {
                let it = self.entry(epoch, || Leadership { node: Some(node), ..unknown(&ended.by) });
                // The next leader's word gives way to that of the one who led.
                let act = ended.act;
                it.ended = Some(ended);
                self.change(epoch + 1, |next| next.act = act.or(next.act));
            }
            Page::Phases(epoch, phases) => self.change(epoch, |it| it.phases = phases),
            Page::Gap(epoch, by, millis) => self.gap(epoch, &by, millis),
            Page::Waited(epoch, wait) => self.change(epoch, |it| waited(&mut it.waits, wait)),
            Page::Back(epoch, back) => self.change(epoch, |it| it.back = Some(back)),
            Page::Spared(spared) => self.spare(spared),
        }
    }

    fn began(&mut self, new: Leadership) {
        let by = new.node.clone().unwrap_or_default();
        let Some(before) = new.epoch.checked_sub(1).filter(|before| *before > 0) else {
            return self.begin(new);
        };
        self.entry(before, || Leadership { node: new.from.clone(), ..unknown(&by) });
        for it in self.leaderships.iter_mut().filter(|it| it.epoch < new.epoch && it.ended.is_none()) {
            let (at, reason) = (new.began.clone().unwrap_or_default(), new.reason.clone());
            it.ended = Some(Ended { at, by: by.clone(), why: new.why.clone(), reason, ..Ended::default() });
        }
        self.begin(new);
    }

    fn begin(&mut self, new: Leadership) {
        let new_epoch = new.epoch;
        let before = self.leaderships.iter().find(|it| it.epoch + 1 == new.epoch);
        let act = before.and_then(|it| it.ended.as_ref()?.act);
        let it = self.entry(new.epoch, Leadership::default);
        let (ended, waits) = (it.ended.take(), std::mem::take(&mut it.waits));
        let seen = (it.outage_by.take(), it.outage_ms);
        *it = Leadership { ended, waits, act, ..new };
        if let (None, (Some(by), Some(millis))) = (it.outage_ms, seen) {
            self.gap(new_epoch, &by, millis);
        }
    }

    /// The new leader's own measure counts; of others' the longest, as each saw only a part.
    fn gap(&mut self, epoch: u64, by: &str, millis: u64) {
        let it = self.entry(epoch, || unknown(by));
        let better = it.outage_about || it.outage_by.is_some() && it.outage_ms < Some(millis);
        if it.outage_ms.is_none() || better {
            (it.outage_ms, it.outage_by, it.outage_about) = (Some(millis), Some(by.to_owned()), false);
        }
    }

    /// Where nobody lived through it, wall clocks are all there is: the old leader's of its end, the new one's of its
    /// beginning.
    fn estimate(&mut self) {
        let ends: BTreeMap<_, _> =
            self.leaderships.iter().filter_map(|it| Some((it.epoch + 1, own_end(it)?))).collect();
        for it in self.leaderships.iter_mut().filter(|it| it.outage_ms.is_none() && !it.planned) {
            let began = it.began.as_deref().and_then(|at| humantime::parse_rfc3339(at).ok());
            let Some((began, ended)) = began.zip(ends.get(&it.epoch).copied()) else { continue };
            // A clock that is off makes no number.
            if let Ok(gap) = began.duration_since(ended) {
                (it.outage_ms, it.outage_about) = (Some(words::millis(gap)), true);
            }
        }
    }

    fn entry(&mut self, epoch: u64, missing: impl FnOnce() -> Leadership) -> &mut Leadership {
        let place = self.leaderships.binary_search_by_key(&epoch, |it| it.epoch).unwrap_or_else(|place| {
            self.leaderships.insert(place, Leadership { epoch, ..missing() });
            place
        });
        &mut self.leaderships[place]
    }

    fn change(&mut self, epoch: u64, change: impl FnOnce(&mut Leadership)) {
        if let Some(it) = self.leaderships.iter_mut().find(|it| it.epoch == epoch) {
            change(it);
        }
    }

    fn spare(&mut self, new: Spared) {
        let same = |it: &&mut Spared| {
            (&it.kind, it.epoch, &it.node) == (&new.kind, new.epoch, &new.node) && near(&it.at, &new.at)
        };
        let Some(known) = self.spared.iter_mut().rev().find(same) else { return self.spared.push(new) };
        let first_of_these = new.seen_by.iter().all(|node| known.seen_by.contains(node));
        known.times += u32::from(first_of_these);
        known.lasted_ms = known.lasted_ms.max(new.lasted_ms);
        known.seen_by.extend(new.seen_by);
        known.seen_by.sort_unstable();
        known.seen_by.dedup();
    }

    fn trim(&mut self) {
        keep_newest(&mut self.spared, SPARED_MAX);
        keep_newest(&mut self.leaderships, LEADERSHIPS_MAX);
        let size = |it: &Leadership| serde_json::to_vec(it).map_or(0, |text| text.len() + 1);
        let spared: usize = self.spared.iter().map(|it| serde_json::to_vec(it).map_or(0, |text| text.len() + 1)).sum();
        let mut bytes = 0;
        let kept = self.leaderships.iter().rev().take_while(|it| {
            bytes += size(it);
            bytes + spared < BYTES_MAX
        });
        let kept = kept.count().max(1);
        keep_newest(&mut self.leaderships, kept);
    }
}

fn keep_newest<T>(list: &mut Vec<T>, max: usize) {
    list.drain(..list.len().saturating_sub(max));
}

/// A leadership of which only the number is known, and who says so.
fn unknown(by: &str) -> Leadership {
    Leadership {
        why: String::from("unknown"),
        reason: String::from("not known: its leader did not write it down"),
        filled_in_by: Some(by.to_owned()),
        ..Leadership::default()
    }
}

/// When its leader stopped by its own word, without handing over.
fn own_end(it: &Leadership) -> Option<SystemTime> {
    let ended = it.ended.as_ref().filter(|end| end.why == "session-over" && Some(&end.by) == it.node.as_ref())?;
    humantime::parse_rfc3339(&ended.at).ok()
}

fn waited(waits: &mut Vec<Wait>, new: Wait) {
    match waits.iter_mut().find(|it| it.node == new.node) {
        Some(known) => {
            known.longest_ms = known.longest_ms.max(new.longest_ms);
            known.clients = known.clients.max(new.clients);
        }
        None => waits.push(new),
    }
}

fn near(a: &str, b: &str) -> bool {
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    let (Some(a), Some(b)) = (time(a), time(b)) else { return false };
    a.duration_since(b).or_else(|_| b.duration_since(a)).is_ok_and(|apart| apart < SAME_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(epoch: u64, node: &str, from: Option<&str>) -> Page {
        Page::Began(Box::new(Leadership {
            epoch,
            node: Some(node.into()),
            began: Some(format!("2026-11-20T12:00:{epoch:02}.000Z")),
            why: "silent".into(),
            from: from.map(str::to_owned),
            ..Leadership::default()
        }))
    }

    fn ended(epoch: u64, node: &str) -> Page {
        let (by, why, act) = (node.to_owned(), String::from("switchover"), Some(7));
        Page::Ended(epoch, node.into(), Ended { by, why, act, ..Ended::default() })
    }

    fn book(pages: &[Page]) -> Book {
        let Ok((book, _)) = Book::default().with(pages);
        book
    }

    fn shown(book: &Book) -> String {
        let line = |it: &Leadership| {
            let end = it.ended.as_ref().map_or(String::from("-"), |end| format!("{} says {}", end.by, end.why));
            let act = it.act.map(|act| format!(" by act {act}")).unwrap_or_default();
            format!("{} {}{act} {end}", it.epoch, it.node.as_deref().unwrap_or("?"))
        };
        book.leaderships.iter().map(line).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn pages_come_in_any_order_and_more_than_once() {
        let check = |pages: &[Page], expected: &str| {
            assert_eq!(shown(&book(pages)), expected);
            let twice: Vec<_> = pages.iter().chain(pages).cloned().collect();
            assert_eq!(shown(&book(&twice)), expected, "twice");
        };
        check(&[began(1, "n1", None)], "1 n1 -");
        check(&[began(1, "n1", None), began(2, "n2", Some("n1"))], "1 n1 n2 says silent, 2 n2 -");
        let handed = "1 n1 n1 says switchover, 2 n2 by act 7 -";
        check(&[began(1, "n1", None), ended(1, "n1"), began(2, "n2", Some("n1"))], handed);
        check(&[began(2, "n2", Some("n1")), began(1, "n1", None), ended(1, "n1")], handed);
    }

    #[test]
    fn who_died_before_it_wrote_is_filled_in_by_the_next() {
        let book = book(&[began(1, "n1", None), began(3, "n3", Some("n2"))]);
        assert_eq!(shown(&book), "1 n1 n3 says silent, 2 n2 n3 says silent, 3 n3 -");
        assert_eq!(book.leaderships[1].filled_in_by.as_deref(), Some("n3"));
        assert_eq!(book.leaderships[1].phases, [], "nothing is made up");
    }

    #[test]
    fn who_saw_it_tells_how_long_nobody_led() {
        let outage = |pages: &[Page]| {
            let it = book(pages).leaderships.pop().unwrap();
            (it.outage_ms, it.outage_by, it.outage_about)
        };
        let gap = |node: &str, millis| Page::Gap(2, node.into(), millis);
        let next = began(2, "n2", Some("n1"));
        let seen = (Some(150_000), Some(String::from("n1")), false);
        assert_eq!(outage(&[next.clone(), gap("n3", 90_000), gap("n1", 150_000)]), seen);
        assert_eq!(outage(&[gap("n1", 150_000), gap("n3", 90_000), next.clone()]), seen, "in any order");
        let Page::Began(own) = began(2, "n2", Some("n1")) else { unreachable!() };
        let own = Page::Began(Box::new(Leadership { outage_ms: Some(700), ..*own }));
        assert_eq!(outage(&[gap("n1", 900), own]), (Some(700), None, false), "the leader's own measure counts");
    }

    #[test]
    fn two_wall_clocks_are_about_right() {
        let ended = |at: &str| {
            let (by, why, at) = (String::from("n1"), String::from("session-over"), String::from(at));
            Page::Ended(1, "n1".into(), Ended { at, by, why, ..Ended::default() })
        };
        let outage = |pages: &[Page]| {
            let it = book(pages).leaderships.pop().unwrap();
            (it.outage_ms, it.outage_about)
        };
        let (first, next) = (began(1, "n1", None), began(2, "n2", Some("n1")));
        let early = ended("2026-11-20T11:57:32.000Z");
        assert_eq!(outage(&[first.clone(), next.clone(), early.clone()]), (Some(150_000), true));
        assert_eq!(outage(&[first.clone(), ended("2026-11-20T12:30:00.000Z"), next.clone()]), (None, false), "off");
        let measured = Page::Gap(2, "n1".into(), 150_400);
        assert_eq!(outage(&[first, next, early, measured]), (Some(150_400), false), "measured is better");
    }

    #[test]
    fn it_never_outgrows_the_store() {
        let mut all = Book::default();
        for epoch in 1..=300 {
            let Page::Began(mut page) = began(epoch, "n1", Some("n2")) else { unreachable!() };
            page.cause = "x".repeat(4000);
            (all, _) = all.with(&[Page::Began(page)]).unwrap();
        }
        assert!(serde_json::to_vec(&all).unwrap().len() < BYTES_MAX);
        assert_eq!(all.leaderships.last().map(|it| it.epoch), Some(300));
        assert!(all.leaderships.len() > 20, "{}", all.leaderships.len());
        let short: Vec<_> = (1..=300).map(|epoch| began(epoch, "n1", None)).collect();
        assert_eq!(book(&short).leaderships.len(), LEADERSHIPS_MAX);
    }

    #[test]
    fn the_same_trouble_is_told_once() {
        let spared = |second: u32, node: &str, lasted_ms| {
            Page::Spared(Spared {
                at: format!("2026-11-20T12:{:02}:{:02}.000Z", second / 60, second % 60),
                kind: "doubt-passed".into(),
                epoch: 4,
                node: "n1".into(),
                lasted_ms: Some(lasted_ms),
                times: 1,
                seen_by: vec![node.into()],
                text: String::new(),
            })
        };
        let book = book(&[spared(0, "n2", 700), spared(1, "n3", 900), spared(30, "n2", 800), spared(300, "n2", 10)]);
        let told: Vec<_> =
            book.spared.iter().map(|it| (it.times, it.lasted_ms.unwrap_or(0), it.seen_by.len())).collect();
        assert_eq!(told, [(2, 900, 2), (1, 10, 1)]);
    }
}
