//! `hotseat config render`: a load balancer's file for the cluster as it is now. It writes to standard output alone.
//!
//! ```text
//!  agent ──its members──> every member's agent ──where it answers──> Scene (checked) ──> the file's text
//! ```

mod gate;
mod haproxy;
mod keepalived;
mod nginx;
mod scene;

use std::process::ExitCode;

use super::super::{Result, small_runtime};
use crate::args::{Render, RenderScene};
use crate::say::say;
use scene::Scene;

pub(super) fn run(program: &Render) -> Result {
    let text = match program {
        Render::Haproxy { scene, listen, proxies: false } => haproxy::to_leader(&look(scene)?, *listen)?,
        Render::Haproxy { scene, listen, proxies: true } => haproxy::to_proxies(&look(scene)?, *listen)?,
        Render::Keepalived { scene, address, interface, node, router_id, proxies } => {
            let wish = keepalived::Wish::new(address, interface, *router_id, *proxies)?;
            keepalived::text(&look(scene)?, node.as_deref(), &wish)?
        }
        Render::Nginx { scene, listen } => nginx::text(&look(scene)?, *listen)?,
    };
    say(text)?;
    Ok(ExitCode::SUCCESS)
}

/// The cluster as it is. What could not be asked is told on standard error: the file is on standard output.
fn look(args: &RenderScene) -> std::result::Result<Scene, super::super::Failed> {
    let scene = small_runtime()?.block_on(async {
        let client = args.target.client()?;
        scene::gather(&client, args.group.as_deref()).await
    })?;
    for node in scene.silent() {
        eprintln!("note: {node} does not answer; its ports and its proxy are taken to be like the others'");
    }
    Ok(scene)
}
