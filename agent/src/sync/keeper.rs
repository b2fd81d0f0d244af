//! One group's keeper: looks at the files, says what it found, and shows where members differ.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotseat_client as wire;
use hotseat_core::MemberState;

use super::Hands;
use super::drift::drift;
use super::entry::place;
use super::owners::Owners;
use super::place::Place;
use super::report::{Report, Texts};
use super::scan::Scanner;
use super::store::{Seen, report_key};
use crate::config::Sync;
use crate::shelf::ShelfError;
use crate::unit::Unit;

/// Between two looks. Nobody is told of a changed file that is on another machine, so it is looked for.
const PACE: Duration = Duration::from_secs(2);
/// Between two looks, however much is written to the store.
const BREATH: Duration = Duration::from_millis(250);

/// See the module.
pub(super) struct Keeper {
    unit: Arc<Unit>,
    sync: Arc<Sync>,
    hands: Arc<Hands>,
    seen: Seen,
    files: Files,
    reported: Option<Report>,
    trouble: Option<String>,
}

/// What is looked at on a thread that may be held up by a disk.
#[derive(Default)]
struct Files {
    scanner: Scanner,
}

impl Keeper {
    pub(super) fn new(unit: Arc<Unit>, sync: Sync, hands: Arc<Hands>) -> Self {
        let sync = Arc::new(sync);
        Self { unit, sync, hands, seen: Seen::default(), files: Files::default(), reported: None, trouble: None }
    }

    /// Looks for ever. Ends with the runtime.
    pub(super) async fn run(mut self) {
        let mut hints = self.hands.shelf.hints();
        loop {
            let turned = self.turn().await;
            self.note(turned.err().map(|why| why.to_string()));
            tokio::time::sleep(BREATH).await;
            drop(tokio::time::timeout(PACE - BREATH, hints.next()).await);
        }
    }

    fn note(&mut self, trouble: Option<String>) {
        if let Some(why) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            tracing::warn!("the files of {} are not compared now: {why}", self.unit.id());
        }
        self.trouble = trouble;
    }

    async fn turn(&mut self) -> Result<(), ShelfError> {
        self.seen.refresh(&self.hands.shelf, self.unit.id()).await?;
        let report = self.look().await;
        self.say(report).await?;
        self.show();
        Ok(())
    }

    /// What this member has.
    async fn look(&mut self) -> Report {
        let (sync, mut files) = (Arc::clone(&self.sync), std::mem::take(&mut self.files));
        let looking = move || {
            let report = files.look(&sync);
            (files, report)
        };
        match tokio::task::spawn_blocking(looking).await {
            Ok((files, report)) => {
                self.files = files;
                report
            }
            Err(why) => Report { trouble: Some(format!("the files could not be looked at: {why}")), ..Report::default() },
        }
    }

    /// Writes it down, if it is not there already.
    async fn say(&mut self, report: Report) -> Result<(), ShelfError> {
        if self.reported.as_ref() == Some(&report) {
            return Ok(());
        }
        let key = report_key(self.unit.node(), self.unit.id());
        let same = |before: Option<Report>| if before.as_ref() == Some(&report) { Err(()) } else { Ok((report.clone(), ())) };
        // Refused: it stands there, from before a restart.
        let _stands = self.hands.shelf.update(&key, same).await?;
        self.seen.reports.insert(self.unit.node().to_owned(), report.clone());
        self.reported = Some(report);
        Ok(())
    }

    fn show(&self) {
        let picture = self.hands.picture.borrow().clone();
        let Some(group) = picture.group(self.unit.id()) else { return };
        let here: Vec<_> =
            group.members.iter().filter(|it| it.state != MemberState::Offline).map(|it| it.node.as_str()).collect();
        let reports: BTreeMap<String, Report> =
            self.seen.reports.iter().filter(|(node, _)| here.contains(&node.as_str())).map(|(node, it)| (node.clone(), it.clone())).collect();
        let drift = drift(&reports, group.leader.as_ref().map(|leader| leader.as_str()));
        let names = |named: &[crate::config::Named]| named.iter().map(|it| it.name.clone()).collect();
        let shown = wire::Sync {
            paths: names(&self.sync.paths),
            watch: names(&self.sync.watch),
            held: None,
            versions: Vec::new(),
            nodes: Vec::new(),
            drift,
        };
        self.hands.board.show(self.unit.id(), shown);
    }
}

impl Files {
    fn look(&mut self, sync: &Sync) -> Report {
        let owners = Owners::read();
        let tree = self.scanner.scan(&sync.watch, &owners);
        let mut report = Report::default();
        let mut texts = Texts::default();
        let names = sync.watch.iter().map(|named| named.name.clone()).collect();
        report.watch(names, &tree, |path| sync.share.then(|| text(sync, path, &mut texts)).flatten());
        report
    }
}

fn text(sync: &Sync, path: &str, texts: &mut Texts) -> Option<String> {
    let (named, below) = place(&sync.watch, path)?;
    let (bytes, _) = Place::open(named).ok()?.read(below).ok()?;
    texts.take(bytes)
}
