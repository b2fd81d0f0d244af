//! `hotseat drill`.

use std::time::Duration;

use clap::{ArgGroup, Args};

use super::{Target, duration};

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["kind", "history"]))]
#[command(after_help = "\
A real failover: somebody else leads afterwards. The other members ask as clients do meanwhile, through their proxies where
that can be, and the report says how long they waited. It is refused while the service would be down for it.

  switchover    the leader hands over, as for `hotseat switchover`
  crash         the leader's agent is killed, and its guard kills the service. Something has to start the agent again:
                systemd does; for anything else set supervised = true in the leader's [node]
  freeze        the leader's agent stands still for twice as long as its silence is borne; all that its node leads fails over

Exit code 1 if it failed: nobody else led in time, or clients waited longer than --max.

Examples:
  hotseat drill --kind switchover
  hotseat drill --group web --kind crash --max 1s --reason \"before the holidays\"
  hotseat drill --history")]
pub(crate) struct Drill {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// How the leader falls
    #[arg(long, value_parser = ["switchover", "crash", "freeze"])]
    pub(crate) kind: Option<String>,
    /// The longest that clients may wait, as 1s; what [group.drill] says otherwise
    #[arg(long, value_parser = duration)]
    pub(crate) max: Option<Duration>,
    /// Also while a member is offline, soon after a failover, or where nothing is known to start a killed agent again
    #[arg(long)]
    pub(crate) force: bool,
    /// Why, for whoever reads the history
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Show the drills that were
    #[arg(long, conflicts_with_all = ["max", "force", "reason"])]
    pub(crate) history: bool,
    /// Give up waiting for the report after this long
    #[arg(long, default_value = "4m", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The hand of a drill: stops a process and lets it go on.
#[derive(Args, Debug)]
pub(crate) struct DrillFreeze {
    /// The process
    pub(crate) pid: u32,
    /// For how long
    pub(crate) millis: u64,
}
