//! This member's part in keeping files the same: everybody follows the book, and who leads writes it.
//!
//! ```text
//!  a newer version in the book? ──yes──> fetch ──> put in place ──> hook
//!        │ no                                 └─ cannot be ──> do I lead, and was asked? ──yes──> send mine instead
//!  same as the version in place? ──yes──> do I lead? ──yes──> agreed, as long as I do
//!        │ no
//!  do I lead? ──yes──> agreed, or asked for: send; else held, and said
//!             └──no──> drift
//! ```
//! A leader that took over with files of its own does not send them by itself: nobody has looked at them yet. What it
//! finds different at the first look of its leadership may have been changed before that began: it is held as well.

mod lead;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotseat_client::Event;
use hotseat_core::{Epoch, Role};

use super::Hands;
use super::book::{Book, Version};
use super::compare::Differences;
use super::local::{Local, root};
use super::report::Report;
use super::send::{Road, Unsent};
use super::state::State;
use crate::clock;
use crate::config::Sync;
use crate::unit::Unit;

/// Looks that show an older book than the one in place, before that is taken for the truth: a reader lags, but not so long;
/// a cluster that was restored stays.
const LAGS_MAX: u32 = 15;
/// Looks in a row that the store does not let us finish, before that is told: elections and restarts pass by.
const LATERS_MAX: u32 = 15;
/// Between two tries to put a version in place, from the first to the longest: what is in the way is a person's to move.
const RETRY_MIN: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Runs of a hook that fails: the service may be starting, or a hand on its configuration.
const HOOKS_MAX: u32 = 3;

/// See the module.
pub(super) struct Member {
    pub(super) unit: Arc<Unit>,
    pub(super) sync: Arc<Sync>,
    hands: Arc<Hands>,
    road: Road,
    /// Not here while a thread has it.
    local: Option<Local>,
    /// The leadership in which our files were as in the version in place at one look.
    agreed: Option<u64>,
    held: Option<String>,
    trouble: Option<String>,
    lags: u32,
    laters: u32,
    retry: Retry,
    hook: Hook,
}

/// A version that could not be put in place is tried again, less and less often.
struct Retry {
    pause: Duration,
    last: Option<(Instant, String)>,
}

/// The command that runs after a new version.
#[derive(Default)]
struct Hook {
    tries: u32,
    trouble: Option<String>,
}

impl Member {
    pub(super) fn new(unit: Arc<Unit>, sync: Sync, hands: Arc<Hands>, local: Local) -> Self {
        let road = Road { shelf: hands.shelf.clone(), group: unit.id().clone() };
        Self {
            unit,
            sync: Arc::new(sync),
            hands,
            road,
            local: Some(local),
            agreed: None,
            held: None,
            trouble: None,
            lags: 0,
            laters: 0,
            retry: Retry { pause: RETRY_MIN, last: None },
            hook: Hook::default(),
        }
    }

    /// One look, and what follows from it; what this member has then, if that is known. `lead` is the epoch that it
    /// leads in.
    pub(super) async fn turn(&mut self, book: Option<Book>, lead: Option<u64>) -> Option<Report> {
        let held = self.held.take();
        let kept = self.keep_the_same(book, lead).await;
        if let Some(why) = self.held.as_ref().filter(|_| self.held != held) {
            self.tell("sync-held", true, format!("the files of {}: {why}", self.unit.id()));
        }
        let (changed, trouble) = match kept {
            Ok(changed) => (changed, self.hook.trouble.clone()),
            Err(Unsent::Wrong(why)) => (Differences::new(), Some(why)),
            Err(Unsent::Late) => return None,
            Err(Unsent::Later(why)) => {
                self.laters += 1;
                if self.laters <= LATERS_MAX {
                    tracing::debug!("the files of {}: {why}", self.unit.id());
                    return None;
                }
                (Differences::new(), Some(why))
            }
        };
        if trouble.is_none() {
            self.laters = 0;
        }
        self.note_trouble(trouble);
        let (held, trouble, note) = (self.held.clone(), self.trouble.clone(), self.note());
        let report = self.on_disk(|local, sync| local.report(sync, changed)).await;
        Some(Report { held, trouble, note, ..report })
    }

    fn note(&self) -> Option<String> {
        let needed = !root() && !self.sync.paths.is_empty();
        needed.then(|| String::from("files belong to the agent's own user: only root can give them to others"))
    }

    fn note_trouble(&mut self, trouble: Option<String>) {
        if let Some(why) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            let text = format!("the files of {} on {}: {why}", self.unit.id(), self.unit.node());
            self.tell("sync-trouble", true, text);
        }
        self.trouble = trouble;
    }

    /// What is not as in the version in place, and stays so.
    async fn keep_the_same(&mut self, book: Option<Book>, lead: Option<u64>) -> Result<Differences, Unsent> {
        if self.sync.paths.is_empty() {
            return Ok(Differences::new());
        }
        self.on_disk(Local::recover).await?;
        let book = self.opened(book, lead).await?;
        let unfollowed = match self.catch_up(book.as_ref()).await {
            // Who leads may be told to replace it.
            Err(Unsent::Wrong(why)) if lead.is_some() => Some(why),
            followed => followed.map(|()| None)?,
        };
        self.hook(lead).await?;
        let differences = self.on_disk(Local::look).await;
        if let (Some(epoch), Some(book)) = (lead, book) {
            return match unfollowed {
                Some(why) => self.replace(epoch, &book, &differences, why).await,
                None => self.lead(epoch, &book, differences).await,
            };
        }
        let sent_once = self.local().state.number > 0;
        // Before there is a version, there is nothing to differ from.
        Ok(if sent_once { differences } else { Differences::new() })
    }

    /// The book; a leader opens it first, so that nobody who led before writes any more.
    async fn opened(&self, book: Option<Book>, lead: Option<u64>) -> Result<Option<Book>, Unsent> {
        match lead {
            Some(epoch) if book.as_ref().is_none_or(|book| book.epoch < epoch) => {
                match self.road.write(|book| book.open(epoch)).await {
                    Ok(book) => Ok(Some(book)),
                    Err(Unsent::Late) => Ok(book),
                    Err(why) => Err(why),
                }
            }
            Some(_) | None => Ok(book),
        }
    }

    /// Puts the version in force in place, if it is not.
    async fn catch_up(&mut self, book: Option<&Book>) -> Result<(), Unsent> {
        match book.and_then(|book| Some((book, book.newest()?))) {
            Some((book, newest)) if self.is_due(book, newest) => self.follow(book, newest).await,
            Some(_) | None => Ok(()),
        }
    }

    fn is_due(&mut self, book: &Book, newest: &Version) -> bool {
        let state = &self.local().state;
        let (same, behind) = (state.born == book.born, newest.number < state.number);
        if same && newest.number == state.number {
            self.lags = 0;
            return false;
        }
        self.lags = if same && behind { self.lags + 1 } else { 0 };
        !(same && behind) || self.lags > LAGS_MAX
    }

    async fn follow(&mut self, book: &Book, newest: &Version) -> Result<(), Unsent> {
        if let Some((_, why)) = self.retry.last.as_ref().filter(|(tried, _)| tried.elapsed() < self.retry.pause) {
            return Err(Unsent::Wrong(why.clone()));
        }
        if let Err(why) = self.put_in_place(book, newest).await {
            let Unsent::Wrong(why) = why else { return Err(why) };
            let why = format!("version {} is not in place: {why}", newest.number);
            let pause = if self.retry.last.is_some() { (self.retry.pause * 2).min(RETRY_MAX) } else { RETRY_MIN };
            self.retry = Retry { pause, last: Some((Instant::now(), why.clone())) };
            return Err(Unsent::Wrong(why));
        }
        self.retry.last = None;
        self.hook = Hook::default();
        Ok(())
    }

    async fn put_in_place(&mut self, book: &Book, newest: &Version) -> Result<(), Unsent> {
        let pack = self.road.fetch(newest, &self.sync.paths).await?;
        let state = self.local().state.clone();
        // Of another book nothing is known: whatever is different is saved.
        let before = if state.born == book.born { state } else { State::default() };
        let after = State {
            born: book.born.clone(),
            number: newest.number,
            entries: pack.entries.clone(),
            hooked: self.sync.on_change.is_none(),
        };
        let saved = self.on_disk(move |local, sync| local.apply(sync, &before, after, &pack)).await?;
        let (group, node, number) = (self.unit.id().clone(), self.unit.node().to_owned(), newest.number);
        self.tell("sync-applied", false, format!("{node} has version {number} of the files of {group}"));
        for (path, at) in saved {
            let at = at.display();
            self.tell("sync-saved", true, format!("{path} had been changed on {node}: what it held is in {at}"));
        }
        Ok(())
    }

    async fn hook(&mut self, lead: Option<u64>) -> Result<(), Unsent> {
        let state = self.local().state.clone();
        let Some(command) = self.sync.on_change.clone().filter(|_| state.number > 0 && !state.hooked) else {
            return Ok(());
        };
        // Commands run in the guard's tree, and there is none without a session.
        if !self.hands.picture.borrow().pulse.leased() {
            return Ok(());
        }
        let role = lead.map_or(Role::Standby, |epoch| Role::Leader(Epoch(epoch)));
        let program = self.unit.on_change(&command, role, state.number);
        let ran = self.hands.tasks.run_until(program, self.sync.timeout, std::future::pending()).await;
        let ran = ran.expect("nothing ends it before its time");
        self.hook.tries += 1;
        self.hook.trouble = ran
            .as_ref()
            .err()
            .map(|why| format!("on_change failed after version {}, try {}: {why}", state.number, self.hook.tries));
        if ran.is_ok() || self.hook.tries >= HOOKS_MAX {
            self.on_disk(move |local, _| local.keep(State { hooked: true, ..state })).await?;
        }
        Ok(())
    }

    fn local(&self) -> &Local {
        self.local.as_ref().expect("a thread that had it has given it back, or this task has ended")
    }

    /// Runs on a thread of its own: a disk that hangs holds up nobody else.
    async fn on_disk<T: Send + 'static>(&mut self, work: impl FnOnce(&mut Local, &Sync) -> T + Send + 'static) -> T {
        let mut local = self.local.take().expect("it was given back");
        let sync = Arc::clone(&self.sync);
        let working = move || {
            let done = work(&mut local, &sync);
            (local, done)
        };
        let (local, done) = tokio::task::spawn_blocking(working).await.expect("what reads files does not panic");
        self.local = Some(local);
        done
    }

    /// Tells people, in the log and in the history.
    pub(super) fn tell(&self, kind: &str, loud: bool, text: String) {
        if loud {
            tracing::warn!("{text}");
        } else {
            tracing::info!("{text}");
        }
        self.hands.history.add(Event {
            id: 0,
            at: clock::wall(),
            node: self.unit.node().to_owned(),
            kind: kind.to_owned(),
            group: Some(self.unit.id().to_string()),
            epoch: None,
            text,
        });
    }
}
