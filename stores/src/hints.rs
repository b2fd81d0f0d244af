//! "Something may have changed": a signal that is coalesced, never queued, never relied on.

use tokio::sync::watch;

/// What a caller waits on; hints that come between two waits are one.
#[derive(Clone, Debug)]
pub struct Hints(watch::Receiver<()>);

/// What a store rings.
#[derive(Debug)]
pub(crate) struct Changes(watch::Sender<()>);

impl Hints {
    /// Waits for the next hint; for ever, if the store is gone. Safe to drop and call again.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Changes {
    pub(crate) fn new() -> Changes {
        Changes(watch::Sender::new(()))
    }

    pub(crate) fn ring(&self) {
        self.0.send_replace(());
    }

    pub(crate) fn hints(&self) -> Hints {
        Hints(self.0.subscribe())
    }
}
