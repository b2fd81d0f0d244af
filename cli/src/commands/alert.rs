//! `hotseat alert`: where alerts go, what was said, and a test through the running agent.

use std::fmt::Write as _;
use std::process::ExitCode;

use hotseat_client::{Alerts, Delivery, Matter, TestedAlert, Told};

use super::{Failed, Result, explain, small_runtime};
use crate::args::{Alert, AlertAct, Look, Target};
use crate::picture::moment::moment;
use crate::say::{say, say_line};

pub(crate) fn run(args: &Alert) -> Result {
    small_runtime()?.block_on(async {
        match &args.act {
            None => list(&args.look).await,
            Some(AlertAct::List(look)) => list(look).await,
            Some(AlertAct::Test { name, target, json }) => test(target, name.as_deref(), *json).await,
        }
    })
}

async fn list(look: &Look) -> Result {
    let alerts = look.target.client()?.alerts().await.map_err(explain)?;
    say(if look.json { serde_json::to_string_pretty(&alerts)? + "\n" } else { drawn(&alerts) })?;
    Ok(ExitCode::SUCCESS)
}

fn drawn(alerts: &Alerts) -> String {
    let mut text = String::new();
    for channel in &alerts.channels {
        let _ = writeln!(
            text,
            "{:<12} {:<8} {}\n{:12} when {}",
            channel.name,
            channel.kind,
            channel.to,
            "",
            channel.when.join(", ")
        );
    }
    if alerts.channels.is_empty() {
        text += "nobody is told of anything: no [[alert]] is in this node's file (hotseat config example shows some)\n";
    }
    if let Some(trouble) = &alerts.trouble {
        let _ = writeln!(text, "what was said cannot be read: {trouble}");
    }
    text += if alerts.standing.is_empty() { "" } else { "\n" };
    alerts.standing.iter().for_each(|it| text += &format!("▲ {}\n", matter(it)));
    text += if alerts.told.is_empty() { "" } else { "\n" };
    alerts.told.iter().for_each(|told| text += &entry(told));
    text
}

/// What is the matter now.
fn matter(it: &Matter) -> String {
    let said = it.said.as_ref().map_or_else(|| String::from("nobody was told"), |at| format!("said {at}"));
    format!("{}: {} ({said})", it.severity, it.text)
}

fn entry(told: &Told) -> String {
    let alert = &told.alert;
    let mut text = format!("{}  {:<8} {:<18} {}\n", moment(&alert.at), alert.state, alert.rule, alert.text);
    for delivery in &told.deliveries {
        text += &format!("{:26}{}\n", "", outcome(delivery));
    }
    text
}

fn outcome(delivery: &Delivery) -> String {
    let Delivery { name, state, by, tries, answer, .. } = delivery;
    let times = if *tries == 1 { String::new() } else { format!(", {tries} tries") };
    match state.as_str() {
        "sent" => format!("{name}: sent by {by}{times}"),
        "failed" => format!("{name}: GIVEN UP by {by}{times}: {answer}"),
        _ if *tries == 0 => format!("{name}: being sent by {by}"),
        _ => format!("{name}: {by} goes on trying{times}: {answer}"),
    }
}

async fn test(target: &Target, name: Option<&str>, json: bool) -> Result {
    let tested = target.client()?.test_alert(name).await.map_err(explain)?;
    if json {
        say_line(serde_json::to_string_pretty(&tested)?)?;
    } else {
        tested.iter().try_for_each(|it| say_line(verdict(it)))?;
    }
    let refused: Vec<_> = tested.iter().filter(|it| !it.ok).map(|it| it.name.as_str()).collect();
    match refused.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failed::new(format!("no test got through to {}", refused.join(", ")))),
    }
}

fn verdict(tested: &TestedAlert) -> String {
    let mark = if tested.ok { "✔" } else { "✘" };
    format!("{mark} {} → {} in {} ms: {}", tested.name, tested.to, tested.took_ms, tested.answer)
}
