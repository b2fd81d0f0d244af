//! What the loop shows to everybody else, and when.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hotseat_core::{Action, GuardCommand, Input, Instant, View};
use hotseat_guard::Command;

use super::Driver;
use crate::pulse::Pulse;
use crate::snapshot::Snapshot;

/// A picture that only votes have passed by is no older than this: one is drawn anew for what they tell of the others.
/// Votes come by the dozen a second, and strings are copied for each picture.
const PICTURE_AGE_MAX: Duration = Duration::from_millis(100);

/// Whether this input can change no more of the picture than the pulse and how long ago others were heard of.
pub(super) const fn is_a_vote(input: &Input) -> bool {
    match input {
        Input::Asked(..) | Input::Answered(..) | Input::Kept(..) => true,
        Input::Tick
        | Input::Hint
        | Input::Looked(_)
        | Input::LookFailed
        | Input::Written(..)
        | Input::Proof(_)
        | Input::Guard(_)
        | Input::Service(..)
        | Input::Reconfigure(_)
        | Input::Withdrawn(..)
        | Input::Drained(..)
        | Input::Stop => false,
    }
}

/// Whether this action is all there is to see of what it does.
pub(super) const fn is_about_votes(action: &Action) -> bool {
    match action {
        Action::Renew(_)
        | Action::Ask(..)
        | Action::Answer(..)
        | Action::Keep(..)
        | Action::Guard(GuardCommand::Deadline(_)) => true,
        Action::Look
        | Action::Write { .. }
        | Action::SpawnGuard
        | Action::AskGuard(_)
        | Action::Guard(_)
        | Action::CheckReady(..)
        | Action::CheckHealth(..)
        | Action::Turn(..)
        | Action::Announce(..)
        | Action::Withdraw(..)
        | Action::Drain(..)
        | Action::Tell(_)
        | Action::Exit(_) => false,
    }
}

impl Driver {
    /// Shows everybody else what a step has changed; after one that only votes took part in, that is the pulse.
    pub(super) fn show(&mut self, now: Instant, votes_only: bool) {
        let lease = self.node.lease(now);
        self.vitals.note(lease, now);
        self.renewals.lease(lease, now);
        let (ours, age) = {
            let shown = self.show.borrow();
            (shown.pulse.beat(lease, now), now.since(shown.taken))
        };
        if !ours || !votes_only || age >= PICTURE_AGE_MAX {
            self.publish(now);
        }
    }

    /// Draws a new picture, and points the proxies by it.
    fn publish(&mut self, now: Instant) {
        let view = self.node.view(now);
        self.point_proxies(&view);
        self.know_peers(&view);
        self.tap.pictured(&view, now);
        let snapshot = Snapshot {
            pulse: Pulse::new(view.lease, now),
            view,
            taken: now,
            store_trouble: self.store_trouble.clone(),
            damage: self.damage.clone(),
            stopping: self.stopping,
            pids: self.supervisor.pids(),
            followers: self.followers.shown().clone(),
        };
        self.show.send_replace(Arc::new(snapshot));
    }

    fn point_proxies(&self, view: &View) {
        for group in &view.groups {
            let own = self.units.get(&group.id).and_then(|unit| unit.address);
            self.routes.point(group, own);
        }
    }

    /// The addresses of the others, for hints and for the guard's word.
    fn know_peers(&mut self, view: &View) {
        let own = self.own;
        let members = view.groups.iter().flat_map(|group| &group.members);
        let addresses: BTreeSet<SocketAddr> =
            members.filter_map(|member| member.address.parse().ok()).filter(|it| *it != own).collect();
        let peers: Vec<_> = addresses.into_iter().take(hotseat_guard::PEERS_MAX).collect();
        if peers != self.known_peers {
            self.supervisor.tell(&Command::Peers(peers.clone()));
            self.known_peers = peers;
        }
    }
}
