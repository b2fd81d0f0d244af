//! The first lines of a scenario: machines, ttl, groups.

use std::time::Duration;

use hotseat_core::{
    Backoff, GroupConfig, GroupId, HealthLimits, Mode, NodeConfig, NodeName, OnExit, Rules, ServiceConfig, Standby,
    Timing,
};

use crate::clock::{Clock, MS, SECOND};
use crate::machine::Machine;
use crate::net::Net;
use crate::plan::{FASTEST, SLOWEST};
use crate::service::Temper;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// Names in order; one that ends in `'` is a second machine of that name.
    pub(super) names: Vec<String>,
    pub(super) groups: Vec<(GroupId, Shape)>,
    /// The machines that vote at first.
    pub(super) voters: Option<Vec<usize>>,
    /// Machines that are in no group.
    witnesses: Vec<String>,
    /// Machines that share the disk of the one whose name they bear.
    shared: bool,
    /// How much of their own time passes in a thousand units of true time.
    rates: Vec<(String, u64)>,
    priorities: Vec<(String, i64)>,
    modes: Vec<(String, Mode)>,
    roles: Vec<(String, String)>,
    regions: Vec<(String, String)>,
    ttl: u64,
}

/// What the members of a group have in common.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    service: ServiceConfig,
    failback: Option<Duration>,
    hold_max: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            groups: Vec::new(),
            voters: None,
            witnesses: Vec::new(),
            shared: false,
            rates: Vec::new(),
            priorities: Vec::new(),
            modes: Vec::new(),
            roles: Vec::new(),
            regions: Vec::new(),
            ttl: 500 * MS,
        }
    }
}

impl Setup {
    pub(super) fn take(&mut self, words: &[&str]) -> Option<()> {
        match words {
            ["cluster", names @ ..] => self.names = names.iter().map(|name| String::from(*name)).collect(),
            ["ttl", time] => self.ttl = super::duration(time).ok()?,
            ["voters", names @ ..] => {
                self.voters = Some(names.iter().map(|it| self.machine(it)).collect::<Option<_>>()?)
            }
            ["witness", names @ ..] => self.witnesses = names.iter().map(|name| String::from(*name)).collect(),
            ["slow", "clock", names @ ..] => self.rates.extend(names.iter().map(|it| (String::from(*it), SLOWEST))),
            ["fast", "clock", names @ ..] => self.rates.extend(names.iter().map(|it| (String::from(*it), FASTEST))),
            ["shared", "disks"] => self.shared = true,
            ["priority", name, value] => self.priorities.push((String::from(*name), value.parse().ok()?)),
            ["mode", name, mode] => self.modes.push((String::from(*name), super::command::mode_of(mode)?)),
            ["role", name, role] => self.roles.push((String::from(*name), String::from(*role))),
            ["region", name, region] => self.regions.push((String::from(*name), String::from(*region))),
            ["group", id, ways @ ..] => {
                let mut config = Shape { service: usual(), failback: None, hold_max: Duration::ZERO };
                for way in ways {
                    apply(&mut config, way)?;
                }
                self.groups.push((GroupId::new(id).ok()?, config));
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn machine(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|it| it == name)
    }

    pub(super) fn group(&self, id: &str) -> Option<GroupId> {
        self.groups.iter().map(|(group, _)| group.clone()).find(|group| group.as_str() == id)
    }

    pub(super) fn net(&self) -> Net {
        Net::default()
    }

    pub(super) fn machines(&self) -> Vec<Machine> {
        self.names.iter().enumerate().map(|(at, name)| self.build(at, name)).collect()
    }

    fn build(&self, at: usize, name: &str) -> Machine {
        let plain = name.trim_end_matches('\'');
        let idle = self.witnesses.iter().any(|it| it == name);
        let priority = said(&self.priorities, name).unwrap_or(0);
        let group = |(id, shape): &(GroupId, Shape)| GroupConfig {
            followers: false,
            id: id.clone(),
            role: said(&self.roles, name).unwrap_or_else(|| "primary".into()),
            mode: said(&self.modes, name).unwrap_or_default(),
            priority,
            failback: shape.failback,
            calm: Duration::from_secs(5),
            hold_max: shape.hold_max,
            alike: true,
            service: shape.service,
            address: Some(format!("10.0.0.{}:9100", at + 1)),
        };
        let config = NodeConfig {
            name: NodeName::new(plain).expect("a scenario names its machines well"),
            address: format!("10.0.0.{}:7700", at + 1),
            version: "0.1.0".into(),
            region: said(&self.regions, name).unwrap_or_else(|| "world".into()),
            timing: Timing::of_ttl(Duration::from_nanos(self.ttl)).expect("a scenario's ttl is safe"),
            groups: if idle { Vec::new() } else { self.groups.iter().map(group).collect() },
            voter: None,
            rules: Rules::default(),
        };
        let per_mille = said(&self.rates, name).unwrap_or(1000);
        let clock = Clock { per_mille, offset: (at as u64 + 1) * 100 * SECOND, booted: 0 };
        let mut machine = Machine::new(config, clock, plain != name, Temper::default());
        machine.shares = self.machine(plain).filter(|_| self.shared && plain != name);
        machine
    }
}

/// What a line said of this machine.
fn said<T: Clone>(lines: &[(String, T)], name: &str) -> Option<T> {
    lines.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone())
}

fn usual() -> ServiceConfig {
    ServiceConfig {
        standby: Standby::Cold,
        on_exit: OnExit::Auto,
        stop_timeout: Duration::from_secs(1),
        start_timeout: Duration::from_secs(1),
        turn_timeout: Duration::from_millis(500),
        health: None,
        backoff: Backoff { first: Duration::from_millis(100), max: Duration::from_secs(1), attempts: 3 },
        drain: Duration::ZERO,
        hooks: false,
    }
}

fn apply(shape: &mut Shape, way: &str) -> Option<()> {
    let config = &mut shape.service;
    match way {
        "failback" => shape.failback = Some(Duration::from_secs(1)),
        "holds" => shape.hold_max = Duration::from_secs(3),
        "cold" => config.standby = Standby::Cold,
        "hot" => config.standby = Standby::Hot,
        "on-exit=auto" => config.on_exit = OnExit::Auto,
        "on-exit=restart" => config.on_exit = OnExit::Restart,
        "on-exit=failover" => config.on_exit = OnExit::Failover,
        "drain" => config.drain = Duration::from_secs(1),
        "hooks" => config.hooks = true,
        "health" => {
            config.health = Some((Duration::from_millis(200), HealthLimits { max_check_attempts: 3, recover: 2 }));
        }
        _ => return None,
    }
    Some(())
}
