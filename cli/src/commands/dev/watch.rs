//! What each agent says of itself, asked a few times a second. An agent that does not answer holds nobody up.

use std::time::{Duration, Instant};

use hotseat_client::{Client, Cluster, Event};
use tokio::sync::{mpsc, watch};

use super::News;
use super::node::Node;
use super::remains;

/// Between two questions.
const PACE: Duration = Duration::from_millis(100);

/// A healthy agent answers from memory.
const LIMIT: Duration = Duration::from_millis(500);

/// What an agent said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) at: Instant,
    pub(super) cluster: Cluster,
}

/// Asks for as long as somebody wants to know. `pid` is the agent's process, 0 for none.
pub(super) async fn watch(node: Node, pid: watch::Receiver<u32>, news: mpsc::Sender<News>) {
    let Ok(client) = Client::new(&node.url()) else { return };
    let (mut frozen, mut known, mut newest) = (false, 0, 0);
    while !news.is_closed() {
        let now = *pid.borrow();
        if known != now {
            // Its numbers go on.
            known = now;
        }
        if frozen != (now > 0 && remains::is_frozen(now)) {
            frozen = !frozen;
            drop(news.send(News::Frozen { place: node.place, frozen }).await);
        }
        if now > 0 && !frozen {
            ask(&client, &node, now, &mut newest, &news).await;
        }
        tokio::time::sleep(PACE).await;
    }
}

async fn ask(client: &Client, node: &Node, pid: u32, newest: &mut u64, news: &mpsc::Sender<News>) {
    let both = async { (client.cluster().await, client.events(*newest).await) };
    let Ok((Ok(cluster), Ok(events))) = tokio::time::timeout(LIMIT, both).await else { return };
    if cluster.pid != pid {
        // Somebody else listens there, or the agent has just been replaced.
        return;
    }
    *newest = events.last().map_or(*newest, |event: &Event| event.id);
    drop(news.send(News::Said { place: node.place, said: Box::new(Said { at: Instant::now(), cluster }) }).await);
    for event in events {
        drop(news.send(News::Event { place: node.place, event: Box::new(event) }).await);
    }
}
