//! Who is told of alerts: a webhook that keeps what it is given, a broker, and a mail server. Real ones, where there are.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::{CEILING, poll, ports};

/// What was said, in the order in which it came.
type Heard<T> = Arc<Mutex<Vec<T>>>;

fn all<T: Clone>(heard: &Heard<T>) -> Vec<T> {
    heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn keep<T>(heard: &Heard<T>, said: T) {
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(said);
}

/// A webhook. It takes everything, or answers with the status it was told to; with 0 it never answers.
#[derive(Debug)]
pub struct Webhook {
    at: SocketAddr,
    heard: Heard<Value>,
    status: Arc<AtomicU16>,
}

impl Webhook {
    /// Listens from now on, as long as the test runs.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let (heard, status) = (Heard::default(), Arc::new(AtomicU16::new(200)));
        let (ears, answer) = (Arc::clone(&heard), Arc::clone(&status));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (ears, answer) = (Arc::clone(&ears), Arc::clone(&answer));
                thread::spawn(move || take(&stream, &ears, &answer));
            }
        });
        Self { at, heard, status }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/told", self.at)
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Every message, whatever was answered.
    #[must_use]
    pub fn heard(&self) -> Vec<Value> {
        all(&self.heard)
    }

    /// Waits for a message.
    pub fn wait(&self, what: &str, found: impl Fn(&Value) -> bool) -> Value {
        let message = poll(CEILING, || self.heard().into_iter().find(&found));
        message.unwrap_or_else(|| panic!("waited {CEILING:?} in vain for {what}; heard {:#?}", self.heard()))
    }
}

fn take(stream: &TcpStream, heard: &Heard<Value>, status: &AtomicU16) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let status = status.load(Ordering::SeqCst);
    keep(heard, serde_json::from_slice(&body).unwrap());
    if status == 0 {
        // Until the other side gives up.
        let _ = reader.read(&mut [0]);
        return;
    }
    let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: 5\r\nConnection: close\r\n\r\nheard");
    let _ = (&mut &*stream).write_all(answer.as_bytes());
}

/// A program that ends with the value, and the lines it has said.
#[derive(Debug)]
struct Server {
    child: Child,
    said: Heard<String>,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (said, out) = (Heard::default(), child.stdout.take().unwrap());
        let ears = Arc::clone(&said);
        thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).for_each(|line| keep(&ears, line)));
        Self { child, said }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn reachable(at: SocketAddr) {
    poll(CEILING, || TcpStream::connect(at).ok()).unwrap_or_else(|| panic!("nobody listens at {at}"));
}

/// Mosquitto, which knows one user and asks who comes, and a subscriber to everything.
#[derive(Debug)]
pub struct Broker {
    at: SocketAddr,
    folder: TempDir,
    _server: Server,
    subscriber: Server,
}

impl Broker {
    /// The user's name and password.
    pub const LOGIN: (&'static str, &'static str) = ("edge", "a password");

    /// Ready when this returns.
    #[must_use]
    pub fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), ports::free());
        let (users, file) = (folder.path().join("users"), folder.path().join("conf"));
        let (user, password) = Self::LOGIN;
        let made = Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&users).args([user, password]).status();
        assert!(made.unwrap().success());
        let config =
            format!("listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\nuser root\n", users.display());
        fs::write(&file, config).unwrap();
        let program = crate::program::find("mosquitto").unwrap();
        let server = Server::start(Command::new(program).arg("-c").arg(&file));
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        reachable(at);
        // It would keep what it says until there is more of it.
        let mut listen = Command::new("stdbuf");
        listen.args([
            "-oL",
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-u",
            user,
            "-P",
            password,
            "-q",
            "1",
            "-t",
            "#",
        ]);
        // The last line before messages says that the subscription stands.
        let subscriber = Server::start(listen.args(["-v", "-d"]));
        let subscribed = || all(&subscriber.said).iter().any(|line| line.starts_with("Subscribed")).then_some(());
        poll(CEILING, subscribed).expect("the broker takes a subscription");
        Self { at, folder, _server: server, subscriber }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// A file that holds the password.
    #[must_use]
    pub fn password_file(&self) -> String {
        let path = self.folder.path().join("password");
        fs::write(&path, format!("{}\n", Self::LOGIN.1)).unwrap();
        path.display().to_string()
    }

    /// Topics and messages, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<(String, Value)> {
        let message = |line: String| {
            let (topic, body) = line.split_once(' ')?;
            Some((topic.to_owned(), serde_json::from_str(body).ok()?))
        };
        all(&self.subscriber.said).into_iter().filter_map(message).collect()
    }
}

/// aiosmtpd, which wants STARTTLS and a login before it takes mail.
#[derive(Debug)]
pub struct MailServer {
    at: SocketAddr,
    folder: TempDir,
    server: Server,
}

/// Prints `ready`, and then each mail as a line of JSON.
const MAIL: &str = r#"
import json, ssl, sys, time
from email import message_from_bytes, policy
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
folder, port, user, password = sys.argv[1:5]
class Keep:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "id": mail["Message-ID"],
            "subject": mail["Subject"], "alert": mail["X-Hotseat-Alert"], "body": mail.get_content(),
            "tls": session.ssl is not None, "login": session.authenticated}), flush=True)
        return "250 kept"
def check(server, session, envelope, mechanism, data):
    right = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=right)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder + "/mail.pem", folder + "/mail.key")
Controller(Keep(), hostname="127.0.0.1", port=int(port), tls_context=tls, require_starttls=True,
    authenticator=check, auth_required=True).start()
print("ready", flush=True)
while True: time.sleep(3600)
"#;

impl MailServer {
    /// The user's name and password.
    pub const LOGIN: (&'static str, &'static str) = ("hotseat", "another password");

    /// Ready when this returns.
    #[must_use]
    pub fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), ports::free());
        certify(folder.path());
        let (user, password) = Self::LOGIN;
        // The distribution's, which has what its packages bring.
        let mut program = Command::new("/usr/bin/python3");
        program.args(["-c", MAIL]).arg(folder.path()).args([&port.to_string(), user, password]);
        let server = Server::start(&mut program);
        let ready = || all(&server.said).iter().any(|line| line == "ready").then_some(());
        poll(CEILING, ready).expect("aiosmtpd starts");
        Self { at: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), folder, server }
    }

    /// Where it is; its certificate is for that address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Who has signed its certificate.
    #[must_use]
    pub fn ca(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// A file that holds the password.
    #[must_use]
    pub fn password_file(&self) -> String {
        let path = self.folder.path().join("password");
        fs::write(&path, Self::LOGIN.1).unwrap();
        path.display().to_string()
    }

    /// The mails, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<Value> {
        all(&self.server.said).iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// A CA, and a certificate of it for 127.0.0.1.
fn certify(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1").unwrap();
    for words in [
        format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca"),
        format!("req {key} -keyout mail.key -out mail.csr -subj /CN=mail"),
        String::from(
            "x509 -req -in mail.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out mail.pem",
        ),
    ] {
        let made = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&made.stderr));
    }
}
