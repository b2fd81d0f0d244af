//! One group's story as one node lives it: notes in, pages of the book out. A value; it asks no clock and writes nothing.
//!
//! ```text
//!   signs of the old leader: ceased, doubt, ending, ended ──┐
//!                                                           v
//!   a claim of ours ──> Rise ── claimed, started, ready, announced ──> a page: the leadership begins
//!   the end of ours ──> Fall ── drain, drained, stepped down, released ──> a page: it has ended
//!   a doubt that passes, a service that is restarted in its place ──> a page: what was spared
//! ```

mod signs;

use std::time::Duration;

use hotseat_client::story::{Back, Ended, Leadership, Phase, Spared, Wait};
use hotseat_core::{Field, Instant, NodeName, Reason};

use super::book::Page;
use super::note::{Clients, Moment, Note, Sign};
use super::words;
use crate::story;
use signs::{Marks, Signs, last_sign, phases};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Chronicle {
    me: NodeName,
    /// Who led last, as far as this node knows, and in which epoch.
    leader: Option<(NodeName, u64)>,
    signs: Signs,
    rise: Option<Rise>,
    fall: Option<Fall>,
    failed: Option<(Instant, String, Field)>,
    /// The epoch that ends as ordered, and the act.
    obeyed: Option<(u64, u64)>,
    /// An epoch whose leader cannot know how long nobody led before it, and since when this node knows.
    gap: Option<(u64, Instant)>,
    /// The epoch whose first clients are still to be asked about: this node saw it begin.
    unasked: Option<u64>,
}

/// Our way to a leadership.
#[derive(Clone, Debug)]
struct Rise {
    epoch: u64,
    marks: Marks,
    /// The last sign of the old leader.
    since: Option<Instant>,
    page: Leadership,
    written: bool,
}

/// The way out of it.
#[derive(Clone, Debug)]
struct Fall {
    epoch: u64,
    marks: Marks,
}

impl Chronicle {
    pub(crate) fn new(me: NodeName) -> Self {
        Self {
            me,
            leader: None,
            signs: Signs::default(),
            rise: None,
            fall: None,
            failed: None,
            obeyed: None,
            gap: None,
            unasked: None,
        }
    }

    /// The epoch that is served for the first time, if this node saw it begin. Once.
    pub(crate) fn newly_served(&mut self) -> Option<u64> {
        self.unasked.take()
    }

    /// The epoch in which we took over from that node because it was lost, if we lead in it.
    pub(crate) fn took_over_from(&self, node: &NodeName) -> Option<u64> {
        let rise = self.rise.as_ref().filter(|rise| rise.written && !rise.page.planned)?;
        rise.page.from.as_ref().filter(|from| **from == *node.as_str()).map(|_| rise.epoch)
    }

    /// Whether that node led last, as far as is known.
    pub(crate) fn led_by(&self, node: &NodeName) -> bool {
        self.leader.as_ref().is_some_and(|(leader, _)| leader == node)
    }

    /// Takes what was seen of the node that leads.
    pub(crate) fn sign(&mut self, note: &Note, sign: &Sign) -> Vec<Page> {
        match sign {
            Sign::Doubted => _ = self.signs.doubt.get_or_insert(note.at),
            Sign::Ending(state) => _ = self.signs.ending.get_or_insert((note.at, *state)),
            Sign::Ended(state, heard) => _ = self.signs.ended.get_or_insert((note.at, *state, heard.clone())),
            Sign::Returned(silent) => {
                (self.signs.doubt, self.signs.ending) = (None, None);
                return self.passed(note, *silent).into_iter().collect();
            }
            Sign::Came => {}
        }
        Vec::new()
    }

    fn passed(&self, note: &Note, silent: Duration) -> Option<Page> {
        let (node, epoch) = self.leader.as_ref()?;
        let text = format!("{node} was silent for {}, and heard of again before anybody ended it", words::ms(silent));
        Some(self.spared(note, "doubt-passed", (node, *epoch), Some(silent), text))
    }

    /// Nobody leads, and this node is kept from it: nobody took over from whoever led.
    fn barred(&self, note: &Note, epoch: u64, why: &str) -> Option<Page> {
        let (node, _) = self.leader.as_ref().filter(|(_, led)| *led == epoch)?;
        let text = format!("{} could have taken over, and did not: {why}", self.me);
        Some(self.spared(note, "held-off", (node, epoch), None, text))
    }

    fn spared(
        &self,
        note: &Note,
        kind: &str,
        (node, epoch): (&NodeName, u64),
        lasted: Option<Duration>,
        text: String,
    ) -> Page {
        Page::Spared(Spared {
            at: note.wall_at(note.at),
            kind: kind.to_owned(),
            epoch,
            node: node.to_string(),
            lasted_ms: lasted.map(words::millis),
            times: 1,
            seen_by: vec![self.me.to_string()],
            text,
        })
    }

    /// Takes what happened to the group.
    pub(crate) fn moment(&mut self, note: &Note, moment: &Moment) -> Vec<Page> {
        let at = note.at;
        match moment {
            Moment::Ceased => _ = self.signs.ceased.get_or_insert(at),
            Moment::Serves => return self.serves(at).into_iter().collect(),
            Moment::Led(node, epoch, reason) => return self.led(note, node, epoch.0, reason),
            Moment::Unled(epoch, reason) => return self.unled(note, epoch.0, reason).into_iter().collect(),
            Moment::Claim(epoch, field) => self.claim(note, epoch.0, field),
            Moment::Started => self.mark("started", at, "its service is started"),
            Moment::Ready(epoch) => {
                self.mark("ready", at, "its service is ready");
                return self.restarted(note, epoch.0).into_iter().collect();
            }
            Moment::Announced(epoch) if self.rise.as_ref().is_none_or(|rise| rise.epoch != epoch.0) => {}
            Moment::Announced(_) => {
                self.mark("announced", at, "announced: proxies and addresses follow");
                return self.page(at).into_iter().collect();
            }
            Moment::Failed(how, field) => self.failed = Some((at, how.clone(), field.clone())),
            Moment::Obeyed(epoch, act) => self.obeyed = Some((epoch.0, *act)),
            Moment::Refused(epoch, act, why) => {
                let text = format!("{} did not do as act {act} had ordered: {why}", self.me);
                return vec![self.spared(note, "refused", (&self.me, epoch.0), None, text)];
            }
            Moment::Barred(epoch, why) => return self.barred(note, epoch.0, why).into_iter().collect(),
            Moment::Demoting(epoch, reason) => return self.demoting(note, epoch.0, reason),
            Moment::Draining => self.fallen("drain", at, "nobody is sent to it any more; what is under way may finish"),
            Moment::Drained => self.fallen("drained", at, "nothing is under way any more"),
            Moment::Releasing => self.fallen("stepped-down", at, "its service has stepped down"),
            Moment::Clients(epoch, clients) => return self.clients(*epoch, clients),
            Moment::Back(epoch, at, state) => {
                let (at, state) = (at.clone(), state.as_str().to_owned());
                return vec![Page::Back(*epoch, Back { at, state })];
            }
        }
        Vec::new()
    }

    /// This node's session is over: so is what it led.
    pub(crate) fn over(&mut self, note: &Note, why: &str) -> Option<Page> {
        let (rise, failed) = (self.rise.take(), self.failed.take());
        drop(failed);
        let rise = rise?;
        // Whoever leads next, this node among them, may have no other sign of it.
        self.signs.ceased.get_or_insert(note.at);
        let reason = format!("its session was over: {why}");
        let phases = vec![Phase { name: String::from("over"), at_ms: Some(0), note: reason.clone() }];
        Some(self.ended(note, rise.epoch, ("session-over", reason), phases))
    }

    fn claim(&mut self, note: &Note, epoch: u64, field: &Field) {
        let old = self.leader.clone().map(|(node, _)| node);
        let mut marks = self.signs.marks(old.as_ref());
        let since = last_sign(&marks);
        marks.push(("claim", Some(note.at), format!("{} claims epoch {epoch}", self.me)));
        let page = Leadership {
            epoch,
            node: Some(self.me.to_string()),
            from: old.as_ref().map(ToString::to_string),
            candidates: words::choices(&self.me, field),
            cause: words::cause(old.as_ref(), self.signs.ended.as_ref(), note),
            ..Leadership::default()
        };
        self.rise = Some(Rise { epoch, marks, since, page, written: false });
    }

    fn led(&mut self, note: &Note, node: &NodeName, epoch: u64, reason: &Reason) -> Vec<Page> {
        let news = self.leader.is_some() || *node == self.me;
        self.unasked = news.then_some(epoch);
        let old = self.leader.replace((node.clone(), epoch)).map(|(old, _)| old);
        self.gap = self.gap_before(epoch, old.as_ref(), node, reason);
        self.signs = Signs::default();
        self.failed = None;
        match &mut self.rise {
            Some(rise) if *node == self.me && rise.epoch == epoch => {
                rise.marks.push(("claimed", Some(note.at), String::from("the claim stands: it leads")));
                rise.page.began = Some(note.wall_at(note.at));
                rise.page.why = story::word(reason).to_owned();
                rise.page.reason = story::reason(reason);
                rise.page.planned = reason.planned();
                if rise.page.cause.is_empty() {
                    rise.page.cause = words::plain_cause(reason, rise.page.from.as_deref());
                }
            }
            // Somebody else was faster, or it is the first look of this run.
            Some(_) | None => self.rise = None,
        }
        Vec::new()
    }

    /// A leader that comes back, or takes over from us who could tell nobody, has not seen since when nobody led.
    fn gap_before(
        &self,
        epoch: u64,
        old: Option<&NodeName>,
        new: &NodeName,
        reason: &Reason,
    ) -> Option<(u64, Instant)> {
        let blind = *new != self.me && (old == Some(new) || old == Some(&self.me)) && !reason.planned();
        last_sign(&self.signs.marks(old)).filter(|_| blind).map(|since| (epoch, since))
    }

    /// Somebody serves, for the first time in its epoch or again.
    fn serves(&mut self, at: Instant) -> Option<Page> {
        // What was seen before was not its end.
        self.signs.ceased = None;
        let (epoch, since) = self.gap.take()?;
        Some(Page::Gap(epoch, self.me.to_string(), words::millis(at.since(since))))
    }

    fn mark(&mut self, name: &'static str, at: Instant, words: &str) {
        if let Some(rise) = self.rise.as_mut().filter(|rise| !rise.marks.iter().any(|(mark, ..)| *mark == name)) {
            rise.marks.push((name, Some(at), words.to_owned()));
        }
    }

    /// The leadership as far as it is known; once.
    fn page(&mut self, announced: Instant) -> Option<Page> {
        let rise = self.rise.as_mut().filter(|rise| !rise.written && rise.page.began.is_some())?;
        rise.written = true;
        let phases = phases(&rise.marks);
        let served = rise.marks.iter().any(|(name, ..)| *name == "announced");
        let outage_ms = rise.since.filter(|_| served).map(|since| words::millis(announced.since(since)));
        Some(Page::Began(Box::new(Leadership { phases, outage_ms, ..rise.page.clone() })))
    }

    /// What clients saw: of the new leader's own proxy also when, as that is on its clock.
    fn clients(&mut self, epoch: u64, clients: &Clients) -> Vec<Page> {
        let mut pages = Vec::new();
        let mine = |rise: &&mut Rise| {
            rise.epoch == epoch && rise.written && !rise.marks.iter().any(|(name, ..)| *name == "first-client")
        };
        if let Some(rise) = self.rise.as_mut().filter(mine) {
            let (at, words) = match clients {
                Clients::Served(change) => {
                    (change.first, format!("first client served through the proxy of {}", self.me))
                }
                Clients::Nobody(within) => {
                    (None, format!("no client came to the proxy of {} within {}", self.me, words::ms(*within)))
                }
                Clients::NoProxy => (None, format!("first client: there is no proxy on {}", self.me)),
            };
            rise.marks.push(("first-client", at, words));
            pages.push(Page::Phases(epoch, phases(&rise.marks)));
        }
        if let Clients::Served(change) = clients
            && change.epoch == epoch
            && change.held > 0
        {
            let longest_ms = words::millis(change.longest);
            pages.push(Page::Waited(epoch, Wait { node: self.me.to_string(), longest_ms, clients: change.held }));
        }
        pages
    }

    fn restarted(&mut self, note: &Note, epoch: u64) -> Option<Page> {
        let (failed_at, how, field) = self.failed.take()?;
        self.rise.as_ref().filter(|rise| rise.epoch == epoch && rise.written)?;
        let text = format!("the service of {} failed ({how}) and was restarted in its place: {}", self.me, {
            words::nobody_better(&self.me, &field)
        });
        Some(self.spared(note, "restarted-in-place", (&self.me, epoch), Some(note.at.since(failed_at)), text))
    }

    fn demoting(&mut self, note: &Note, epoch: u64, reason: &Reason) -> Vec<Page> {
        let unwritten = self.page(note.at);
        let mut marks = Marks::new();
        if let Some((at, how, _)) = self.failed.take() {
            marks.push(("failed", Some(at), format!("its service failed: {how}")));
        }
        marks.push(("order", Some(note.at), format!("it hands over: {}", story::reason(reason))));
        self.fall = Some(Fall { epoch, marks });
        unwritten.into_iter().collect()
    }

    fn fallen(&mut self, name: &'static str, at: Instant, words: &str) {
        if let Some(fall) = self.fall.as_mut().filter(|fall| !fall.marks.iter().any(|(mark, ..)| *mark == name)) {
            fall.marks.push((name, Some(at), words.to_owned()));
        }
    }

    fn unled(&mut self, note: &Note, epoch: u64, reason: &Reason) -> Option<Page> {
        self.signs.ceased.get_or_insert(note.at);
        if self.fall.as_ref().is_some_and(|fall| fall.epoch == epoch) {
            self.fallen("released", note.at, "released: others may claim");
        }
        let fall = self.fall.take().filter(|fall| fall.epoch == epoch)?;
        self.rise = None;
        let reason = (story::word(reason), story::reason(reason));
        Some(self.ended(note, epoch, reason, phases(&fall.marks)))
    }

    fn ended(&self, note: &Note, epoch: u64, (why, reason): (&str, String), phases: Vec<Phase>) -> Page {
        let ended = Ended {
            at: note.wall_at(note.at),
            by: self.me.to_string(),
            why: why.to_owned(),
            reason,
            phases,
            act: self.obeyed.filter(|(obeyed, _)| *obeyed == epoch).map(|(_, act)| act),
        };
        Page::Ended(epoch, self.me.to_string(), ended)
    }
}

#[cfg(test)]
mod tests;
