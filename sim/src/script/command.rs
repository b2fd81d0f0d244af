//! What may happen in a scenario, in words.

use hotseat_core::{GroupId, Mode};

use super::Setup;
use super::duration;
use crate::clock::SECOND;
use crate::fault::{Cut, Fault};
use crate::links::Way;
use crate::log::Change;
use crate::order::Order;
use crate::service::{Drains, Stops, Temper, Yields};

pub(super) fn parse(setup: &Setup, words: &[&str]) -> Option<Vec<Fault>> {
    let one = |fault: fn(usize) -> Fault, name: &str| Some(vec![fault(setup.machine(name)?)]);
    match words {
        ["power", "off", names @ ..] => names.iter().map(|name| setup.machine(name).map(Fault::PowerOff)).collect(),
        ["power", "on", names @ ..] => names.iter().map(|name| setup.machine(name).map(Fault::PowerOn)).collect(),
        ["start", names @ ..] => names.iter().map(|name| setup.machine(name).map(Fault::Start)).collect(),
        ["stop", name] => one(Fault::Stop, name),
        ["kill", "agent", "and", "guard", name] => one(Fault::KillBoth, name),
        ["kill", "agent", name] => one(Fault::KillAgent, name),
        ["kill", "guard", name] => one(Fault::KillGuard, name),
        ["kill", "service", group, "on", name] => {
            Some(vec![Fault::KillService(setup.machine(name)?, setup.group(group)?)])
        }
        ["pause", "agent", name] => one(Fault::PauseAgent, name),
        ["resume", "agent", name] => one(Fault::ResumeAgent, name),
        ["pause", "guard", name] => one(Fault::PauseGuard, name),
        ["resume", "guard", name] => one(Fault::ResumeGuard, name),
        ["freeze", name] => one(Fault::Freeze, name),
        ["thaw", name] => one(Fault::Thaw, name),
        ["partition", name, "from", "store"] => Some(vec![Fault::Cut(setup.machine(name)?, Cut::Requests)]),
        ["lose", "answers", "to", name] => Some(vec![Fault::Cut(setup.machine(name)?, Cut::Answers)]),
        ["log", "of", name, "is", "dead"] => Some(vec![Fault::Cut(setup.machine(name)?, Cut::Log)]),
        ["mend", name] => one(Fault::Mend, name),
        ["delay", "writes", "of", name] => Some(vec![Fault::Late(setup.machine(name)?, 1000)]),
        ["hurry", "writes", "of", name] => Some(vec![Fault::Late(setup.machine(name)?, 0)]),
        ["store", "down"] => Some(vec![Fault::Outage]),
        ["store", "up"] => Some(vec![Fault::OutageEnds]),
        ["order", words @ ..] => order(setup, words),
        ["cut", a, "from", b] => both(setup, a, b, Fault::Sever),
        ["join", a, "and", b] => both(setup, a, b, Fault::Join),
        ["cut", a, "to", b] => Some(vec![Fault::Sever(way(setup, a, b)?)]),
        ["join", a, "to", b] => Some(vec![Fault::Join(way(setup, a, b)?)]),
        ["slow", a, "to", b, "by", time] => Some(vec![Fault::Drag(way(setup, a, b)?, duration(time).ok()?)]),
        ["hurry", a, "to", b] => Some(vec![Fault::Drag(way(setup, a, b)?, 0)]),
        ["log", "stops"] => Some(vec![Fault::Outage]),
        ["log", "goes", "on"] => Some(vec![Fault::OutageEnds]),
        ["log", "elects"] => Some(vec![Fault::Depose]),
        ["lag", name] => one(Fault::Stale, name),
        ["catch", "up", name] => one(Fault::Fresh, name),
        ["wipe", name] => one(Fault::Wipe, name),
        ["disk", "of", name, "is", "slow"] => Some(vec![Fault::Disk(setup.machine(name)?, 2 * SECOND, 0)]),
        ["disk", "of", name, "fails"] => Some(vec![Fault::Disk(setup.machine(name)?, 0, 1000)]),
        ["disk", "of", name, "is", "well"] => Some(vec![Fault::Disk(setup.machine(name)?, 0, 0)]),
        ["add", name, "to", "voters"] => Some(vec![Fault::Voters(Change::Add(setup.machine(name)?))]),
        ["remove", name, "from", "voters"] => Some(vec![Fault::Voters(Change::Remove(setup.machine(name)?))]),
        ["replace", "lost", "voters"] => Some(vec![Fault::Voters(Change::Tidy)]),
        ["make", "voters", names @ ..] => {
            let all: Option<Vec<_>> = names.iter().map(|name| setup.machine(name)).collect();
            Some(vec![Fault::Voters(Change::Jump(all?))])
        }
        ["service", group, "on", name, ways @ ..] => service(setup.machine(name)?, setup.group(group)?, ways),
        _ => None,
    }
}

/// What an operator orders, the group last.
fn order(setup: &Setup, words: &[&str]) -> Option<Vec<Fault>> {
    let (group, words) = words.split_last()?;
    let order = match words {
        ["pause"] => Order::Pause,
        ["resume"] => Order::Resume,
        ["pin", name, "in"] => Order::Pin(setup.machine(name)?),
        ["unpin"] => Order::Unpin,
        [name, "to", "be", mode, "in"] => Order::Mode(setup.machine(name)?, Some(mode_of(mode)?)),
        ["priority", value, "for", name, "in"] => Order::Priority(setup.machine(name)?, Some(value.parse().ok()?)),
        ["switchover", "of"] => Order::Switchover(None, None),
        ["switchover", "to", name, "of"] => Order::Switchover(Some(setup.machine(name)?), None),
        ["switchover", "to", name, "in", "epoch", epoch, "of"] => {
            Order::Switchover(Some(setup.machine(name)?), Some(epoch.parse().ok()?))
        }
        _ => return None,
    };
    Some(vec![Fault::Order(setup.group(group)?, order)])
}

/// A mode by the word that users type.
pub(super) fn mode_of(word: &str) -> Option<Mode> {
    [Mode::Auto, Mode::Leader, Mode::Standby, Mode::HotStandby, Mode::Backup, Mode::Disabled]
        .into_iter()
        .find(|mode| mode.as_str() == word)
}

fn way(setup: &Setup, a: &str, b: &str) -> Option<Way> {
    Some((setup.machine(a)?, setup.machine(b)?))
}

fn both(setup: &Setup, a: &str, b: &str, fault: fn(Way) -> Fault) -> Option<Vec<Fault>> {
    Some(vec![fault(way(setup, a, b)?), fault(way(setup, b, a)?)])
}

fn service(machine: usize, group: GroupId, ways: &[&str]) -> Option<Vec<Fault>> {
    let mut temper = Temper::default();
    match ways {
        ["is", "well"] => {}
        ["is", "ill"] => temper.ill = 1000,
        ["cannot", "start"] => temper.broken = true,
        ["never", "becomes", "ready"] => temper.unready = true,
        ["ignores", "TERM"] => temper.stops = Stops::Never,
        ["stops", "within", time] => temper.stops = Stops::After(duration(time).ok()?),
        ["starts", "within", time] => temper.starts = duration(time).ok()?,
        ["drains", "within", time] => temper.drains = Drains::After(duration(time).ok()?),
        ["never", "drains"] => temper.drains = Drains::Never,
        ["does", "not", "yield"] => temper.yields = Yields::Silent,
        ["dies", "after", time] => temper.dies_after = Some(duration(time).ok()?),
        _ => return None,
    }
    Some(vec![Fault::Temper(machine, group, temper)])
}
