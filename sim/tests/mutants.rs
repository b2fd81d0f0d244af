//! Every rule that is left out is missed: each mutant breaks a promise within so many seeds, or in a scenario that sets
//! up the hard case. "Hard cases get scripts, not hope."

use std::path::Path;

use hotseat_core::Mutant;
use hotseat_sim::{Keep, Lean, play, play_without, run};

/// Where the counting starts.
const STARTS: [u64; 3] = [1, 1_000_000, 2_000_000];
/// More than this and the mutant counts as alive.
const SEEDS_MAX: u64 = 400;

/// Seeds until killed, and the promise that broke.
fn kill(mutant: Mutant, start: u64) -> (u64, &'static str) {
    for seed in start..start + SEEDS_MAX {
        if let Err(failure) = run(seed, Some(mutant), Lean::against(mutant), Keep::Nothing) {
            return (seed - start + 1, failure.broken.invariant);
        }
    }
    panic!("{mutant:?} ({}) survives {SEEDS_MAX} seeds from {start}", mutant.describe());
}

fn check(mutant: Mutant) {
    let mut kills: Vec<_> = STARTS.iter().map(|start| kill(mutant, *start)).collect();
    kills.sort_unstable();
    let (median, invariant) = kills[kills.len() / 2];
    println!("| {} | {median} | {invariant} |", mutant.describe());
}

/// A scenario that holds, and breaks a promise where this rule is left out.
fn check_told(mutant: Mutant, scenario: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(scenario);
    let text = std::fs::read_to_string(&file).expect("a scenario of that name");
    let (script, _) = text.split_once("\n---\n").unwrap_or((&text, ""));
    play(script).unwrap_or_else(|story| panic!("{scenario} does not hold:\n{story}"));
    if let Ok(story) = play_without(Some(mutant), script) {
        panic!("{mutant:?} ({}) survives {scenario}:\n{story}", mutant.describe());
    }
}

macro_rules! killed {
    {
        by seeds { $($test:ident: $mutant:ident,)* }
        by scenarios { $($told:ident: $hard:ident in $scenario:literal,)* }
    } => {
        $(#[test] fn $test() { check(Mutant::$mutant); })*
        $(#[test] fn $told() { check_told(Mutant::$hard, $scenario); })*

        #[test]
        fn every_mutant_has_its_test() {
            let tested = [$(Mutant::$mutant,)* $(Mutant::$hard,)*];
            assert!(Mutant::ALL.iter().all(|mutant| tested.contains(mutant)), "a mutant is not tested");
        }
    };
}

killed! {
    by seeds {
        claim_over_stale_live: ClaimOverStaleLive,
        deadline_from_reply: DeadlineFromReply,
        no_margin_on_leader: NoMarginOnLeader,
        no_margin_on_observer: NoMarginOnObserver,
        expire_without_version: ExpireWithoutVersion,
        observe_from_send: ObserveFromSend,
        unknown_renewal_applied: UnknownRenewalApplied,
        unknown_release_refused: UnknownReleaseRefused,
        release_settled_by_read: ReleaseSettledByRead,
        new_session_without_ending: NewSessionWithoutEnding,
        nonce_reused: NonceReused,
        version_reused: VersionReused,
        ttl_from_own_configuration: TtlFromOwnConfiguration,
        settled_renewal_from_now: SettledRenewalFromNow,
        unequal_is_replaced: UnequalIsReplaced,
        claim_without_version: ClaimWithoutVersion,
        release_before_stop: ReleaseBeforeStop,
        release_before_followers: ReleaseBeforeFollowers,
        lapsed_session_resumes: LapsedSessionResumes,
        guard_deadline_relative: GuardDeadlineRelative,
        act_before_claim_acknowledged: ActBeforeClaimAcknowledged,
        renewal_extended_on_error: RenewalExtendedOnError,
        announced_before_ready: AnnouncedBeforeReady,
        ack_without_seq: AckWithoutSeq,
        lease_from_ack: LeaseFromAck,
        minority: Minority,
        premature_proof: PrematureProof,
        changes_ungated: ChangesUngated,
        arbitrary_changes: ArbitraryChanges,
        promises_judged_by_old_set: PromisesJudgedByOldSet,
        no_drain_after_thaw: NoDrainAfterThaw,
    }
    by scenarios {
        pause_open_to_all: PauseOpenToAll in "39_paused_leader_dies.txt",
        pause_open_to_plans: PauseOpenToPlans in "40_paused_group_stays.txt",
        pin_unheeded: PinUnheeded in "41_pinned_member_leads.txt",
        old_order_obeyed: OldOrderObeyed in "43_order_for_an_earlier_epoch.txt",
        failback_at_once: FailbackAtOnce in "44_failback.txt",
        unrest_unheeded: UnrestUnheeded in "45_leaders_that_do_not_stay.txt",
        drain_unheeded: DrainUnheeded in "37_switchover_waits_for_requests.txt",
        volatile_promise: VolatilePromise in "22_promise_survives_the_power.txt",
        wiped_disk: WipedDisk in "24_wiped_disk_is_a_new_voter.txt",
        two_processes: TwoProcesses in "25_two_processes_on_one_disk.txt",
        no_wait_after_restart: NoWaitAfterRestart in "30_voters_restart.txt",
        seen_too_early: SeenTooEarly in "31_voters_change_one_at_a_time.txt",
        ack_after_promise: AckAfterPromise in "32_refused_is_over.txt",
        no_margin_on_voter: NoMarginOnVoter in "35_clocks_run_apart.txt",
        refused_session_goes_on: RefusedSessionGoesOn in "32_refused_is_over.txt",
    }
}
