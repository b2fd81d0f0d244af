//! The unbroken protocol over fixed seeds of every kind of run. `make hunt` goes on with fresh ones.

use hotseat_sim::{Keep, Lean, Profile, run};

const SEEDS: u64 = 25;

fn hold(profile: Profile, voters: bool) {
    let lean = Lean { profile: Some(profile), voters: Some(voters) };
    for seed in 0..SEEDS {
        if let Err(failure) = run(seed, None, lean, Keep::Nothing) {
            panic!("{}\n\n{failure}", failure.timeline());
        }
    }
}

/// Where the store keeps the leases, and where voters do.
fn check(profile: Profile) {
    hold(profile, false);
    hold(profile, true);
}

#[test]
fn no_false_alarm() {
    check(Profile::Calm);
}

#[test]
fn recovers_from_one_fault() {
    check(Profile::Single);
}

#[test]
fn one_leader_in_a_storm() {
    check(Profile::Storm);
}

#[test]
fn one_leader_at_the_margins() {
    check(Profile::Edge);
}

#[test]
fn one_leader_over_lagging_reads() {
    check(Profile::Stale);
}

#[test]
fn settled_when_answers_are_lost() {
    check(Profile::Lossy);
}

#[test]
fn one_leader_while_voters_come_go_and_forget() {
    hold(Profile::Quorum, true);
}
