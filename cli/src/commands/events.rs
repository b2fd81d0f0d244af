//! `hotseat events`: what happened, and what happens.

use std::pin::pin;
use std::process::ExitCode;

use futures_util::StreamExt;
use hotseat_client::{Client, Event};

use super::{Failed, Result, explain, small_runtime};
use crate::args::Events;
use crate::say::say_line;

pub(crate) fn run(args: &Events) -> Result {
    small_runtime()?.block_on(async {
        let client = Client::new(&args.target.url).map_err(explain)?;
        if args.follow {
            let mut events = pin!(client.follow().await.map_err(explain)?);
            while let Some(event) = events.next().await {
                if event.id > args.after {
                    print(&event, args.json)?;
                }
            }
            return Err(Failed::new(format!("the agent at {} has gone", client.url())));
        }
        for event in client.events(args.after).await.map_err(explain)? {
            print(&event, args.json)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn print(event: &Event, json: bool) -> std::result::Result<(), Failed> {
    if json {
        return say_line(serde_json::to_string(event)?);
    }
    let at = event.at.get(..23).unwrap_or(&event.at).replace('T', " ");
    say_line(format!("{at}  {}", event.text))
}
