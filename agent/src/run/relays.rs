//! What goes into the loop's inbox from outside of the API: other agents' words, the store's hints, signals. They only pass on.

use hotseat_core::Input;
use hotseat_stores::Hints;
use tokio::sync::{mpsc, watch};

use super::Signal;
use crate::driver::{INBOX, Message};
use crate::peers::Peers;

/// What other agents say without being asked. Ends with the loop.
pub(super) async fn relay_peers(peers: Peers, inbox: mpsc::Sender<Message>) {
    let (sender, mut inputs) = mpsc::channel(INBOX);
    tokio::spawn(peers.listen(sender));
    while let Some(input) = inputs.recv().await {
        if inbox.send(Message::Input(input)).await.is_err() {
            return;
        }
    }
}

/// Waits until somebody wants this agent to stop.
pub(super) async fn stop(signals: &mut mpsc::Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Some(Signal::Stop) => return,
            // What was changed is read when the agent is started anew.
            Some(Signal::Reload(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Looks when the store says that something may have changed. Ends with the loop.
pub(super) async fn relay_hints(mut hints: Hints, inbox: mpsc::Sender<Message>) {
    loop {
        hints.next().await;
        if inbox.send(Message::Input(Input::Hint)).await.is_err() {
            return;
        }
    }
}

/// What reaches the agent as a process. Ends with the loop, or when nobody can signal any more.
pub(super) async fn relay_signals(
    mut signals: mpsc::Receiver<Signal>,
    inbox: mpsc::Sender<Message>,
    reread: watch::Sender<()>,
) {
    while let Some(signal) = signals.recv().await {
        let message = match signal {
            Signal::Stop => Message::Stop,
            Signal::Reload(config) => {
                reread.send_replace(());
                Message::Reload(config)
            }
        };
        if inbox.send(message).await.is_err() {
            return;
        }
    }
}
