//! What can be seen of a group's followers on this node.

use hotseat_client as wire;

use crate::config::Group;

/// See the module. On a node that does not lead nothing is up, and nothing is wrong with that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The addresses, in the order of the configuration.
    pub addresses: Vec<One>,
    /// The command, if there is one.
    pub floating: Option<One>,
}

/// One follower.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct One {
    /// It is where it should be.
    pub up: bool,
    /// Why it is not, yet.
    pub trouble: Option<String>,
}

impl Shown {
    /// Nothing is up.
    #[must_use]
    pub fn of(group: &Group) -> Self {
        let addresses = group.vip.as_ref().map_or(0, |vip| vip.addresses.len());
        Self { addresses: vec![One::default(); addresses], floating: group.floating.as_ref().map(|_| One::default()) }
    }

    /// The addresses as they travel; a node that does not lead knows nothing of them.
    #[must_use]
    pub fn vip(&self, group: &Group, leads: bool) -> Vec<wire::Vip> {
        let Some(vip) = &group.vip else { return Vec::new() };
        let one = |(address, one): (&crate::config::Subnet, &One)| wire::Vip {
            address: address.to_string(),
            interface: vip.interface.clone(),
            up: leads.then_some(one.up),
            trouble: one.trouble.clone().filter(|_| leads),
        };
        vip.addresses.iter().zip(&self.addresses).map(one).collect()
    }

    /// The command as it travels; a node that does not lead knows nothing of it.
    #[must_use]
    pub fn floating(&self, leads: bool) -> Option<wire::Floating> {
        let one = self.floating.as_ref()?;
        Some(wire::Floating { moved: leads.then_some(one.up), trouble: one.trouble.clone().filter(|_| leads) })
    }
}
