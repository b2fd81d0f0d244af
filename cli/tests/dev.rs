//! `hotseat dev`, as users start it: the built binary, a real cluster, real kills. Ceilings are generous, because
//! machines are busy; nothing waits for longer than it has to.

mod story;

use std::time::Duration;

use story::Dev;

#[test]
fn a_killed_leader_is_followed_by_another_and_nothing_is_left() {
    let mut dev = Dev::start(&["--for", "12s"]);
    dev.wait_for("leads, epoch 1");
    story::kill(dev.number_after("kill -9 "));
    assert!(dev.end().success(), "{}", dev.text());
    for words in ["lost (agent killed", "leads, epoch 2", "clients waited", "is back as", " failed"] {
        assert!(dev.text().contains(words), "no \"{words}\" in {}", dev.text());
    }
    dev.nothing_is_left();
}

/// Any program, given as it is: `new_8`.
#[test]
fn new_8_any_server_can_be_tried() {
    let mut dev = Dev::start(&["--for", "1s", "--", "python3", "-m", "http.server", "{port}"]);
    assert!(dev.end().success(), "{}", dev.text());
    for words in ["follows the leader of \"python3\"", "leads, epoch 1", "GET / through the proxy"] {
        assert!(dev.text().contains(words), "no \"{words}\" in {}", dev.text());
    }
    dev.nothing_is_left();
}

#[test]
fn without_a_port_there_is_no_proxy() {
    let mut dev = Dev::start(&["--for", "1s", "--nodes", "2", "--", "sleep", "600"]);
    assert!(dev.end().success(), "{}", dev.text());
    assert!(dev.text().contains("the command has no {port}"), "{}", dev.text());
    assert!(dev.text().contains("leads, epoch 1"), "{}", dev.text());
    dev.nothing_is_left();
}

#[test]
fn term_ends_it_in_order() {
    let mut dev = Dev::start(&["--nodes", "2"]);
    dev.wait_for("leads, epoch 1");
    story::terminate(dev.pid());
    assert!(dev.end().success(), "{}", dev.text());
    dev.nothing_is_left();
}

#[test]
fn even_a_killed_dev_leaves_nothing() {
    let mut dev = Dev::start(&["--nodes", "2"]);
    dev.wait_for("leads, epoch 1");
    story::kill(dev.pid());
    assert!(!dev.end().success());
    dev.nothing_is_left_within(Duration::from_secs(30));
}

#[test]
fn a_missing_command_is_said_at_once() {
    let mut dev = Dev::start(&["--", "no-such-server", "--port", "{port}"]);
    assert_eq!(dev.end().code(), Some(1));
    let errors = dev.errors();
    assert!(errors.contains("command not found: \"no-such-server\""), "{errors}");
}

#[test]
fn a_server_that_dies_is_quoted() {
    let mut dev = Dev::start(&["--", "sh", "-c", "echo cannot open my database >&2; exit 3", "{port}"]);
    assert_eq!(dev.end().code(), Some(1));
    let errors = dev.errors();
    assert!(errors.contains("does not become ready") && errors.contains("cannot open my database"), "{errors}");
    let kept = errors.split("are kept in ").nth(1).expect("it says where the logs are").trim();
    std::fs::remove_dir_all(kept).expect("the folder is kept, and nobody uses it any more");
}
