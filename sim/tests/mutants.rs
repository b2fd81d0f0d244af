//! Every rule that is left out is missed: each mutant breaks a promise within so many seeds.

use hotseat_core::Mutant;
use hotseat_sim::{Keep, Lean, run};

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

macro_rules! killed {
    ($($test:ident: $mutant:ident,)*) => {
        $(#[test] fn $test() { check(Mutant::$mutant); })*

        #[test]
        fn every_mutant_has_its_test() {
            let tested = [$(Mutant::$mutant,)*];
            assert!(Mutant::ALL.iter().all(|mutant| tested.contains(mutant)), "a mutant is not tested");
        }
    };
}

killed! {
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
    lapsed_session_resumes: LapsedSessionResumes,
    guard_deadline_relative: GuardDeadlineRelative,
    act_before_claim_acknowledged: ActBeforeClaimAcknowledged,
    renewal_extended_on_error: RenewalExtendedOnError,
    announced_before_ready: AnnouncedBeforeReady,
}
