//! `hotseat init`: makes this machine the first node of a new cluster. It starts nothing.

use std::process::ExitCode;

use hotseat_agent::config::Config;
use hotseat_agent::embedded::{Founded, found};

use super::{Failed, Result};
use crate::args::Beginning;
use crate::say::{length, say, say_line};

/// With `snapshot`, the cluster begins with what it holds.
pub(crate) fn run(args: &Beginning, snapshot: Option<&[u8]>) -> Result {
    let mut config = Config::load(&args.config)?;
    if let Some(data_dir) = &args.data_dir {
        config.node.data_dir.clone_from(data_dir);
    }
    let founded = found(&config, args.good, snapshot).map_err(Failed::from)?;
    if args.json {
        say_line(
            serde_json::json!({"cluster": config.cluster.name, "node": config.node.name, "token": founded.token}),
        )?;
    } else {
        say(told(args, &config, &founded))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(args: &Beginning, config: &Config, founded: &Founded) -> String {
    let file = args.config.display();
    let data_dir = args.data_dir.as_ref().map_or_else(String::new, |dir| format!(" --data-dir {}", dir.display()));
    let join = founded.token.as_ref().map_or_else(
        || String::from("  Other nodes need certificates of the same CA, [node] tls and [node] join in their file.\n"),
        |token| {
            format!(
                "  On each other machine:\n    hotseat join {token} --name NAME --listen HOST:PORT\n\n  \
                 Who has that line can join, for {}; another one: hotseat members invite\n",
                length(args.good)
            )
        },
    );
    format!(
        "Cluster \"{}\" begins with node {} ({}), data in {}.\n\n  Start it here:\n    hotseat run -c {file}{data_dir}\n\n{join}",
        config.cluster.name,
        config.node.name,
        founded.address,
        config.node.data_dir.display(),
    )
}
