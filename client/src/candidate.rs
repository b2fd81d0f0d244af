//! Election in process: a program that leads, or waits until it may, without being run by an agent.
//!
//! ```text
//!  Candidate::campaign ──asks, again and again──> Leadership ──the lease ran out, resigned, dropped, asked to stop──> over
//!        ^                                                                                                            │
//!        └────────────────────────────── campaign again: another epoch ───────────────────────────────────────────────┘
//! ```
//! The lease is the one that agents have: it counts from before the question was sent, by the boot clock, and the next
//! leader begins only when it has run out, or was given back. The agent on this machine keeps the session; nothing here
//! speaks to the store.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::access::Access;
use crate::backoff::Backoff;
use crate::client::Client;
use crate::clock;
use crate::election::{Stand, StandState, Standing};
use crate::error::Error;
use crate::tenure::Tenure;

/// Between two questions of a leader whose agent did not answer: a lease has time for many.
const RETRY: Duration = Duration::from_millis(20);

/// An answer that says more than this is not believed: no lease is longer.
const LEASE_MAX: Duration = Duration::from_secs(600);

/// For how long a resignation is tried to be said: unsaid, it only takes the next one longer.
const RESIGN_LIMIT: Duration = Duration::from_secs(2);

/// Somebody who may lead: one of those who campaign for the same name, of whom one leads at a time.
///
/// It shares its names with `hotseat lock`: an election `nightly` and `hotseat lock nightly` wait for each other, and
/// `hotseat lock --list` shows both.
///
/// ```no_run
/// # async fn example() -> Result<(), hotseat_client::Error> {
/// use hotseat_client::Candidate;
///
/// let candidate = Candidate::new("127.0.0.1:7700", "scheduler")?;
/// loop {
///     let leadership = candidate.campaign().await?;
///     println!("leading in epoch {}", leadership.epoch());
///     while leadership.is_leader() {
///         // One step, and its epoch goes along to whatever it writes to.
///         # tokio::time::sleep(std::time::Duration::from_millis(10)).await;
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Candidate {
    client: Client,
    name: Arc<str>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Candidate {
    /// For the election of this name: 1 to 48 letters, digits, `-`, `_` or `.`. `agent` is the one on this machine, as
    /// `http://HOST:PORT` or `HOST:PORT`; agents stand for programs of their own machine only.
    ///
    /// # Errors
    /// [`Error::BadUrl`].
    pub fn new(agent: &str, name: &str) -> Result<Self, Error> {
        Self::with(agent, name, Access::default())
    }

    /// The same, with a token to show: to be elected is an operator's right where the cluster has tokens. Whoever's token
    /// is revoked leads until the lease ends.
    ///
    /// # Errors
    /// As for [`Client::with`].
    pub fn with(agent: &str, name: &str, access: Access) -> Result<Self, Error> {
        Ok(Self { client: Client::with(agent, access)?, name: name.into(), trouble: Arc::default() })
    }

    /// Waits until this program leads, for as long as that takes: use a time-out to wait less. Cancel-safe: whoever drops
    /// it is no candidate any more. An agent that is away is waited for, see [`Candidate::trouble`].
    ///
    /// # Errors
    /// [`Error::Refused`] says why this never will be: the name is none, the agent is not of this machine, or wants to see
    /// another token.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn campaign(&self) -> Result<Leadership, Error> {
        let mut backoff = Backoff::new();
        let mut stood = Stood::new(self);
        loop {
            let sent = clock::now();
            match self.client.stand(&self.name, &stood.question(None)).await {
                Ok(standing) => {
                    self.note(None);
                    let until = until(sent, &standing);
                    if standing.state == StandState::Leading && clock::now() < until {
                        return Ok(Leadership::begin(stood, standing.epoch, until));
                    }
                    if standing.state == StandState::Over {
                        stood = Stood::new(self);
                    }
                    if standing.state == StandState::Waiting && standing.held_ns > 0 {
                        backoff = Backoff::new();
                    }
                }
                Err(refused @ Error::Refused(_)) => return Err(refused),
                Err(error) => self.note(Some(error.to_string())),
            }
            // An agent that holds the question has made us wait already.
            if clock::now() - sent < RETRY {
                sleep(backoff.pause()).await;
            }
        }
    }

    /// Why a campaign gets nowhere, in words; none while the agent answers.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// By our clock: what was left when it was answered, after what it was held, counted from before it was sent.
fn until(sent: Duration, standing: &Standing) -> Duration {
    let [held, left] = [standing.held_ns, standing.lease_left_ns].map(|ns| Duration::from_nanos(ns).min(LEASE_MAX));
    sent + held + left
}

/// One candidacy. Dropped, it is withdrawn in the background.
#[derive(Debug)]
struct Stood {
    client: Client,
    name: Arc<str>,
    id: String,
    withdrawn: bool,
}

impl Stood {
    fn new(candidate: &Candidate) -> Self {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("the kernel has random bits once it has booted");
        let id = bits.iter().fold(String::new(), |mut id, byte| {
            write!(id, "{byte:02x}").expect("a string takes all");
            id
        });
        Self { client: candidate.client.clone(), name: Arc::clone(&candidate.name), id, withdrawn: false }
    }

    fn question(&self, seen: Option<u64>) -> Stand {
        Stand { candidate: self.id.clone(), pid: Some(std::process::id()), seen, resign: false }
    }

    /// Says that it does nothing as leader any more. Unsaid, the agent waits until all that it promised has run out.
    fn withdraw(&mut self) -> impl Future<Output = ()> + Send + 'static {
        self.withdrawn = true;
        let (client, name) = (self.client.clone(), Arc::clone(&self.name));
        let question = Stand { resign: true, ..self.question(None) };
        async move {
            let said = async {
                while client.stand(&name, &question).await.is_err() {
                    sleep(RETRY).await;
                }
            };
            drop(timeout(RESIGN_LIMIT, said).await);
        }
    }
}

impl Drop for Stood {
    fn drop(&mut self) {
        if self.withdrawn {
            return;
        }
        // Without a runtime nobody is left to say it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(self.withdraw()));
        }
    }
}

/// This program leads, until it is over. Dropped, it resigns in the background.
///
/// It is renewed by a task on the runtime that campaigned: a program that hangs leads no longer than its lease. It is one
/// process's: a fork that goes on acting is not known to anybody.
#[derive(Debug)]
pub struct Leadership {
    epoch: u64,
    tenure: Arc<Tenure>,
    /// Says that it is enough.
    enough: Arc<Notify>,
    /// Becomes true when others may lead, or the agent could not be told.
    known: watch::Receiver<bool>,
}

impl Leadership {
    fn begin(stood: Stood, epoch: u64, until: Duration) -> Self {
        let (tenure, enough) = (Arc::new(Tenure::new(until)), Arc::new(Notify::new()));
        let (tell, known) = watch::channel(false);
        tokio::spawn(keep(stood, epoch, Arc::clone(&tenure), Arc::clone(&enough), tell));
        Self { epoch, tenure, enough, known }
    }

    /// The number of this leadership: larger than that of any before. Send it along to whatever is written to, and refuse
    /// smaller ones there: what was sent in time may still arrive late.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether this program leads now. Asks the clock, so it is right after a freeze or a suspend too. Once it was `false`
    /// it stays so.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.tenure.goes_on()
    }

    /// How much longer it leads at the least, unless it is renewed, which happens several times in that time.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.tenure.left()
    }

    /// Waits until this program leads no more. After a suspend it may be late; [`Leadership::is_leader`] is not.
    /// Cancel-safe.
    pub async fn lost(&self) {
        self.tenure.ended().await;
    }

    /// Leads no more, and waits until others may lead, which is soon; gives up waiting after 2 s. Stop acting first.
    pub async fn resign(mut self) {
        self.stop();
        // Without its task, the runtime is shutting down: the lease runs out.
        drop(self.known.wait_for(|known| *known).await);
    }

    fn stop(&self) {
        self.tenure.end();
        self.enough.notify_one();
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Renews a leadership until it is over, and says so then. Ends with the leadership.
async fn keep(mut stood: Stood, epoch: u64, tenure: Arc<Tenure>, enough: Arc<Notify>, tell: watch::Sender<bool>) {
    while tenure.goes_on() {
        let sent = clock::now();
        let question = stood.question(Some(epoch));
        let asked = timeout(tenure.left(), stood.client.stand(&stood.name, &question));
        let answer = tokio::select! {
            () = enough.notified() => break,
            answer = asked => answer,
        };
        match answer {
            Ok(Ok(standing)) if standing.state == StandState::Leading && standing.epoch == epoch => {
                tenure.extend(until(sent, &standing));
            }
            // Others are told that we lead no more, or the lease ran out while we waited.
            Ok(Ok(_)) | Err(_) => break,
            Ok(Err(_)) => sleep(RETRY.min(tenure.left())).await,
        }
    }
    tenure.end();
    stood.withdraw().await;
    tell.send_replace(true);
}
