//! The other commands, as users start them: what they say when all is not well, and with which exit code.

use std::io::Read;
use std::process::{Command, Output, Stdio};

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
