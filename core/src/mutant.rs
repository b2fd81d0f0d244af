//! Deliberate mistakes, one per rule, that the simulator must find. A shipped binary cannot switch one on.

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A rule left out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant { $($(#[$doc])* #[doc = $text] $name,)* }

        impl Mutant {
            /// Every mutant.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it does wrong, in words.
            #[must_use]
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

mutants! {
    ClaimOverStaleLive = "claim over a stale live record",
    DeadlineFromReply = "deadline from the reply",
    NoMarginOnLeader = "no margin on the leader",
    NoMarginOnObserver = "no margin on the observer",
    ExpireWithoutVersion = "expire without version",
    ObserveFromSend = "observe from the send",
    UnknownRenewalApplied = "unknown renewal = applied",
    UnknownReleaseRefused = "unknown release = refused",
    ReleaseSettledByRead = "release settled by a read",
    NewSessionWithoutEnding = "new session without ending the old",
    NonceReused = "nonce reused",
    VersionReused = "version reused",
    TtlFromOwnConfiguration = "ttl from own configuration",
    SettledRenewalFromNow = "settled renewal counted from now",
    UnequalIsReplaced = "!= for replaced",
    ClaimWithoutVersion = "claim without version",
    ReleaseBeforeStop = "release before the stop",
    ReleaseBeforeFollowers = "release before what follows is off",
    LapsedSessionResumes = "lapsed session resumes",
    GuardDeadlineRelative = "guard deadline relative instead of absolute",
    ActBeforeClaimAcknowledged = "act before the claim is acknowledged",
    RenewalExtendedOnError = "renewal extended on error",
    AnnouncedBeforeReady = "leader announced before ready",
    DrainUnheeded = "a planned end does not wait until all is drained",
    PauseOpenToAll = "a paused group is led on by another",
    PauseOpenToPlans = "a paused leader hands over",
    PinUnheeded = "others do not wait for the pinned member",
    OldOrderObeyed = "an order for an earlier epoch is obeyed",
    FailbackAtOnce = "failback does not wait until the better one has stayed",
    UnrestUnheeded = "a group that does not settle is claimed at once",
    AckWithoutSeq = "voters: ack without seq",
    LeaseFromAck = "voters: lease from the ack",
    VolatilePromise = "voters: volatile promise",
    NoWaitAfterRestart = "voters: no wait after restart",
    AckAfterPromise = "voters: ack after promise",
    Minority = "voters: minority",
    NoMarginOnVoter = "voters: no margin",
    WipedDisk = "voters: wiped disk votes on",
    TwoProcesses = "voters: two processes on one disk",
    PrematureProof = "voters: premature proof",
    ChangesUngated = "voters: changes ungated",
    ArbitraryChanges = "voters: arbitrary changes",
    PromisesJudgedByOldSet = "voters: promises judged by an old set",
    SeenTooEarly = "voters: `seen` too early",
    NoDrainAfterThaw = "voters: no drain after a thaw",
    RefusedSessionGoesOn = "voters: a refused session goes on",
}

/// Which rules hold: all of them, unless the simulator says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules(Option<Mutant>);

impl Rules {
    /// All rules but one.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub const fn without(mutant: Mutant) -> Self {
        Self(Some(mutant))
    }

    /// Whether this mistake is to be made. Always `false` in a shipped binary.
    #[must_use]
    pub fn breaks(self, mutant: Mutant) -> bool {
        cfg!(feature = "mutants") && self.0 == Some(mutant)
    }
}
