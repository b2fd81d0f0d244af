//! Serving HTTP to strangers: slow, huge, malformed and many. A connection has little time to say what it
//! wants, little room to say it in, and there is a bound on how many may be open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::refuse;
use crate::links::{Links, Speaks};

/// A request's head has to be complete within this, at the API.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Room for a request's head, in bytes; at least 8 KiB.
const HEAD_MAX: usize = 16 * 1024;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;

/// After a failed accept, as when descriptors are out: give others time to close some.
const BREATH: Duration = Duration::from_millis(50);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// What stands behind an agent's port.
#[derive(Clone)]
pub struct Front {
    /// The API, once there is something to tell; until then every request hears that the agent is starting.
    pub routes: watch::Receiver<Option<Router>>,
    /// The links between members, where there are any: they come in by the same port.
    pub links: Option<Links>,
    /// A request's head has to be complete within this.
    pub head_limit: Duration,
}

/// Answers until the runtime ends.
pub async fn serve(listener: TcpListener, front: Front) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("the API cannot take a connection: {error}");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        drop(stream.set_nodelay(true));
        let front = front.clone();
        tokio::spawn(async move {
            let Some(links) = &front.links else {
                answer(stream, remote, &front).await;
                return drop(place);
            };
            match Speaks::ask(&stream).await {
                Ok(Speaks::Http) => answer(stream, remote, &front).await,
                Ok(Speaks::Tls | Speaks::Plain) => {
                    // Links have bounds of their own, and last as long as their peers.
                    drop(place);
                    return links.accept(stream, remote).await;
                }
                Err(_) => {}
            }
            drop(place);
        });
    }
}

async fn answer(stream: TcpStream, remote: SocketAddr, front: &Front) {
    let routes = front.routes.borrow().clone();
    let ready = routes.is_some();
    let routes = routes.unwrap_or_else(starting);
    let service = TowerToHyperService::new(routes.layer(Extension(Remote(remote))));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(front.head_limit).max_buf_size(HEAD_MAX).half_close(true);
    // Who asks too early is to ask anew.
    server.keep_alive(ready);
    // What a client does wrong is its own concern; hyper has answered 400 where it could.
    drop(server.serve_connection(TokioIo::new(stream), service).await);
}

fn starting() -> Router {
    Router::new()
        .fallback(async || refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is starting: its store is not ready yet"))
}
