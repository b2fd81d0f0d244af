//! What cannot be killed is not proven dead (D4): no word, an alarm, a watchdog that starves; and all of it is made good
//! once the kill succeeds. The freezer of cgroup v1 stands in for a process in an uninterruptible call: SIGKILL waits.
#![allow(missing_docs, clippy::unwrap_used)]

mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hotseat_guard::{Answer, Command, Report};
use stage::{BOTH, Stage, until};

/// A frozen cgroup; thawed and removed at the end.
struct Freezer(PathBuf);

impl Freezer {
    fn new(stage: &Stage) -> Option<Self> {
        let dir = Path::new("/sys/fs/cgroup/freezer").join(format!("hotseat-test-{}", stage.hex()));
        match std::fs::create_dir(&dir) {
            Ok(()) if dir.join("freezer.state").exists() => Some(Self(dir)),
            _ => {
                println!("skipped: needs the freezer of cgroup v1");
                None
            }
        }
    }

    fn freeze(&self, pid: i32) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
        std::fs::write(self.0.join("freezer.state"), "FROZEN").unwrap();
        let frozen = || std::fs::read_to_string(self.0.join("freezer.state")).unwrap().trim() == "FROZEN";
        until("it is frozen", frozen);
    }

    fn thaw(&self) {
        std::fs::write(self.0.join("freezer.state"), "THAWED").unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.thaw();
        until("the freezer is empty", || std::fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn who_cannot_die_is_not_proven_dead() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let Some(freezer) = Freezer::new(&stage) else { return };
        let device = stage.dir.path().join("watchdog");
        std::fs::write(&device, "").unwrap();
        let mut settings = stage.settings();
        settings.watchdog = Some(device.clone());
        let mut held = stage.hold_with(&settings);
        held.extend(Duration::from_secs(600));
        held.start(stage.shell(1, "sleep 300 & (setsid sleep 300 &); sleep 0.1; echo ready; sleep 300"));
        let main = held.started();
        assert_eq!(held.line(), "ready");
        freezer.freeze(main);
        held.send(&Command::End);
        held.expect(&Report::Overdue);
        // Her children are not handed over while she cannot die, and are killed all the same.
        until("only the frozen one is left", || stage.alive() == [(main, "sh".to_owned())]);
        assert!(!stage.has_heard(), "a word while somebody lives");
        assert_eq!(hotseat_guard::ask(stage.session, Duration::from_millis(50)), Answer::Silent);
        assert_eq!(std::fs::read(&device).unwrap(), b"\0", "fed once, and not released");
        freezer.thaw();
        held.expect(&Report::Exited { slot: 1, code: None, signal: Some(9) });
        held.expect(&Report::Gone { slot: 1 });
        let Report::Proof { secret } = held.report() else { panic!("no proof") };
        assert_eq!(stage.hear().secret, secret);
        assert_eq!(std::fs::read(&device).unwrap(), b"\0V");
    }
}

#[test]
fn a_keeper_that_cannot_move_is_no_obstacle() {
    for containment in BOTH {
        let stage = Stage::new(containment);
        let Some(freezer) = Freezer::new(&stage) else { return };
        let agent = stage.agent(Duration::from_secs(30), "(setsid sleep 300 &); sleep 0.1; echo ready >&2; sleep 300");
        freezer.freeze(agent.keeper);
        stage::signal(agent.pid(), rustix::process::Signal::KILL);
        stage.wait_until_dead();
        // It might yet have children that nobody sees: the word waits for it.
        assert!(!stage.has_heard());
        freezer.thaw();
        stage.hear();
    }
}

#[test]
fn an_agent_that_cannot_die_holds_up_the_word() {
    let stage = Stage::new(BOTH[0]);
    let agent = stage.agent(Duration::from_millis(700), "echo ready >&2; sleep 300");
    // After the agent, so that it is thawed before the agent is waited for.
    let Some(freezer) = Freezer::new(&stage) else { return };
    freezer.freeze(agent.pid());
    // Past the deadline without having closed its socket, it is only late: the service is dead, and that is proven.
    stage.hear();
}
