//! Asks a group's service again and again while a drill lasts, as a client on this node would: through the node's own
//! proxy where that carries the question, else at the leader's service, else by what the picture says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hotseat_client::DrillSeen;
use hotseat_core::GroupId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::check;
use crate::config::{Check, Config, Proxy};
use crate::snapshot::{Facts, Snapshot};

/// Between two questions: it bounds how exact the measure is.
const PACE: Duration = Duration::from_millis(10);

/// A question to the service itself is given up after this: who is dead answers at once, or not at all.
const PATIENCE: Duration = Duration::from_millis(250);

/// Whom it asks.
#[derive(Clone, Debug)]
enum Way {
    /// This node's proxy, which lets a request wait while nobody leads.
    Proxy(Check, SocketAddr, Duration),
    /// The service of whoever leads.
    Service(Check),
    /// Nobody: the picture has to do.
    Picture,
}

/// Asks until it is ended or dropped.
pub(super) struct Probe {
    asked: String,
    tally: Arc<Mutex<Tally>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Tally {
    questions: u64,
    failed: u64,
    good: Option<Instant>,
    worst: Duration,
}

impl Tally {
    fn note(&mut self, ok: bool, now: Instant) {
        self.questions += 1;
        if !ok {
            self.failed += 1;
            return;
        }
        if let Some(last) = self.good {
            // As much as lies between two questions anyway is no outage.
            self.worst = self.worst.max((now - last).saturating_sub(PACE));
        }
        self.good = Some(now);
    }
}

impl Probe {
    /// Begins to ask.
    pub(super) fn begin(group: &GroupId, facts: &Facts, shown: watch::Receiver<Arc<Snapshot>>) -> Self {
        let way = way(group, facts);
        let asked = match &way {
            Way::Proxy(check, at, _) => format!("{} through the proxy at {at}", words(check)),
            Way::Service(check) => format!("{} of the leader's service", words(check)),
            Way::Picture => String::from("what the members say: no port to ask"),
        };
        let tally = Arc::<Mutex<Tally>>::default();
        let task = tokio::spawn(ask(way, group.clone(), shown, Arc::clone(&tally)));
        Self { asked, tally, task }
    }

    /// How it asks, in words.
    pub(super) fn asked(&self) -> &str {
        &self.asked
    }

    /// When the newest good answer came.
    pub(super) fn good(&self) -> Option<Instant> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).good
    }

    /// What was seen; `since` a good answer must have come for there to be an end to the outage.
    pub(super) fn end(self, since: Option<Instant>) -> DrillSeen {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = since.is_some_and(|since| tally.good.is_some_and(|good| good >= since));
        let worst = u64::try_from(tally.worst.as_millis()).unwrap_or(u64::MAX);
        DrillSeen { outage_ms: ended.then_some(worst), questions: tally.questions, failed: tally.failed }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks for ever.
async fn ask(way: Way, group: GroupId, shown: watch::Receiver<Arc<Snapshot>>, tally: Arc<Mutex<Tally>>) {
    loop {
        let ok = once(&way, &group, &shown).await;
        tally.lock().unwrap_or_else(PoisonError::into_inner).note(ok, Instant::now());
        tokio::time::sleep(PACE).await;
    }
}

async fn once(way: &Way, group: &GroupId, shown: &watch::Receiver<Arc<Snapshot>>) -> bool {
    let leading = || {
        let snapshot = shown.borrow();
        let group = snapshot.group(group)?;
        group.serving.then(|| group.service.clone())
    };
    match way {
        Way::Proxy(check, at, patience) => check::run(check, *at, *patience).await.ok,
        Way::Picture => leading().is_some(),
        Way::Service(check) => match leading().flatten().and_then(|at| at.parse().ok()) {
            Some(at) => check::run(check, at, PATIENCE).await.ok,
            None => false,
        },
    }
}

/// The proxy tells most, as clients use it; but only HTTP is answered by nobody but the service behind it.
fn way(group: &GroupId, facts: &Facts) -> Way {
    let config: &Config = &facts.config;
    let Some((configured, bound)) = config.groups.iter().zip(facts.proxies.iter()).find(|(it, _)| it.id == *group)
    else {
        return Way::Picture;
    };
    let check = match &configured.service.ready {
        check @ (Check::Http { .. } | Check::Tcp) => check.clone(),
        Check::Command(_) | Check::Alive if configured.service.port.is_some() => Check::Tcp,
        Check::Command(_) | Check::Alive => return Way::Picture,
    };
    match (&check, &configured.proxy, bound) {
        (Check::Http { .. }, Some(proxy), Some(at)) if is_plain(proxy) => Way::Proxy(check, near(*at), proxy.hold),
        _ => Way::Service(check),
    }
}

/// Whether it takes HTTP as it is, and answers it here.
fn is_plain(proxy: &Proxy) -> bool {
    let shown = proxy.shown();
    !shown.tls && shown.accept.is_none() && !shown.redirects
}

/// The same port from this machine.
fn near(at: SocketAddr) -> SocketAddr {
    if at.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), at.port()) } else { at }
}

fn words(check: &Check) -> String {
    match check {
        Check::Http { path } => format!("GET {path}"),
        Check::Tcp | Check::Command(_) | Check::Alive => String::from("a connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_the_longest_time_between_good_answers() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut tally = Tally::default();
        for (ms, ok) in [(0, true), (12, true), (22, false), (32, false), (112, true), (124, true)] {
            tally.note(ok, at(ms));
        }
        assert_eq!((tally.questions, tally.failed, tally.worst), (6, 2, Duration::from_millis(90)));
    }
}
