//! `hotseat alert`: where alerts go, what was said, and a test.

use clap::{Args, Subcommand};

use super::{Look, Target};

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Who is told of what stands in the configuration file, as [[alert]]: hotseat config example shows every kind.
Examples:
  hotseat alert                      where alerts go from this node, and what the cluster has said
  hotseat alert test                 send a test to every receiver of this node, and show what they say
  hotseat alert test ops"
)]
pub(crate) struct Alert {
    #[command(subcommand)]
    pub(crate) act: Option<AlertAct>,
    #[command(flatten)]
    pub(crate) look: Look,
}

#[derive(Subcommand, Debug)]
pub(crate) enum AlertAct {
    /// Show where alerts go, and what was said to whom
    #[command(after_help = "Example: hotseat alert list --json")]
    List(Look),
    /// Send a test through the running agent; exit 1 if a receiver does not take it
    #[command(after_help = "Examples:\n  hotseat alert test\n  hotseat alert test ops")]
    Test {
        /// To which [[alert]]; to all of the node's otherwise
        name: Option<String>,
        #[command(flatten)]
        target: Target,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
