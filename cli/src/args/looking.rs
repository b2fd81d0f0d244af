//! `nodes`, `events`, and what all that only look have in common.

use clap::Args;

use super::Target;

/// An agent, and whether to print JSON.
#[derive(Args, Debug)]
pub(crate) struct Look {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
With --long the first line is the header and the first character of a row the state, so that scripts can cut it:
  l  leads     f  follows     -  offline
OWNER is the cluster, GROUP the HA id, NAME the node, IP and PORT those of its agent.
Examples:
  hotseat nodes
  hotseat nodes --long
  hotseat nodes --long --no-header | grep ^l
  hotseat nodes --stat --group web
  hotseat nodes --json")]
pub(crate) struct Nodes {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Only the members of this group
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// One line each: S VERSION OWNER GROUP NAME IP PORT COMMENT
    #[arg(long, conflicts_with = "stat")]
    pub(crate) long: bool,
    /// All that is known of each, line by line
    #[arg(long)]
    pub(crate) stat: bool,
    /// Leave the header out
    #[arg(long)]
    pub(crate) no_header: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
They are those of one node: what its agent saw and did, also before it was last started. Ask other agents with --url.
With --follow it goes on when the agent is started anew; nothing is told twice.
Examples:
  hotseat events
  hotseat events --follow
  hotseat events --json | jq .text")]
pub(crate) struct Events {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on as things happen
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only what came after the event of this number
    #[arg(long, default_value_t = 0)]
    pub(crate) after: u64,
}
