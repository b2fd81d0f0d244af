//! What may happen in a scenario, in words.

use hotseat_core::GroupId;

use super::Setup;
use super::duration;
use crate::fault::{Cut, Fault};
use crate::service::{Stops, Temper, Yields};

pub(super) fn parse(setup: &Setup, words: &[&str]) -> Option<Vec<Fault>> {
    let one = |fault: fn(usize) -> Fault, name: &str| Some(vec![fault(setup.machine(name)?)]);
    match words {
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
        ["power", "off", name] => one(Fault::PowerOff, name),
        ["power", "on", name] => one(Fault::PowerOn, name),
        ["partition", name, "from", "store"] => Some(vec![Fault::Cut(setup.machine(name)?, Cut::Requests)]),
        ["lose", "answers", "to", name] => Some(vec![Fault::Cut(setup.machine(name)?, Cut::Answers)]),
        ["mend", name] => one(Fault::Mend, name),
        ["delay", "writes", "of", name] => Some(vec![Fault::Late(setup.machine(name)?, 1000)]),
        ["hurry", "writes", "of", name] => Some(vec![Fault::Late(setup.machine(name)?, 0)]),
        ["store", "down"] => Some(vec![Fault::Outage]),
        ["store", "up"] => Some(vec![Fault::OutageEnds]),
        ["switchover", group] => Some(vec![Fault::SwitchoverAnywhere(setup.group(group)?, None)]),
        ["switchover", group, "to", name] => {
            Some(vec![Fault::SwitchoverAnywhere(setup.group(group)?, Some(setup.machine(name)?))])
        }
        ["service", group, "on", name, ways @ ..] => service(setup.machine(name)?, setup.group(group)?, ways),
        _ => None,
    }
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
        ["does", "not", "yield"] => temper.yields = Yields::Silent,
        ["dies", "after", time] => temper.dies_after = Some(duration(time).ok()?),
        _ => return None,
    }
    Some(vec![Fault::Temper(machine, group, temper)])
}
