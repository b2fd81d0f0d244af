//! How strangers, users and programs ask an agent.
#![allow(dead_code, reason = "each test uses some of it")]

use std::process::Command;

use hotseat_lab::http::{self, Answer};
use hotseat_lab::program::{self, Ended};
use hotseat_lab::{CEILING, Node};

/// Sends one request with these headers; a body for whoever posts.
pub(crate) fn ask(node: &Node, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let host = node.address().to_string();
    let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let own = [("Host", host.as_str())].into_iter().filter(|_| !named);
    let lines: String =
        own.chain(headers.iter().copied()).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{method} {path} HTTP/1.1\r\n{lines}Connection: close\r\nContent-Length: 0\r\n\r\n");
    http::ask(node.address(), &request, CEILING).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// The status alone, with a token if there is one.
pub(crate) fn status(node: &Node, method: &str, path: &str, token: Option<&str>) -> u16 {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
    ask(node, method, path, &headers).status
}

/// The node's own socket, as `--url` takes it.
pub(crate) fn socket(node: &Node) -> String {
    format!("unix:{}", node.path("data/hotseat.sock").display())
}

/// `hotseat` with these words, through the node's socket.
pub(crate) fn as_root(node: &Node, words: &[&str]) -> Ended {
    program::run(&program::hotseat(), &[words, &["--url", &socket(node)]].concat())
}

/// Makes a token, as root does it.
pub(crate) fn token(node: &Node, name: &str, right: &str) -> String {
    let made = as_root(node, &["token", "create", name, "--right", right]);
    assert_eq!(made.code, Some(0), "{made:?}");
    made.out.trim().to_owned()
}

/// `hotseat` with these words and a token in its environment.
pub(crate) fn with_token(url: &str, token: &str, words: &[&str]) -> Ended {
    let mut command = Command::new(program::hotseat());
    let output = command.args(words).args(["--url", url]).env("HOTSEAT_TOKEN", token).output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: std::time::Duration::ZERO,
    }
}

/// The lines of the audit log.
pub(crate) fn audit(node: &Node) -> Vec<serde_json::Value> {
    lines(node, "audit.log")
}

/// The lines about who was not let in.
pub(crate) fn refused(node: &Node) -> Vec<serde_json::Value> {
    lines(node, "refused.log")
}

fn lines(node: &Node, file: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(node.path("data").join(file)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}
