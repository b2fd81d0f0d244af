//! A proxy between real sockets, with a server behind it that says its name and then echoes.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use hotseat_agent::proxy::{self, Handle, Limits, Route, Stats, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Longer than any step takes on the slowest machine; nothing is measured with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const LIMITS: Limits = Limits { max_connections: 1_000, ..Limits::new(PATIENCE, 100) };

pub(crate) struct Setup {
    pub(crate) proxy: Handle,
    pub(crate) teller: watch::Sender<Route>,
    pub(crate) address: SocketAddr,
}

impl Setup {
    pub(crate) async fn new(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (teller, routes) = watch::channel(Route::default());
        Self { proxy: proxy::spawn(listener, routes, limits), teller, address }
    }

    pub(crate) fn tell(&self, epoch: u64, target: impl Into<Option<SocketAddr>>) {
        let target = target.into().map(|address| Target::new("n", address));
        self.teller.send_replace(Route::leader(epoch, target));
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Connects, says something, and returns once the leader has answered.
    pub(crate) async fn talk(&self) -> (TcpStream, u8) {
        let mut client = self.connect().await;
        let name = hear(&mut client).await.unwrap();
        (client, name)
    }

    pub(crate) async fn until(&self, reached: impl Fn(&Stats) -> bool) -> Stats {
        until(&self.proxy, reached).await
    }
}

pub(crate) async fn until(proxy: &Handle, reached: impl Fn(&Stats) -> bool) -> Stats {
    let waiting = async {
        loop {
            match proxy.stats() {
                stats if reached(&stats) => return stats,
                _ => sleep(Duration::from_millis(2)).await,
            }
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never reached: {:?}", proxy.stats()))
}

pub(crate) async fn hear(stream: &mut TcpStream) -> std::io::Result<u8> {
    timeout(PATIENCE, stream.read_u8()).await.unwrap()
}

/// Asks the other side to echo one byte.
pub(crate) async fn echoes(stream: &mut TcpStream) -> bool {
    stream.write_all(b"?").await.is_ok() && hear(stream).await.is_ok_and(|byte| byte == b'?')
}

/// Whether the stream has ended, in whatever way.
pub(crate) async fn ended(stream: &mut TcpStream) -> bool {
    hear(stream).await.is_err()
}

/// A server that says its name to whoever connects, and then echoes.
pub(crate) async fn server(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    serve(listener, name);
    address
}

pub(crate) fn serve(listener: TcpListener, name: u8) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(&[name]).await?;
                let (mut reader, mut writer) = stream.split();
                tokio::io::copy(&mut reader, &mut writer).await?;
                writer.shutdown().await
            });
        }
    });
}

pub(crate) async fn all(mut client: TcpStream) -> (String, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let result = timeout(PATIENCE, client.read_to_end(&mut bytes)).await.unwrap();
    (String::from_utf8(bytes).unwrap(), result.err().map(|why| why.kind()))
}
