//! Answers HTTP: who acts, and under which epoch. One answer to a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use hotseat_lab::writer::Actor;

use crate::role::Role;

/// The longest request.
const REQUEST_MAX: u64 = 8192;

/// Who takes longer to ask is not answered.
const LIMIT: Duration = Duration::from_secs(2);

/// How long a slow answer takes.
const SLOW: Duration = Duration::from_millis(300);

/// Never ends.
pub(crate) fn serve(listener: &TcpListener, role: &Role) {
    for stream in listener.incoming().flatten() {
        let role = role.clone();
        std::thread::spawn(move || answer(&stream, &role));
    }
}

fn answer(stream: &TcpStream, role: &Role) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    let mut lines = BufReader::new(stream).take(REQUEST_MAX);
    let mut asked = String::new();
    lines.read_line(&mut asked).ok()?;
    let mut rest = String::new();
    while lines.read_line(&mut rest).ok()? > 2 {
        rest.clear();
    }
    let mut stream = stream;
    if asked.starts_with("GET /healthz ") {
        return stream.write_all(&text("200 OK", "ok\n")).ok();
    }
    if asked.split(' ').nth(1) == Some("/slow") {
        // Whether it acts counts at the end: a demotion meanwhile spoils the answer.
        std::thread::sleep(SLOW);
    }
    if asked.split(' ').nth(1) == Some("/stuck") {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").ok()?;
        // For the rest of it one waits in vain.
        std::thread::park();
    }
    let pid = std::process::id();
    let told = role.act(|epoch, _| {
        let body = format!("{{\"node\":\"{}\",\"epoch\":{epoch},\"pid\":{pid}}}\n", role.node);
        stream.write_all(&text("200 OK", &body)).ok()
    });
    told.unwrap_or_else(|| stream.write_all(&text("503 Service Unavailable", "standby\n")).ok())
}

fn text(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}
