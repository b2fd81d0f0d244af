//! `hotseat config`: files, those of Hotseat and those of the load balancers in front of it.

mod render;

use std::process::ExitCode;

use hotseat_agent::config::Config as File;

use super::Result;
use crate::args::Config;
use crate::say::{say, say_line};

pub(crate) fn run(args: &Config) -> Result {
    match args {
        Config::Render(program) => return render::run(program),
        Config::Example => say(File::example())?,
        Config::Check { file, json } => match (File::load(file), json) {
            (Ok(config), false) => {
                say_line(format!(
                    "{}: ok · node {} · {} group(s)",
                    file.display(),
                    config.node.name,
                    config.groups.len()
                ))?;
            }
            (Ok(_), true) => say_line(serde_json::json!({"ok": true}))?,
            (Err(error), true) => {
                say_line(serde_json::json!({"ok": false, "error": error.to_string()}))?;
                return Ok(ExitCode::FAILURE);
            }
            (Err(error), false) => return Err(error.into()),
        },
    }
    Ok(ExitCode::SUCCESS)
}
