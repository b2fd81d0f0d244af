//! `explain`.

use clap::Args;

use super::Target;

#[derive(Args, Debug)]
#[command(after_help = "\
Every number was measured, by the clock of the one machine that saw it; what nobody knows any more is said to be not
known. Without an epoch: the newest change of leader, and why things are as they are now.
Examples:
  hotseat explain
  hotseat explain 17 --group web
  hotseat explain --all                              one line for each leadership
  hotseat explain --json | jq '.leaderships[-1].phases'")]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Which leadership, by its number; the newest otherwise
    pub(crate) epoch: Option<u64>,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Every leadership that is kept, one a line
    #[arg(long, conflicts_with = "epoch")]
    pub(crate) all: bool,
    /// Print JSON, as GET /api/groups/GROUP/story answers it
    #[arg(long)]
    pub(crate) json: bool,
}
