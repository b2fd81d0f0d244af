//! What can be done to the wires: hosts lost, cut from each other in both ways or in one, packets lost at random,
//! connections reset. All of it at the bridge, where no host can see it; only a reset is told by the host itself.

use std::process::Command;
use std::time::Instant;

use super::{Net, address, host};

/// The rules: pairs of ports between which nothing passes, and a chain for what passes by chance.
const RULES: &str = "table bridge cut {
 set pairs { type ifname . ifname; }
 chain pass {
  type filter hook forward priority 0;
  iifname . oifname @pairs drop
 }
 chain doubt { type filter hook forward priority 1; }
}
";

impl Net {
    pub(super) fn make_rules(&self) {
        self.nft(RULES);
    }

    fn nft(&self, lines: &str) {
        let command = || host::feed(Command::new("nft").args(["-f", "-"]), lines);
        self.switch.within(command);
    }

    /// The host of this number, 0 for the outside, is switched off as far as anybody else can see.
    pub fn unplug(&self, number: usize) -> Instant {
        host::ip(Some(&self.switch), &format!("link set p{number} down\n"));
        Instant::now()
    }

    /// It is back.
    pub fn plug(&self, number: usize) -> Instant {
        host::ip(Some(&self.switch), &format!("link set p{number} up\n"));
        Instant::now()
    }

    /// Nothing passes from these to those; the other way is as it was.
    pub fn cut_one_way(&self, from: &[usize], to: &[usize]) -> Instant {
        let pairs = from.iter().flat_map(|a| to.iter().map(move |b| format!("\"p{a}\" . \"p{b}\"")));
        let pairs = pairs.collect::<Vec<_>>().join(", ");
        self.nft(&format!("add element bridge cut pairs {{ {pairs} }}\n"));
        Instant::now()
    }

    /// Nothing passes between these and those.
    pub fn cut(&self, these: &[usize], those: &[usize]) -> Instant {
        self.cut_one_way(these, those);
        self.cut_one_way(those, these)
    }

    /// Of what passes from one to the other, so many of a hundred packets are lost.
    pub fn lose(&self, from: usize, to: usize, percent: u32) -> Instant {
        let rule = format!("iifname p{from} oifname p{to} numgen random mod 100 < {percent} drop");
        self.nft(&format!("add rule bridge cut doubt {rule}\n"));
        Instant::now()
    }

    /// Everything passes everywhere again; hosts that are off stay off.
    pub fn heal(&self) -> Instant {
        self.relay.clear();
        self.nft("flush set bridge cut pairs\nflush chain bridge cut doubt\n");
        Instant::now()
    }

    /// Every connection between two hosts is reset at its next packet, in both ways, once.
    pub fn reset(&self, one: usize, other: usize) -> Instant {
        for (here, there) in [(one, other), (other, one)] {
            let from = address(there).to_string();
            let kill = || Command::new("ss").args(["-K", "-n", "dst", &from]).output().expect("iproute2 has ss");
            self.host(here).within(kill);
        }
        Instant::now()
    }
}
