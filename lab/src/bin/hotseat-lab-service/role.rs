//! Whether this service acts, and under which epoch. It is asked and changed under one lock: once a change has returned,
//! nothing of the old role is done any more.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use hotseat_lab::history::now;
use hotseat_lab::writer::Actor;
use serde_json::Value;

/// Before the socket is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// The longest line the agent is allowed.
const LINE_MAX: u64 = 4096;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) node: Arc<str>,
    vip: Option<IpAddr>,
    /// The epoch it acts under.
    acting: Arc<RwLock<Option<u64>>>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Role {
    pub(crate) fn new(node: Option<String>, vip: Option<IpAddr>) -> Self {
        let node = node.or_else(|| variable("HOTSEAT_NODE")).unwrap_or_default();
        let number = |name| variable(name).and_then(|text| text.parse().ok());
        let leads = variable("HOTSEAT_ROLE").is_some_and(|role| role == "leader");
        let acting = if leads { number("HOTSEAT_EPOCH") } else { number("ETCD_LOCK_REV") };
        Self { node: node.into(), vip, acting: Arc::new(RwLock::new(acting)) }
    }

    /// Takes every role that the agent tells, from a thread of its own, which ends with the process.
    pub(crate) fn follow(self) {
        let Some(socket) = variable("HOTSEAT_SOCKET") else { return };
        std::thread::spawn(move || {
            loop {
                drop(self.watch(&PathBuf::from(&socket)));
                std::thread::sleep(PAUSE);
            }
        });
    }

    fn watch(&self, socket: &PathBuf) -> std::io::Result<()> {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"GET /self/watch HTTP/1.1\r\nHost: self\r\n\r\n")?;
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.by_ref().take(LINE_MAX).read_line(&mut line)? > 0 {
            // Heads and the lengths of chunks are not JSON objects.
            if let Ok(told @ Value::Object(_)) = serde_json::from_str::<Value>(&line) {
                let leads = told["role"] == "leader";
                *self.acting.write().unwrap() = told["epoch"].as_u64().filter(|_| leads);
                acknowledge(socket, line.trim())?;
            }
            line.clear();
        }
        Ok(())
    }
}

impl Actor for Role {
    fn name(&self) -> &str {
        &self.node
    }

    /// The role does not change meanwhile.
    fn act<T>(&self, what: impl FnOnce(u64, u64) -> T) -> Option<T> {
        let acting = self.acting.read().unwrap();
        // The clock is read last: what is held up between here and the wire is held up as any write may be.
        match self.vip {
            // An address can be bound only where it is.
            Some(vip) => UdpSocket::bind((vip, 0)).is_ok().then(|| what(0, now())),
            None => acting.map(|epoch| what(epoch, now())),
        }
    }
}

fn acknowledge(socket: &PathBuf, told: &str) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    let head = "POST /self/ack HTTP/1.1\r\nHost: self\r\nConnection: close\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{told}", told.len())?;
    stream.take(LINE_MAX).read_to_end(&mut Vec::new()).map(drop)
}
