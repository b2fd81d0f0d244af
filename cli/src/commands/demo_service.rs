//! A small HTTP server that knows its role: the built-in service of `hotseat dev`, and the tests' witness.
//!
//! Run under an agent it watches `HOTSEAT_SOCKET`, confirms every change of role, and answers
//! `{"node":…,"epoch":…,"pid":…}` only while it is the leader, 503 otherwise. `/healthz` is always 200.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::StreamExt;
use hotseat_agent::listen::listen;
use hotseat_client::Self_;
use tokio::sync::watch;

use super::{Failed, Result, small_runtime};
use crate::args::DemoService;

/// Before the socket is asked again.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone)]
struct Demo {
    role: watch::Receiver<Option<Self_>>,
    node: Arc<str>,
    careless: bool,
}

pub(crate) fn run(args: &DemoService) -> Result {
    small_runtime()?.block_on(async {
        let address = (std::net::Ipv4Addr::LOCALHOST, args.port).into();
        let listener = listen(address);
        let listener = listener.map_err(|error| Failed::new(format!("demo-service: port {}: {error}", args.port)))?;
        let (sender, role) = watch::channel(from_environment());
        if let Ok(socket) = std::env::var("HOTSEAT_SOCKET") {
            tokio::spawn(follow(socket, sender));
        }
        let node = std::env::var("HOTSEAT_NODE").unwrap_or_default().into();
        let demo = Demo { role, node, careless: args.careless };
        let routes = Router::new().route("/healthz", get(|| async { "ok\n" })).fallback(get(answer)).with_state(demo);
        axum::serve(listener, routes).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// What the agent said at the start.
fn from_environment() -> Option<Self_> {
    let value = |name: &str| std::env::var(name).ok();
    Some(Self_ {
        cluster: value("HOTSEAT_CLUSTER")?,
        node: value("HOTSEAT_NODE")?,
        group: value("HOTSEAT_GROUP")?,
        role: value("HOTSEAT_ROLE")?,
        epoch: value("HOTSEAT_EPOCH")?.parse().ok()?,
    })
}

async fn answer(State(demo): State<Demo>) -> Response {
    let role = demo.role.borrow().clone();
    match role {
        Some(role) if role.role == "leader" || demo.careless => {
            let text =
                format!("{{\"node\":\"{}\",\"epoch\":{},\"pid\":{}}}\n", demo.node, role.epoch, std::process::id());
            (StatusCode::OK, text).into_response()
        }
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "standby\n").into_response(),
        None => (StatusCode::OK, "no hotseat here\n").into_response(),
    }
}

/// Takes every role the agent tells, and confirms it once it is in force. Ends with the process.
async fn follow(socket: String, role: watch::Sender<Option<Self_>>) {
    let Ok(client) = reqwest::Client::builder().unix_socket(socket).build() else { return };
    loop {
        if let Ok(response) = client.get("http://self/self/watch").send().await {
            let mut chunks = response.bytes_stream();
            let mut rest = Vec::new();
            while let Some(Ok(chunk)) = chunks.next().await {
                rest.extend_from_slice(&chunk);
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    let Ok(told) = serde_json::from_slice::<Self_>(&line) else { continue };
                    role.send_replace(Some(told.clone()));
                    drop(client.post("http://self/self/ack").json(&told).send().await);
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
