//! The other commands, as users start them: what they say when all is not well, and with which exit code.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

/// Nobody listens there: a port that the system gives to no client.
const NOBODY: &str = "http://127.0.0.1:9";

fn hotseat(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hotseat")).args(args).env_remove("HOTSEAT_URL").output().expect("hotseat starts")
}

fn check(args: &[&str], code: i32, words: &str) {
    let output = hotseat(args);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(words), "{args:?} should say \"{words}\":\n{said}");
}

#[test]
fn every_help_has_an_example() {
    let all: [&[&str]; 23] = [
        &[],
        &["dev"],
        &["run"],
        &["status"],
        &["nodes"],
        &["events"],
        &["explain"],
        &["switchover"],
        &["pause"],
        &["resume"],
        &["pin"],
        &["unpin"],
        &["mode"],
        &["priority"],
        &["remove"],
        &["acts"],
        &["lock"],
        &["check"],
        &["alert"],
        &["alert", "list"],
        &["alert", "test"],
        &["config"],
        &["config", "check"],
    ];
    for command in all {
        check(&[command, &["--help"]].concat(), 0, "Example");
    }
}

#[test]
fn what_is_typed_wrong_is_said_in_words() {
    check(&["switchover", "--wait", "abc"], 2, "say a number and its unit, as 20s");
    check(&["priority", "abc"], 2, "a priority is a whole number");
    check(&["join", "--listen", "foo"], 2, "say an IP address and a port");
    check(&["remove"], 2, "<NODE|--dead>");
    check(&["drill"], 2, "<--kind <KIND>|--history>");
}

/// A variable that is set is nothing that has to be typed.
#[test]
fn usage_does_not_ask_for_what_the_environment_says() {
    let mut asked = Command::new(env!("CARGO_BIN_EXE_hotseat"));
    let output = asked.arg("mode").env("HOTSEAT_URL", NOBODY).output().expect("hotseat starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Usage: hotseat mode") && !said.contains("--url"), "{said}");
    let mut asked = Command::new(env!("CARGO_BIN_EXE_hotseat"));
    let output = asked.arg("status").env("HOTSEAT_URL", NOBODY).output().expect("hotseat starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains(NOBODY), "{output:?}");
}

/// Somebody who answers once, whatever is asked.
fn answering(status: &'static str, body: &'static str) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let answered = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("hotseat asks");
        drop(stream.read(&mut [0; 4096]));
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).expect("it reads");
    });
    (url, answered)
}

#[test]
fn a_program_that_is_no_agent_is_named() {
    let (url, answered) = answering("200 OK", "{}");
    check(&["status", "--url", &url], 1, &format!("that is not a hotseat agent: what {url} answered"));
    answered.join().expect("it has answered");
}

/// What others wrote is no order to the terminal of who reads it.
#[test]
fn what_an_agent_says_cannot_harm_a_terminal() {
    let (url, answered) = answering("403 Forbidden", "{\"error\": \"\\u001b[2Jgone\u{202e}enog\"}");
    check(&["status", "--url", &url], 1, "error: \\u001b[2Jgone\\u202eenog");
    answered.join().expect("it has answered");
}

#[test]
fn a_snapshot_is_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("snap1");
    std::fs::write(&file, "the last good one").expect("it is ours");
    let (url, answered) = answering("200 OK", "new");
    let name = file.to_str().expect("a name");
    check(&["snapshot", "save", name, "--url", &url], 1, "is there already, and a snapshot is never written over");
    answered.join().expect("it has answered");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "the last good one");
}

/// A monitoring system must not take "cannot ask" for "is down": `amp_18`.
#[test]
fn amp_18_check_is_unknown_without_an_agent() {
    check(&["check", "--url", NOBODY], 3, "HOTSEAT UNKNOWN - no agent answers at");
    check(&["check", "--url", "nonsense://x"], 3, "HOTSEAT UNKNOWN");
    check(&["check", "--json", "--url", NOBODY], 3, "\"code\":3");
    check(&["check", "--also", NOBODY, "--url", NOBODY], 3, "; no agent answers at");
    check(&["check", "--no-such-flag"], 3, "--no-such-flag");
}

#[test]
fn without_an_agent_looking_says_what_to_do() {
    for command in ["status", "nodes", "events", "explain", "switchover", "pause", "resume", "pin", "unpin", "acts"] {
        check(&[command, "--url", NOBODY], 1, "Is it running (hotseat run -c FILE)?");
        check(&[command, "--url", "ftp://x"], 1, "use http://HOST:PORT");
    }
}

#[test]
fn a_wrong_word_is_answered_with_the_right_one() {
    check(&["statsu"], 2, "status");
    check(&["dev", "--for", "20"], 2, "say the unit, as 20s, 500ms or 5m");
    check(&["dev", "--nodes", "0"], 2, "1..=9");
    check(&["mode", "stanby"], 2, "standby");
    check(&["mode"], 2, "<MODE|--clear>");
    check(&["priority", "much"], 2, "invalid value 'much'");
    check(&["remove", "n1", "--dead"], 2, "cannot be used with");
}

#[test]
fn a_mistake_in_a_file_is_shown_where_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("hotseat.toml");
    let path = file.to_str().expect("a path of ours");
    let right = String::from_utf8(hotseat(&["config", "example"]).stdout).expect("it is text");
    std::fs::write(&file, &right).expect("it can be written");
    check(&["config", "check", path], 0, "ok");
    std::fs::write(&file, right.replace("mode     = \"auto\"", "mode     = \"atuo\"")).expect("it can be written");
    check(&["config", "check", path], 1, "did you mean \"auto\"?");
    check(&["config", "check", "--json", path], 1, "\"ok\":false");
    check(&["run", "-c", path], 1, "did you mean \"auto\"?");
    check(&["config", "check", "/no/such/file"], 1, "/no/such/file");
}

#[test]
fn a_reader_that_leaves_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hotseat"))
        .args(["config", "example"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hotseat starts");
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut errors).expect("it is text");
    assert_eq!(errors, "");
    // As a program that SIGPIPE ended; or it was faster than we were.
    assert!(matches!(child.wait().expect("it ends").code(), Some(0 | 141)));
}
