//! The candidates of this machine, each with a stand of its own, by the names they gave themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use hotseat_client::{Stand as Ask, StandState, Standing};
use hotseat_core::{Input, Node};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::stand::{Call, Parts, Stand};
use crate::clock;
use crate::config::Config;
use crate::driver::{INBOX, Message};
use crate::lock::{self, Bench, Entry, Heard, Listing, LockName, Queue, Terms, Word};
use crate::records::Records;
use crate::tasks::Tasks;

/// Candidates of one machine at once: each renews a record of its own.
const CANDIDATES_MAX: usize = 64;

/// Questions that may wait for one stand: its candidate asks one at a time.
const CALLS_MAX: usize = 8;

/// An election's name, and the candidate's own.
type Id = (String, u128);

type Stands = BTreeMap<Id, mpsc::Sender<Call>>;

/// See the module. Cheap to clone; stands end by themselves when their candidates do.
#[derive(Clone)]
pub struct Elections(Arc<Office>);

struct Office {
    config: Arc<Config>,
    listing: Arc<Listing>,
    voice: mpsc::Sender<Message>,
    stands: watch::Sender<Stands>,
    closing: watch::Sender<bool>,
}

impl Elections {
    /// Over the store behind this listing; `voice` is the agent's loop, which speaks to the voters.
    #[must_use]
    pub fn new(config: Arc<Config>, listing: Arc<Listing>, voice: mpsc::Sender<Message>) -> Self {
        let (stands, closing) = (watch::Sender::default(), watch::Sender::default());
        Self(Arc::new(Office { config, listing, voice, stands, closing }))
    }

    /// Where a candidate stands, once there is news; begins to stand for it if it is new. It ends within
    /// [`HOLD_MAX`](hotseat_client::HOLD_MAX) and what the store takes.
    ///
    /// # Errors
    /// Why it cannot be told now, in words.
    pub async fn ask(&self, name: LockName, candidate: u128, ask: Ask) -> Result<Standing, String> {
        let id = (name.to_string(), candidate);
        // Of whom nothing is known does not lead, and has nothing to resign.
        let new = ask.seen.is_none() && !ask.resign;
        let (reply, answer) = oneshot::channel();
        let pid = ask.pid.unwrap_or_default();
        let call = Call { ask, came: clock::now(), reply };
        let calls = match self.find(&id) {
            Some(calls) => calls,
            None if new => self.begin(name, id, pid)?,
            None => return Ok(Standing { state: StandState::Over, epoch: 0, lease_left_ns: 0, held_ns: 0 }),
        };
        calls.try_send(call).map_err(|_| String::from("this candidate is not listened to at the moment"))?;
        answer
            .await
            .unwrap_or_else(|_| Err(String::from("this candidate asked again meanwhile, or its stand has ended")))
    }

    /// Ends every stand in order: candidates that lead are told to stop. It ends once they have, or their time is over.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        let mut stands = self.0.stands.subscribe();
        let limit = self.0.config.cluster.timing.ttl() * 2;
        drop(tokio::time::timeout(limit, stands.wait_for(BTreeMap::is_empty)).await);
    }

    fn find(&self, id: &Id) -> Option<mpsc::Sender<Call>> {
        self.0.stands.borrow().get(id).cloned()
    }

    fn begin(&self, name: LockName, id: Id, pid: u32) -> Result<mpsc::Sender<Call>, String> {
        if *self.0.closing.borrow() {
            return Err(String::from("the agent is stopping"));
        }
        let (sender, mut calls) = mpsc::channel(CALLS_MAX);
        let mut found = Err(format!("{CANDIDATES_MAX} candidates of this machine stand already: wait for one to end"));
        self.0.stands.send_modify(|stands| {
            if stands.len() < CANDIDATES_MAX {
                // Two questions of a new candidate at once: the first has begun it.
                found = Ok(stands.entry(id.clone()).or_insert_with(|| sender.clone()).clone());
            }
        });
        let begun = found?;
        if begun.same_channel(&sender) {
            let office = Arc::clone(&self.0);
            tokio::spawn(async move {
                if let Err(why) = office.stand(name, pid, &mut calls).await {
                    tracing::warn!("nobody stands for a candidate for {}: {why}", id.0);
                    while let Ok(call) = calls.try_recv() {
                        drop(call.reply.send(Err(why.clone())));
                    }
                }
                office.stands.send_modify(|stands| drop(stands.remove(&id)));
            });
        }
        Ok(begun)
    }
}

impl Office {
    /// Stands for a candidate to its end.
    async fn stand(&self, name: LockName, pid: u32, calls: &mut mpsc::Receiver<Call>) -> Result<(), String> {
        let terms = Terms::of_agent(&self.config);
        let records = Records::new(Arc::new(lock::Shared::new(&self.listing)), &terms.node);
        let look = records.look(clock::now()).await?;
        let queue = Queue::of(&look, &name, 1);
        let Entry { place, name: session, queue } = Entry::take(&terms, &records, &look, &name, queue).await?;
        let bench = Bench::new(name, 1, &queue, lock::signature(&terms.node, pid));
        let (sender, inbox) = mpsc::channel(INBOX);
        if terms.voters {
            self.listen(sender.clone()).await;
        }
        let parts = Parts {
            node: Node::new(lock::node_config(&terms, &session, &bench)),
            group: bench.group(),
            timing: terms.timing,
            tasks: Tasks::new(sender, records),
            inbox,
            calls: std::mem::replace(calls, mpsc::channel(1).1),
            changes: self.listing.changes(),
            closing: self.closing.subscribe(),
            voice: self.voice.clone(),
        };
        let ended = Stand::new(parts).run().await;
        drop(place);
        ended.map_err(|error| error.to_string())
    }

    /// Has the stand hear what voters say. Ends with the stand.
    async fn listen(&self, inbox: mpsc::Sender<Message>) {
        let (ear, heard) = mpsc::channel::<Heard>(lock::WAITING_MAX);
        drop(self.voice.send(Message::Lock(Word::Listen(ear))).await);
        tokio::spawn(async move {
            let mut heard = ReceiverStream::new(heard).map(Input::from);
            while let Some(input) = heard.next().await {
                if inbox.send(Message::Input(input)).await.is_err() {
                    return;
                }
            }
        });
    }
}
