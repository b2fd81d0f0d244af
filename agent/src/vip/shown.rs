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

    /// The addresses as they travel.
    #[must_use]
    pub fn vip(&self, group: &Group) -> Vec<wire::Vip> {
        let Some(vip) = &group.vip else { return Vec::new() };
        let one = |(address, one): (&crate::config::Subnet, &One)| wire::Vip {
            address: address.to_string(),
            interface: vip.interface.clone(),
            up: one.up,
            trouble: one.trouble.clone(),
        };
        vip.addresses.iter().zip(&self.addresses).map(one).collect()
    }

    /// The command as it travels.
    #[must_use]
    pub fn floating(&self) -> Option<wire::Floating> {
        self.floating.as_ref().map(|one| wire::Floating { moved: one.up, trouble: one.trouble.clone() })
    }
}
