//! How the nodes of `hotseat dev` become a cluster: the first begins it as `hotseat init` does, the others come as
//! `hotseat join` does.

use std::time::{Duration, Instant};

use hotseat_agent::config::Config;
use hotseat_agent::embedded::{Newcomer, come, found};
use tokio::sync::watch;

use super::node::{Node, Phase};
use super::plan::CLUSTER;
use crate::commands::Failed;

/// The line that lets the others in is used at once, and seen by nobody.
const GOOD: Duration = Duration::from_secs(600);

/// Before the first node is asked again: its agent is just starting.
const PACE: Duration = Duration::from_millis(20);

/// A first node that lets nobody in by then never will. The longest start of an agent is a fraction of it.
const LIMIT: Duration = Duration::from_secs(30);

/// Begins the cluster with the first node; gives the line that lets others in. To be called outside of a runtime.
pub(super) fn begin(first: &Node) -> Result<String, Failed> {
    let founded = found(&Config::load(&first.config())?, GOOD, None)?;
    Ok(founded.token.expect("a cluster without certificates of somebody else makes its own"))
}

/// Makes a node a member, as soon as the first one lets it in. Nothing is left to do if the end comes before.
pub(super) async fn enter(node: &Node, token: &str, mut phase: watch::Receiver<Phase>) -> Result<(), String> {
    tokio::select! {
        entered = knock(node, token) => entered,
        _ = phase.wait_for(|phase| *phase > Phase::Running) => Ok(()),
    }
}

async fn knock(node: &Node, token: &str) -> Result<(), String> {
    let newcomer = newcomer(node)?;
    let began = Instant::now();
    loop {
        match come(token, &newcomer).await {
            Ok(_) => return Ok(()),
            Err(why) if began.elapsed() > LIMIT => return Err(why.to_string()),
            Err(_) => tokio::time::sleep(PACE).await,
        }
    }
}

fn newcomer(node: &Node) -> Result<Newcomer, String> {
    Ok(Newcomer {
        cluster: Some(CLUSTER.to_owned()),
        name: node.name.clone().try_into().map_err(|error| format!("{error}"))?,
        address: ([127, 0, 0, 1], node.port).into(),
        witness: false,
        data_dir: node.data_dir(),
        members: Vec::new(),
        tls: None,
    })
}
