//! `hotseat explain`: why it did, or did not, fail over.

use std::process::ExitCode;

use hotseat_client::story::Story;

use super::switchover::pick;
use super::{Failed, Result, explain, small_runtime};
use crate::args::Explain;
use crate::picture::story;
use crate::say::{say, say_line};

pub(crate) fn run(args: &Explain) -> Result {
    let told = small_runtime()?.block_on(async {
        let client = args.target.client()?;
        let cluster = client.cluster().await.map_err(explain)?;
        let group = pick(&cluster, args.group.as_deref())?;
        // For people the one before belongs to it: its end is the first half of a planned change.
        client.story(&group.id, args.epoch.filter(|_| args.json)).await.map_err(explain)
    })?;
    if let Some(epoch) = args.epoch.filter(|epoch| !told.leaderships.iter().any(|it| it.epoch == *epoch)) {
        return Err(Failed::new(unknown(&told, epoch)));
    }
    if args.json {
        say_line(serde_json::to_string_pretty(&told)?)?;
    } else if args.all {
        say(story::list(&told))?;
    } else {
        say(story::explain(&told, args.epoch))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(told: &Story, epoch: u64) -> String {
    let newest = told.now.epoch;
    if epoch > newest {
        return format!("{} has had no epoch {epoch} yet: the newest is {newest}", told.group);
    }
    let why = told.stale.as_ref().map(|why| format!(" (the store does not answer: {why})")).unwrap_or_default();
    format!("nothing is known of epoch {epoch} of {} any more{why}; see: hotseat explain --all", told.group)
}
