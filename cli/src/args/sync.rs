//! The words of the commands about files that are the same on all members.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Look, Target, duration};

#[derive(Args, Debug)]
#[command(after_help = "\
Files that [group.sync] names are compared between all members that are here; differences are shown and stop nothing.
What they hold is shown for files that the leader sends, and for watched ones with share = true.
Examples:
  hotseat drift
  hotseat drift --diff /etc/netmon/conf.d/ports.cfg
  hotseat drift --group web --json")]
pub(crate) struct Drift {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; all of them otherwise, or the only one with --diff
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Show how this file differs, as diff -u does
    #[arg(long, value_name = "PATH")]
    pub(crate) diff: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
#[command(after_help = "\
The leader sends what [group.sync] paths names, whenever it changes there; every member puts it in place whole.
Examples:
  hotseat sync list                                  versions, who has which, what holds the leader up
  hotseat sync rollback --to 7 --reason \"bad regexp\"
  hotseat sync push                                  send what a new leader has, though it differs")]
pub(crate) enum Sync {
    /// List the versions, who has which, and what holds the leader up
    List {
        #[command(flatten)]
        look: Look,
        /// The group; may be left out if there is only one
        #[arg(long)]
        group: Option<String>,
    },
    /// Send what the leader has, though it took over with it or a folder is empty all at once
    Push(Send),
    /// Bring an earlier version back, as a new one
    Rollback {
        /// The version
        #[arg(long, value_name = "VERSION")]
        to: u64,
        #[command(flatten)]
        send: Send,
    },
}

/// What is asked of the members, and how long for.
#[derive(Args, Debug)]
pub(crate) struct Send {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Why, for whoever reads it later
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Give up waiting for the members after this long
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
