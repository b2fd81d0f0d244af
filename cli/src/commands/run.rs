//! `hotseat run`: the agent, in the foreground, until a signal.

use std::process::ExitCode;

use hotseat_agent::config::Config;
use hotseat_agent::{Options, Signal, logging};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{Failed, Result};
use crate::args::Run;

/// A renewal must not wait behind a compiler: the agent runs before ordinary processes, where it may.
const NICE: i32 = -10;

pub(crate) fn run(args: &Run) -> Result {
    let config = load(args)?;
    // Before any thread: all of them are to have it. Without the right to it, the machine's load decides.
    let _denied = rustix::process::setpriority_process(None, NICE);
    let kept = logging::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (sender, signals) = mpsc::channel(4);
    let exe = std::env::current_exe()?;
    let text = std::fs::read_to_string(&args.config).ok();
    let result = runtime.block_on(async {
        if args.stop_on_stdin_eof {
            watch_stdin(sender.clone());
        }
        watch_signals(args, sender)?;
        hotseat_agent::run(config, Options { exe, text, signals }).await.map_err(Failed::from)
    });
    // Tasks that hang on a hung store must not keep a stopped agent alive.
    runtime.shutdown_background();
    drop(kept);
    result.map(|()| ExitCode::SUCCESS)
}

fn load(args: &Run) -> std::result::Result<Config, Failed> {
    let mut config = Config::load(&args.config)?;
    if let Some(data_dir) = &args.data_dir {
        config.node.data_dir.clone_from(data_dir);
    }
    Ok(config)
}

/// Stops the agent when standard input ends. A thread of its own, because nothing else can wait for that; it ends
/// with the process.
fn watch_stdin(sender: mpsc::Sender<Signal>) {
    std::thread::spawn(move || {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(sender.blocking_send(Signal::Stop));
    });
}

/// Passes signals on for as long as the agent runs. A second TERM or INT ends it at once.
fn watch_signals(args: &Run, sender: mpsc::Sender<Signal>) -> std::io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut hup = signal(SignalKind::hangup())?;
    let path = args.config.clone();
    tokio::spawn(async move {
        let mut stopping = false;
        loop {
            let next = tokio::select! {
                _ = term.recv() => None,
                _ = int.recv() => None,
                _ = hup.recv() => Some(Config::load(&path)),
            };
            let signal = match next {
                None if stopping => std::process::exit(130),
                None => {
                    stopping = true;
                    eprintln!("stopping: services first; once more to stop at once");
                    Signal::Stop
                }
                Some(Ok(config)) => Signal::Reload(Box::new(config)),
                Some(Err(error)) => {
                    eprintln!("error: {error}\n       The settings in force stay as they are.");
                    continue;
                }
            };
            drop(sender.send(signal).await);
        }
    });
    Ok(())
}
