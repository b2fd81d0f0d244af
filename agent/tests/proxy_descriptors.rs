//! The proxy's descriptors: none leaks, and running out of them is survived.
//!
//! A file of its own with one test, because it counts and limits what belongs to the whole process.
#![allow(clippy::unwrap_used)] // tests

use futures_util::FutureExt;
use hotseat_agent::proxy::{self, Handle, Limits, Route, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn idle(proxy: &Handle) {
    while proxy.stats().active > 0 {
        sleep(Duration::from_millis(2)).await;
    }
}

/// Connects, waits for the server's word and hangs up.
async fn visit(address: SocketAddr) {
    let mut client = TcpStream::connect(address).await.unwrap();
    let heard = timeout(PATIENCE, client.read_u8()).await.unwrap();
    assert_eq!(heard.unwrap(), b'a');
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_neither_leak_nor_kill() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = backend.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = backend.accept().await {
            // A short word fits the send buffer; then the server hangs up.
            stream.writable().await.unwrap();
            stream.try_write(b"a").unwrap();
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_teller, routes) = watch::channel(Route::leader(1, Some(Target::new("n", target))));
    let limits = Limits { max_connections: 1_000, ..Limits::new(PATIENCE, 100) };
    let proxy = proxy::spawn(listener, routes, limits);

    visit(address).await;
    timeout(PATIENCE, idle(&proxy)).await.unwrap();
    let before = descriptors();
    for _ in 0..2_000 {
        visit(address).await;
    }
    timeout(PATIENCE, idle(&proxy)).await.unwrap();
    assert!(descriptors() <= before + 4, "{} descriptors, {before} before", descriptors());

    starve(&proxy, address).await;
}

/// With no descriptor left clients wait in the kernel's queue, and are served when there are some again.
async fn starve(proxy: &Handle, address: SocketAddr) {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: limit.maximum }).unwrap();
    let mut client = tokio::net::TcpSocket::new_v4().map(|socket| socket.connect(address)).unwrap().boxed();
    let hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let mut client = client.as_mut().await.unwrap();
    let early = timeout(Duration::from_millis(200), client.read_u8()).await;
    assert!(early.is_err(), "served without a descriptor: {early:?}");
    drop(hoard);
    assert_eq!(timeout(PATIENCE, client.read_u8()).await.unwrap().unwrap(), b'a');
    assert_eq!(proxy.stats().refused, 0);
    setrlimit(Resource::Nofile, limit).unwrap();
}
