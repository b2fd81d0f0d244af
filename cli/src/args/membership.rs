//! The words of the commands that begin a cluster, come to it, and change who belongs to it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Look, Target, address, duration};

#[derive(Args, Debug)]
#[command(after_help = "\
The file says store = \"raft\". Makes the cluster's own certificate authority and this node's certificate in data_dir,
and prints the line that other nodes join with. Then: hotseat run -c FILE.
Example: hotseat init -c /etc/hotseat/hotseat.toml")]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) beginning: Beginning,
}

/// How a cluster begins, empty or with what a file holds.
#[derive(Args, Debug)]
pub(crate) struct Beginning {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Use this folder for data, whatever the file says
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How long the printed line lets nodes in
    #[arg(long = "for", default_value = "24h", value_parser = duration)]
    pub(crate) good: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Without a configuration file at FILE, one is written: the cluster's groups as the member has them, and this node's name
and address. Then: hotseat run -c FILE.
Examples:
  hotseat join hsj1.… --name n2 --listen 10.0.0.102:7700
  hotseat join hsj1.… -c hotseat.toml                  everything but the token stands in the file already
  hotseat join -c hotseat.toml                         with a certificate of your own CA: [node] tls and join in the file
  hotseat join hsj1.… --name tie --listen 10.0.0.103:7700 --witness    votes, never leads")]
pub(crate) struct Join {
    /// The line that hotseat init or hotseat members invite printed; none where the file says [node] tls and join
    pub(crate) token: Option<String>,
    /// The configuration file, read if it is there and written if not
    #[arg(short, long, value_name = "FILE", default_value = "/etc/hotseat/hotseat.toml")]
    pub(crate) config: PathBuf,
    /// This node's name, unique in the cluster
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where this node's agent listens, as HOST:PORT
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Use this folder for data; /var/lib/hotseat otherwise, or what the file says
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// This node votes and never leads
    #[arg(long)]
    pub(crate) witness: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  hotseat members\n  hotseat members invite --for 2h\n  hotseat members remove n3"
)]
pub(crate) struct Members {
    #[command(subcommand)]
    pub(crate) act: Option<MembersAct>,
    #[command(flatten)]
    pub(crate) look: Look,
}

#[derive(Subcommand, Debug)]
pub(crate) enum MembersAct {
    /// Print a line that lets nodes in
    Invite {
        #[command(flatten)]
        target: Target,
        /// How long it is good
        #[arg(long = "for", default_value = "24h", value_parser = duration)]
        good: Duration,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a node out, for good: if it runs, it hands over and stops
    Remove {
        /// The node
        node: String,
        #[command(flatten)]
        target: Target,
        /// Give up waiting after this long; it goes on all the same
        #[arg(long, default_value = "60s", value_parser = duration)]
        wait: Duration,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand, Debug)]
#[command(
    after_help = "Examples:\n  hotseat snapshot save netmon.snapshot\n  hotseat snapshot restore netmon.snapshot -c hotseat.toml"
)]
pub(crate) enum Snapshot {
    /// Write the cluster's own state to a file: groups, epochs, sessions
    Save {
        /// The file; it is never overwritten
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Begin a new cluster with this machine and what a file holds: epochs go on, the incarnation is new
    #[command(after_help = "\
The old cluster's other nodes join anew, each with an empty data_dir. Stop the old cluster first: its leaders would go on.
Example: hotseat snapshot restore netmon.snapshot -c /etc/hotseat/hotseat.toml")]
    Restore {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        beginning: Beginning,
    },
}
