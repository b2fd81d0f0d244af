//! `HAProxy`'s agent-check: whoever connects is told one line, and need not ask.
//!
//! `up` on the leader and `down` elsewhere, and nothing but that. `down` counts at once, whatever the regular check's
//! `fall`, and cuts sessions where `on-marked-down shutdown-sessions` says so; only `up` undoes it. `drain` would leave
//! sessions on a node that no longer leads, and `ready`, `drain`, `maint` and weights belong to `HAProxy`'s own operator: we
//! would undo what they set. An agent that does not answer changes nothing in `HAProxy`, so this is an addition to
//! the regular check and never in its place.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::standing::{Sight, Standing};

/// Connections at once; further ones wait in the kernel's queue for the little while that one takes.
const CONNECTIONS_MAX: usize = 256;

/// A client that does not go away after it was answered is left after this.
const LINGER: Duration = Duration::from_secs(1);

/// So much of what a client says is taken off its hands (`agent-send`), in bytes: closing on it would reset the answer.
const SAID_MAX: u64 = 1024;

/// After a failed accept, as when descriptors are out: give others time to close some.
const BREATH: Duration = Duration::from_millis(50);

/// Answers until the runtime ends.
pub(super) async fn serve(listener: TcpListener, sight: Sight) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let sight = sight.clone();
                tokio::spawn(async move {
                    // Whatever the client does wrong is its own concern.
                    drop(timeout(LINGER, answer(stream, &sight)).await);
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("the agent-check of {} cannot take a connection: {error}", sight.group());
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, sight: &Sight) -> std::io::Result<()> {
    stream.write_all(line(sight.standing()).as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(SAID_MAX), &mut tokio::io::sink()).await.map(drop)
}

/// What follows `#` is shown on `HAProxy`'s statistics page.
fn line(standing: Standing) -> String {
    match standing {
        Standing::Leader => String::from("up\n"),
        Standing::Follower | Standing::Unknown => format!("down #{}\n", standing.sentence()),
    }
}
