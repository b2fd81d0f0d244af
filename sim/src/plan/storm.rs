//! What goes wrong in a run, drawn from a seed: one thing, or many.

use hotseat_core::GroupId;

use super::{Plan, Profile, council};
use crate::clock::{MS, SECOND};
use crate::fault::{Cut, Fault};
use crate::log::Change;
use crate::order::Order;
use crate::rng::Rng;
use crate::service::{Drains, Stops, Temper, Yields};

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
    /// Two machines do not hear each other, or one does not hear the other.
    Sever,
    /// What one sends to another comes late: after what was sent later, on other ways.
    Drag,
    /// Nobody hears of a machine, nor it of them.
    Island,
    Depose,
    Disk,
    Wipe,
    Voters,
    /// Everybody's power fails.
    Blackout,
    /// An agent stops for a while, and somebody starts another on its disk.
    Second,
    /// All agents but one are restarted at once.
    Upgrade,
    /// Several voters come and go, while some do not hear of it.
    Shuffle,
    /// Two voters hear a third machine by turns, and each other late: a promise is given while the lease runs.
    Waver,
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

/// What else goes wrong where there are voters.
const COUNCIL: &[Kind] = &[
    Kind::Sever,
    Kind::Sever,
    Kind::Sever,
    Kind::Drag,
    Kind::Drag,
    Kind::Island,
    Kind::Depose,
    Kind::Disk,
    Kind::Wipe,
    Kind::Voters,
    Kind::Voters,
    Kind::Voters,
    Kind::Blackout,
    Kind::Second,
    Kind::Upgrade,
    Kind::Upgrade,
    Kind::Shuffle,
    Kind::Shuffle,
    Kind::Waver,
    Kind::Waver,
    Kind::Waver,
    PauseAgent,
    Freeze,
    KillBoth,
    KillAgent,
    Power,
    Power,
    Stale,
    Outage,
];

/// Of these one at a time changes a leader once at the most.
const COUNCIL_ONE: &[Kind] =
    &[Kind::Sever, Kind::Drag, Kind::Island, Kind::Depose, Kind::Disk, Kind::Wipe, Kind::Voters, Kind::Blackout, Stale];

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
        Profile::Quorum => COUNCIL,
        Profile::Lossy => &[Late, Late, Switchover, Switchover, CutOff, KillAgent, KillService, Stop],
    }
}

struct Storm<'a> {
    rng: &'a mut Rng,
    plan: &'a mut Plan,
}

pub(super) fn one(rng: &mut Rng, plan: &mut Plan, start: u64) {
    let ours = plan.voters.is_some() && rng.chance(500);
    let kind = rng.pick(if ours { COUNCIL_ONE } else { kinds(Profile::Single) });
    let at = start + rng.below(2 * SECOND);
    let lasts = rng.between(1, 6000) * MS;
    // Fewer than three voters survive no loss: whoever took over loses the lease as well.
    let frail = plan.voters.as_ref().is_some_and(|voters| voters.len() < 3);
    plan.changes = Some((if frail { 2 } else { 1 }, start));
    Storm { rng, plan }.strike(kind, at, lasts);
}

pub(super) fn many(rng: &mut Rng, plan: &mut Plan, start: u64, ttl: u64) {
    let kinds = kinds(plan.profile);
    let count = rng.between(1, 25);
    let span = plan.healed - start;
    for _ in 0..count {
        let ours = plan.voters.is_some() && rng.chance(300);
        let (kind, at) = (rng.pick(if ours { COUNCIL } else { kinds }), start + rng.below(span));
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
            Kind::Cut => {
                (Fault::Cut(on, self.rng.pick(&[Cut::Requests, Cut::Answers, Cut::Log])), Some(Fault::Mend(on)))
            }
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
                (Fault::Order(group, Order::Switchover(to, None)), None)
            }
            Kind::Twin => match self.plan.machines.iter().position(|machine| machine.twin) {
                Some(twin) => (Fault::Start(twin), Some(Fault::KillAgent(twin))),
                None => return,
            },
            Kind::Sever => return self.sever(on, at, ends),
            Kind::Drag => {
                let (way, extra) = ((on, self.machine()), self.rng.below(3000) * MS);
                (Fault::Drag(way, extra), Some(Fault::Drag(way, 0)))
            }
            Kind::Island => return self.island(on, at, ends),
            Kind::Depose => (Fault::Depose, None),
            Kind::Disk => {
                let (slow, fails) = (self.rng.below(2000) * MS, self.rng.pick(&[0, 300, 1000]));
                (Fault::Disk(on, slow, fails), Some(Fault::Disk(on, 0, 0)))
            }
            Kind::Wipe => return self.wipe(on, at, ends),
            Kind::Voters => (Fault::Voters(self.change()), None),
            Kind::Blackout => return self.blackout(at, ends),
            Kind::Second => return self.second(at, ends),
            Kind::Upgrade => return self.upgrade(on, at),
            Kind::Shuffle => return self.shuffle(at, ends),
            Kind::Waver => return self.waver(on, at),
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
            5 => (temper.yields, temper.drains) = (Yields::Unsaid, Drains::After(250 * MS)),
            6 => (temper.yields, temper.drains) = (Yields::Silent, Drains::Never),
            _ => temper.dies_after = Some(self.rng.between(1, 3000) * MS),
        }
        temper
    }

    fn sever(&mut self, on: usize, at: u64, ends: u64) {
        let other = self.machine();
        let ways = if self.rng.chance(500) { vec![(on, other)] } else { vec![(on, other), (other, on)] };
        for way in ways {
            self.add(at, Fault::Sever(way));
            self.add(ends, Fault::Join(way));
        }
    }

    fn island(&mut self, on: usize, at: u64, ends: u64) {
        for other in 0..self.plan.machines.len() {
            for way in [(on, other), (other, on)] {
                self.add(at, Fault::Sever(way));
                self.add(ends, Fault::Join(way));
            }
        }
    }

    fn wipe(&mut self, on: usize, at: u64, ends: u64) {
        self.add(at, Fault::Wipe(on));
        self.add(ends, Fault::PowerOn(on));
        if self.rng.chance(500) {
            self.add(ends + SECOND, Fault::Voters(Change::Tidy));
        }
    }

    fn change(&mut self) -> Change {
        if self.plan.profile == Profile::Single || self.rng.chance(700) {
            return council::change(self.rng, self.plan);
        }
        let count = self.plan.machines.iter().filter(|machine| !machine.twin).count() as u64;
        let jump = (0..self.rng.between(1, count)).map(|_| self.rng.below(count) as usize).collect();
        Change::Jump(jump)
    }

    fn blackout(&mut self, at: u64, ends: u64) {
        for on in 0..self.plan.machines.len() {
            let late = if self.rng.chance(500) { 0 } else { self.rng.below(SECOND) };
            self.add(at, Fault::PowerOff(on));
            self.add(ends + late, Fault::PowerOn(on));
        }
    }

    fn second(&mut self, at: u64, ends: u64) {
        let Some(twin) = self.plan.machines.iter().position(|machine| machine.shares.is_some()) else { return };
        self.add(at, Fault::PauseAgent(0));
        self.add(at, Fault::Start(twin));
        self.add(ends, Fault::ResumeAgent(0));
    }

    fn upgrade(&mut self, all_but: usize, at: u64) {
        for on in (0..self.plan.machines.len()).filter(|on| *on != all_but) {
            let down = at + self.rng.below(200) * MS;
            let up = down + self.rng.below(400) * MS;
            let kill = self.rng.pick(&[Fault::KillAgent, Fault::KillBoth, Fault::PowerOff]);
            self.add(down, kill(on));
            self.add(up, Fault::PowerOn(on));
            self.add(up, Fault::Start(on));
        }
    }

    fn shuffle(&mut self, at: u64, ends: u64) {
        for _ in 0..self.rng.between(2, 5) {
            let when = at + self.rng.below(400) * MS;
            let change = council::change(self.rng, self.plan);
            self.add(when, Fault::Voters(change));
            // A session that begins while the set changes.
            let comes = self.machine();
            self.add(at, Fault::Stop(comes));
            let begins = when.saturating_sub(self.rng.below(12) * MS);
            self.add(begins, Fault::Start(comes));
            let way = (self.machine(), self.machine());
            self.add(at, Fault::Sever(way));
            self.add(ends, Fault::Join(way));
        }
        let on = self.machine();
        self.add(at, Fault::Stale(on));
        self.add(ends, Fault::Fresh(on));
    }

    fn waver(&mut self, holder: usize, at: u64) {
        let count = self.plan.machines.len();
        let a = (holder + 1 + self.rng.below(count as u64 - 1) as usize) % count;
        let b = (holder + 1 + self.rng.below(count as u64 - 1) as usize) % count;
        let ttl = self.plan.machines[holder].config.timing.ttl().as_nanos() as u64;
        let after = |percent: u64| at + ttl * percent / 100;
        // So that b's word, spoken while it heard nothing, reaches a when a hears nothing.
        self.add(at, Fault::Drag((a, b), ttl * 140 / 100));
        self.add(at, Fault::Drag((b, a), ttl * 120 / 100));
        self.add(at, Fault::Sever((holder, a)));
        self.add(after(112), Fault::Join((holder, a)));
        self.add(after(128), Fault::Sever((holder, b)));
        self.add(after(246), Fault::Sever((holder, a)));
        self.add(after(260), Fault::Join((holder, b)));
        self.add(after(375), Fault::Drag((a, b), 0));
        self.add(after(375), Fault::Drag((b, a), 0));
        let then = after(360) + self.rng.below(ttl);
        if self.rng.chance(700) {
            let down = self.rng.pick(&[Fault::PowerOff, Fault::KillBoth, Fault::Wipe, Fault::PauseAgent]);
            self.add(then, down(a));
            let up = then + self.rng.below(ttl);
            self.add(up, Fault::ResumeAgent(a));
            self.add(up, Fault::PowerOn(a));
            self.add(up, Fault::Start(a));
        }
        let heard = then + self.rng.below(2 * ttl);
        self.add(heard, Fault::Join((holder, a)));
    }
}
