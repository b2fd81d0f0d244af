//! `hotseat drill`: a failover on purpose, and the report; or the history.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use hotseat_client::story::Story;
use hotseat_client::{Client, Drill, DrillKind, DrillOrder, DrillUnderWay, Group, in_words};

use super::switchover::pick;
use super::{Failed, Result, explain, small_runtime};
use crate::args;
use crate::picture::moment::moment;
use crate::picture::story;
use crate::say::{say, say_line};

/// Between two looks at the history while waiting.
const PACE: Duration = Duration::from_millis(100);

/// The story is written down by two leaders when they have nothing better to do: moments after the judgement, or never.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &args::Drill) -> Result {
    small_runtime()?.block_on(async {
        let client = args.target.client()?;
        let cluster = client.cluster().await.map_err(explain)?;
        let group = pick(&cluster, args.group.as_deref())?;
        let Some(kind) = &args.kind else {
            let drills = client.drills(&group.id).await.map_err(explain)?;
            return show(&drills.history, args.json);
        };
        let order = DrillOrder {
            kind: named(kind),
            max_ms: args.max.map(|max| u64::try_from(max.as_millis()).unwrap_or(u64::MAX)),
            force: args.force,
            reason: args.reason.clone(),
        };
        let begun = client.drill(&group.id, &order).await.map_err(explain)?;
        if !args.json {
            let leader = &begun.leader;
            say_line(format!(
                "{}: drill {} ({kind}) is under way: {leader} falls when somebody watches",
                group.id, begun.id
            ))?;
        }
        let (agent, drill) = wait(&client, group, &begun, args.wait).await?;
        let told = told(&agent, &group.id, &drill).await;
        if args.json {
            let mut report = serde_json::to_value(&drill)?;
            report["story"] = serde_json::to_value(told.map(|(story, _)| story))?;
            say_line(serde_json::to_string_pretty(&report)?)?;
        } else {
            report(&drill)?;
            if let Some((told, epoch)) = told {
                say(story::explain(&told, Some(epoch)))?;
            }
        }
        Ok(if drill.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// The agent that was asked may be the one that falls: whoever answers is asked, and asked further.
async fn wait(
    client: &Client,
    group: &Group,
    begun: &DrillUnderWay,
    limit: Duration,
) -> std::result::Result<(Client, Drill), Failed> {
    let others = group.members.iter().filter_map(|member| client.beside(&member.address).ok());
    let agents: Vec<_> = [client.clone()].into_iter().chain(others).collect();
    let started = Instant::now();
    while started.elapsed() < limit {
        for agent in &agents {
            let Ok(Ok(drills)) = tokio::time::timeout(Duration::from_secs(1), agent.drills(&group.id)).await else {
                continue;
            };
            if let Some(drill) = drills.history.into_iter().find(|drill| drill.id == begun.id) {
                return Ok((agent.clone(), drill));
            }
        }
        tokio::time::sleep(PACE).await;
    }
    let id = begun.id;
    Err(Failed::new(format!("drill {id} of {} is not over; see later: hotseat drill --history", group.id)))
}

/// The change of leader that the drill has made, phase by phase, and its epoch; none if it has made none.
async fn told(agent: &Client, group: &str, drill: &Drill) -> Option<(Story, u64)> {
    drill.to.as_ref().filter(|to| **to != drill.from)?;
    let started = Instant::now();
    let mut newest = None;
    while started.elapsed() < TOLD_WITHIN {
        if let Ok(mut story) = agent.story(group, None).await
            && let Some(epoch) = story.leaderships.iter().map(|it| it.epoch).find(|epoch| *epoch > drill.epoch)
        {
            story.leaderships.retain(|it| it.epoch >= drill.epoch && it.epoch <= epoch);
            let parted = |it: &Story| it.leaderships[0].ended.as_ref().is_some_and(|end| !end.phases.is_empty());
            // Who was killed or stood still tells nothing.
            if drill.order.kind != DrillKind::Switchover || parted(&story) {
                return Some((story, epoch));
            }
            newest = Some((story, epoch));
        }
        tokio::time::sleep(PACE).await;
    }
    newest
}

/// The words are those that the command line lets through.
fn named(kind: &str) -> DrillKind {
    match kind {
        "crash" => DrillKind::Crash,
        "freeze" => DrillKind::Freeze,
        _ => DrillKind::Switchover,
    }
}

fn report(drill: &Drill) -> std::result::Result<(), Failed> {
    let verdict = if drill.passed { "passed" } else { "FAILED" };
    let to = drill.to.as_deref().unwrap_or("nobody");
    say_line(format!("{verdict}: {} → {to} · {}", drill.from, drill.text))?;
    for watch in &drill.watchers {
        let seen = watch.seen.map_or_else(
            || String::from("saw no end of it"),
            |seen| {
                let waited = seen.outage_ms.map_or_else(|| String::from("no answer after the fall"), millis);
                format!("{waited} ({} of {} questions failed)", seen.failed, seen.questions)
            },
        );
        say_line(format!("  {:12} {seen} · {}", watch.node, watch.asked))?;
    }
    Ok(())
}

fn millis(millis: u64) -> String {
    in_words(Duration::from_millis(millis))
}

fn show(history: &[Drill], json: bool) -> Result {
    if json {
        say_line(serde_json::to_string_pretty(history)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for drill in history {
        let verdict = if drill.passed { "passed" } else { "FAILED" };
        let (at, kind) = (moment(&drill.at), drill.order.kind.as_str());
        let why = drill.order.reason.as_ref().map_or_else(String::new, |why| format!(" · {why}"));
        say_line(format!("{at}  {verdict}  {kind:10}  {} · by {}{why}", drill.text, drill.who))?;
    }
    if history.is_empty() {
        say_line("no drill yet: hotseat drill --kind switchover")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `hotseat drill-freeze PID MILLIS`, said only by an agent.
pub(crate) fn freeze(args: &args::DrillFreeze) -> Result {
    hotseat_agent::drill::freeze_for(args.pid, Duration::from_millis(args.millis))?;
    Ok(ExitCode::SUCCESS)
}
