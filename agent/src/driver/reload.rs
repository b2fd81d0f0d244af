//! Settings that were read anew: what can be changed while running is, and what cannot is said.

use std::sync::Arc;

use hotseat_core::Input;

use super::Driver;
use crate::config;

impl Driver {
    /// Takes what can be changed while running, and says what cannot.
    pub(super) fn reload(&mut self, config: &config::Config) -> Input {
        let fixed = self.fixed(config);
        if fixed.is_empty() {
            tracing::info!(
                "settings read anew: priorities and modes count now, commands and checks from the next start"
            );
        } else {
            tracing::warn!(
                "settings read anew, but what was changed here counts after a restart: {}",
                fixed.join(", ")
            );
        }
        for group in &config.groups {
            if let Some(unit) = self.units.get_mut(&group.id) {
                let unit = Arc::make_mut(unit);
                unit.config = taken(&unit.config, group);
            }
        }
        Input::Reconfigure(self.units.values().map(|unit| unit.for_core()).collect())
    }

    /// What is other than it was, and cannot be changed while running, as the file names it.
    fn fixed(&self, config: &config::Config) -> Vec<String> {
        // The folder may have been given on the command line.
        let node = config::Node { data_dir: self.settings.node.data_dir.clone(), ..config.node.clone() };
        let sections = [
            ("[cluster]", config.cluster != self.settings.cluster),
            ("[node]", node != self.settings.node),
            ("[api]", config.api != self.settings.api),
            ("[telemetry]", config.telemetry != self.settings.telemetry),
            ("[[alert]]", config.alerts != self.settings.alerts),
        ];
        let sections = sections.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned());
        let new = config.groups.iter().filter(|group| !self.units.contains_key(&group.id));
        let groups = self.units.values().map(|unit| {
            let group = config.groups.iter().find(|group| group.id == *unit.id());
            group.map_or_else(|| vec![String::from("that it is gone")], |group| differing(&unit.config, group))
        });
        let told = self.units.keys().zip(groups).filter(|(_, parts)| !parts.is_empty());
        sections
            .chain(told.map(|(id, parts)| format!("of group {id}: {}", parts.join(", "))))
            .chain(new.map(|group| format!("group {}, which is new", group.id)))
            .collect()
    }
}

/// The new settings of a group with what was set up once as it was: others know the address, and what follows the leader
/// may be up.
fn taken(before: &config::Group, after: &config::Group) -> config::Group {
    let config::Group { proxy, check, vip, floating, sync, drill, .. } = before.clone();
    let service = config::Service { port: before.service.port, ..after.service.clone() };
    config::Group { service, proxy, check, vip, floating, sync, drill, ..after.clone() }
}

/// The parts of a group that are set up once, where they differ.
fn differing(before: &config::Group, after: &config::Group) -> Vec<String> {
    let parts = [
        ("its port", before.service.port != after.service.port),
        ("proxy", before.proxy != after.proxy),
        ("check", before.check != after.check),
        ("vip", before.vip != after.vip),
        ("floating", before.floating != after.floating),
        ("sync", before.sync != after.sync),
        ("drill", before.drill != after.drill),
    ];
    parts.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
}
