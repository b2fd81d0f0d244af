//! Services.

use super::PATIENCE;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// When a service breaks its connection off, having taken a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    BeforeAnswer,
    MidHead,
    MidAnswer,
}

#[derive(Clone, Debug)]
enum Does {
    Answer,
    EchoPath,
    Mirror,
    Break { when: Breaks, once: bool },
    Hold,
    Stream(bool),
    Switch,
}

/// A service of one kind.
pub struct Service {
    pub name: String,
    address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    connections: usize,
    /// What was heard, and on which connection.
    heard: Vec<(usize, String)>,
    broke: bool,
    let_go: bool,
}

impl Service {
    /// Answers every request with its name.
    pub async fn answering(name: &str) -> Self {
        Self::new(name, Does::Answer).await
    }

    /// Answers with the path that was asked for.
    pub async fn echoing() -> Self {
        Self::new("n", Does::EchoPath).await
    }

    /// Answers with the body it was sent, as it comes.
    pub async fn mirroring() -> Self {
        Self::new("n", Does::Mirror).await
    }

    /// Takes one request, breaks the connection off, and listens no more.
    pub async fn breaking(when: Breaks) -> Self {
        Self::new("n", Does::Break { when, once: true }).await
    }

    /// Breaks the connection off whenever it takes a request.
    pub async fn broken() -> Self {
        Self::new("n", Does::Break { when: Breaks::BeforeAnswer, once: false }).await
    }

    /// Answers with its name, but only after [`Self::let_go`].
    pub async fn holding(name: &str) -> Self {
        Self::new(name, Does::Hold).await
    }

    /// Begins an answer that does not end; of events, or of nothing in particular.
    pub async fn streaming(events: bool) -> Self {
        Self::new("n", Does::Stream(events)).await
    }

    /// Switches to another protocol: echoes.
    pub async fn switching() -> Self {
        Self::new("n", Does::Switch).await
    }

    /// A port at which nobody listens.
    pub async fn refusing() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { name: "n".into(), address: listener.local_addr().unwrap(), state: watch::Sender::default() }
    }

    async fn new(name: &str, does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::<State>::default();
        let (name, told) = (name.to_owned(), state.clone());
        let own = name.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                told.send_modify(|state| state.connections += 1);
                let number = told.borrow().connections;
                tokio::spawn(serve(stream, number, does.clone(), own.clone(), told.clone()));
                if matches!(does, Does::Break { once: true, .. }) {
                    return;
                }
            }
        });
        Self { name, address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// How many requests it took.
    pub fn requests(&self) -> usize {
        self.state.borrow().heard.len()
    }

    pub fn let_go(&self) {
        self.state.send_modify(|state| state.let_go = true);
    }

    pub async fn broke(&self) {
        self.until(|state| state.broke).await;
    }

    pub async fn connected(&self, number: usize) {
        self.until(|state| state.connections >= number).await;
    }

    /// Waits for so many requests and returns them as they came.
    pub async fn heard(&self, number: usize) -> Vec<String> {
        let heard = self.until(|state| state.heard.len() >= number).await.heard;
        heard.into_iter().map(|(_, request)| request).collect()
    }

    /// The paths of so many requests, in the order of the connections they came on.
    pub async fn paths(&self, number: usize) -> Vec<String> {
        let mut heard = self.until(|state| state.heard.len() >= number).await.heard;
        heard.sort_by_key(|(connection, _)| *connection);
        heard.iter().map(|(_, request)| request.split(' ').nth(1).unwrap().to_owned()).collect()
    }

    async fn until(&self, reached: impl Fn(&State) -> bool) -> State {
        let mut told = self.state.subscribe();
        let state = timeout(PATIENCE, told.wait_for(reached)).await;
        state.unwrap_or_else(|_| panic!("never reached: {:?}", self.state.borrow())).unwrap().clone()
    }

    /// Speaks HTTP/2 only, and gRPC's way of ending; where it listens, and what it saw.
    pub async fn grpc() -> (SocketAddr, Arc<Mutex<Option<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Option<String>>> = Arc::default();
        let tell = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tell = Arc::clone(&tell);
                let service = service_fn(move |request: Request<Incoming>| {
                    let epoch = request.headers()["x-hotseat-epoch"].to_str().unwrap();
                    *tell.lock().unwrap() = Some(format!("{:?} epoch {epoch}", request.version()));
                    async { Ok::<_, Infallible>(Response::new(Two(0))) }
                });
                let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serving);
            }
        });
        (address, seen)
    }
}

async fn serve(
    mut stream: TcpStream,
    number: usize,
    does: Does,
    name: String,
    state: watch::Sender<State>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let Some(request) = request(&mut stream, &mut bytes).await? else { return Ok(()) };
        let body = request.split_once("\r\n\r\n").unwrap().1.to_owned();
        let path = request.split(' ').nth(1).unwrap().to_owned();
        state.send_modify(|state| state.heard.push((number, request)));
        let say = match &does {
            Does::Answer => name.clone(),
            Does::EchoPath => path,
            Does::Mirror => body,
            Does::Hold => {
                state.subscribe().wait_for(|state| state.let_go).await.unwrap();
                name.clone()
            }
            Does::Break { when, .. } => {
                let part = match when {
                    Breaks::BeforeAnswer => "",
                    Breaks::MidHead => "HTTP/1.1 200 OK\r\nContent-",
                    Breaks::MidAnswer => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
                };
                stream.write_all(part.as_bytes()).await?;
                drop(stream);
                state.send_modify(|state| state.broke = true);
                return Ok(());
            }
            Does::Stream(events) => {
                let kind = if *events { "text/event-stream" } else { "text/plain" };
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
                stream.write_all(format!("{head}3\r\none\r\n").as_bytes()).await?;
                return std::future::pending().await;
            }
            Does::Switch => {
                let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                let (mut reader, mut writer) = stream.split();
                return tokio::io::copy(&mut reader, &mut writer).await.map(|_| ());
            }
        };
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{say}", say.len()).as_bytes()).await?;
    }
}

/// One request with its body; none at the end.
async fn request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(len) = whole(bytes) {
            let request = String::from_utf8_lossy(&bytes[..len]).into_owned();
            bytes.drain(..len);
            return Ok(Some(request));
        }
        if stream.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn whole(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..at]).to_lowercase();
    if head.contains("transfer-encoding: chunked") {
        let end = bytes[at..].windows(5).position(|five| five == b"0\r\n\r\n")?;
        return Some(at + end + 5);
    }
    let length: usize =
        head.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    (bytes.len() >= at + length).then_some(at + length)
}

/// Words, and then a trailer.
struct Two(u8);

impl Body for Two {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0 += 1;
        Poll::Ready(match self.0 {
            1 => Some(Ok(Frame::data(Bytes::from_static(b"two")))),
            2 => {
                let status = (hyper::header::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
                Some(Ok(Frame::trailers(HeaderMap::from_iter([status]))))
            }
            _ => None,
        })
    }
}
