//! Elections of the log that found no majority, for the story. It decides nothing, and no leadership of a group hangs on it.

use hotseat_client::Event;
use hotseat_core::NodeName;
use hotseat_stores::raft::Health;
use tokio::sync::watch;

use crate::clock;
use crate::history::History;

/// Tells of them until the member ends.
pub async fn tell(mut health: watch::Receiver<Health>, node: NodeName, history: History) {
    let mut led = None;
    loop {
        let seen = health.borrow_and_update().clone();
        if seen.leader.is_some() {
            if let Some(text) = split(led, seen.term) {
                history.add(event(&node, seen.term, text));
            }
            led = Some(seen.term);
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

/// What is to be said when after the leader of one term that of another is seen. Each election has a term of its own, and
/// one that succeeds is the next.
fn split(before: Option<u64>, now: u64) -> Option<String> {
    let lost = now.checked_sub(before?)?.checked_sub(1).filter(|lost| *lost > 0)?;
    let times = if lost == 1 { String::from("one election") } else { format!("{lost} elections") };
    Some(format!("{times} of the log brought no leader before that of term {now}"))
}

fn event(node: &NodeName, term: u64, text: String) -> Event {
    Event {
        id: 0,
        at: clock::wall(),
        node: node.to_string(),
        kind: String::from("split-vote"),
        group: None,
        epoch: Some(term),
        text,
    }
}

#[cfg(test)]
mod tests {
    use hotseat_stores::raft::Health;

    use super::*;

    #[test]
    fn only_terms_that_nobody_led_are_told() {
        assert_eq!(split(None, 9), None, "what was before its time a node does not know");
        assert_eq!(split(Some(9), 9), None);
        assert_eq!(split(Some(9), 10), None);
        assert!(split(Some(9), 11).is_some_and(|text| text.starts_with("one election of the log")));
        assert!(split(Some(9), 13).is_some_and(|text| text.starts_with("3 elections")));
        assert_eq!(split(Some(9), 8), None);
    }

    #[tokio::test]
    async fn it_is_in_the_story_once() {
        let state = |leader, term| Health { leader, term, ..Health::default() };
        let (sender, health) = watch::channel(state(Some(1), 3));
        let history = History::default();
        let telling = tokio::spawn(tell(health, NodeName::new("n1").expect("a name"), history.clone()));
        // Looked at one by one, as nobody waits between them.
        for (leader, term) in [(None, 4), (None, 5), (Some(2), 5), (Some(2), 5)] {
            tokio::task::yield_now().await;
            sender.send_replace(state(leader, term));
        }
        drop(sender);
        telling.await.expect("it ends");
        let told: Vec<_> = history.after(0).into_iter().map(|event| (event.kind, event.epoch)).collect();
        assert_eq!(told, [(String::from("split-vote"), Some(5))]);
    }
}
