//! The API's port among strangers who say half of what they want, or take nothing of what they are told.
#![allow(clippy::unwrap_used)] // tests

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use hotseat_agent::api::{self, Front};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// Nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(60);

const HALF_A_HEAD: &str = "GET /health HTTP/1.1\r\nHost: x\r\nX: ";
const HALF_A_BODY: &str = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na";

/// A port with a few paths; the links and the door are not of concern here.
async fn start() -> SocketAddr {
    let large = "x".repeat(1 << 20);
    let routes = Router::new()
        .route("/health", get(async || "well"))
        .route("/echo", post(async |body: String| body))
        .route("/large", get(async move || large));
    let (_, routes) = watch::channel(Some(routes));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(api::serve(listener, Front { routes, links: None, web: None, head_limit: PATIENCE }));
    address
}

async fn say(address: SocketAddr, words: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    stream
}

/// Everything that is answered, to the end of the connection.
async fn answered(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("the connection ends"));
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let address = start().await;
    let half = answered(say(address, HALF_A_BODY).await).await;
    assert!(half.starts_with("HTTP/1.1 400") && half.contains("did not come in time"), "{half:?}");
}

#[tokio::test]
async fn a_body_in_pieces_is_one_body() {
    let address = start().await;
    let body = "y".repeat(300_000);
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n";
    let mut stream = say(address, head).await;
    for piece in body.as_bytes().chunks(70_000) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let whole = answered(stream).await;
    let length = "content-length: 300000\r\n";
    assert!(whole.contains(length) && whole.ends_with(&body), "{:?}", &whole[..whole.len().min(200)]);
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_let_go() {
    let address = start().await;
    let stream = say(address, &"GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(40)).await;
    let gone = async {
        // Nothing is read: what fills up is the way to us, and then the way from us, until the port gives up.
        loop {
            stream.writable().await.unwrap();
            if let Err(error) = stream.try_write(&[b' '; 16 * 1024])
                && error.kind() != std::io::ErrorKind::WouldBlock
            {
                return error;
            }
        }
    };
    println!("{}", timeout(PATIENCE, gone).await.expect("the connection ends"));
}

/// However many there are of them, and whatever they began to say, the next one is heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_says_half_keeps_nobody_out() {
    let address = start().await;
    for half in ["", HALF_A_HEAD, HALF_A_BODY] {
        let mut crowd = Vec::new();
        for _ in 0..700 {
            crowd.push(say(address, half).await);
        }
        let whole = answered(say(address, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await).await;
        assert!(whole.starts_with("HTTP/1.1 200") && whole.ends_with("well"), "{half:?}: {whole:?}");
        let first = answered(crowd.swap_remove(0)).await;
        assert_eq!(first, "", "{half:?}: who came first went for those who came last");
    }
}
