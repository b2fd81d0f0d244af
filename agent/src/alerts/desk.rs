//! Where it is decided which node tells people what, by compare-and-swap, and written down what came of it. One task per
//! agent; it ends with the agent, and is not there if no `[[alert]]` is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hotseat_client::Event;
use hotseat_core::Instant;
use tokio::sync::mpsc;
use tokio::time;

use super::alone::Alone;
use super::eyes::{Eyes, Seen};
use super::finding::{Condition, Key};
use super::ledger::{Delivery, Ledger, Sender, State};
use super::message::Author;
use super::post::{OUTCOMES, Outcome, Post};
use super::rule::Rule;
use super::stuck::Stuck;
use super::waiting::{Due, Watch};
use super::{Alerts, KEY};
use crate::clock;
use crate::config::Config;
use crate::history::History;
use crate::metrics::Counts;
use crate::random;
use crate::shelf::Shelf;

/// Between two looks at the picture: soon enough for people.
const PACE: Duration = Duration::from_millis(250);

/// How much later each next node speaks, if it was not said by then: a write takes less.
const STAGGER: Duration = Duration::from_secs(1);

/// How long one read or write may take; a store that is slower does not answer. Also how long it may go on so before this
/// node speaks for itself.
const STORE_MAX: Duration = Duration::from_secs(5);

/// An agent that has lost its session goes on sending, and is back within this time.
const BACK_MAX: Duration = Duration::from_secs(3);

/// A delivery that nobody has touched for so long is anybody's: more than two of the longest pauses between tries.
const CLAIM_MAX: Duration = Duration::from_secs(900);

type ParcelKey = (String, String, String);

/// See the module.
pub(super) struct Desk {
    config: Arc<Config>,
    history: History,
    shelf: Shelf,
    stuck: Stuck,
    post: Post,
    outcomes: mpsc::Receiver<Outcome>,
    me: Sender,
    counts: Counts,
    eyes: Eyes,
    watch: Watch,
    /// As it was read or written last.
    ledger: Option<Ledger>,
    /// The version that was read last.
    version: Option<u64>,
    /// Every member that was ever seen.
    known: BTreeSet<String>,
    /// Senders that are not present, and since when.
    absent: BTreeMap<String, Instant>,
    /// What this node sends, until what came of it is written down.
    carried: BTreeSet<ParcelKey>,
    came: BTreeMap<ParcelKey, Outcome>,
    /// What it does without the store.
    alone: Alone,
    /// Since when the store takes no write, and when that was tried last.
    refused: Option<Instant>,
    tried: Option<Instant>,
}

impl Desk {
    pub(super) fn new(alerts: &Alerts, eyes: Eyes, history: History) -> Result<Self, String> {
        let Alerts { config, shelf, exe, stuck, .. } = alerts.clone();
        let (sender, outcomes) = mpsc::channel(OUTCOMES);
        let run = format!("{:08x}", random::nonce()?.0 >> 96);
        Ok(Self {
            post: Post::new(Arc::clone(&config), exe, sender),
            me: Sender { node: config.node.name.to_string(), run },
            config,
            history,
            shelf,
            stuck,
            outcomes,
            counts: eyes.counts().clone(),
            eyes,
            watch: Watch::default(),
            ledger: None,
            version: None,
            known: BTreeSet::new(),
            absent: BTreeMap::new(),
            carried: BTreeSet::new(),
            came: BTreeMap::new(),
            alone: Alone::default(),
            refused: None,
            tried: None,
        })
    }

    /// Until the agent ends.
    pub(super) async fn run(mut self) {
        loop {
            self.turn().await;
            tokio::select! {
                () = time::sleep(PACE) => {}
                Some(outcome) = self.outcomes.recv() => self.note(outcome),
            }
        }
    }

    async fn turn(&mut self) {
        let (now, seen) = (clock::now(), self.eyes.look());
        self.refresh(&seen).await;
        self.reckon(now, &seen);
        let due = self.due(now, &seen);
        match (seen.cluster.store.healthy, self.has_news(now, &seen, &due)) {
            (false, _) => self.refused = self.refused.or(Some(now)),
            (true, false) => self.refused = None,
            (true, true) if self.refused.is_none() || self.tried.is_none_or(|at| now.since(at) >= STORE_MAX) => {
                self.write(now, &seen, &due).await;
            }
            (true, true) => {}
        }
        if self.refused.is_some_and(|since| now.since(since) >= STORE_MAX) {
            self.speak_alone(&due);
        }
        self.carry();
    }

    /// Calls the others while there is no store. When it is back, what was left to one of them is given time to be written.
    fn reckon(&mut self, now: Instant, seen: &Seen) {
        if !seen.cluster.store.healthy {
            if self.alone.calls(now) {
                self.eyes.call();
            }
        } else if self.alone.is_over() {
            self.watch = Watch::default();
        }
    }

    /// Reads what the others have written, when a look at the store has found that they have.
    async fn refresh(&mut self, seen: &Seen) {
        self.known.extend(seen.cluster.groups.iter().flat_map(|it| &it.members).map(|member| member.node.clone()));
        if !seen.cluster.store.healthy || self.version.is_some_and(|version| version >= seen.version) {
            return;
        }
        if let Ok(Ok(found)) = time::timeout(STORE_MAX, self.shelf.read::<Ledger>(KEY)).await {
            self.version = Some(found.as_ref().map_or(0, |found| found.version));
            self.ledger = Some(found.map(|found| found.record).unwrap_or_default());
        }
    }

    fn due(&mut self, now: Instant, seen: &Seen) -> Vec<Due> {
        let empty = Ledger::default();
        let ledger = self.ledger.as_ref().unwrap_or(&empty);
        let found = seen.conditions(ledger);
        let open = ledger.open().chain(self.alone.told().keys().cloned()).filter(|key| self.judges(key, seen));
        let open: Vec<_> = open.collect();
        // Who does not see the store sees nobody else as they are. What others have said and this node cannot judge is open
        // all the same.
        let found = found
            .into_iter()
            .filter(|(key, _)| sees(key, seen) && (open.contains(key) || !ledger.is_open(key)))
            .collect();
        let ttl = self.config.cluster.timing.ttl();
        let later = STAGGER * seen.rank();
        let patience = |key: &Key| key.rule.patience(ttl) + if key.rule.is_own() { Duration::ZERO } else { later };
        self.watch.look(now, &found, &open, patience)
    }

    /// Whether this node would see it if it were still so.
    fn judges(&self, key: &Key, seen: &Seen) -> bool {
        sees(key, seen)
            && match key.rule {
                Rule::NoLeader | Rule::RedundancyLost | Rule::Flapping | Rule::Drift => {
                    seen.leading.contains_key(&key.about)
                }
                Rule::MemberLost => self.known.contains(&key.about),
                Rule::StateStale => seen.rank() == 0 && self.known.contains(&key.about),
                Rule::StoreLost | Rule::CertificateEnding => key.about == self.me.node,
                Rule::LeaderChange | Rule::SplitVote | Rule::DrillFailed => false,
            }
    }

    fn has_news(&mut self, now: Instant, seen: &Seen, due: &[Due]) -> bool {
        self.miss(now, seen);
        let ledger = self.ledger.as_ref();
        let orphans = || ledger.is_some_and(|ledger| ledger.sending().any(|it| self.is_lost(now, seen, it)));
        !due.is_empty() || !self.came.is_empty() || !self.alone.told().is_empty() || orphans()
    }

    /// Notes since when senders are not there, as far as that can be seen.
    fn miss(&mut self, now: Instant, seen: &Seen) {
        let senders = self.ledger.iter().flat_map(Ledger::sending).map(|delivery| &delivery.by.node);
        let missing = senders.filter(|node| seen.cluster.store.healthy && !seen.present.contains(node));
        self.absent = missing.map(|node| (node.clone(), self.absent.get(node).copied().unwrap_or(now))).collect();
    }

    /// Whether the sender of this will not go on: gone, or an earlier run of this very node.
    fn is_lost(&self, now: Instant, seen: &Seen, delivery: &Delivery) -> bool {
        let then = humantime::parse_rfc3339(&delivery.at).ok();
        let forgotten =
            then.and_then(|then| SystemTime::now().duration_since(then).ok()).is_some_and(|age| age > CLAIM_MAX);
        let patience = BACK_MAX + STAGGER * seen.rank();
        let absent = || self.absent.get(&delivery.by.node).is_some_and(|since| now.since(*since) >= patience);
        match delivery.by.node == self.me.node {
            true => delivery.by.run != self.me.run,
            false => forgotten || absent(),
        }
    }

    /// Writes down what is due, what came of what was sent, and whose deliveries this node takes over.
    async fn write(&mut self, now: Instant, seen: &Seen, due: &[Due]) {
        self.tried = Some(now);
        let author = Author { config: &self.config, sender: &self.me, at: clock::wall() };
        let change = |before: Option<Ledger>| {
            let mut ledger = before.unwrap_or_default();
            let mut news = false;
            for (key, told) in self.alone.told() {
                news |= ledger.adopts(key, told.clone());
            }
            for outcome in self.came.values() {
                news |= ledger.came_of(outcome, &author);
            }
            for due in due {
                news |= self.apply(due, &mut ledger, seen, &author);
            }
            news |= ledger.takes_over(|delivery| self.is_lost(now, seen, delivery), &author);
            // As others have left it, there may be nothing to say.
            if news { Ok((ledger.clone(), ledger)) } else { Err(ledger) }
        };
        let written = time::timeout(STORE_MAX, self.shelf.update(KEY, change)).await;
        match written {
            Ok(Ok(Ok(ledger) | Err(ledger))) => self.written(ledger, due),
            Ok(Err(error)) => self.refuse(now, &error.to_string()),
            Err(_late) => self.refuse(now, "no answer in time"),
        }
    }

    fn apply(&self, due: &Due, ledger: &mut Ledger, seen: &Seen, author: &Author<'_>) -> bool {
        match due {
            Due::Opens(key, what) if key.rule == Rule::LeaderChange => {
                let leading = what.group.as_ref().and_then(|group| seen.leading.get(group));
                leading.is_some_and(|it| ledger.leads(it, |epoch| self.eyes.words(&it.group, epoch), author))
            }
            Due::Opens(key, what) if key.rule.is_event() => ledger.happened(key, what, author),
            Due::Opens(key, what) => ledger.opens(key, what, author),
            Due::Closes(key) => ledger.closes(key, &Condition::over(key, &seen.cluster), author),
        }
    }

    fn written(&mut self, ledger: Ledger, due: &[Due]) {
        for (key, outcome) in std::mem::take(&mut self.came) {
            if outcome.state != State::Sending {
                self.carried.remove(&key);
            }
        }
        for due in due {
            if let Due::Opens(key, _) = due {
                self.eyes.forget(key);
            }
        }
        self.alone.written();
        (self.ledger, self.refused) = (Some(ledger), None);
    }

    fn refuse(&mut self, now: Instant, why: &str) {
        tracing::warn!("what people are to be alerted to cannot be written down: {why}");
        self.refused = self.refused.or(Some(now));
    }

    /// Says without the store what cannot wait for it, or leaves that to another who is as badly off.
    fn speak_alone(&mut self, due: &[Due]) {
        let author = Author { config: &self.config, sender: &self.me, at: clock::wall() };
        for left in self.alone.speak(due, &self.eyes.stranded(STORE_MAX), &author) {
            tracing::info!("{left}");
            self.history.add(self.line("alert-left", None, None, left));
        }
    }

    /// Sends what is this node's to send.
    fn carry(&mut self) {
        let own = self.ledger.iter().flat_map(|ledger| ledger.told.iter()).chain(self.alone.told().values());
        let parcels: Vec<_> = own.flat_map(|told| told.parcels(&self.me)).collect();
        for parcel in parcels {
            if self.carried.insert(parcel.key()) {
                self.post.carry(parcel);
            }
        }
    }

    fn note(&mut self, outcome: Outcome) {
        let alert = &outcome.parcel.alert;
        let (kind, how) = match (outcome.state, outcome.tries) {
            (State::Sent, _) => ("alert-sent", "was sent"),
            (State::Failed, _) => ("alert-failed", "is given up"),
            (State::Sending, 1) => ("alert-trouble", "does not get through yet"),
            (State::Sending, _) => ("", ""),
        };
        self.stuck.note(&outcome);
        self.counts.alert(&outcome.parcel.name, if outcome.state == State::Sent { "sent" } else { "failed" });
        if !kind.is_empty() {
            let text = format!("alert \"{}\" {how}: {} [{}]", outcome.parcel.name, alert.text, outcome.answer);
            tracing::info!("{text}");
            self.history.add(self.line(kind, alert.group.clone(), alert.epoch, text));
        }
        self.came.insert(outcome.parcel.key(), outcome);
    }

    fn line(&self, kind: &str, group: Option<String>, epoch: Option<u64>, text: String) -> Event {
        Event { id: 0, at: clock::wall(), node: self.me.node.clone(), kind: kind.to_owned(), group, epoch, text }
    }
}

/// Whether what this node knows of it is worth anything: who does not see the store sees nobody else as they are.
fn sees(key: &Key, seen: &Seen) -> bool {
    seen.cluster.store.healthy || key.rule.is_own() || key.rule.cannot_wait()
}
