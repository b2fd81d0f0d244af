//! One `hotseat lock`, from its options to its end.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use hotseat_client::Client;
use hotseat_core::Input;
use hotseat_stores::Bounded;
use tokio::sync::mpsc;

use super::ballot::Heard;
use super::entry::Entry;
use super::holder::Holder;
use super::name::LockName;
use super::queue::Queue;
use super::relay::Relay;
use super::signals;
use super::terms::Terms;
use super::verdict::{Ended, held};
use crate::clock;
use crate::driver::{INBOX, Message};
use crate::records::Records;

/// After the stream of changes broke: looks go on meanwhile, at their own pace.
const BREATH: Duration = Duration::from_millis(250);

/// How long to wait for a lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    Try,
    /// So long.
    For(Duration),
    /// For ever.
    Forever,
}

/// What is to be run under which lock.
#[derive(Debug)]
pub struct Options {
    /// The agent on this machine.
    pub client: Client,
    /// The lock.
    pub lock: LockName,
    /// How many may hold it at a time.
    pub seats: u32,
    /// How long to wait.
    pub patience: Patience,
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// The program that is started as `PROGRAM guard --fd N`.
    pub exe: PathBuf,
    /// Whether to say on standard error that it waits.
    pub tell: bool,
}

/// Why nothing was run.
#[derive(Debug)]
pub enum Failure {
    /// The agent does not answer, or refuses.
    Agent(hotseat_client::Error),
    /// The store behind the agent does not; says why.
    Unanswered(String),
    /// Something else; says what to do.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(error) => error.fmt(f),
            Self::Unanswered(why) => write!(f, "the store does not answer: {why}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// Runs the command once the lock is held.
///
/// # Errors
/// [`Failure`], when it never came to that.
pub async fn run(options: Options) -> Result<Ended, Failure> {
    let client = options.client.clone();
    match hold(options).await {
        Err(Failure::Unanswered(why)) => Err(Failure::Unanswered(trouble(&client).await.unwrap_or(why))),
        ended => ended,
    }
}

/// What the agent knows of its store's silence; that says more than one call that was not answered.
async fn trouble(client: &Client) -> Option<String> {
    let store = client.cluster().await.ok()?.store;
    store.trouble.filter(|_| !store.healthy)
}

async fn hold(options: Options) -> Result<Ended, Failure> {
    // First of all: from now on a signal ends this in order.
    let signals = signals::catch()?;
    let told = options.client.lock_terms().await.map_err(Failure::Agent)?;
    let terms = Terms::check(told).map_err(Failure::Other)?;
    let limit = terms.timing.store_timeout();
    let relay = Bounded::new(Relay::new(options.client.clone(), limit), limit);
    let records = Records::new(Arc::new(relay), &terms.node);
    let look = records.look(clock::now()).await.map_err(Failure::Unanswered)?;
    let queue = Queue::of(&look, &options.lock, options.seats);
    if queue.held && options.patience == Patience::Try {
        return Ok(Ended::Held(held(&look, &records, &options.lock.seat(queue.seat))));
    }
    let Entry { place, name, queue } =
        Entry::take(&terms, &records, &look, &options.lock, queue).await.map_err(Failure::Other)?;
    let (sender, inbox) = mpsc::channel(INBOX);
    tokio::spawn(relay_changes(options.client.clone(), sender.clone()));
    if terms.voters {
        tokio::spawn(relay_votes(options.client.clone(), sender.clone()));
    }
    let ended = Holder::new(options, terms, name, queue, records, (sender, inbox), signals).run().await;
    drop(place);
    ended
}

/// Has the loop look when a lock may have changed hands. Ends with the loop.
async fn relay_changes(client: Client, inbox: mpsc::Sender<Message>) {
    while !inbox.is_closed() {
        if let Ok(changes) = client.lock_changes().await {
            pass_on(changes.map(|()| Input::Hint), &inbox).await;
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// Has the loop hear what voters say. Ends with the loop.
async fn relay_votes(client: Client, inbox: mpsc::Sender<Message>) {
    while !inbox.is_closed() {
        if let Ok(votes) = client.lock_votes().await {
            let heard = |line: String| std::future::ready(serde_json::from_str::<Heard>(&line).ok().map(Input::from));
            pass_on(votes.filter_map(heard), &inbox).await;
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn pass_on(inputs: impl Stream<Item = Input>, inbox: &mpsc::Sender<Message>) {
    let mut inputs = std::pin::pin!(inputs);
    while let Some(input) = inputs.next().await {
        if inbox.send(Message::Input(input)).await.is_err() {
            return;
        }
    }
}
