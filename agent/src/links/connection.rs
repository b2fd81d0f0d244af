//! One connection, once both sides know each other: requests, answers and messages, in any order.
//!
//! One task reads and writes, and lives until the other side ends, [`Connection::close`], the end of a certificate, or the
//! removal of the peer. It never waits for the handler: requests run in tasks of their own, as many as the budget allows;
//! when that is used up, the connection is not read until some have ended.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadHalf};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::error::{LinkError, text};
use super::frame::{Frame, Head, Kind, read_body, read_head};
use super::lane::BUDGET;
use super::meet::Met;
use super::outbox::{Outbox, Share};
use super::{Handler, Reply};
use crate::identity::{Identity, NodeSeat};

/// Wall clocks are set back and forth: the end of a certificate is looked at this often.
const CLOCK_LOOK: Duration = Duration::from_secs(3_600);

/// What carries a connection: TCP, with TLS or without.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Who asks whom on a connection.
#[derive(Clone)]
pub(super) enum Role {
    /// We went there: we ask.
    Asks(Arc<dyn Handler>),
    /// It came to us: we answer, and may certify.
    Answers(Arc<dyn Handler>, watch::Receiver<Arc<Identity>>),
}

type Answer = Result<Vec<u8>, LinkError>;

#[derive(Debug, Default)]
struct Pending {
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    next: u64,
    /// No further calls: another connection has taken over, or this one has ended.
    retired: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) met: Met,
    outbox: Outbox,
    budget: Arc<Semaphore>,
    pending: Mutex<Pending>,
    closing: CancellationToken,
    born: Instant,
    /// Milliseconds since `born` of the first call that nothing was heard after; 0: none.
    unheard: AtomicU64,
    silence: Duration,
}

/// A call that was not sent: its request, for another connection.
pub(super) struct NotSent(pub(super) Vec<u8>);

impl Connection {
    pub(super) fn new(met: Met, closing: CancellationToken, silence: Duration) -> Arc<Self> {
        Arc::new(Self {
            met,
            outbox: Outbox::default(),
            budget: Arc::new(Semaphore::new(BUDGET)),
            pending: Mutex::default(),
            closing,
            born: Instant::now(),
            unheard: AtomicU64::new(0),
            silence,
        })
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn call(
        &self,
        kind: Kind,
        request: Vec<u8>,
        deadline: Instant,
        allowed: Duration,
    ) -> Result<Answer, NotSent> {
        let cost = self.met.lane.cost(request.len());
        let share = tokio::select! {
            share = Arc::clone(&self.budget).acquire_many_owned(cost) => share.expect("the budget is never closed"),
            () = self.closing.cancelled() => return Err(NotSent(request)),
            () = tokio::time::sleep_until(deadline) => return Ok(Err(LinkError::Unreachable(
                format!("too many requests to node \"{}\" are under way", self.met.peer.name)
            ))),
        };
        let Some((id, answer)) = self.enlist() else { return Err(NotSent(request)) };
        // Taken off the list however this ends; the caller may stop waiting at any time.
        let _listed = Listed { connection: self, id };
        // Held until there is an answer, and until it is written even if nobody waits any more.
        let share = Arc::new(share);
        self.outbox.push(Frame { kind, id, body: request }, Arc::clone(&share));
        self.asked();
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Ok(Err(LinkError::Lost)),
            Err(_) => {
                self.unanswered();
                Ok(Err(LinkError::Timeout(allowed)))
            }
        }
    }

    fn enlist(&self) -> Option<(u64, oneshot::Receiver<Answer>)> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.retired {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        pending.next += 1;
        let id = pending.next;
        pending.waiting.insert(id, sender);
        Some((id, receiver))
    }

    fn asked(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        // Not the first: then that one counts.
        let _ = self.unheard.compare_exchange(0, now, Relaxed, Relaxed);
    }

    /// A call has had no answer in time. If nothing at all was heard for long, the connection is half dead.
    fn unanswered(&self) {
        let since = self.unheard.load(Relaxed);
        if since > 0 && self.born.elapsed() >= Duration::from_millis(since) + self.silence {
            tracing::info!("node \"{}\" does not answer: connecting to it anew", self.met.peer.name);
            self.close();
        }
    }

    pub(super) fn message(&self, body: Vec<u8>) {
        self.outbox.push_message(body);
    }

    /// Whether new calls go elsewhere.
    pub(super) fn is_over(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Ends it now; what waits for an answer is told so.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    pub(super) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Ends it once the last answer is here.
    pub(super) fn retire(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retired = true;
        if pending.waiting.is_empty() {
            self.close();
        }
    }

    /// Reads and writes until the end.
    pub(super) async fn run(
        self: Arc<Self>,
        wire: BufReader<ReadHalf<Box<dyn Wire>>>,
        mut writer: impl AsyncWrite + Unpin,
        role: Role,
        removed: watch::Receiver<Arc<BTreeSet<u64>>>,
    ) {
        let ended = tokio::select! {
            ended = self.read(wire, &role) => ended.map_or_else(|why| text(&why), |()| "the other side has ended it".into()),
            ended = self.outbox.write(&mut writer) => ended.map_or_else(|why| text(&why), |()| "it has ended".into()),
            () = self.closing.cancelled() => "it is not needed any more".into(),
            () = expired(self.met.ends) => "a certificate has expired".into(),
            () = is_removed(removed, self.met.peer.id) => "the node was removed from the cluster".into(),
        };
        let why: String = ended;
        tracing::debug!("the {:?} connection with node \"{}\" is over: {why}", self.met.lane, self.met.peer.name);
        self.bury();
    }

    fn bury(&self) {
        self.closing.cancel();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retired = true;
        pending.waiting.clear();
    }

    async fn read(self: &Arc<Self>, mut reader: BufReader<ReadHalf<Box<dyn Wire>>>, role: &Role) -> io::Result<()> {
        while let Some(head) = read_head(&mut reader, self.met.lane.frame_max()).await? {
            self.unheard.store(0, Relaxed);
            match (head.kind, role) {
                (Kind::Request | Kind::Renew, Role::Answers(..)) => {
                    let cost = self.met.lane.cost(head.length);
                    let share = Arc::clone(&self.budget).acquire_many_owned(cost).await;
                    let share = Arc::new(share.expect("the budget is never closed"));
                    let body = read_body(&mut reader, head).await?;
                    self.answer(head, body, share, role);
                }
                (Kind::Answer, Role::Asks(_)) => self.answered(head.id, Ok(read_body(&mut reader, head).await?)),
                (Kind::Failure, Role::Asks(_)) => {
                    let why = String::from_utf8_lossy(&read_body(&mut reader, head).await?).into_owned();
                    self.answered(head.id, Err(LinkError::Failed(why)));
                }
                (Kind::Message, Role::Asks(handler) | Role::Answers(handler, _)) => {
                    let body = read_body(&mut reader, head).await?;
                    handler.message(&self.met.peer, body, &Reply(Arc::clone(self)));
                }
                _ => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{:?} is out of place", head.kind)));
                }
            }
        }
        Ok(())
    }

    /// Too late is not an error: the caller has stopped waiting.
    fn answered(&self, id: u64, answer: Answer) {
        let waiting = self.pending.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&id);
        drop(waiting.map(|waiting| waiting.send(answer)));
    }

    fn answer(self: &Arc<Self>, head: Head, body: Vec<u8>, share: Share, role: &Role) {
        let (connection, role) = (Arc::clone(self), role.clone());
        tokio::spawn(async move {
            let answer = connection.work(head.kind, body, role).await;
            let (kind, body) = match answer {
                Ok(body) if body.len() > connection.met.lane.frame_max() => {
                    (Kind::Failure, format!("its answer has {} bytes, which is too long", body.len()).into_bytes())
                }
                Ok(body) => (Kind::Answer, body),
                Err(why) => (Kind::Failure, why.into_bytes()),
            };
            connection.outbox.push(Frame { kind, id: head.id, body }, share);
        });
    }

    async fn work(&self, kind: Kind, body: Vec<u8>, role: Role) -> Result<Vec<u8>, String> {
        match role {
            Role::Answers(handler, _) if kind == Kind::Request => {
                Ok(handler.request(&self.met.peer, self.met.lane, body).await)
            }
            Role::Answers(_, identity) => {
                let identity = Arc::clone(&identity.borrow());
                let request = String::from_utf8(body).map_err(|_| "this is not a request for a certificate")?;
                let authority = identity.authority().ok_or("this node cannot renew certificates: ask another")?;
                let node = NodeSeat { name: &self.met.peer.name, id: self.met.peer.id, hosts: &self.met.hosts };
                let signed = authority.sign(&node, &request, SystemTime::now());
                signed.map(String::into_bytes).map_err(|why| why.to_string())
            }
            Role::Asks(_) => Err("this side of a connection answers nothing".to_owned()),
        }
    }
}

/// A call that is waited for. Takes it off the list; the last one of a retired connection ends that.
struct Listed<'a> {
    connection: &'a Connection,
    id: u64,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut pending = self.connection.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.waiting.remove(&self.id);
        if pending.retired && pending.waiting.is_empty() {
            self.connection.close();
        }
    }
}

/// Waits for a moment of the wall clock; for ever, if there is none.
pub(super) async fn expired(ends: Option<SystemTime>) {
    let Some(ends) = ends else { return std::future::pending().await };
    while let Ok(left) = ends.duration_since(SystemTime::now()) {
        sleep(left.min(CLOCK_LOOK)).await;
    }
}

async fn is_removed(mut removed: watch::Receiver<Arc<BTreeSet<u64>>>, id: u64) {
    if removed.wait_for(|removed| removed.contains(&id)).await.is_err() {
        // Nobody can be removed any more.
        std::future::pending::<()>().await;
    }
}
