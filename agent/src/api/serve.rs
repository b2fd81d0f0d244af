//! Serving HTTP to strangers: slow, huge, malformed and many. A connection has little time to say what it
//! wants, little room to say it in, and there is a bound on how many may be open.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A request's head has to be complete within this.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Room for a request's head, in bytes; at least 8 KiB.
const HEAD_MAX: usize = 16 * 1024;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;

/// After a failed accept, as when descriptors are out: give others time to close some.
const BREATH: Duration = Duration::from_millis(50);

/// Answers until the runtime ends.
pub async fn serve(listener: TcpListener, routes: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("the API cannot take a connection: {error}");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        drop(stream.set_nodelay(true));
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(HEAD_MAX).half_close(true);
            // What a client does wrong is its own concern; hyper has answered 400 where it could.
            drop(server.serve_connection(TokioIo::new(stream), service).await);
            drop(place);
        });
    }
}
