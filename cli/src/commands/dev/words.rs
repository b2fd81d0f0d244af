//! What the agents tell of the group, and whose word counts.
//!
//! Every agent is listened to. The newest word counts, by what had been written to the store when it was said; so a
//! frozen or lagging agent is passed over, and a dead one's last word stands until somebody knows more.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use hotseat_agent::proxy::{Route, Target};
use hotseat_client::{Client, Sight};
use tokio::sync::watch;

use super::node::Node;

/// Before an agent that is not there, or not ready, is tried again: on one machine that costs next to nothing, and the
/// first word of an agent may be what clients wait for.
const PACE: Duration = Duration::from_millis(10);

/// For an agent to begin to tell; a frozen one never does.
const LIMIT: Duration = Duration::from_millis(500);

/// Where a proxy is to go.
pub(super) fn route(sight: &Sight) -> Route {
    let leader = sight.leader.as_ref().filter(|_| sight.serving);
    let target = leader.zip(sight.service.as_ref()).and_then(|(leader, service)| {
        let address: SocketAddr = service.parse().ok()?;
        Some(Target::new(leader, address))
    });
    Route::leader(sight.epoch, target)
}

/// One agent's newest word.
#[derive(Clone, Debug, Default)]
struct Word {
    sight: Sight,
    /// Whether it can still say another.
    living: bool,
    /// Counts the words of all.
    number: u64,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Words {
    all: Arc<Mutex<Vec<Word>>>,
    teller: watch::Sender<Sight>,
}

impl Words {
    /// Of so many agents, none of which has said anything.
    pub(super) fn new(nodes: usize) -> Self {
        Self { all: Arc::new(Mutex::new(vec![Word::default(); nodes])), teller: watch::Sender::default() }
    }

    /// The word that counts, now and later.
    pub(super) fn told(&self) -> watch::Receiver<Sight> {
        self.teller.subscribe()
    }

    /// Listens to one agent, whenever it is there. Ends with the runtime.
    pub(super) async fn listen(self, node: Node, group: String) {
        let Ok(client) = Client::new(&node.url()) else { return };
        loop {
            if let Ok(Ok(sights)) = tokio::time::timeout(LIMIT, client.follow_group(&group)).await {
                let mut sights = pin!(sights);
                while let Some(sight) = sights.next().await {
                    self.hear(node.place, sight);
                }
                self.lose(node.place);
            }
            tokio::time::sleep(PACE).await;
        }
    }

    fn hear(&self, place: usize, sight: Sight) {
        self.change(|all| {
            let number = all.iter().map(|word| word.number).max().unwrap_or(0) + 1;
            all[place] = Word { sight, living: true, number };
        });
    }

    fn lose(&self, place: usize) {
        self.change(|all| all[place].living = false);
    }

    fn change(&self, change: impl FnOnce(&mut [Word])) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut all);
        // Under the lock: an older word must not be told after a newer one.
        let next = newest(&all);
        self.teller.send_if_modified(|told| {
            let news = *told != next;
            *told = next;
            news
        });
    }
}

fn newest(all: &[Word]) -> Sight {
    let newest = all.iter().max_by_key(|word| (word.sight.written, word.living, word.number));
    let mut sight = newest.map(|word| word.sight.clone()).unwrap_or_default();
    // One agent that can write is enough.
    if all.iter().any(|word| word.living && word.sight.trouble.is_none()) {
        sight.trouble = None;
    }
    sight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(written: u64, leader: &str) -> Sight {
        Sight { written, leader: Some(leader.to_owned()), ..Sight::default() }
    }

    #[test]
    fn the_newest_word_counts_whoever_says_it_last() {
        let words = Words::new(3);
        let told = words.told();
        let check = |leader: &str| assert_eq!(told.borrow().leader.as_deref(), Some(leader));
        words.hear(0, sight(5, "a"));
        check("a");
        words.hear(1, sight(4, "old"));
        check("a");
        words.lose(0);
        check("a");
        words.hear(1, sight(6, "b"));
        check("b");
        words.hear(0, sight(5, "a"));
        check("b");
    }

    #[test]
    fn trouble_is_told_when_no_living_agent_is_without() {
        let words = Words::new(2);
        let told = words.told();
        let check = |trouble: bool| assert_eq!(told.borrow().trouble.is_some(), trouble);
        words.hear(0, sight(5, "a"));
        words.hear(1, Sight { trouble: Some(String::from("alone")), ..sight(5, "a") });
        check(false);
        words.lose(0);
        check(true);
        words.hear(1, sight(5, "a"));
        check(false);
    }

    #[test]
    fn a_route_has_a_target_only_while_somebody_serves() {
        let service = Some(String::from("127.0.0.1:9"));
        let serving = Sight { epoch: 3, serving: true, service, ..sight(1, "a") };
        let check = |sight: &Sight, target: Option<&str>| {
            let target = target.map(|it| Target::new("a", it.parse().expect("an address")));
            let expected = Route::leader(3, target);
            assert_eq!(route(sight), expected);
        };
        check(&serving, Some("127.0.0.1:9"));
        check(&Sight { leader: None, ..serving.clone() }, None);
        check(&Sight { serving: false, ..serving.clone() }, None);
        check(&Sight { service: Some(String::from("nowhere")), ..serving }, None);
    }
}
