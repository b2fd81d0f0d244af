//! One group's keeper: looks at the store and at the files, says what it found, and shows where members differ.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotseat_client as wire;
use hotseat_core::MemberState;

use super::Hands;
use super::book::Answered;
use super::desk::shown;
use super::drift::drift;
use super::member::Member;
use super::report::Report;
use super::store::{Seen, report_key};
use crate::config::Named;
use crate::shelf::ShelfError;
use crate::snapshot::Snapshot;

/// Between two looks. Nobody is told of a changed file that is on another machine, so it is looked for.
const PACE: Duration = Duration::from_secs(2);
/// Between two looks, however much is written to the store.
const BREATH: Duration = Duration::from_millis(250);

/// See the module.
pub(super) struct Keeper {
    member: Member,
    hands: Arc<Hands>,
    seen: Seen,
    reported: Option<Report>,
    trouble: Option<String>,
}

impl Keeper {
    pub(super) fn new(member: Member, hands: Arc<Hands>) -> Self {
        Self { member, hands, seen: Seen::default(), reported: None, trouble: None }
    }

    /// Looks for ever. Ends with the runtime.
    pub(super) async fn run(mut self) {
        let mut news = self.hands.versions.clone();
        loop {
            let turned = self.turn().await;
            self.note(turned.err().map(|why| why.to_string()));
            tokio::time::sleep(BREATH).await;
            let lead = self.lead();
            tokio::select! {
                () = tokio::time::sleep(PACE - BREATH) => {}
                _ = news.changed() => {}
                // What is changed before a leadership's first look is held: it is soon.
                () = self.leads_otherwise(lead) => {}
            }
        }
    }

    /// Waits until this node begins to lead, or ends.
    async fn leads_otherwise(&self, before: Option<u64>) {
        let mut pictures = self.hands.picture.clone();
        while self.lead() == before {
            if pictures.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn note(&mut self, trouble: Option<String>) {
        if let Some(why) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            tracing::warn!("the files of {} are not kept the same now: {why}", self.member.unit.id());
        }
        self.trouble = trouble;
    }

    async fn turn(&mut self) -> Result<(), ShelfError> {
        self.seen.refresh(&self.hands.shelf, self.member.unit.id(), &self.hands.versions).await?;
        if let Some(report) = self.member.turn(self.seen.book.clone(), self.lead()).await {
            self.say(report).await?;
        }
        self.show();
        Ok(())
    }

    fn picture(&self) -> Arc<Snapshot> {
        Arc::clone(&self.hands.picture.borrow())
    }

    /// The epoch that this node leads the group in, with the promotion complete.
    fn lead(&self) -> Option<u64> {
        let picture = self.picture();
        let group = picture.group(self.member.unit.id())?;
        picture.leads(group).then_some(group.epoch.0)
    }

    /// Writes down what this member has, if it is not there already.
    async fn say(&mut self, report: Report) -> Result<(), ShelfError> {
        if self.reported.as_ref() == Some(&report) {
            return Ok(());
        }
        let node = self.member.unit.node();
        let new = |before: Option<Report>| match before {
            // It stands there from before a restart.
            Some(before) if before == report => Err(()),
            Some(_) | None => Ok((report.clone(), ())),
        };
        let _stands = self.hands.shelf.update(&report_key(node, self.member.unit.id()), new).await?;
        self.seen.reports.insert(node.to_owned(), report.clone());
        self.reported = Some(report);
        Ok(())
    }

    fn show(&self) {
        let picture = self.picture();
        let Some(group) = picture.group(self.member.unit.id()) else { return };
        let here = |node: &str| {
            group.members.iter().any(|member| member.node.as_str() == node && member.state != MemberState::Offline)
        };
        let reports: BTreeMap<String, Report> = self
            .seen
            .reports
            .iter()
            .filter(|(node, _)| here(node))
            .map(|(node, it)| (node.clone(), it.clone()))
            .collect();
        let leader = group.leader.as_ref().map(|leader| leader.as_str());
        let names = |named: &[Named]| named.iter().map(|it| it.name.clone()).collect();
        let shown = wire::Sync {
            paths: names(&self.member.sync.paths),
            watch: names(&self.member.sync.watch),
            held: leader.and_then(|leader| reports.get(leader)?.held.clone()),
            asked: self.seen.book.as_ref().is_some_and(|book| book.asked.is_some()),
            answered: self.seen.book.as_ref().and_then(|book| book.answered.as_ref()).map(answered),
            edits: self.seen.book.as_ref().map_or(0, |book| book.edits),
            versions: self.seen.book.iter().flat_map(|book| &book.versions).map(shown).collect(),
            nodes: reports.iter().map(|(node, report)| of_node(node, report)).collect(),
            drift: drift(&reports, leader),
        };
        let before = self.hands.board.show(self.member.unit.id(), shown);
        self.tell_drift(before.as_deref());
    }

    /// This node tells of its own differences, once each.
    fn tell_drift(&self, before: Option<&wire::Sync>) {
        let node = self.member.unit.node();
        for it in self.hands.board.drift(self.member.unit.id()) {
            if it.node == node && before.is_none_or(|before| !before.drift.contains(&it)) {
                self.member.tell("drift", true, format!("drift: {} on {node} {}", it.path, it.what));
            }
        }
    }
}

fn answered(it: &Answered) -> wire::Answered {
    wire::Answered { act: it.act, ok: it.ok, text: it.text.clone() }
}

fn of_node(node: &str, report: &Report) -> wire::SyncNode {
    let trouble = report.trouble.clone().or_else(|| report.note.clone());
    wire::SyncNode { node: node.to_owned(), version: report.version, trouble }
}
