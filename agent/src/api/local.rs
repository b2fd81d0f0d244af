//! The agent's own socket, `data_dir/hotseat.sock`: for this machine's root and for the user the agent runs as. The kernel
//! says who is at the other end, so no token is needed, none can be stolen, and no web page reaches it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::serve::{BREATH, answer};
use super::{Front, Remote};
use crate::proxy::Pulse;

/// Its name in `data_dir`.
const SOCKET: &str = "hotseat.sock";

/// Connections at once, beside those of the port: who fills that up does not keep root out.
const CONNECTIONS_MAX: usize = 64;

/// Makes the socket, and answers there until the runtime ends. Without one an agent works all the same.
pub fn begin(data_dir: &Path, front: Front) {
    match open(data_dir) {
        Ok(listener) => drop(tokio::spawn(serve(listener, front))),
        Err(error) => tracing::warn!("no {SOCKET} in data_dir, commands here have to say --url: {error}"),
    }
}

/// Makes the socket anew. The folder is ours alone: what lies there is of an earlier run.
fn open(data_dir: &Path) -> io::Result<UnixListener> {
    let path = data_dir.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path)?;
    // Who was faster than this is asked for its user all the same.
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(listener: UnixListener, front: Front) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = listener.accept().await.and_then(|(stream, _)| Ok((stream.peer_cred()?.uid(), stream)));
        let (uid, stream) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("the agent's socket cannot take a connection: {error}");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let front = front.clone();
        tokio::spawn(async move {
            answer(stream, Remote::Socket { uid }, &front, &Arc::new(Pulse::new(true))).await;
            drop(place);
        });
    }
}
