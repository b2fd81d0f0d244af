//! Agents that say whatever a test wants them to say.
#![allow(dead_code, reason = "each test uses some of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What is said to a request line.
type Say = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// See the module. It ends with its runtime, or with [`Fake::end`].
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    say: Arc<Mutex<Say>>,
    heads: Arc<Mutex<Vec<String>>>,
    ended: Arc<Notify>,
}

impl Fake {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let say: Arc<Mutex<Say>> = Arc::new(Mutex::new(Arc::new(|_: &str| text(503, "{\"error\": \"starting\"}"))));
        let (heads, ended) = (Arc::default(), Arc::new(Notify::new()));
        let fake = Self { address, say, heads, ended };
        let (say, heads, ended) = (Arc::clone(&fake.say), Arc::clone(&fake.heads), Arc::clone(&fake.ended));
        tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (say, heads) = (Arc::clone(&say), Arc::clone(&heads));
                        open.spawn(async move { answer(accepted.unwrap().0, &say, &heads).await });
                    }
                    () = ended.notified() => return,
                }
            }
        });
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it says this to every request line.
    pub(crate) fn says(&self, say: impl Fn(&str) -> String + Send + Sync + 'static) {
        *self.say.lock().unwrap() = Arc::new(say);
    }

    /// From now on it shows this picture.
    pub(crate) fn shows(&self, picture: &Value) {
        let picture = text(200, &picture.to_string());
        self.says(move |line| {
            if line.contains("/api/groups/") && line.contains("/way") { picture.clone() } else { text(404, "{}") }
        });
    }

    /// The request lines it has heard.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.heads().iter().filter_map(|head| head.lines().next().map(str::to_owned)).collect()
    }

    /// The heads of all requests it has heard.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// It is gone, with all its connections.
    pub(crate) fn end(&self) {
        self.ended.notify_one();
    }
}

async fn answer(mut stream: TcpStream, say: &Mutex<Say>, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap().to_owned();
    heads.lock().unwrap().push(head.clone());
    // What takes its time keeps nobody else waiting: a worker that it holds up may be the one that all timers wait for.
    let say = Arc::clone(&*say.lock().unwrap());
    let said = tokio::task::spawn_blocking(move || say(&line)).await.unwrap();
    drop(stream.write_all(said.as_bytes()).await);
    drop(stream.shutdown().await);
    // Unread bytes would become a reset, and that would take the answer along.
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
}

/// An answer.
pub(crate) fn text(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// What an agent shows: who leads the group `web` in which epoch, and who else is a member.
pub(crate) fn picture(leader: Option<&Fake>, epoch: u64, all: &[&Fake]) -> Value {
    let name = |fake: &Fake| format!("n{}", fake.address.port());
    let members: Vec<_> = all
        .iter()
        .map(|fake| {
            json!({"node": name(fake), "state": "standby", "mode": "auto", "priority": 0, "region": "", "version": "",
                "healthy": true, "address": fake.url(), "service": fake.address.to_string(), "last_seen_ms": 0})
        })
        .collect();
    let group = json!({"id": "web", "role": "", "leader": leader.map(name), "epoch": epoch, "since": null,
        "serving": leader.is_some(), "paused": false, "netid": 1, "members": members});
    json!({"cluster": "c", "node": "n", "store": {"kind": "dir", "healthy": true}, "ttl_ms": 2000,
        "lease_left_ms": 1000, "renewed_ms": 1, "pid": 1, "groups": [group]})
}
