//! What a leader does with the files that the others are to have: sends them, or says why not.

use super::Member;
use crate::clock;
use crate::sync::book::{Book, Plan, Version};
use crate::sync::compare::Differences;
use crate::sync::pack::Pack;
use crate::sync::send::Unsent;
use crate::sync::state::State;

/// Changed files that a version names.
const CHANGED_MAX: usize = 8;

impl Member {
    /// What is not as in the version in place, and is not sent.
    pub(super) async fn lead(
        &mut self,
        epoch: u64,
        book: &Book,
        differences: Differences,
    ) -> Result<Differences, Unsent> {
        let state = &self.local().state;
        let in_force = state.born == book.born && book.newest().is_some_and(|newest| newest.number == state.number);
        if !in_force && !book.versions.is_empty() {
            // What was read is older than what is here: it is read again.
            return Ok(differences);
        }
        if in_force && differences.is_empty() {
            self.agreed = Some(epoch);
            return self.answer(epoch, book).await.map(|()| differences);
        }
        self.held = self.unfit(epoch, book);
        if self.held.is_some() {
            // Before there is a version, everything would be different.
            return Ok(if in_force { differences } else { Differences::new() });
        }
        // Somebody may be in the middle of writing.
        if self.local().settled {
            self.send(epoch, book, &differences).await?;
        }
        Ok(Differences::new())
    }

    /// The version in force cannot be put in place here, as it names other files, or something is in the way: nobody would
    /// ever send another. Who is asked to sends what is here instead.
    pub(super) async fn replace(
        &mut self,
        epoch: u64,
        book: &Book,
        differences: &Differences,
        why: String,
    ) -> Result<Differences, Unsent> {
        self.held = self.unfit(epoch, book);
        if book.asked_of(epoch).is_none() {
            let node = self.unit.node();
            self.held = Some(format!("{why}; hotseat sync push sends what {node} has in its place"));
        }
        if self.held.is_none() && self.local().settled {
            self.send(epoch, book, differences).await?;
            return Ok(Differences::new());
        }
        Err(Unsent::Wrong(why))
    }

    /// Whoever asked to have it sent: it was sent before.
    async fn answer(&self, epoch: u64, book: &Book) -> Result<(), Unsent> {
        if book.asked.is_none() {
            return Ok(());
        }
        let edits = book.edits;
        match self.road.write(|book| book.answer(edits, epoch)).await {
            Ok(_) | Err(Unsent::Late) => Ok(()),
            Err(why) => Err(why),
        }
    }

    /// Why what the leader has is not sent.
    fn unfit(&self, epoch: u64, book: &Book) -> Option<String> {
        let local = self.local();
        if let Some((path, why)) = local.tree.wrong.first_key_value() {
            return Some(format!("nothing is sent: {path} {why}"));
        }
        if let Some(path) = local.tree.absent.first() {
            return Some(format!("nothing is sent: {path} is not there; is something not mounted?"));
        }
        if book.asked_of(epoch).is_some() || book.versions.is_empty() {
            return None;
        }
        let (node, number) = (self.unit.node(), local.state.number);
        if self.agreed != Some(epoch) {
            return Some(format!(
                "{node} took over with files that differ from version {number}: hotseat sync push sends them, \
                 hotseat sync rollback --to {number} puts that version back"
            ));
        }
        let emptied = local.emptied(&self.sync)?;
        Some(format!("{emptied} is empty all at once: hotseat sync push sends that, if it is meant"))
    }

    async fn send(&mut self, epoch: u64, book: &Book, differences: &Differences) -> Result<(), Unsent> {
        let pack = self.on_disk(|local, sync| local.gather(sync)).await?;
        let state = self.local().state.clone();
        let version = version(&pack, &state, epoch, self.unit.node(), changed(differences));
        let keep = usize::try_from(self.sync.keep).unwrap_or(usize::MAX);
        let sent = match self.road.send(&pack, epoch, keep, book, version).await {
            Ok(sent) => sent,
            // Who has taken over says what is in force; or it is said in a moment.
            Err(Unsent::Late) => return Ok(()),
            Err(Unsent::Later(why)) => return Err(Unsent::Later(format!("changed files are not sent yet: {why}"))),
            Err(Unsent::Wrong(why)) => return Err(Unsent::Wrong(format!("changed files are not sent: {why}"))),
        };
        let Some(newest) = sent.newest() else { return Ok(()) };
        let asked = newest.asked.as_ref().map_or_else(String::new, |asked| format!(", asked for by {}", asked.who));
        let what = newest.changed.join(", ");
        let (node, group, number) = (self.unit.node(), self.unit.id(), newest.number);
        self.tell("sync-sent", false, format!("{node} sends version {number} of the files of {group}: {what}{asked}"));
        let state =
            State { born: sent.born.clone(), number, entries: pack.entries, hooked: self.sync.on_change.is_none() };
        self.on_disk(move |local, _| local.keep(state)).await?;
        self.agreed = Some(epoch);
        self.hook = super::Hook::default();
        Ok(())
    }
}

/// Makes the version of the book, and of where its pieces are.
fn version(
    pack: &Pack,
    state: &State,
    epoch: u64,
    node: &str,
    changed: Vec<String>,
) -> impl Fn(&Book, usize, &Plan) -> Version + use<> {
    let (files, bytes) = (pack.files().count() as u64, pack.entries.iter().map(|entry| entry.size).sum());
    let (born, known, node, at) = (state.born.clone(), state.number, node.to_owned(), clock::wall());
    move |book, head, plan| {
        // After every number that this member has seen of this book: some may be missing in a store that was restored.
        let newest = book.newest().map_or(0, |newest| newest.number);
        let number = if born == book.born { newest.max(known) + 1 } else { newest + 1 };
        Version {
            number,
            epoch,
            by: node.clone(),
            at: at.clone(),
            asked: book.asked_of(epoch).cloned(),
            of: None,
            files,
            bytes,
            changed: changed.clone(),
            head,
            pieces: plan.pieces.clone(),
        }
    }
}

fn changed(differences: &Differences) -> Vec<String> {
    let mut words: Vec<String> = differences.keys().take(CHANGED_MAX).cloned().collect();
    if differences.len() > CHANGED_MAX {
        words.push(format!("{} more", differences.len() - CHANGED_MAX));
    }
    words
}
