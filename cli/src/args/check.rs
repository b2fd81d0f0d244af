//! `hotseat check`: a monitoring plugin.

use clap::Args;

use super::Target;

#[derive(Args, Debug)]
#[command(after_help = "\
One line with performance data, as monitoring plugins have it. Exit codes:
  0  ok
  1  warning: fewer nodes than --min-redundancy may be lost, a leader that is not ready or has not its address, or only an
     agent of --also answered
  2  critical: nobody leads, or fewer nodes than --critical-redundancy may be lost
  3  unknown: no agent answered, or the command line is wrong

Examples:
  hotseat check --group web
  hotseat check --min-redundancy 2
  hotseat check --url http://10.0.0.101:7700 --also http://10.0.0.102:7700     from elsewhere")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Another agent to ask if that one does not answer; may be given more than once
    #[arg(long, value_name = "URL")]
    pub(crate) also: Vec<String>,
    /// The group; all of them otherwise
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Warn if fewer nodes than this may be lost
    #[arg(long, value_name = "NODES", default_value_t = 1)]
    pub(crate) min_redundancy: usize,
    /// Critical if fewer nodes than this may be lost
    #[arg(long, value_name = "NODES", default_value_t = 0)]
    pub(crate) critical_redundancy: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
