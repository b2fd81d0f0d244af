//! What all acts have in common: asked of any agent, and waited for until every living member heeds it.

use std::time::{Duration, Instant};

use hotseat_client::{Acted, Client, Group, Outcome};
use serde_json::Value;

use super::switchover::pick;
use super::{Failed, explain};
use crate::args::Act;
use crate::say::{length, say_line};

/// Between two looks while waiting.
const PACE: Duration = Duration::from_millis(20);

/// Which groups.
pub(super) enum Which {
    One,
    All,
}

/// Asks for an act upon each of these groups, waits, and says what came of it.
pub(super) async fn carry_out(args: &Act, which: Which, what: &str, body: &Value) -> Result<(), Failed> {
    let client = args.target.client()?;
    let cluster = client.cluster().await.map_err(explain)?;
    let groups = match which {
        Which::One => vec![pick(&cluster, args.group.as_deref())?],
        Which::All => cluster.groups.iter().collect(),
    };
    for group in groups {
        let acted = client.act(&group.id, what, body).await.map_err(explain)?;
        one(&client, args, &group.id, what, acted).await?;
    }
    Ok(())
}

async fn one(client: &Client, args: &Act, group: &str, what: &str, acted: Acted) -> Result<(), Failed> {
    let mut acted = acted;
    let unheeded = heeded(client, group, &mut acted, args.wait).await?;
    if args.json {
        say_line(
            serde_json::json!({"group": group, "act": acted.act, "already": acted.already, "unheeded": unheeded}),
        )?;
    } else {
        say_line(format!("{group}: {}", words(what, &acted)))?;
    }
    if let Some(Outcome { ok: false, text, .. }) = acted.act.as_ref().and_then(|act| act.outcome.as_ref()) {
        return Err(Failed::new(format!("{group}: it stands, but: {text}")));
    }
    if unheeded.is_empty() {
        return Ok(());
    }
    let (who, wait) = (unheeded.join(", "), length(args.wait));
    Err(Failed::new(format!("{group}: it stands, but {who} had not heeded it after {wait}; see hotseat nodes")))
}

fn words(what: &str, acted: &Acted) -> String {
    let text = acted.act.as_ref().map(|act| match &act.outcome {
        Some(outcome) => format!("{} (act {})", outcome.text, act.id),
        None => format!("ordered (act {})", act.id),
    });
    match (acted.already, text) {
        (true, Some(text)) => format!("already: {text}"),
        (true, None) => format!("already: nothing to {what}"),
        (false, text) => text.unwrap_or_default(),
    }
}

/// Waits until all living members heed it, and its outcome is known; the members that do not.
async fn heeded(client: &Client, id: &str, acted: &mut Acted, wait: Duration) -> Result<Vec<String>, Failed> {
    let began = Instant::now();
    loop {
        let cluster = client.cluster().await.map_err(explain)?;
        let group = cluster.groups.into_iter().find(|group| group.id == id);
        let unheeded = group.as_ref().map(|group| unheeded(group, acted.orders)).unwrap_or_default();
        let open = acted.act.as_ref().filter(|act| act.outcome.is_none()).map(|act| act.id);
        if let Some(open) = open {
            let acts = client.acts(id).await.map_err(explain)?;
            acted.act = acts.into_iter().find(|act| act.id == open).or_else(|| acted.act.take());
        }
        if (unheeded.is_empty() && open.is_none()) || began.elapsed() > wait {
            return Ok(unheeded);
        }
        tokio::time::sleep(PACE).await;
    }
}

fn unheeded(group: &Group, orders: u64) -> Vec<String> {
    let living = group.members.iter().filter(|member| member.state != "offline");
    living.filter(|member| member.orders < orders).map(|member| member.node.clone()).collect()
}
