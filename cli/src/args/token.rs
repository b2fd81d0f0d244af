//! The words of `hotseat token`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Look, Target, duration};

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
As long as there is no token, an agent answers its own machine alone, and whoever is there may do everything. From the
first one on, every agent of the cluster wants to see one: in HOTSEAT_TOKEN or --token-file, as Authorization: Bearer, as
the password of Basic, or at /login. This machine's root needs none: commands use the agent's socket.

  status       see who leads, what happened, what was done
  statistics   see numbers: how often, how long, how many
  viewer       both
  operator     and act upon groups: pause, switchover, mode, …
  admin        and decide who belongs to the cluster, and who has a token

Examples:
  hotseat token create ops --right operator
  hotseat token create grafana --right statistics --expires 8760h
  hotseat token list
  hotseat token revoke ops"
)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) act: TokenAct,
}

#[derive(Subcommand, Debug)]
pub(crate) enum TokenAct {
    /// Make a token and print it: nobody can tell it again
    Create {
        /// Whose it is
        name: String,
        /// What it lets do
        #[arg(long, value_parser = ["status", "statistics", "viewer", "operator", "admin"])]
        right: String,
        /// For how long it is good, as 30d or 12h; for ever otherwise
        #[arg(long, value_parser = duration)]
        expires: Option<Duration>,
        #[command(flatten)]
        target: Target,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tokens, without their texts
    List {
        #[command(flatten)]
        look: Look,
    },
    /// Take a token back: within a second it is worth nothing on any node
    Revoke {
        /// Whose it is
        name: String,
        #[command(flatten)]
        target: Target,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
