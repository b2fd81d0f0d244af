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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Remote, refuse};
use crate::config;
use crate::identity::IdentityError;
use crate::links::{Links, Speaks};
use crate::proxy::tls::Terminator;

/// A request's head has to be complete within this, at the API.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Room for a request's head, in bytes; at least 8 KiB.
const HEAD_MAX: usize = 16 * 1024;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;

/// After a failed accept, as when descriptors are out: give others time to close some.
pub(super) const BREATH: Duration = Duration::from_millis(50);

/// What stands behind an agent's port.
#[derive(Clone)]
pub struct Front {
    /// The API, once there is something to tell; until then every request hears that the agent is starting.
    pub routes: watch::Receiver<Option<Router>>,
    /// The links between members, where there are any: they come in by the same port.
    pub links: Option<Links>,
    /// The certificate of HTTPS; none: the links', where there are any.
    pub web: Option<Terminator>,
    /// A request's head has to be complete within this.
    pub head_limit: Duration,
}

/// HTTPS with a certificate of its own, if the file names one, and who looks after that.
///
/// # Errors
/// What is wrong with which file.
pub fn web(config: &config::Api, rereads: &watch::Receiver<()>) -> Result<Option<Terminator>, IdentityError> {
    let Some(files) = config.tls.clone() else { return Ok(None) };
    let (terminator, keeper) = Terminator::open(files, &[b"http/1.1"])?;
    tokio::spawn(keeper.run(rereads.clone()));
    Ok(Some(terminator))
}

/// Answers until the runtime ends.
pub async fn serve(listener: TcpListener, front: Front) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("the API cannot take a connection: {error}");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        drop(stream.set_nodelay(true));
        tokio::spawn(attend(stream, peer, front.clone(), Arc::clone(&places), place));
    }
}

/// Finds out what is spoken on a connection, and sees it through. HTTP is answered with and without TLS: what needs TLS
/// is for the door to say, and load balancers come without.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    front: Front,
    places: Arc<Semaphore>,
    place: OwnedSemaphorePermit,
) {
    // Whoever is gone already has no address to have come to.
    let Ok(own) = stream.local_addr() else { return };
    let remote = |secure| Remote::Network { peer, own, secure };
    if front.links.is_none() && front.web.is_none() {
        return answer(stream, remote(false), &front).await;
    }
    match (Speaks::ask(&stream).await, &front.links, &front.web) {
        (Ok(Speaks::Tls | Speaks::Plain), Some(links), web) => {
            // Links have bounds of their own, and last as long as their peers.
            drop(place);
            let visitor = links.accept(stream, peer, web.as_ref().map(Terminator::config)).await;
            if let (Some(visitor), Ok(_place)) = (visitor, places.acquire_owned().await) {
                answer(visitor, remote(true), &front).await;
            }
        }
        (Ok(Speaks::Tls), None, Some(web)) => {
            if let Ok(visitor) = web.accept(stream).await {
                answer(visitor, remote(true), &front).await;
            }
        }
        (Ok(Speaks::Http | Speaks::Plain | Speaks::Tls), ..) => answer(stream, remote(false), &front).await,
        (Err(_), ..) => {}
    }
}

/// Sees one connection through.
pub(super) async fn answer<S>(stream: S, remote: Remote, front: &Front)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = front.routes.borrow().clone();
    let ready = routes.is_some();
    let routes = routes.unwrap_or_else(starting);
    let service = TowerToHyperService::new(routes.layer(Extension(remote)));
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
