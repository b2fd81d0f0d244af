//! The promise `flat`, for the guard: starts and stops leave no descriptor, no process, no cgroup and no memory behind.
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::path::Path;

use hotseat_guard::Report;
use stage::{BOTH, Held, Stage, until};

const WARM_UP: u32 = 50;
const CYCLES: u32 = 300;

#[derive(Debug, PartialEq)]
struct Footprint {
    descriptors: usize,
    children: usize,
    groups: usize,
}

fn footprint(stage: &Stage, guard: i32) -> Footprint {
    let count = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
    let slots = |dir: &std::path::PathBuf| {
        std::fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_dir()).count()
    };
    Footprint {
        descriptors: count(Path::new(&format!("/proc/{guard}/fd"))),
        children: stage::processes().into_iter().filter(|pid| stage::parent(*pid) == Some(guard)).count(),
        groups: stage.groups().iter().map(slots).sum(),
    }
}

/// Resident memory in KiB.
fn resident(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// One life: it ends by itself, or cannot be started, or is killed with a daemon that it has made.
fn cycle(stage: &Stage, held: &mut Held, round: u32) {
    let slot = round % 3;
    match slot {
        0 => held.start(stage.command(slot, &["true"])),
        1 => held.start(stage.command(slot, &["no-such-command"])),
        _ => held.start(stage.shell(slot, "(setsid sleep 300 &); kill -9 $$")),
    }
    loop {
        match held.report() {
            Report::Gone { .. } | Report::StartFailed { .. } => return,
            Report::Started { .. } | Report::Exited { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn flat() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        (0..WARM_UP).for_each(|round| cycle(&stage, &mut held, round));
        let (before, memory) = (footprint(&stage, held.guard_pid()), resident(held.guard_pid()));
        (0..CYCLES).for_each(|round| cycle(&stage, &mut held, round));
        assert_eq!(footprint(&stage, held.guard_pid()), before);
        assert_eq!(before.children + before.groups, 0);
        let grown = resident(held.guard_pid()).saturating_sub(memory);
        assert!(grown <= 64, "{grown} KiB more after {CYCLES} cycles");
        assert_eq!(stage.alive(), []);
    }
}

#[test]
fn many_at_once() {
    const MANY: u32 = 200;
    for containment in BOTH {
        let stage = Stage::new(containment);
        let mut held = stage.hold();
        cycle(&stage, &mut held, 0);
        let empty = footprint(&stage, held.guard_pid());
        for slot in 0..MANY {
            held.start(stage.command(slot, &["sleep", "300"]));
            held.started();
        }
        assert_eq!(stage.alive().len(), MANY as usize);
        (0..MANY).for_each(|slot| held.send(&hotseat_guard::Command::Kill { slot }));
        let mut gone = 0;
        until("all are gone", || {
            gone += u32::from(matches!(held.report(), Report::Gone { .. }));
            gone == MANY
        });
        assert_eq!(stage.alive(), []);
        assert_eq!(footprint(&stage, held.guard_pid()), empty);
    }
}

#[test]
fn sessions_leave_nothing() {
    for containment in BOTH {
        for _ in 0..10 {
            let stage = Stage::new(containment);
            let mut settings = stage.settings();
            settings.linger = std::time::Duration::ZERO;
            let mut held = stage.hold_with(&settings);
            held.extend(stage::SOON);
            held.start(stage.shell(1, "sleep 300 & sleep 300"));
            held.started();
            let guard = held.guard_pid();
            drop(held);
            until("the guard has gone and was collected", || stage::parent(guard).is_none());
            assert_eq!((stage.alive(), stage.groups()), (vec![], vec![]));
        }
    }
}
