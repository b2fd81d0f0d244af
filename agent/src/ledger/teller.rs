//! Turns notes into pages, and asks the proxies what clients saw. It ends when the loop has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hotseat_core::{GroupId, MemberState, NodeName};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::Sources;
use super::book::Page;
use super::chronicle::Chronicle;
use super::note::{Clients, Moment, Note, Sign, What};
use crate::clock;
use crate::metrics::Counts;
use crate::proxy::Tally;
use crate::snapshot::Snapshot;

/// How long the first client of a new leader is waited for; who comes later was not waiting for it.
const FIRST_CLIENT_MAX: Duration = Duration::from_secs(3);

/// After the first one the others that were held come within this.
const OTHERS_MAX: Duration = Duration::from_millis(500);

/// How long a node that has come back may take until it is told as what.
const SETTLED_MAX: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Teller {
    me: NodeName,
    chronicles: BTreeMap<GroupId, Chronicle>,
    tallies: BTreeMap<GroupId, Tally>,
    counts: Counts,
    shown: watch::Receiver<Arc<Snapshot>>,
    /// For what is known later. Weak: the story ends with the loop.
    notes: mpsc::WeakSender<Note>,
    pages: mpsc::Sender<(GroupId, Page)>,
}

impl Teller {
    pub(super) fn new(sources: &Sources, notes: mpsc::WeakSender<Note>, pages: mpsc::Sender<(GroupId, Page)>) -> Self {
        let (me, tallies, counts) = (sources.node.clone(), sources.tallies.clone(), sources.counts.clone());
        Self { me, chronicles: BTreeMap::new(), tallies, counts, shown: sources.shown.clone(), notes, pages }
    }

    pub(super) async fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        while let Some(note) = notes.recv().await {
            for (group, page) in self.take(&note) {
                self.count(&group, &page);
                if self.pages.send((group, page)).await.is_err() {
                    return;
                }
            }
        }
    }

    fn count(&self, group: &GroupId, page: &Page) {
        let Page::Began(it) = page else { return };
        if let Some(millis) = it.outage_ms {
            self.counts.outage(group.as_str(), it.epoch, it.planned, Duration::from_millis(millis));
        }
    }

    fn take(&mut self, note: &Note) -> Vec<(GroupId, Page)> {
        match &note.what {
            What::Group(group, moment) => {
                let me = &self.me;
                let chronicle = self.chronicles.entry(group.clone()).or_insert_with(|| Chronicle::new(me.clone()));
                let pages = chronicle.moment(note, moment);
                if matches!(moment, Moment::Serves)
                    && let Some(epoch) = chronicle.newly_served()
                {
                    self.ask_clients(group, epoch);
                }
                pages.into_iter().map(|page| (group.clone(), page)).collect()
            }
            What::Node(node, sign) => self.sign(note, node, sign),
            What::Over(why) => {
                let all = self.chronicles.iter_mut();
                all.filter_map(|(group, it)| Some((group.clone(), it.over(note, why)?))).collect()
            }
        }
    }

    fn sign(&mut self, note: &Note, node: &NodeName, sign: &Sign) -> Vec<(GroupId, Page)> {
        if matches!(sign, Sign::Came) {
            self.greet(note, node);
            return Vec::new();
        }
        let concerned = self.chronicles.iter_mut().filter(|(_, it)| it.led_by(node));
        concerned.flat_map(|(group, it)| it.sign(note, sign).into_iter().map(|page| (group.clone(), page))).collect()
    }

    /// Waits for what clients see of a new leader, and notes it.
    fn ask_clients(&self, group: &GroupId, epoch: u64) {
        let (tally, notes, group) = (self.tallies.get(group).cloned(), self.notes.clone(), group.clone());
        tokio::spawn(async move {
            let clients = match tally {
                None => Clients::NoProxy,
                Some(tally) => match timeout(FIRST_CLIENT_MAX, tally.first(epoch)).await {
                    Err(_nobody) => Clients::Nobody(FIRST_CLIENT_MAX),
                    Ok(()) => {
                        tokio::time::sleep(OTHERS_MAX).await;
                        Clients::Served(tally.change())
                    }
                },
            };
            note(&notes, What::Group(group, Moment::Clients(epoch, clients)));
        });
    }

    /// Notes as what a node has come back whose loss made us leaders.
    fn greet(&self, came: &Note, node: &NodeName) {
        for (group, epoch) in self.chronicles.iter().filter_map(|(group, it)| Some((group, it.took_over_from(node)?))) {
            let (at, group, node) = (came.wall_at(came.at), group.clone(), node.clone());
            let (notes, mut shown) = (self.notes.clone(), self.shown.clone());
            tokio::spawn(async move {
                let state = |snapshot: &Snapshot| {
                    let members = &snapshot.group(&group)?.members;
                    members.iter().find(|member| member.node == node).map(|member| member.state)
                };
                let settled = |snapshot: &Arc<Snapshot>| {
                    !matches!(state(snapshot), None | Some(MemberState::Starting | MemberState::Offline))
                };
                drop(timeout(SETTLED_MAX, shown.wait_for(settled)).await);
                let state = state(&shown.borrow()).unwrap_or(MemberState::Offline);
                note(&notes, What::Group(group, Moment::Back(epoch, at, state)));
            });
        }
    }
}

fn note(notes: &mpsc::WeakSender<Note>, what: What) {
    if let Some(notes) = notes.upgrade() {
        drop(notes.try_send(Note { at: clock::now(), wall: SystemTime::now(), what }));
    }
}
