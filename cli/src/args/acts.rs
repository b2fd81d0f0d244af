//! The words of the commands that act upon groups.

use std::time::Duration;

use clap::{ArgGroup, Args};

use super::{Target, duration};

/// What all acts have in common.
#[derive(Args, Debug)]
pub(crate) struct Act {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Why, for whoever reads hotseat acts later
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: Option<String>,
    /// Give up waiting for all members to heed it after this long; it stands all the same
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Maintenance: nobody takes over, nothing fails back, no switchover is taken. A leader whose service ends restarts it in
place; who led last may lead again after its own restart. It lasts until hotseat resume, whoever restarts meanwhile.
Examples:
  hotseat pause --reason \"upgrade of the switch\"
  hotseat pause --all")]
pub(crate) struct Pause {
    #[command(flatten)]
    pub(crate) act: Act,
    /// Every group
    #[arg(long, conflicts_with = "group")]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Also makes an end of a hold: after changes in a row that were nobody's plan, further ones wait a little, unless resumed.
Example: hotseat resume --group web")]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) act: Act,
    /// Every group
    #[arg(long, conflicts_with = "group")]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
If another leads, that one hands over as planned. Others take over only while the pinned node cannot lead.
Examples:
  hotseat pin                                        whoever leads now
  hotseat pin n1 --reason \"n2 has slow disks\"")]
pub(crate) struct PinTo {
    /// The node; who leads now otherwise
    pub(crate) node: Option<String>,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: hotseat unpin --group web")]
pub(crate) struct Unpin {
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["mode", "clear"]))]
#[command(after_help = "\
Overrides what the node's file says, also after restarts, until --clear. leader hands the lead to the node as planned, it
never takes it by force; standby or hot-standby for the leader hands the lead to the best other.
Examples:
  hotseat mode standby --node n1                     n1 hands over if it leads, and does not come straight back
  hotseat mode backup --node n3 --reason \"too small to lead\"
  hotseat mode --clear --node n3")]
pub(crate) struct SetMode {
    /// How it takes part
    #[arg(value_parser = ["auto", "leader", "standby", "hot-standby", "backup", "disabled"])]
    pub(crate) mode: Option<String>,
    #[command(flatten)]
    pub(crate) of: OfMember,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["priority", "clear"]))]
#[command(after_help = "\
Higher wins where several could lead. Overrides what the node's file says, also after restarts, until --clear. Nobody who
leads is replaced for it, unless [group] failback says so.
Examples:
  hotseat priority 10 --node n1
  hotseat priority --clear --node n1")]
pub(crate) struct SetPriority {
    /// The number
    #[arg(allow_negative_numbers = true, value_parser = whole)]
    pub(crate) priority: Option<i64>,
    #[command(flatten)]
    pub(crate) of: OfMember,
}

/// What is set of one member, in place of what its file says.
#[derive(Args, Debug)]
pub(crate) struct OfMember {
    /// As the node's file says, again
    #[arg(long)]
    pub(crate) clear: bool,
    /// Whose; the asked agent's own otherwise
    #[arg(long)]
    pub(crate) node: Option<String>,
    #[command(flatten)]
    pub(crate) act: Act,
}

/// A priority.
fn whole(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| String::from("a priority is a whole number, as 10 or -5"))
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("who").required(true).args(["node", "dead"]))]
#[command(after_help = "\
No list shows it any more. A node that is alive is not removed; one that comes back is a member again. Where the agents are
the store it keeps its place in the cluster, and its vote: hotseat members remove takes that, for good.
Examples:
  hotseat remove old-3
  hotseat remove --dead                              all that are dead")]
pub(crate) struct Leave {
    /// The node
    pub(crate) node: Option<String>,
    /// All that are dead
    #[arg(long)]
    pub(crate) dead: bool,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Why, for whoever reads hotseat acts later
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  hotseat acts\n  hotseat acts --group web --json | jq '.[].outcome.text'")]
pub(crate) struct Acts {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
