//! The story of `hotseat dev`: what happened, and what clients felt of it. Every number is measured here.
//!
//! ```text
//!           agent ended, nobody serves,               serves again,
//!            or a newer epoch is seen                 under any epoch
//!  calm ────────────────────────────▶ shaken ───────────────────────▶ settling ──▶ one line, calm
//!                                        ▲  it stops serving again        │  every request that began
//!                                        └────────────────────────────────┘  before it served has ended
//! ```

use std::time::{Duration, Instant, SystemTime};

use hotseat_client::Sight;

use super::node::Ended;
use super::probe::{Probe, Toll};

/// After this a line is told even if some request still waits.
const SETTLE_LIMIT: Duration = Duration::from_secs(3);

/// A proof of death may be heard this long before the end itself is seen. An older one is of an earlier run, which is
/// over for longer: an agent is started again no sooner than a second after its end.
const PROOF_AHEAD: Duration = Duration::from_millis(500);

/// What a node says later than this is news.
const TOLD_LATELY: Duration = Duration::from_secs(2);

/// A node in the story.
#[derive(Clone, Debug, Default)]
struct Actor {
    name: String,
    /// The newest end of its agent, and whether it had been frozen.
    lost: Option<(Instant, Option<Ended>, bool)>,
    /// When the store showed its session as ended, and how.
    over: Option<(Instant, String)>,
    frozen: bool,
    session: u64,
    session_seen: Option<Instant>,
    /// To be told when it is back.
    away: bool,
}

/// A change under way.
#[derive(Clone, Copy, Debug)]
struct Shaken {
    since: Instant,
    serves_since: Option<Instant>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Story {
    actors: Vec<Actor>,
    began: Instant,
    ttl: Duration,
    leader: Option<String>,
    epoch: u64,
    shaken: Option<Shaken>,
    told_at: Instant,
    /// Who lost the leadership because of its service, so that it is not told twice.
    gave_up: Option<String>,
    changes: u64,
    lines: Vec<String>,
}

impl Story {
    pub(super) fn new(names: impl Iterator<Item = String>, ttl: Duration) -> Self {
        let now = Instant::now();
        Self {
            actors: names.map(|name| Actor { name, ..Actor::default() }).collect(),
            began: now,
            ttl,
            leader: None,
            epoch: 0,
            shaken: None,
            told_at: now,
            gave_up: None,
            changes: 0,
            lines: Vec::new(),
        }
    }

    /// Every line so far.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Changes of leader after the first.
    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Adds a line with the time, by the wall clock in UTC.
    pub(super) fn tell(&mut self, text: &str) {
        let wall = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        self.lines.push(format!("{}  {text}", wall.get(11..19).unwrap_or_default()));
    }

    pub(super) fn frozen(&mut self, place: usize, frozen: bool) {
        self.actors[place].frozen = frozen;
        let name = self.actors[place].name.clone();
        match frozen {
            true => self.tell(&format!("{name} is frozen: its agent is stopped and does not renew its lease")),
            false if self.actors[place].lost.is_none() => self.tell(&format!("{name} is thawed")),
            false => {}
        }
    }

    pub(super) fn started(&mut self, place: usize) {
        self.actors[place].frozen = false;
    }

    pub(super) fn ended(&mut self, place: usize, ended: Option<Ended>) {
        let actor = &mut self.actors[place];
        actor.lost = Some((Instant::now(), ended, std::mem::take(&mut actor.frozen)));
        actor.away = true;
        let name = actor.name.clone();
        if self.leader.as_ref() == Some(&name) {
            self.shake();
        } else if self.actors[place].lost.is_some_and(|(.., frozen)| frozen) {
            self.tell(&format!("{name}'s frozen agent is killed and starts anew"));
        } else if self.epoch > 0 {
            let cause = self.cause(place);
            self.tell(&format!("{name} lost ({cause})"));
        }
    }

    /// A service of a node that does not lead.
    pub(super) fn service(&mut self, place: usize, text: &str) {
        if self.gave_up.as_ref() == Some(&self.actors[place].name) && self.told_at.elapsed() < TOLD_LATELY {
            return;
        }
        if self.leader.as_ref() != Some(&self.actors[place].name) && self.epoch > 0 {
            let line = format!("{}: {text}", self.actors[place].name);
            self.tell(&line);
        }
    }

    /// The store changed.
    pub(super) fn saw(&mut self, sight: &Sight) {
        self.saw_members(sight);
        let serves = sight.serving && sight.leader.is_some();
        if self.epoch > 0 && (!serves || sight.epoch > self.epoch) {
            self.shake();
        }
        if let Some(shaken) = &mut self.shaken {
            shaken.serves_since = serves.then(|| shaken.serves_since.unwrap_or_else(Instant::now));
        }
        if self.epoch == 0 && serves {
            self.first(sight);
        }
    }

    fn saw_members(&mut self, sight: &Sight) {
        for member in &sight.members {
            let Some(place) = self.actors.iter().position(|actor| actor.name == member.node) else { continue };
            let actor = &mut self.actors[place];
            match member.life.as_str() {
                "alive" if member.session > actor.session && member.state != "starting" => {
                    (actor.session, actor.session_seen) = (member.session, Some(Instant::now()));
                    actor.over = None;
                    if std::mem::take(&mut actor.away) && member.state != "leader" {
                        let line = format!("{} is back as {}", member.node, member.state);
                        self.tell(&line);
                    }
                }
                "alive" => {}
                how if member.session == actor.session && actor.over.is_none() => {
                    actor.over = Some((Instant::now(), how.to_owned()));
                    actor.away = true;
                    let known = actor.frozen || actor.lost.map(|(at, ..)| at) > actor.session_seen;
                    if !known && self.leader.as_ref() != Some(&member.node) {
                        self.tell(&format!("{}'s lease ran out: it stops everything and begins anew", member.node));
                    }
                }
                _ => {}
            }
        }
    }

    fn shake(&mut self) {
        self.shaken.get_or_insert(Shaken { since: Instant::now(), serves_since: None });
    }

    fn first(&mut self, sight: &Sight) {
        (self.leader, self.epoch) = (sight.leader.clone(), sight.epoch);
        let took = self.began.elapsed().as_secs_f64();
        let leader = sight.leader.as_deref().unwrap_or_default();
        self.tell(&format!("{leader} leads, epoch {} · its service is ready {took:.1} s after the start", sight.epoch));
        self.told_at = Instant::now();
    }

    /// Tells of a change once it is over and everybody who waited has been served.
    pub(super) fn settle(&mut self, sight: &Sight, probe: Option<&Probe>) {
        let Some(Shaken { since, serves_since: Some(served) }) = self.shaken else { return };
        if probe.is_some_and(|probe| !probe.settled(served)) && served.elapsed() < SETTLE_LIMIT {
            return;
        }
        // A server may have been gone for as long as a lease before anybody could know.
        let from = since.checked_sub(self.ttl).unwrap_or(since).max(self.told_at);
        let felt = match probe {
            Some(probe) => felt(probe.since(from)),
            None => format!("nobody led for {}", millis(served - since)),
        };
        self.change(sight, &felt);
        self.shaken = None;
        self.told_at = Instant::now();
    }

    fn change(&mut self, sight: &Sight, felt: &str) {
        let old = std::mem::replace(&mut self.leader, sight.leader.clone()).unwrap_or_default();
        let before = std::mem::replace(&mut self.epoch, sight.epoch);
        let new = sight.leader.clone().unwrap_or_default();
        let epoch = sight.epoch;
        if epoch == before {
            return self.tell(&format!("{new}'s service was gone and is back, still epoch {epoch} · {felt}"));
        }
        self.changes += 1;
        self.gave_up = (sight.why == "service-exited").then(|| old.clone());
        let actor = self.actors.iter().position(|actor| actor.name == old);
        let lost = actor.filter(|place| self.actors[*place].lost.is_some_and(|(at, ..)| at > self.told_at));
        let line = match (sight.why.as_str(), lost) {
            ("switchover", _) => format!("{old} → {new}, epoch {epoch}, planned · {felt}"),
            (_, Some(place)) => format!("{old} lost ({}) → {new} leads, epoch {epoch} · {felt}", self.cause(place)),
            _ if actor.is_some_and(|place| self.actors[place].frozen) => {
                format!("{old} lost (agent frozen; fenced when its lease ended) → {new} leads, epoch {epoch} · {felt}")
            }
            ("proven" | "lapsed" | "cut-off" | "silent" | "replaced", None) => {
                format!("{old} lost ({}) → {new} leads, epoch {epoch} · {felt}", sight.reason)
            }
            _ => format!("{old} gave up ({}) → {new} leads, epoch {epoch} · {felt}", sight.reason),
        };
        self.tell(&line);
    }

    /// Why an agent was lost, and how it was known to be dead.
    fn cause(&self, place: usize) -> String {
        let actor = &self.actors[place];
        let Some((at, ended, frozen)) = actor.lost else { return String::from("unknown") };
        let cause = match (ended, frozen) {
            (_, true) => return String::from("agent frozen; fenced when its lease ended"),
            (Some(Ended { signal: Some(9), .. }), _) => String::from("agent killed"),
            (Some(Ended { signal: Some(signal), .. }), _) => format!("agent killed by signal {signal}"),
            (Some(Ended { code: Some(0), .. }), _) => String::from("agent stopped in order"),
            (Some(Ended { code: Some(code), .. }), _) => format!("agent ended with exit code {code}"),
            (Some(Ended { .. }) | None, _) => String::from("agent gone"),
        };
        let over = actor.over.as_ref().filter(|(over, _)| *over + PROOF_AHEAD > at);
        match over.map(|(over, how)| (*over, how.as_str())) {
            Some((over, "proven")) => {
                format!("{cause}, proof of death in {}", millis(over.saturating_duration_since(at)))
            }
            Some((over, "expired")) => format!("{cause}, silent for {}", millis(over.saturating_duration_since(at))),
            Some(_) | None => cause,
        }
    }
}

/// What clients felt, in words.
fn felt(toll: Toll) -> String {
    if toll.answered + toll.failed == 0 {
        return String::from("no client asked meanwhile");
    }
    format!("clients waited {}, {} failed", millis(toll.longest), toll.failed)
}

/// A short time as people read it.
pub(super) fn millis(time: Duration) -> String {
    match time.as_millis() {
        0 => String::from("under 1 ms"),
        short @ ..10_000 => format!("{short} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
