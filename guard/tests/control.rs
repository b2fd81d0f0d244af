//! What the agent says and hears: starts, signals, refusals, output; and that nothing it says or leaves unsaid makes the
//! guard do what it must not.
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::io::Write;
use std::os::fd::AsFd;
use std::time::Duration;

use hotseat_guard::{Answer, Command, Containment, Report, Start, boottime};
use stage::{BOTH, Stage, until};

const TERM: i32 = 15;

fn errno(stage: &Stage, change: impl Fn(&mut Start)) -> i32 {
    let mut held = stage.hold();
    let mut start = stage.shell(7, "exit 0");
    change(&mut start);
    held.start(start);
    match held.report() {
        Report::StartFailed { slot: 7, errno } => errno,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_service_lives_and_ends_and_its_slot_is_free_again() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        for round in 0..3 {
            held.start(stage.shell(4_000_000_000, &format!("echo out; echo err >&2; exit {round}")));
            assert!(held.started() > 0);
            assert_eq!([held.line(), held.line(), held.line()], ["out", "err", ""]);
            held.expect(&Report::Exited { slot: 4_000_000_000, code: Some(round), signal: None });
            held.expect(&Report::Gone { slot: 4_000_000_000 });
        }
    }
}

#[test]
fn a_service_gets_what_a_program_expects() {
    let stage = Stage::new(Containment::Auto);
    let mut held = stage.hold();
    let script = "
        read line; echo \"stdin ${line:-empty}\"
        echo \"cwd $(pwd -P)\"
        echo \"var $EXTRA\"
        grep -E '^Sig(Blk|Ign)' /proc/self/status
        echo \"oom $(cat /proc/self/oom_score_adj)\"
        echo \"nice $(nice)\"; grep '^policy' /proc/self/sched
        grep '^Max realtime timeout' /proc/self/limits
        echo \"nofile $(ulimit -n)\"
        echo \"fds $(ls /proc/self/fd | tr '\\n' ' ')\"";
    let mut start = stage.shell(1, script);
    start.env.push(("EXTRA".into(), "a=b c".into()));
    held.start(start);
    held.started();
    assert_eq!(held.line(), "stdin empty");
    assert_eq!(held.line(), format!("cwd {}", stage.dir.path().canonicalize().unwrap().display()));
    assert_eq!(held.line(), "var a=b c");
    assert_eq!(held.line(), "SigBlk:\t0000000000000000");
    assert_eq!(held.line(), "SigIgn:\t0000000000000000");
    let oom = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    assert_eq!(held.line(), format!("oom {}", oom.trim()));
    let nice = rustix::process::getpriority_process(None).unwrap().max(0);
    assert_eq!(held.line(), format!("nice {nice}"));
    assert_eq!(held.line().split_whitespace().collect::<Vec<_>>(), ["policy", ":", "0"]);
    assert!(held.line().starts_with("Max realtime timeout      unlimited"));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap();
    assert_eq!(held.line(), format!("nofile {limit}"));
    // Standard ones, and the directory that `ls` itself reads.
    assert_eq!(held.line(), "fds 0 1 2 3");
}

#[test]
fn what_cannot_be_started_says_why() {
    let stage = || Stage::new(Containment::Auto);
    assert_eq!(errno(&stage(), |start| start.argv = vec!["no-such-command".into()]), libc::ENOENT);
    assert_eq!(errno(&stage(), |start| start.argv = vec!["/no/such/command".into()]), libc::ENOENT);
    assert_eq!(errno(&stage(), |start| start.argv = vec!["/etc/passwd".into()]), libc::EACCES);
    assert_eq!(errno(&stage(), |start| start.cwd = Some("/no/such/folder".into())), libc::ENOENT);
    assert_eq!(errno(&stage(), |start| start.cwd = Some("/etc/passwd".into())), libc::ENOTDIR);
    let stage = stage();
    let garbage = stage.dir.path().join("garbage");
    std::fs::write(&garbage, [1, 2, 3]).unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&garbage).status().unwrap();
    assert_eq!(errno(&stage, |start| start.argv = vec![garbage.clone().into()]), libc::ENOEXEC);
}

#[test]
fn a_failed_start_leaves_the_slot_free() {
    let stage = Stage::new(Containment::Auto);
    let mut held = stage.hold();
    held.start(stage.command(1, &["no-such-command"]));
    held.expect(&Report::StartFailed { slot: 1, errno: libc::ENOENT });
    held.start(stage.shell(1, "exit 3"));
    held.started();
    held.expect(&Report::Exited { slot: 1, code: Some(3), signal: None });
    held.expect(&Report::Gone { slot: 1 });
}

#[test]
fn nothing_starts_before_the_first_deadline_nor_after_the_last() {
    let stage = Stage::new(Containment::Auto);
    let mut held = stage.hold_without_deadline();
    held.start(stage.shell(1, "exit 0"));
    held.expect(&Report::StartFailed { slot: 1, errno: libc::ETIME });
    held.extend(Duration::from_millis(100));
    assert!(matches!(held.report(), Report::Proof { .. }));
    held.start(stage.shell(1, "exit 0"));
    held.expect(&Report::StartFailed { slot: 1, errno: libc::ETIME });
    // A lapsed session is over: no deadline brings it back.
    held.extend(Duration::from_secs(60));
    held.start(stage.shell(1, "exit 0"));
    held.expect(&Report::StartFailed { slot: 1, errno: libc::ETIME });
}

#[test]
fn the_deadline_never_moves_back() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        held.start(stage.shell(1, "echo ready; exec sleep 300"));
        held.started();
        assert_eq!(held.line(), "ready");
        held.send(&Command::Deadline { at: 1 });
        held.send(&Command::Deadline { at: boottime() });
        // The guard has read both when it answers the third.
        held.start(stage.shell(1, "exit 0"));
        held.expect(&Report::StartFailed { slot: 1, errno: libc::EBUSY });
        assert_eq!(stage.alive().len(), 1);
    }
}

#[test]
fn a_start_needs_an_output_and_a_free_slot() {
    let stage = Stage::new(Containment::Auto);
    let mut held = stage.hold();
    held.send(&Command::Start(stage.shell(1, "exit 0")));
    held.expect(&Report::StartFailed { slot: 1, errno: libc::EBADF });
    held.start(stage.shell(1, "exec sleep 300"));
    held.started();
    held.start(stage.shell(1, "exit 0"));
    held.expect(&Report::StartFailed { slot: 1, errno: libc::EBUSY });
}

#[test]
fn a_signal_reaches_the_main_process_alone() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        let child = "(trap 'echo child' TERM; while :; do sleep 0.01; done) & ";
        let main = "trap 'echo main; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
        held.start(stage.shell(1, &format!("{child}{main}")));
        held.started();
        assert_eq!(held.line(), "ready");
        held.send(&Command::Signal { slot: 1, signo: TERM });
        held.send(&Command::Signal { slot: 99, signo: TERM });
        held.expect(&Report::Exited { slot: 1, code: Some(5), signal: None });
        held.expect(&Report::Gone { slot: 1 });
        assert_eq!(stage.alive(), []);
        assert_eq!([held.line(), held.line()], ["main", ""]);
    }
}

#[test]
fn a_kill_ends_one_tree_and_spares_the_other() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        held.start(stage.shell(1, "exec sleep 300"));
        let spared = held.started();
        held.start(stage.shell(2, "(setsid sleep 300 &); echo ready; sleep 300"));
        held.started();
        assert_eq!(held.line(), "ready");
        held.send(&Command::Kill { slot: 2 });
        held.expect(&Report::Exited { slot: 2, code: None, signal: Some(9) });
        held.expect(&Report::Gone { slot: 2 });
        assert_eq!(stage.alive(), [(spared, "sleep".to_owned())]);
    }
}

#[test]
fn the_end_reports_every_slot_and_then_the_proof() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        for slot in 0..5 {
            held.start(stage.shell(slot, "(setsid sleep 300 &); echo ready; sleep 300"));
            held.started();
            assert_eq!(held.line(), "ready");
        }
        held.send(&Command::End);
        let mut gone = Vec::new();
        let secret = loop {
            match held.report() {
                Report::Gone { slot } => gone.push(slot),
                Report::Exited { code: None, signal: Some(9), .. } => {}
                Report::Proof { secret } => break secret,
                other => panic!("{other:?}"),
            }
        };
        gone.sort_unstable();
        assert_eq!(gone, [0, 1, 2, 3, 4]);
        assert_eq!(stage.alive(), []);
        assert_eq!(stage.hear().secret, secret);
        assert!(stage.hear().proves(&held.hash));
        assert_eq!(stage.ask(), Answer::Proof(secret));
        until("the guard has left", || stage.ask() == Answer::NoGuard);
        assert!(stage.groups().is_empty());
    }
}

#[test]
fn who_asks_early_waits_for_the_word() {
    let stage = Stage::new(Containment::Auto);
    let mut held = stage.hold();
    held.start(stage.shell(1, "echo ready; exec sleep 300"));
    held.started();
    assert_eq!(held.line(), "ready");
    assert_eq!(hotseat_guard::ask(stage.session, Duration::from_millis(50)), Answer::Silent);
    let askers: Vec<_> = (0..40)
        .map(|_| {
            std::thread::spawn({
                let session = stage.session;
                move || hotseat_guard::ask(session, stage::SOON)
            })
        })
        .collect();
    held.send(&Command::End);
    let secret = stage.hear().secret;
    for asker in askers {
        // More than fit into the waiting room: all are served, unless they came after it closed.
        let answer = asker.join().unwrap();
        assert!(matches!(answer, Answer::Proof(given) if given == secret) || answer == Answer::NoGuard, "{answer:?}");
    }
}

#[test]
fn a_full_output_pipe_blocks_nobody_but_the_service() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        held.start(stage.shell(1, "while :; do echo 0123456789012345678901234567890123456789; done"));
        let noisy = held.started();
        until("the pipe is full", || {
            std::fs::read_to_string(format!("/proc/{noisy}/wchan")).is_ok_and(|place| place.contains("pipe"))
        });
        held.send(&Command::Kill { slot: 1 });
        held.expect(&Report::Exited { slot: 1, code: None, signal: Some(9) });
        held.expect(&Report::Gone { slot: 1 });
    }
}

#[test]
fn the_output_is_the_services_alone() {
    let stage = Stage::new(Containment::Auto);
    let mut held = stage.hold();
    held.start(stage.shell(1, "exec >/dev/null 2>&1 sleep 300"));
    held.started();
    // Neither guard nor keeper holds it open: it ends when the service lets go of it, alive or not.
    assert_eq!(held.line(), "");
    assert_eq!(stage.alive().len(), 1);
}

#[test]
fn an_agent_that_does_not_read_is_no_obstacle() {
    let stage = Stage::new(Containment::Tree);
    let mut held = stage.hold();
    held.start(stage.shell(1, "echo ready; exec sleep 300"));
    assert_eq!(held.line(), "ready");
    for _ in 0..3000 {
        // Each is refused with a report that nobody reads for now.
        let busy = Command::Start(stage.shell(1, "exit 0"));
        until("there is room", || held.guard.send(&busy, Some(std::io::stderr().as_fd())).is_ok());
    }
    held.send(&Command::End);
    assert_eq!(stage.hear().session, stage.session);
    held.started();
    for _ in 0..3000 {
        held.expect(&Report::StartFailed { slot: 1, errno: libc::EBUSY });
    }
}

#[test]
fn what_is_out_of_bounds_is_refused_before_it_is_sent() {
    let stage = Stage::new(Containment::Tree);
    let mut held = stage.hold();
    let refused = |start: Start| {
        let error = held.guard.send(&Command::Start(start), Some(std::io::stderr().as_fd())).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    };
    refused(Start { argv: vec![], ..stage.shell(1, "") });
    refused(Start { name: "x".repeat(65), ..stage.shell(1, "") });
    refused(stage.shell(1, &"x".repeat(200_000)));
    refused(stage.shell(1, "a\0b"));
    refused(Start { env: vec![("A=B".into(), "c".into())], ..stage.shell(1, "") });
    assert!(held.guard.send(&Command::Signal { slot: 1, signo: 0 }, None).is_err());
    // The largest that fits is taken.
    let mut large = stage.shell(1, "echo ${#LARGE}");
    large.env.push(("LARGE".into(), "x".repeat(100_000).into()));
    held.start(large);
    held.started();
    assert_eq!(held.line(), "100000");
}

#[test]
fn an_agent_may_end_and_go_without_reading_its_reports() {
    for _ in 0..50 {
        let stage = Stage::new(Containment::Tree);
        let mut held = stage.hold();
        for slot in 0..3 {
            held.start(stage.command(slot, &["true"]));
        }
        assert_eq!(held.line(), "");
        // The socket is closed with reports in it; that the session has ended must be heard first.
        drop(held);
        stage.hear();
    }
}

/// In a process of its own: the guard ends whoever speaks like this.
#[test]
fn an_agent_that_talks_nonsense_is_ended() {
    const CHILD: &str = "HOTSEAT_GUARD_NONSENSE";
    let stage = Stage::new(Containment::Auto);
    if std::env::var_os(CHILD).is_some() {
        let held = stage.hold();
        std::fs::File::from(held.guard.fd().try_clone_to_owned().unwrap()).write_all(b"nonsense").unwrap();
        std::thread::sleep(stage::SOON);
        panic!("alive");
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "an_agent_that_talks_nonsense_is_ended"]).env(CHILD, "1");
    let status = child.status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

/// In a process of its own, for the same reason (D2).
#[test]
fn an_agent_that_lets_go_of_its_guard_is_ended() {
    const CHILD: &str = "HOTSEAT_GUARD_LET_GO";
    let stage = Stage::new(Containment::Auto);
    if std::env::var_os(CHILD).is_some() {
        let guard = hotseat_guard::Guard::spawn(stage::GUARD.as_ref(), &stage.settings()).unwrap();
        drop(guard);
        std::thread::sleep(stage::SOON);
        panic!("alive");
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "an_agent_that_lets_go_of_its_guard_is_ended"]).env(CHILD, "1");
    let status = child.status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

#[test]
fn a_guard_that_cannot_have_its_watchdog_says_so() {
    let stage = Stage::new(Containment::Auto);
    let mut settings = stage.settings();
    settings.watchdog = Some("/no/such/watchdog".into());
    let guard = hotseat_guard::Guard::spawn(stage::GUARD.as_ref(), &settings).unwrap();
    let mut report = None;
    until("a report", || {
        report = guard.receive().unwrap();
        report.is_some()
    });
    assert_eq!(report, Some(Report::Unfit { errno: libc::ENOENT }));
    until("the guard has left", || guard.receive().is_err());
    assert!(stage.groups().is_empty());
}

#[test]
fn a_watchdog_is_fed_and_released() {
    let stage = Stage::new(Containment::Auto);
    let device = stage.dir.path().join("watchdog");
    std::fs::write(&device, "").unwrap();
    let mut settings = stage.settings();
    settings.watchdog = Some(device.clone());
    let held = stage.hold_with(&settings);
    until("it was fed", || std::fs::read(&device).unwrap() == b"\0");
    held.send(&Command::End);
    assert!(matches!(held.report(), Report::Proof { .. }));
    until("it was released", || std::fs::read(&device).unwrap() == b"\0V");
}
