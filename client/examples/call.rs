//! Asks the leader's service once a second, whoever leads:
//! `cargo run -p hotseat-client --example call -- demo 127.0.0.1:7701`
//!
//! Try it beside `hotseat dev`, and kill the leader: a request only waits a moment.

use std::time::{Duration, Instant};

use hotseat_client::Leader;
use hotseat_client::tower::LeaderLayer;
use tower::{Layer, Service, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let group = words.next().unwrap_or_else(|| String::from("demo"));
    let seed = words.next().unwrap_or_else(|| String::from("127.0.0.1:7701"));
    let client = reqwest::Client::builder().no_proxy().build()?;
    let send = service_fn(move |request: http::Request<String>| {
        let client = client.clone();
        async move { client.execute(request.try_into()?).await.map(http::Response::<reqwest::Body>::from) }
    });
    let layer = LeaderLayer::new(Leader::follow([seed], &group)?).not_sent(reqwest::Error::is_connect);
    let mut service = layer.layer(send);
    loop {
        let asked = Instant::now();
        let answer = service.call(http::Request::get("/").body(String::new())?).await?;
        let text = reqwest::Response::from(answer).text().await?;
        println!("{} · after {} ms", text.trim_end(), asked.elapsed().as_millis());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
