//! Groups as the store tells of them, for whoever follows from outside without being a member.
//!
//! ```text
//!   store ──hints, pace──> one look for all ──> Seen ──> a Sight of its group for each listener, when it has changed
//! ```
//!
//! It looks only while somebody listens, and never writes: a follower cannot become leader, hold anybody up or be
//! missed. What it shows may be a moment old, so it may route to a leader that is just being deposed; that such a
//! leader no longer acts is its guard's work, not the follower's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt, future};
use hotseat_client::{Sight, Sighted};
use hotseat_core::{GroupId, GroupRecord, Key, Look, Record, SessionRecord, SessionState};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_stream::wrappers::WatchStream;

use crate::clock;
use crate::embedded;
use crate::records::Records;
use crate::snapshot::Facts;
use crate::story;

/// Between two looks without a hint: a second belt, and a majority goes without a write.
const PACE: Duration = Duration::from_millis(100);

/// Looks within one pace, however often the store hints: a change of leader takes a handful and is to be known at once,
/// but what many locks write must not keep us looking.
const LOOKS_MAX: u32 = 50;

/// What one look found.
#[derive(Clone)]
struct Seen {
    look: Arc<Look>,
    voters: Vec<String>,
    trouble: Option<String>,
}

/// See the module. Cheap to share.
pub struct Lookout {
    records: Records,
    embedded: Option<embedded::Facts>,
    seen: watch::Sender<Option<Seen>>,
    looking: AtomicBool,
}

impl Lookout {
    /// Over the store of this agent.
    #[must_use]
    pub fn new(facts: &Facts) -> Arc<Self> {
        Arc::new(Self {
            // A memory of its own: what the loop remembers of its own writes is newer than a look of ours.
            records: Records::new(Arc::clone(facts.records.store()), "sight"),
            embedded: facts.embedded.clone(),
            seen: watch::Sender::new(None),
            looking: AtomicBool::new(false),
        })
    }

    /// What the store says of a group, now.
    ///
    /// # Errors
    /// Why the store did not answer.
    pub async fn look(&self, group: &GroupId) -> Result<Sight, String> {
        let look = self.records.look(clock::now()).await?;
        Ok(sight(&self.told(Arc::new(look)), group))
    }

    /// The same, and again whenever it changes. Never ends by itself.
    pub fn follow(self: &Arc<Self>, group: GroupId) -> impl Stream<Item = Sight> + use<> {
        let seen = WatchStream::new(self.seen.subscribe());
        if !self.looking.swap(true, Ordering::SeqCst) {
            tokio::spawn(Arc::clone(self).run());
        }
        let mut last = None;
        seen.filter_map(move |seen| {
            let next = seen.map(|seen| sight(&seen, &group)).filter(|next| last.as_ref() != Some(next));
            if next.is_some() {
                last.clone_from(&next);
            }
            future::ready(next)
        })
    }

    /// Looks until nobody listens any more.
    async fn run(self: Arc<Self>) {
        let mut hints = self.records.store().watch();
        let (mut since, mut looks) = (Instant::now(), 0);
        while self.has_listeners() {
            let seen = match self.records.look(clock::now()).await {
                Ok(look) => Some(self.told(Arc::new(look))),
                Err(why) => self.seen.borrow().clone().map(|seen| Seen { trouble: Some(why), ..seen }),
            };
            self.seen.send_replace(seen);
            looks += 1;
            if looks >= LOOKS_MAX {
                tokio::time::sleep_until(since + PACE).await;
            }
            if since.elapsed() >= PACE {
                (since, looks) = (Instant::now(), 0);
            }
            drop(tokio::time::timeout(PACE, hints.next()).await);
        }
    }

    fn has_listeners(&self) -> bool {
        if self.seen.receiver_count() > 0 {
            return true;
        }
        // Whoever comes next must not be told what is old by then.
        self.seen.send_replace(None);
        self.looking.store(false, Ordering::SeqCst);
        // Somebody may have come in between, and counted on us.
        self.seen.receiver_count() > 0 && !self.looking.swap(true, Ordering::SeqCst)
    }

    fn told(&self, look: Arc<Look>) -> Seen {
        let roll = self.embedded.as_ref().map(|it| it.roll().members).unwrap_or_default();
        let voters = roll.into_iter().filter(|seat| seat.state == "voter").map(|seat| seat.node).collect();
        Seen { look, voters, trouble: self.embedded.as_ref().and_then(embedded::Facts::trouble) }
    }
}

fn sight(seen: &Seen, group: &GroupId) -> Sight {
    let look = &seen.look;
    let records = look.records.values().filter_map(|(_, record)| record.as_ref().ok());
    let sessions: Vec<_> =
        records.filter_map(|it| if let Record::Session(it) = it { Some(it) } else { None }).collect();
    let (voters, trouble) = (seen.voters.clone(), seen.trouble.clone());
    let members = sessions.iter().filter_map(|it| sighted(it, group)).collect();
    let sight = Sight { written: written(look), members, voters, trouble, ..Sight::default() };
    match look.records.get(&Key::Group(group.clone())) {
        Some((_, Ok(Record::Group(record)))) => led(sight, record, &sessions),
        Some(_) | None => sight,
    }
}

/// Versions only grow, and each write makes one: their sum says which of two looks came later.
fn written(look: &Look) -> u64 {
    look.records.values().fold(0, |sum, (version, _)| sum.saturating_add(version.0))
}

fn led(sight: Sight, record: &GroupRecord, sessions: &[&SessionRecord]) -> Sight {
    let leads = record.leader.as_ref().filter(|leader| {
        sessions
            .iter()
            .any(|it| it.node == leader.node && it.session == leader.session && it.state == SessionState::Alive)
    });
    Sight {
        epoch: record.epoch.0,
        leader: leads.map(|leader| leader.node.to_string()),
        serving: leads.is_some() && record.serving,
        service: record.service.clone(),
        why: story::word(&record.reason).to_owned(),
        reason: story::reason(&record.reason),
        ..sight
    }
}

fn sighted(record: &SessionRecord, group: &GroupId) -> Option<Sighted> {
    let member = record.members.get(group)?;
    let life = match record.state {
        SessionState::Alive => "alive",
        SessionState::Released => "released",
        SessionState::Proven => "proven",
        SessionState::Expired => "expired",
    };
    let state = if record.state == SessionState::Alive { member.state.as_str() } else { "offline" };
    Some(Sighted {
        node: record.node.to_string(),
        session: record.session.ordinal,
        life: life.to_owned(),
        state: state.to_owned(),
        service: member.service.clone(),
        trouble: member.trouble.clone(),
    })
}
