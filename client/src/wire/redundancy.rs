//! How safe a group is, as one agent sees it: worked out from what it answered, the same for everybody who shows it.

use super::{Cluster, Group, Member};

impl Group {
    /// Members that could take over from the leader now.
    #[must_use]
    pub fn spares(&self) -> usize {
        self.members.iter().filter(|member| member.could_lead()).count()
    }
}

impl Member {
    fn could_lead(&self) -> bool {
        self.healthy && matches!(self.state.as_str(), "standby" | "hot-standby")
    }
}

impl Cluster {
    /// Nodes that may be lost, the leader first, while somebody leads this group: none while it is paused, as nobody
    /// would take over then.
    #[must_use]
    pub fn can_lose(&self, group: &Group) -> usize {
        if group.paused { 0 } else { self.could_lose(group) }
    }

    /// The same, if it were not paused.
    #[must_use]
    pub fn could_lose(&self, group: &Group) -> usize {
        let spares = group.spares();
        self.store.voters.as_ref().map_or(spares, |voters| spares.min(voters.can_lose))
    }

    /// The same in words.
    #[must_use]
    pub fn redundancy(&self, group: &Group) -> String {
        match self.can_lose(group) {
            0 if group.paused => String::from("CANNOT lose its leader: it is paused"),
            0 if group.spares() > 0 => String::from("CANNOT lose a node: no majority of voters would be left"),
            0 => String::from("NOBODY could take over"),
            1 => String::from("can lose 1 more node"),
            n => format!("can lose {n} more nodes"),
        }
    }
}
