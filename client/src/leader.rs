//! Who leads a group, followed from outside by a program that knows some members' addresses.
//!
//! ```text
//!   seeds ──> Watch (one task): asks a member, hangs on its events, takes the next one when that is no good
//!                │ Leading { node, epoch, service, agent }
//!                └──watch──> Leader, Leader, … (handles; the task ends with the last)
//! ```
//! It decides nothing: a leader that is just being deposed may be told for a moment more, so what must not be done
//! twice carries the epoch to where it is done.

mod watch;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch::{Receiver, Sender, channel};

use crate::client::Client;
use crate::error::Error;
use crate::members::Members;
use watch::Watch;

/// Agents that are asked to act, one after the other, until the leader's is found: it may change meanwhile.
const HOPS_MAX: usize = 4;

/// A leader whose service is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leading {
    /// Its node.
    pub node: String,
    /// The number of its leadership: grows with every change, never goes back. The fencing token.
    pub epoch: u64,
    /// Where its service answers, `host:port`; none for a service without a port.
    pub service: Option<String>,
    /// Its agent, as a URL for [`Client::new`].
    pub agent: String,
}

/// What is shown to the handles.
#[derive(Clone, Debug, Default)]
struct Shown {
    leading: Option<Leading>,
    /// Why nothing newer is known.
    trouble: Option<String>,
    members: Vec<String>,
}

/// Follows the leader of one group. Cheap to clone; the task behind it ends when the last clone is dropped.
///
/// ```no_run
/// # async fn example() -> Result<(), hotseat_client::Error> {
/// use hotseat_client::Leader;
///
/// let mut leader = Leader::follow(["10.0.0.101:7700", "10.0.0.102:7700"], "web")?;
/// let leading = leader.led().await;
/// println!("{} leads in epoch {} at {:?}", leading.node, leading.epoch, leading.service);
/// while leader.changed().await {
///     println!("now: {:?}", leader.current());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Leader {
    group: Arc<str>,
    shown: Receiver<Shown>,
}

impl Leader {
    /// Finds and follows the leader of `group` from any of these members, as `http://HOST:PORT` or `HOST:PORT`. One
    /// that answers is enough: the others are learnt from it, and learnt anew with every answer.
    ///
    /// It returns at once, whether or not anybody answers yet. It never gives up: members that do not answer are tried
    /// in turn, with pauses of up to a second.
    ///
    /// # Errors
    /// [`Error::BadUrl`] for a seed that is no address, or no seed at all.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn follow<S: AsRef<str>>(seeds: impl IntoIterator<Item = S>, group: &str) -> Result<Self, Error> {
        let members = Members::new(seeds)?;
        let (tell, shown): (Sender<Shown>, _) = channel(Shown { members: members.urls(), ..Shown::default() });
        tokio::spawn(Watch::new(members, group, tell).run());
        Ok(Self { group: group.into(), shown })
    }

    /// Who leads, as far as is known; none while nobody does. What was known last stays while no member can be asked.
    #[must_use]
    pub fn current(&self) -> Option<Leading> {
        self.shown.borrow().leading.clone()
    }

    /// Waits until a leader's service is ready, for as long as that takes: use a time-out to wait less. Cancel-safe.
    pub async fn led(&mut self) -> Leading {
        self.led_where(|_| true).await
    }

    /// Waits for a change of what [`Leader::current`] tells since it was last waited for. Cancel-safe. `false` when the
    /// runtime is shutting down: there will be none any more.
    pub async fn changed(&mut self) -> bool {
        let before = self.shown.borrow_and_update().leading.clone();
        self.shown.wait_for(|shown| shown.leading != before).await.is_ok()
    }

    /// Why nothing newer is known, in words; none while a member answers.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shown.borrow().trouble.clone()
    }

    /// The agents that are known: the seeds and what was learnt.
    #[must_use]
    pub fn members(&self) -> Vec<String> {
        self.shown.borrow().members.clone()
    }

    /// Starts a planned change of leader, at whichever agent leads. It is under way when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] says why. After [`Error::Unanswered`] it may be under way; after others it is not.
    pub async fn switchover(&self, to: Option<&str>) -> Result<(), Error> {
        let known = self.current().map(|leading| leading.agent);
        let mut hops: VecDeque<_> = known.into_iter().chain(self.members()).collect();
        let mut last = Error::BadUrl(String::new());
        for _ in 0..HOPS_MAX {
            let Some(url) = hops.pop_front() else { break };
            last = match Client::new(&url)?.switchover(&self.group, to).await {
                Err(Error::Refused(refusal)) if refusal.leader.as_ref().is_some_and(|leader| *leader != url) => {
                    hops.extend(refusal.leader.clone());
                    hops.rotate_right(1);
                    Error::Refused(refusal)
                }
                // Nobody heard it, so it may be said to another.
                Err(Error::Unreachable(url, why)) => Error::Unreachable(url, why),
                other => return other,
            }
        }
        Err(last)
    }

    /// Waits for a leader of which this is true.
    pub(crate) async fn led_where(&mut self, fits: impl Fn(&Leading) -> bool) -> Leading {
        let fits = |shown: &Shown| shown.leading.as_ref().is_some_and(&fits);
        let found = self.shown.wait_for(fits).await.ok().and_then(|shown| shown.leading.clone());
        match found {
            Some(leading) => leading,
            // The runtime is shutting down, and we with it.
            None => std::future::pending().await,
        }
    }
}
