//! What a run is to be like, as far as it is not left to its seed; and what is best against each mistake.

use hotseat_core::Mutant;

use super::Profile;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lean {
    /// What kind of run.
    pub profile: Option<Profile>,
    /// Whether voters keep the leases, or the store does.
    pub voters: Option<bool>,
}

impl Lean {
    const fn to(profile: Profile, voters: bool) -> Self {
        Self { profile: Some(profile), voters: Some(voters) }
    }

    /// With voters or without, and otherwise as the seed has it.
    #[must_use]
    pub const fn with(voters: bool) -> Self {
        Self { profile: None, voters: Some(voters) }
    }

    /// In which a mutant shows best.
    #[must_use]
    pub const fn against(mutant: Mutant) -> Self {
        match mutant {
            Mutant::DeadlineFromReply
            | Mutant::NoMarginOnLeader
            | Mutant::NoMarginOnObserver
            | Mutant::ObserveFromSend
            | Mutant::SettledRenewalFromNow
            | Mutant::NonceReused
            | Mutant::TtlFromOwnConfiguration => Self::to(Profile::Edge, false),
            Mutant::ClaimOverStaleLive | Mutant::ExpireWithoutVersion | Mutant::UnequalIsReplaced => {
                Self::to(Profile::Stale, false)
            }
            Mutant::ReleaseSettledByRead | Mutant::UnknownReleaseRefused => Self::to(Profile::Lossy, false),
            Mutant::AnnouncedBeforeReady => Self::to(Profile::Calm, false),
            Mutant::UnknownRenewalApplied
            | Mutant::NewSessionWithoutEnding
            | Mutant::VersionReused
            | Mutant::ClaimWithoutVersion
            | Mutant::ReleaseBeforeStop
            | Mutant::ReleaseBeforeFollowers
            | Mutant::DrainUnheeded
            | Mutant::LapsedSessionResumes
            | Mutant::GuardDeadlineRelative
            | Mutant::ActBeforeClaimAcknowledged
            | Mutant::RenewalExtendedOnError => Self::with(false),
            Mutant::PauseOpenToAll
            | Mutant::PauseOpenToPlans
            | Mutant::PinUnheeded
            | Mutant::OldOrderObeyed
            | Mutant::FailbackAtOnce
            | Mutant::UnrestUnheeded => Self::to(Profile::Storm, false),
            Mutant::AckWithoutSeq
            | Mutant::LeaseFromAck
            | Mutant::VolatilePromise
            | Mutant::NoWaitAfterRestart
            | Mutant::AckAfterPromise
            | Mutant::Minority
            | Mutant::NoMarginOnVoter
            | Mutant::WipedDisk
            | Mutant::TwoProcesses
            | Mutant::ChangesUngated
            | Mutant::ArbitraryChanges
            | Mutant::PromisesJudgedByOldSet
            | Mutant::SeenTooEarly
            | Mutant::NoDrainAfterThaw
            | Mutant::RefusedSessionGoesOn => Self::to(Profile::Quorum, true),
            Mutant::PrematureProof => Self::with(true),
        }
    }
}
