//! The command line. Every word here is read by people: `--help` is the manual.

mod acts;
mod alerts;
mod check;
mod drill;
mod looking;
mod membership;
mod story;
mod sync;
mod target;
mod token;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use acts::{Act, Acts, Leave, Pause, PinTo, Resume, SetMode, SetPriority, Unpin};
pub(crate) use alerts::{Alert, AlertAct};
pub(crate) use check::Check;
pub(crate) use drill::{Drill, DrillFreeze};
pub(crate) use looking::{Events, Look, Nodes};
pub(crate) use membership::{Beginning, Init, Join, Members, MembersAct, Snapshot};
pub(crate) use story::Explain;
pub(crate) use sync::{Drift, Send, Sync};
pub(crate) use target::Target;
pub(crate) use token::{Token, TokenAct};

/// Exactly one of your servers is in charge, the others are ready.
#[derive(Parser, Debug)]
#[command(
    name = "hotseat",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  hotseat dev                                        a three-node cluster on this machine, to be killed and watched
  hotseat dev -- python3 -m http.server {port}       the same, around your own server
  hotseat init -c /etc/hotseat/hotseat.toml          begin a cluster with this machine; prints the line to join with
  hotseat join hsj1.… --name n2 --listen 10.0.0.2:7700    come to it with another
  hotseat run -c /etc/hotseat/hotseat.toml           the agent of this machine, in the foreground
  hotseat status                                     who leads, and is it safe
  hotseat switchover --group web --to n2             a planned change of leader
  hotseat pause --reason \"new switch\"               maintenance: nothing moves until hotseat resume
  hotseat lock nightly -- ./backup.sh                a command that runs on one node at a time

Looking and acting commands speak to the agent on this machine: through its socket in /var/lib/hotseat where they may,
else at http://127.0.0.1:7700. --url https://HOST:PORT or --url unix:PATH names another; where the cluster has tokens,
HOTSEAT_TOKEN or --token-file shows one."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run a whole cluster on this machine around any server, to try it out
    Dev(Dev),
    /// Begin a cluster with this machine: no outside server is needed
    Init(Init),
    /// Come to a cluster with this machine
    Join(Join),
    /// Run this machine's agent, in the foreground
    Run(Run),
    /// Show who leads each group, and whether it is safe
    Status(Status),
    /// List the members
    Nodes(Nodes),
    /// Show files that should be the same on all members and are not
    Drift(Drift),
    /// Tell what happened
    Events(Events),
    /// Say why it did, or did not, fail over: each step with its time, and why each member was chosen or not
    Explain(Explain),
    /// Change the leader of a group as planned: the old one stops first
    Switchover(Switchover),
    /// Hold everything where it is, for maintenance
    Pause(Pause),
    /// Let things move again
    Resume(Resume),
    /// Say who is to lead as long as it can
    Pin(PinTo),
    /// Let whoever is best lead
    Unpin(Unpin),
    /// Say how a node takes part: as leader, standby, backup, not at all
    Mode(SetMode),
    /// Say how much a node is preferred
    Priority(SetPriority),
    /// Take nodes that are dead, and will not come back, off the lists
    Remove(Leave),
    /// List who asked for what, when and why, and what came of it
    Acts(Acts),
    /// The versions of a group's files that the leader has sent: list them, bring one back
    #[command(subcommand)]
    Sync(Sync),
    /// Make a real failover on purpose, measured; or show those that were
    Drill(Drill),
    /// List who belongs to the cluster and who votes; let nodes in, take them out
    Members(Members),
    /// Save the cluster's own state, or begin a new cluster with it
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Make, list and revoke the tokens that let people and programs in
    Token(Token),
    /// Run a command while holding a lock, or list the locks
    Lock(Lock),
    /// Say how a group is in one line, as a monitoring plugin does (exit 0 ok, 1 warning, 2 critical, 3 unknown)
    Check(Check),
    /// Show where alerts go and what was said, or send a test
    Alert(Alert),
    /// Check or show configuration files
    #[command(subcommand)]
    Config(Config),
    /// A small HTTP server that knows its role, for `dev` and for tests
    #[command(hide = true)]
    DemoService(DemoService),
    /// Stops an agent for a drill and lets it go on
    #[command(hide = true)]
    DrillFreeze(DrillFreeze),
    /// Waits for the end of a `dev` and removes what it left
    #[command(hide = true)]
    DevCleaner(DevCleaner),
}

#[derive(Args, Debug)]
#[command(after_help = "\
A real agent per node, each a process of its own; a proxy that follows the leader; and a probe that asks through it
every 5 ms, so that every number shown is measured. Kill what you like: an agent that dies is started again after a
second. Nothing is left behind: no process, no file.

A command with {port} in it runs on every node, each with a port of its own (--standby hot), so a standby takes over
at once. Servers that keep data on disk want --standby cold: one at a time. A command without {port} is cold too, and
there is no proxy, as nothing is known to listen.

Examples:
  hotseat dev
  hotseat dev -- python3 -m http.server {port}
  hotseat dev --standby cold -- redis-server --port {port}
  hotseat dev --for 20s                              no terminal needed: tells the story and exits")]
pub(crate) struct Dev {
    /// How many nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) nodes: u8,
    /// Stop after this long, as 20s or 5m; until Ctrl-C otherwise
    #[arg(long = "for", value_parser = duration)]
    pub(crate) length: Option<Duration>,
    /// Whether the server runs on standbys too. Hot if it has {port}; say cold if it keeps data on disk
    #[arg(long, value_parser = ["hot", "cold"])]
    pub(crate) standby: Option<String>,
    /// Timing of the lease: fast (500 ms) or lan (2 s)
    #[arg(long, default_value = "fast", value_parser = ["fast", "lan"])]
    pub(crate) timing: String,
    /// Port of the proxy; any free one if it is taken
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The server to run, with {port} where its port goes; a built-in demo otherwise
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Signals: TERM and INT hand over, stop the services and exit; HUP reads the configuration anew.
Example: hotseat run -c /etc/hotseat/hotseat.toml")]
pub(crate) struct Run {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Use this folder for data, whatever the file says
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Stop, as with TERM, when standard input ends: when whoever started us is gone
    #[arg(long, hide = true)]
    pub(crate) stop_on_stdin_eof: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  hotseat status\n  hotseat status --json --url http://10.0.0.102:7700\n  hotseat status --watch"
)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print what GET /api/cluster answers
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on, in place
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The old leader's service stops before the new one starts; requests through the proxy wait meanwhile.
Examples:
  hotseat switchover                                 the only group, to the best candidate
  hotseat switchover --group web --to n2")]
pub(crate) struct Switchover {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// The node that is to lead; the best candidate otherwise
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Why, for whoever reads hotseat acts later
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: Option<String>,
    /// Give up waiting for the new leader after this long
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The command runs with the terminal, files and pipes of this one, and is killed with everything that it has started when
the lock is lost, or when this process is killed: it is dead before anybody else has the lock. Signals are passed on to
it. In its environment are HOTSEAT_LOCK, HOTSEAT_NODE, HOTSEAT_SEAT and HOTSEAT_EPOCH: a number that grows with every
holder. Let what the command writes to refuse smaller ones, and even bytes that were under way do no harm.

It needs the agent of this machine (hotseat run) at the start; later it may be started anew while the lock is held.

Exit codes: that of the command, 128 + N when signal N ended it; 126 and 127 when it cannot be started or is not there.
  1    with --try or --wait: others hold the lock
  123  the lock was lost while the command ran; the command was killed
  125  the command was not started: no agent, a store that does not answer, a bad name, …

Examples:
  hotseat lock nightly -- ./backup.sh
  hotseat lock nightly --try -- ./backup.sh          exit 1 at once if it runs already, here or elsewhere
  hotseat lock deploy --wait 10m -- make deploy
  hotseat lock transcode --shared 3 -- ./worker      up to three at a time
  hotseat lock --list                                who holds what, and who waits")]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The lock's name: letters, digits, '-', '_' and '.'
    #[arg(required_unless_present = "list")]
    pub(crate) name: Option<String>,
    /// Do not wait: exit 1 at once if others hold it
    #[arg(long = "try", conflicts_with = "wait")]
    pub(crate) try_once: bool,
    /// Wait no longer than this, as 10s or 5m; for ever otherwise
    #[arg(long, value_parser = duration)]
    pub(crate) wait: Option<Duration>,
    /// How many may hold it at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) shared: u32,
    /// Who holds which lock, and who waits
    #[arg(long, conflicts_with_all = ["try_once", "wait", "shared", "command"])]
    pub(crate) list: bool,
    /// Print JSON: the list, or who holds the lock
    #[arg(long)]
    pub(crate) json: bool,
    /// The command, after --
    #[arg(last = true, value_name = "CMD", required_unless_present = "list")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Subcommand, Debug)]
#[command(
    after_help = "Examples:\n  hotseat config example > hotseat.toml\n  hotseat config check hotseat.toml\n  hotseat config render haproxy > haproxy.cfg"
)]
pub(crate) enum Config {
    /// Say whether a configuration file is right, and if not, what is wrong where
    #[command(after_help = "Example: hotseat config check /etc/hotseat/hotseat.toml")]
    Check {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a configuration file to start from, with every setting explained
    #[command(after_help = "Example: hotseat config example > hotseat.toml")]
    Example,
    /// Print a load balancer's configuration for the cluster as it is now, complete and explained
    #[command(subcommand)]
    Render(Render),
}

#[derive(Subcommand, Debug)]
#[command(after_help = "\
Every member's agent is asked where it answers load balancers; write the file anew when nodes come, go or move.
Examples:
  hotseat config render haproxy --listen 0.0.0.0:80 > haproxy.cfg
  hotseat config render keepalived --address 10.0.0.130/24 --interface eth0 > keepalived.conf    on each node
  hotseat config render nginx > nginx.conf")]
pub(crate) enum Render {
    /// For HAProxy: TCP to whoever leads, with checks that turn as soon as the leader does
    Haproxy {
        #[command(flatten)]
        scene: RenderScene,
        /// Where HAProxy listens
        #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:80", value_parser = address)]
        listen: SocketAddr,
        /// Lead to the nodes' own proxies, which let clients wait while nobody leads
        #[arg(long)]
        proxies: bool,
    },
    /// For keepalived on one of the nodes: a virtual address that is where the leader is
    Keepalived {
        #[command(flatten)]
        scene: RenderScene,
        /// The virtual address, as 10.0.0.130/24
        #[arg(long, value_name = "ADDRESS[/PREFIX]")]
        address: String,
        /// The network interface it belongs to
        #[arg(long)]
        interface: String,
        /// The node the file is for; the one that is asked otherwise
        #[arg(long)]
        node: Option<String>,
        /// VRRP's number, unlike that of any other virtual address of this network
        #[arg(long, default_value_t = 51, value_parser = clap::value_parser!(u8).range(1..))]
        router_id: u8,
        /// Keep it on any node that is well: for the nodes' own proxies, which know the way from everywhere
        #[arg(long)]
        proxies: bool,
    },
    /// For nginx: HTTP to the nodes' own proxies
    Nginx {
        #[command(flatten)]
        scene: RenderScene,
        /// Where nginx listens
        #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:80", value_parser = address)]
        listen: SocketAddr,
    },
}

/// What a balancer is to stand in front of.
#[derive(Args, Debug)]
pub(crate) struct RenderScene {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The group; may be left out if there is only one
    #[arg(long)]
    pub(crate) group: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct DevCleaner {
    /// The folder of the `dev` whose end is the end of our standard input
    pub(crate) folder: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DemoService {
    /// Where to listen
    #[arg(long)]
    pub(crate) port: u16,
    /// Answer on standbys too
    #[arg(long)]
    pub(crate) careless: bool,
}

/// `20s`, `500ms`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or("say the unit, as 20s, 500ms or 5m")?;
    if split == 0 {
        return Err(String::from("say a number and its unit, as 20s, 500ms or 5m"));
    }
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| format!("\"{number}\" is no number"))?;
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        other => return Err(format!("unknown unit \"{other}\": use ms, s, m, h or d")),
    };
    Duration::try_from_secs_f64(number * scale).map_err(|_| String::from("not a length of time"))
}

/// `127.0.0.1:7700`, `[::1]:7700`.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| String::from("say an IP address and a port, as 10.0.0.2:7700"))
}

/// Reads the command line. A mistake in that of `check` is unknown (3) to a monitoring system, not critical (2).
pub(crate) fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        if error.use_stderr() && std::env::args_os().nth(1).is_some_and(|first| first == "check") {
            drop(error.print());
            std::process::exit(3);
        }
        // 1 would be "others hold it", and 2 the command's own.
        if error.use_stderr() && std::env::args_os().nth(1).is_some_and(|first| first == "lock") {
            drop(error.print());
            std::process::exit(125);
        }
        error.exit()
    })
}
