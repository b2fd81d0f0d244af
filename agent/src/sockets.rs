//! The Unix socket on which a service learns what it is, and says that it has understood.
//!
//! `GET /self` says it once, `GET /self/watch` is a line of JSON now and with every change,
//! `POST /self/ack` with that line confirms it. A service that watches and confirms its demotion stays
//! alive as a standby; one that does not is stopped, because nobody can know otherwise that it stopped acting.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use hotseat_client::Self_;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// Longest path that a Unix socket's address can hold, in bytes.
const PATH_MAX: usize = 107;

/// One service's socket.
#[derive(Clone, Debug)]
pub struct Socket {
    path: PathBuf,
    now: watch::Sender<Self_>,
    acked: watch::Sender<Option<(String, u64)>>,
    watchers: Arc<AtomicUsize>,
}

struct Watching(Arc<AtomicUsize>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Socket {
    /// Serves `first` on a socket in `folder`, or in the temporary folder when that path is too long.
    /// The server ends with the runtime.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn serve(folder: &Path, first: Self_) -> io::Result<Self> {
        let mut path = folder.join(format!("{}.sock", first.group));
        if path.as_os_str().len() > PATH_MAX {
            path = std::env::temp_dir().join(format!("hotseat-{}-{}.sock", std::process::id(), first.group));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        let (now, _) = watch::channel(first);
        let (acked, _) = watch::channel(None);
        let socket = Self { path, now, acked, watchers: Arc::default() };
        let routes = Router::new()
            .route("/self", get(say))
            .route("/self/watch", get(follow))
            .route("/self/ack", post(acknowledge))
            .with_state(socket.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(socket)
    }

    /// For `HOTSEAT_SOCKET`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Before a start: what the new process will be.
    pub fn set(&self, role: &str, epoch: u64) {
        self.acked.send_replace(None);
        self.now.send_modify(|now| (now.role, now.epoch) = (role.to_owned(), epoch));
    }

    /// Tells a running service its new role. `Some(true)`: it confirmed; `Some(false)`: nobody watches;
    /// `None`: somebody watches and did not confirm in time.
    pub async fn turn(&self, role: &str, epoch: u64, limit: Duration) -> Option<bool> {
        let mut acked = self.acked.subscribe();
        self.set(role, epoch);
        if self.watchers.load(Ordering::Relaxed) == 0 {
            return Some(false);
        }
        let wanted = (role.to_owned(), epoch);
        let confirmed = acked.wait_for(|acked| acked.as_ref() == Some(&wanted));
        tokio::time::timeout(limit, confirmed).await.ok().map(|_| true)
    }
}

async fn say(State(socket): State<Socket>) -> Json<Self_> {
    Json(socket.now.borrow().clone())
}

async fn follow(State(socket): State<Socket>) -> Response {
    socket.watchers.fetch_add(1, Ordering::Relaxed);
    let watching = Watching(Arc::clone(&socket.watchers));
    let lines = WatchStream::new(socket.now.subscribe()).map(move |now| {
        let _ = &watching;
        let mut line = serde_json::to_vec(&now).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, std::convert::Infallible>(Bytes::from(line))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

async fn acknowledge(State(socket): State<Socket>, Json(said): Json<Self_>) -> Response {
    let matches = {
        let now = socket.now.borrow();
        (&now.role, now.epoch) == (&said.role, said.epoch)
    };
    if matches {
        socket.acked.send_replace(Some((said.role, said.epoch)));
        StatusCode::NO_CONTENT.into_response()
    } else {
        let now = socket.now.borrow().clone();
        (StatusCode::CONFLICT, Json(now)).into_response()
    }
}
