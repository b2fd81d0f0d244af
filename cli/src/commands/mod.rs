//! One file per command. Each returns its exit code, or one error that says what, where and what would be right.

mod act;
mod acts;
mod alert;
mod check;
mod config;
mod demo_service;
mod dev;
mod drift;
mod drill;
mod events;
mod explain;
mod init;
mod join;
mod lock;
mod members;
mod mode;
mod nodes;
mod pause;
mod pin;
mod priority;
mod remove;
mod resume;
mod run;
mod snapshot;
mod status;
mod switchover;
mod sync;
mod token;
mod whole;

use std::fmt::Display;
use std::process::ExitCode;

pub(crate) use lock::become_command;

use crate::args::{Cli, Command};

/// What a command ends with when it fails.
#[derive(Debug)]
pub(crate) struct Failed {
    text: String,
    code: u8,
}

impl Failed {
    pub(crate) fn new(text: impl Display) -> Self {
        Self { text: text.to_string(), code: 1 }
    }

    /// The same, with another exit code.
    pub(crate) fn coded(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Nobody reads what is printed any more: nothing to say, and the code of a program that SIGPIPE ended.
    pub(crate) fn unheard() -> Self {
        Self { text: String::new(), code: 141 }
    }
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

pub(crate) type Result = std::result::Result<ExitCode, Failed>;

/// Carries the command out.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Dev(args) => dev::run(&args),
        Command::Init(args) => init::run(&args.beginning, None),
        Command::Join(args) => join::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Nodes(args) => nodes::run(&args),
        Command::Drift(args) => drift::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Switchover(args) => switchover::run(&args),
        Command::Pause(args) => pause::run(&args),
        Command::Resume(args) => resume::run(&args),
        Command::Pin(args) => pin::pin(&args),
        Command::Unpin(args) => pin::unpin(&args),
        Command::Mode(args) => mode::run(&args),
        Command::Priority(args) => priority::run(&args),
        Command::Remove(args) => remove::run(&args),
        Command::Acts(args) => acts::run(&args),
        Command::Sync(act) => sync::run(&act),
        Command::Drill(args) => drill::run(&args),
        Command::DrillFreeze(args) => drill::freeze(&args),
        Command::Members(args) => members::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Lock(args) => lock::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Alert(args) => alert::run(&args),
        Command::Config(args) => config::run(&args),
        Command::DevCleaner(args) => dev::clean(&args),
        Command::DemoService(args) => demo_service::run(&args),
    };
    result.unwrap_or_else(|failed| {
        if !failed.text.is_empty() {
            eprintln!("error: {}", hotseat_client::visible(&failed.text));
        }
        ExitCode::from(failed.code)
    })
}

/// A runtime for commands that ask and print.
pub(crate) fn small_runtime() -> std::result::Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// How rustls begins to say that it does not believe a certificate.
const UNTRUSTED: &str = "invalid peer certificate";

/// The hint that belongs to an agent that does not answer.
pub(crate) fn explain(error: hotseat_client::Error) -> Failed {
    match &error {
        hotseat_client::Error::Unreachable(_, why) if why.starts_with(UNTRUSTED) => Failed::new(format!(
            "{error}\n       Somebody answers there, with a certificate that leads to no CA known here. If it is an agent: \
             --ca FILE names the cluster's CA, data_dir/tls/ca.pem of any node."
        )),
        hotseat_client::Error::Unreachable(..) => Failed::new(format!(
            "{error}\n       Is it running (hotseat run -c FILE)? Name another with --url http://HOST:PORT."
        )),
        hotseat_client::Error::BadUrl(_)
        | hotseat_client::Error::BadAccess(_)
        | hotseat_client::Error::InTheClear(_)
        | hotseat_client::Error::Unanswered(..)
        | hotseat_client::Error::Refused(_)
        | hotseat_client::Error::NotAnAgent(_) => Failed::new(error),
    }
}
