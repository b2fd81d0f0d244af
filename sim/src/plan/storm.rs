//! What goes wrong in a run, drawn from a seed: one thing, or many.

use hotseat_core::GroupId;

use super::{Plan, Profile};
use crate::clock::{MS, SECOND};
use crate::fault::{Cut, Fault};
use crate::rng::Rng;
use crate::service::{Stops, Temper, Yields};

/// Kinds of trouble; each strikes a random machine for a while.
#[derive(Clone, Copy, Debug)]
enum Kind {
    PauseAgent,
    PauseGuard,
    Freeze,
    KillAgent,
    KillGuard,
    KillBoth,
    KillService,
    Power,
    Stop,
    Cut,
    /// Answers are cut, the way is free for a moment, then requests are cut: what was read back has to last.
    Stutter,
    Outage,
    Stale,
    Late,
    Temper,
    Switchover,
    Twin,
}

use Kind::{
    Cut as CutOff, Freeze, KillAgent, KillBoth, KillGuard, KillService, Late, Outage, PauseAgent, PauseGuard, Power,
    Stale, Stop, Stutter, Switchover, Twin,
};

const EVERYTHING: &[Kind] = &[
    PauseAgent,
    PauseGuard,
    Freeze,
    KillAgent,
    KillGuard,
    KillBoth,
    KillService,
    Power,
    Stop,
    CutOff,
    Outage,
    Stutter,
    Stale,
    Late,
    Kind::Temper,
    Kind::Temper,
    Switchover,
    Switchover,
    Twin,
];

const fn kinds(profile: Profile) -> &'static [Kind] {
    match profile {
        Profile::Calm | Profile::Storm => EVERYTHING,
        Profile::Single => &[
            PauseAgent,
            PauseGuard,
            Freeze,
            KillAgent,
            KillGuard,
            KillBoth,
            KillService,
            Power,
            Stop,
            CutOff,
            Outage,
            Switchover,
        ],
        Profile::Edge => &[CutOff, CutOff, Stutter, Stutter, Stutter, Freeze, PauseAgent],
        Profile::Stale => &[Stale, Stale, Stale, KillAgent, KillBoth, CutOff, Switchover, Stop],
        Profile::Lossy => &[Late, Late, Switchover, Switchover, CutOff, KillAgent, KillService, Stop],
    }
}

struct Storm<'a> {
    rng: &'a mut Rng,
    plan: &'a mut Plan,
}

pub(super) fn one(rng: &mut Rng, plan: &mut Plan, start: u64) {
    let kind = rng.pick(kinds(Profile::Single));
    let at = start + rng.below(2 * SECOND);
    let lasts = rng.between(1, 6000) * MS;
    plan.changes = Some((1, start));
    Storm { rng, plan }.strike(kind, at, lasts);
}

pub(super) fn many(rng: &mut Rng, plan: &mut Plan, start: u64, ttl: u64) {
    let kinds = kinds(plan.profile);
    let count = rng.between(1, 25);
    let span = plan.healed - start;
    for _ in 0..count {
        let (kind, at) = (rng.pick(kinds), start + rng.below(span));
        let lasts = if rng.chance(500) { rng.below(3 * ttl) } else { rng.below(6 * SECOND) };
        Storm { rng, plan }.strike(kind, at, lasts);
    }
}

impl Storm<'_> {
    fn add(&mut self, at: u64, fault: Fault) {
        if at < self.plan.healed {
            self.plan.faults.push((at, fault));
        }
    }

    fn machine(&mut self) -> usize {
        self.rng.below(self.plan.machines.len() as u64) as usize
    }

    fn group(&mut self) -> GroupId {
        let at = self.rng.below(self.plan.groups.len() as u64) as usize;
        self.plan.groups[at].clone()
    }

    fn strike(&mut self, kind: Kind, at: u64, lasts: u64) {
        let (on, group, ends) = (self.machine(), self.group(), at + lasts);
        let (fault, then) = match kind {
            Kind::PauseAgent => (Fault::PauseAgent(on), Some(Fault::ResumeAgent(on))),
            Kind::PauseGuard => (Fault::PauseGuard(on), Some(Fault::ResumeGuard(on))),
            Kind::Freeze => (Fault::Freeze(on), Some(Fault::Thaw(on))),
            Kind::KillAgent => (Fault::KillAgent(on), Some(Fault::Start(on))),
            Kind::KillGuard => (Fault::KillGuard(on), None),
            Kind::KillBoth => (Fault::KillBoth(on), Some(Fault::Start(on))),
            Kind::KillService => (Fault::KillService(on, group), None),
            Kind::Power => (Fault::PowerOff(on), Some(Fault::PowerOn(on))),
            Kind::Stop => (Fault::Stop(on), Some(Fault::Start(on))),
            Kind::Cut => (Fault::Cut(on, self.rng.pick(&[Cut::Requests, Cut::Answers])), Some(Fault::Mend(on))),
            Kind::Stutter => return self.stutter(on, at),
            Kind::Outage => (Fault::Outage, Some(Fault::OutageEnds)),
            Kind::Stale => (Fault::Stale(on), Some(Fault::Fresh(on))),
            Kind::Late => {
                let share = self.rng.pick(&[200, 500, 1000]);
                (Fault::Late(on, share), Some(Fault::Late(on, 0)))
            }
            Kind::Temper => {
                let temper = self.temper();
                (Fault::Temper(on, group.clone(), temper), Some(Fault::Temper(on, group, Temper::default())))
            }
            Kind::Switchover => {
                let to = self.rng.chance(500).then(|| self.machine());
                (Fault::SwitchoverAnywhere(group, to), None)
            }
            Kind::Twin => match self.plan.machines.iter().position(|machine| machine.twin) {
                Some(twin) => (Fault::Start(twin), Some(Fault::KillAgent(twin))),
                None => return,
            },
        };
        self.add(at, fault);
        if let Some(then) = then {
            self.add(ends, then);
        }
    }

    fn stutter(&mut self, on: usize, at: u64) {
        let ttl = self.plan.machines[on].config.timing.ttl().as_nanos() as u64;
        let free = at + ttl * self.rng.between(15, 70) / 100;
        let cut = free + ttl * self.rng.between(1, 20) / 100;
        self.add(at, Fault::Cut(on, Cut::Answers));
        self.add(free, Fault::Mend(on));
        self.add(cut, Fault::Cut(on, Cut::Requests));
        self.add(cut + 3 * ttl, Fault::Mend(on));
    }

    fn temper(&mut self) -> Temper {
        let mut temper = Temper { starts: self.rng.between(1, 300) * MS, ..Temper::default() };
        match self.rng.below(8) {
            0 => temper.broken = true,
            1 => temper.unready = true,
            2 => temper.ill = self.rng.pick(&[300, 700, 1000]),
            3 => temper.stops = Stops::Never,
            4 => temper.stops = Stops::After(self.rng.between(1, 1500) * MS),
            5 => temper.yields = Yields::Unsaid,
            6 => temper.yields = Yields::Silent,
            _ => temper.dies_after = Some(self.rng.between(1, 3000) * MS),
        }
        temper
    }
}
