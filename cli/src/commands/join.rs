//! `hotseat join`: makes this machine a node of a cluster that is there. It starts nothing.

use std::fs;
use std::io::{self, Write};
use std::path::{self, Path};
use std::process::ExitCode;

use hotseat_agent::config::Config;
use hotseat_agent::embedded::{Came, Newcomer, come, come_certified};

use super::{Failed, Result, small_runtime};
use crate::args::Join;
use crate::say::{say, say_line};

/// Where the file-system standard puts the state of programs.
const DATA_DIR: &str = "/var/lib/hotseat";

pub(crate) fn run(args: &Join) -> Result {
    // A line that is none is said before anything else is asked for.
    if let Some(token) = &args.token {
        token.parse::<hotseat_agent::identity::Token>().map_err(Failed::new)?;
    }
    let there = args.config.exists();
    let newcomer = if there { from_file(args)? } else { from_words(args)? };
    let came = small_runtime()?.block_on(async {
        match &args.token {
            Some(token) => come(token, &newcomer).await,
            None => come_certified(&newcomer).await,
        }
    });
    let came = came.map_err(Failed::from)?;
    if !there {
        write(&args.config, &came, &newcomer)?;
    }
    if args.json {
        say_line(serde_json::json!({"cluster": came.cluster, "node": newcomer.name, "config": args.config}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let written = if there { "" } else { " (written just now: look it over)" };
    let data_dir = args.data_dir.as_ref().filter(|_| there);
    let data_dir = data_dir.map_or_else(String::new, |dir| format!(" --data-dir {}", dir.display()));
    say(format!(
        "Node {} belongs to cluster \"{}\" now, beside {}; data in {}.\n\n  Start it here{written}:\n    \
         hotseat run -c {}{data_dir}\n",
        newcomer.name,
        came.cluster,
        came.through,
        newcomer.data_dir.display(),
        args.config.display(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn from_file(args: &Join) -> std::result::Result<Newcomer, Failed> {
    let config = Config::load(&args.config)?;
    let file = args.config.display();
    if let Some(name) = args.name.as_deref().filter(|name| *name != config.node.name.as_str()) {
        return Err(Failed::new(format!("--name {name}: {file} says \"{}\"; say it in one place", config.node.name)));
    }
    if let Some(listen) = args.listen.filter(|listen| *listen != config.node.listen) {
        return Err(Failed::new(format!(
            "--listen {listen}: {file} says \"{}\"; say it in one place",
            config.node.listen
        )));
    }
    if args.witness && !config.node.witness {
        return Err(Failed::new(format!("--witness: {file} does not say witness = true in [node]; say it there")));
    }
    Ok(Newcomer {
        cluster: Some(config.cluster.name),
        name: config.node.name,
        address: config.node.advertise.unwrap_or(config.node.listen),
        witness: config.node.witness,
        data_dir: args.data_dir.clone().unwrap_or(config.node.data_dir),
        members: config.node.join,
        tls: config.node.tls,
    })
}

fn from_words(args: &Join) -> std::result::Result<Newcomer, Failed> {
    let file = args.config.display();
    let missing = |what: &str| Failed::new(format!("{file} is not there, so say {what}"));
    let name = args.name.as_deref().ok_or_else(|| missing("how this node is called: --name NAME"))?;
    let listen = args.listen.ok_or_else(|| missing("where this node listens: --listen HOST:PORT"))?;
    if listen.ip().is_unspecified() || listen.port() == 0 {
        return Err(Failed::new(format!(
            "--listen {listen}: say the address and port that the others reach this node at"
        )));
    }
    Ok(Newcomer {
        cluster: None,
        name: name.to_owned().try_into().map_err(|error| Failed::new(format!("--name: {error}")))?,
        address: listen,
        witness: args.witness,
        // It goes into the file, and a file's paths are its own folder's.
        data_dir: path::absolute(args.data_dir.as_deref().unwrap_or(Path::new(DATA_DIR)))?,
        members: Vec::new(),
        tls: None,
    })
}

/// Writes the cluster's settings, with this node's own, to a file that is not there yet.
fn write(path: &Path, came: &Came, newcomer: &Newcomer) -> std::result::Result<(), Failed> {
    let text = came.config_for(newcomer);
    let create = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::File::create_new(path)?.write_all(text.as_bytes())
    };
    create().map_err(|error| {
        Failed::new(format!(
            "this node has joined, but {} cannot be written: {error}\n       Write it yourself:\n\n{text}",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_written_names_the_folder_from_the_root() {
        let args = Join {
            token: None,
            config: "/nowhere/hotseat.toml".into(),
            name: Some(String::from("n2")),
            listen: Some("10.0.0.2:7700".parse().expect("an address")),
            data_dir: Some("data".into()),
            witness: false,
            json: false,
        };
        let newcomer = from_words(&args).expect("nothing is missing");
        assert_eq!(newcomer.data_dir, std::env::current_dir().expect("we are somewhere").join("data"));
    }
}
