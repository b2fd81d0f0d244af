//! `hotseat events`: what happened, and what happens.

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use hotseat_client::{Client, Error, Event};

use super::{Failed, Result, explain, small_runtime};
use crate::args::Events;
use crate::picture::moment::moment;
use crate::say::say_line;

/// Between two tries to reach an agent that has gone; they go on until somebody stops us.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Events) -> Result {
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        if args.follow {
            return follow(&client, args).await;
        }
        for event in client.events(args.after).await.map_err(explain)? {
            print(&event, args.json)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Goes on for ever; an agent that is started anew goes on with its numbers.
async fn follow(client: &Client, args: &Events) -> Result {
    let mut last = args.after;
    // Whoever cannot be asked at the very start is not there, or not an agent.
    let mut events = pin!(client.follow_after(last).await.map_err(explain)?);
    loop {
        while let Some(event) = events.next().await {
            last = event.id;
            print(&event, args.json)?;
        }
        eprintln!("{}  the agent at {} has gone; waiting for it", moment(&now()), client.url());
        events.set(loop {
            tokio::time::sleep(PAUSE).await;
            last = still_counts(client, last).await;
            match client.follow_after(last).await {
                Ok(events) => break events,
                // It is starting, or gone, or has many readers.
                Err(Error::Unreachable(..) | Error::Unanswered(..) | Error::Refused(_)) => {}
                Err(error) => return Err(explain(error)),
            }
        });
        eprintln!("{}  the agent at {} is back", moment(&now()), client.url());
    }
}

/// The number to go on from: an agent that has lost its disk counts from the beginning.
async fn still_counts(client: &Client, last: u64) -> u64 {
    match client.events(0).await {
        Ok(known) if known.last().is_some_and(|newest| newest.id < last) => 0,
        Ok(_) | Err(_) => last,
    }
}

/// By this machine's clock: it is us who see it.
fn now() -> String {
    humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string()
}

fn print(event: &Event, json: bool) -> std::result::Result<(), Failed> {
    if json {
        return say_line(serde_json::to_string(event)?);
    }
    say_line(format!("{}  {}", moment(&event.at), event.text))
}
