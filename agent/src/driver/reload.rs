//! Settings that were read anew: what can be changed while running is, and what cannot is said.

use std::sync::Arc;

use hotseat_core::Input;

use super::Driver;
use crate::config;
use crate::unit::Unit;

impl Driver {
    /// Takes what can be changed while running, and says what cannot.
    pub(super) fn reload(&mut self, config: &config::Config) -> Input {
        let known = config.groups.iter().all(|group| self.units.contains_key(&group.id));
        let same = |unit: &Arc<Unit>| {
            let group = config.groups.iter().find(|group| group.id == *unit.id());
            group.is_some_and(|group| {
                let fixed = |it: &config::Group| {
                    let following = (it.vip.clone(), it.floating.clone(), it.sync.clone());
                    (it.proxy.clone(), it.check.clone(), following, it.service.port)
                };
                fixed(group) == fixed(&unit.config)
            })
        };
        // The folder may have been given on the command line.
        let node = config::Node { data_dir: self.settings.node.data_dir.clone(), ..config.node.clone() };
        let fixed = config.cluster == self.settings.cluster && node == self.settings.node;
        if !known || !fixed || !self.units.values().all(same) {
            tracing::warn!(
                "settings read anew, but [cluster], [node], ports, proxies, what follows the leader (vip, floating, sync), and \
                 which groups there are need a restart"
            );
        } else {
            tracing::info!(
                "settings read anew: priorities and modes count now, commands and checks from the next start"
            );
        }
        for group in &config.groups {
            if let Some(unit) = self.units.get_mut(&group.id) {
                let unit = Arc::make_mut(unit);
                // The address was chosen at the start and stays: others know it.
                // What follows the leader too: it may be up.
                let (vip, floating) = (unit.config.vip.clone(), unit.config.floating.clone());
                unit.config = config::Group { vip, floating, ..group.clone() };
            }
        }
        Input::Reconfigure(self.units.values().map(|unit| unit.for_core()).collect())
    }
}
