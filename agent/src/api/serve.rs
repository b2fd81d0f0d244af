//! Serving HTTP to strangers: slow, huge, malformed and many. A connection has little time to say what it
//! wants, little room to say it in, little time to take the answer, and there is a bound on how many may be open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use super::bodies::{Sent, given};
use super::{Remote, refuse};
use crate::config;
use crate::identity::IdentityError;
use crate::links::{Links, Speaks};
use crate::places::{Most, Place, Places};
use crate::proxy::tls::Terminator;
use crate::proxy::{Busy, Pulse, Stream, Watched};

/// A request's head has to be complete within this, at the API.
pub(crate) const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Room for a request's head, in bytes; at least 8 KiB.
const HEAD_MAX: usize = 16 * 1024;

/// Connections at once, if there are descriptors for twice as many.
const CONNECTIONS_MAX: usize = 1024;

/// Of them, one in so many for each network: behind one address may be a whole site, or a load balancer.
const EACH: usize = 4;

/// One in so many for this machine, where programs hold locks and stand for elections…
const HERE: usize = 2;

/// …and one in so many that nobody else gets.
const KEPT: usize = 8;

/// Who takes nothing of an answer for so long, or asks for nothing, is not there any more.
const QUIET_MAX: Duration = Duration::from_secs(10);

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
    let name = listener.local_addr().map_or_else(|_| String::from("the API"), |own| own.to_string());
    let places = Places::new(name, most());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                drop(stream.set_nodelay(true));
                tokio::spawn(attend(stream, peer, front.clone(), Arc::clone(&places)));
            }
            Err(error) => {
                tracing::warn!("the API cannot take a connection: {error}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Descriptors are for others too: the store, the proxies, the links.
fn most() -> Most {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let all = usize::try_from(descriptors / 2).map_or(CONNECTIONS_MAX, |half| half.min(CONNECTIONS_MAX));
    Most { all, each: all / EACH, here: all / HERE, kept: all / KEPT }
}

/// Finds out what is spoken on a connection, and sees it through. HTTP is answered with and without TLS: what needs TLS
/// is for the door to say, and load balancers come without.
async fn attend(stream: TcpStream, peer: SocketAddr, front: Front, places: Arc<Places>) {
    // Whoever is gone already has no address to have come to.
    let Ok(own) = stream.local_addr() else { return };
    let remote = |secure| Remote::Network { peer, own, secure };
    let enter = || places.enter(peer.ip(), remote(false).is_here());
    let Some(place) = enter() else { return };
    if front.links.is_none() && front.web.is_none() {
        return visit(stream, remote(false), &front, &place).await;
    }
    match (place.hold(Speaks::ask(&stream)).await, &front.links, &front.web) {
        (Some(Ok(Speaks::Tls | Speaks::Plain)), Some(links), web) => {
            // Links have bounds of their own, and last as long as their peers.
            drop(place);
            let visitor = links.accept(stream, peer, web.as_ref().map(Terminator::config)).await;
            if let (Some(visitor), Some(place)) = (visitor, enter()) {
                visit(*visitor, remote(true), &front, &place).await;
            }
        }
        (Some(Ok(Speaks::Tls)), None, Some(web)) => {
            if let Some(Ok(visitor)) = place.hold(web.accept(stream)).await {
                visit(visitor, remote(true), &front, &place).await;
            }
        }
        (Some(Ok(Speaks::Http | Speaks::Plain | Speaks::Tls)), ..) => {
            visit(stream, remote(false), &front, &place).await;
        }
        (Some(Err(_)) | None, ..) => {}
    }
}

/// Sees one connection through, for as long as it may have its place.
async fn visit<S: Stream>(stream: S, remote: Remote, front: &Front, place: &Place) {
    let stream = Watched::new(stream, Arc::clone(place.pulse()));
    place.hold(answer(stream, remote, front, place.pulse())).await;
}

/// Sees one connection through.
pub(super) async fn answer<S>(stream: S, remote: Remote, front: &Front, pulse: &Arc<Pulse>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = front.routes.borrow().clone();
    let ready = routes.is_some();
    let routes = routes.unwrap_or_else(starting).layer(Extension(remote));
    let service = service_fn(|request| {
        let (mut routes, busy) = (routes.clone(), Busy::new(pulse));
        let answered = routes.call(given(request, pulse));
        async move { answered.await.map(|response| response.map(|body| Sent::new(body, busy))) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(front.head_limit).max_buf_size(HEAD_MAX).half_close(true);
    // Who asks too early is to ask anew.
    server.keep_alive(ready);
    tokio::select! {
        // What a client does wrong is its own concern; hyper has answered 400 where it could.
        _ended = server.serve_connection(TokioIo::new(stream), service) => {}
        () = pulse.stalls(QUIET_MAX) => {}
    }
}

fn starting() -> Router {
    Router::new()
        .fallback(async || refuse(StatusCode::SERVICE_UNAVAILABLE, "the agent is starting: its store is not ready yet"))
}
