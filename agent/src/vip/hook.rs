//! The command that moves an address of somebody else's network: run until it succeeds, once in every epoch.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use hotseat_core::{Epoch, Role};

use super::group::Follower;
use super::shown::One;

/// Pause before another try; it doubles up to `RETRY_MAX`, which spares a cloud that is having a bad day.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Runs it, if there is one and `moved` is not this epoch. Returns after `over`, and when nothing of it is alive.
pub(super) async fn run(follower: &Follower, epoch: Epoch, moved: &mut Option<Epoch>, over: impl Future<Output = ()>) {
    let mut over = pin!(over);
    if *moved != Some(epoch) && !tries(follower, epoch, &mut over).await {
        return;
    }
    if follower.unit.config.floating.is_some() {
        *moved = Some(epoch);
        follower.show_floating(One { up: true, trouble: None }).await;
    }
    over.await;
}

/// Tries until it succeeds; `false` if it was over before.
async fn tries(follower: &Follower, epoch: Epoch, over: &mut (impl Future<Output = ()> + Unpin)) -> bool {
    let Some(floating) = &follower.unit.config.floating else { return true };
    let name = format!("{} floating", follower.group());
    let mut pause = RETRY_MIN;
    for number in 1_u64.. {
        let program = follower.unit.follower(&floating.command, Role::Leader(epoch), &name);
        let why = match follower.hands.tasks.run_until(program, floating.timeout, &mut *over).await {
            None => return false,
            Some(Ok(())) => {
                let text = format!("the floating address of {} was moved here, epoch {epoch}", follower.group());
                follower.tell("floating-moved", epoch, false, text);
                return true;
            }
            Some(Err(why)) => format!("[group.floating] command failed, try {number}: {why}"),
        };
        follower.show_floating(One { up: false, trouble: Some(why.clone()) }).await;
        follower.tell("floating-trouble", epoch, true, why);
        tokio::select! {
            () = &mut *over => return false,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_MAX),
        }
    }
    unreachable!("there is always another try")
}
