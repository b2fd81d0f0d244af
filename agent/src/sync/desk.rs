//! What operators ask of the files: any agent can be asked, and whoever it concerns sees it in the store.

use std::fmt;

use hotseat_client as wire;
use hotseat_core::GroupId;

use super::book::{Asked, Book, Version};
use super::diff::unified;
use super::entry::{below, place};
use super::send::{Road, Unsent};
use super::store::{self, Versions};
use super::{Board, report};
use crate::clock;
use crate::config::{Named, Sync};
use crate::shelf::Shelf;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    shelf: Shelf,
    versions: Versions,
    node: String,
    board: Board,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskError {
    /// There is no such file or version; says what there is.
    Unknown(String),
    /// The store does not answer, or others write: ask again.
    Later(String),
}

impl fmt::Display for DeskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) | Self::Later(why) => f.write_str(why),
        }
    }
}

impl From<Unsent> for DeskError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Wrong(why) => Self::Unknown(why),
            Unsent::Late | Unsent::Later(_) => Self::Later(unsent.to_string()),
        }
    }
}

impl Desk {
    pub(super) fn new(shelf: Shelf, versions: Versions, node: &str, board: Board) -> Self {
        Self { shelf, versions, node: node.to_owned(), board }
    }

    /// What is shown of the groups.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    fn road(&self, group: &GroupId) -> Road {
        Road { shelf: self.shelf.clone(), group: group.clone() }
    }

    /// Has the leader of this epoch send what it has, differences and all. It does so at its next look; once, however often
    /// it is asked by the same act, and no later leader does.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn push(&self, group: &GroupId, act: &wire::Act, epoch: u64) -> Result<wire::Pushed, DeskError> {
        let book = self.road(group).write(|book| book.ask(Asked::by(act), epoch)).await?;
        Ok(wire::Pushed { edits: book.edits, act: act.id })
    }

    /// What this act asks for is not to be sent any more.
    ///
    /// # Errors
    /// See [`DeskError`]; among them that it has been sent.
    pub async fn take_back(&self, group: &GroupId, act: u64, why: &str) -> Result<(), DeskError> {
        self.road(group).write(|book| book.take_back(act, why.to_owned())).await?;
        Ok(())
    }

    /// Whether an earlier version can be brought back, as things are: it is whole, and names what is still kept the same.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn may_roll_back(&self, group: &GroupId, to: u64, named: &[Named]) -> Result<(), DeskError> {
        let road = self.road(group);
        let book = road.book().await?.unwrap_or_default();
        let tried = book.roll_back(to, &self.node, clock::wall(), Asked::default()).map_err(Unsent::from)?;
        // No leader could put it in place, and nothing would be sent any more.
        let back = tried.newest().ok_or_else(|| DeskError::Later(String::from("the book of versions is empty")))?;
        road.fetch(&Version { number: to, ..back.clone() }, named).await?;
        Ok(())
    }

    /// Brings an earlier version back, as a new one: that one. Members put it in place at their next look.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn roll_back(&self, group: &GroupId, to: u64, act: &wire::Act) -> Result<wire::SyncVersion, DeskError> {
        let back = |book: Book| match book.sent_by(act.id).is_some() {
            // It was taken the first time, and asked for again in doubt.
            true => Ok(book),
            false => book.roll_back(to, &self.node, clock::wall(), Asked::by(act)),
        };
        let book = self.road(group).write(back).await?;
        book.sent_by(act.id).map(shown).ok_or_else(|| DeskError::Later(String::from("the book of versions is empty")))
    }

    /// Where one file differs: between the version in force and members, or between members.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn differences(
        &self,
        group: &GroupId,
        sync: &Sync,
        path: &str,
        leader: Option<&str>,
    ) -> Result<Vec<wire::Difference>, DeskError> {
        let mut seen = store::Seen::default();
        seen.refresh(&self.shelf, group, &self.versions).await.map_err(Unsent::from)?;
        if place(&sync.paths, path).is_some() {
            return self.with_version(group, &sync.paths, path, &seen).await;
        }
        if place(&sync.watch, path).is_some() {
            return between_members(&seen, path, leader);
        }
        let names: Vec<_> = sync.paths.iter().chain(&sync.watch).map(|named| named.name.as_str()).collect();
        Err(DeskError::Unknown(format!("{path} is not among the files of {group}; those are: {}", names.join(", "))))
    }

    async fn with_version(
        &self,
        group: &GroupId,
        named: &[Named],
        path: &str,
        seen: &store::Seen,
    ) -> Result<Vec<wire::Difference>, DeskError> {
        let Some(newest) = seen.book.as_ref().and_then(|book| book.newest()) else {
            return Err(DeskError::Unknown(format!("no version of the files of {group} has been sent yet")));
        };
        let pack = self.road(group).fetch(newest, named).await?;
        let there = pack.files().find(|(entry, _)| entry.path == path).map(|(_, content)| content);
        if there.is_none() && !seen.reports.values().any(|report| report.changed.contains_key(path)) {
            let why = format!("version {} has no file {path}, and no member has one that differs", newest.number);
            return Err(DeskError::Unknown(why));
        }
        let there = there.map_or(Ok(""), |content| str::from_utf8(content));
        let from = format!("version {}", newest.number);
        let differing = seen.reports.iter().filter_map(|(node, report)| Some((node, report.changed.get(path)?)));
        Ok(differing
            .map(|(node, here)| match (there, text(here)) {
                (Ok(there), Ok(here)) => told(&from, there, node, here),
                (Err(_), _) => unknown(&from, node, "it is no text"),
                (_, Err(why)) => unknown(&from, node, &why),
            })
            .collect())
    }
}

/// What a member's file holds, as far as that member tells.
fn text(here: &report::Seen) -> Result<&str, String> {
    match (&here.text, here.digest) {
        (Some(text), _) => Ok(text),
        (None, Some(digest)) => Err(format!("what it holds is not shown, only its digest {digest}")),
        (None, None) => Ok(""),
    }
}

fn between_members(seen: &store::Seen, path: &str, leader: Option<&str>) -> Result<Vec<wire::Difference>, DeskError> {
    let watches = |report: &report::Report| report.watch.iter().any(|name| below(name, path).is_some());
    let watching = seen.reports.iter().filter(|(_, report)| watches(report));
    let sides: Vec<_> = watching.map(|(node, report)| (node.as_str(), report.watched.get(path))).collect();
    let measure = sides.iter().find(|(node, _)| Some(*node) == leader).or(sides.first());
    let Some((from, expected)) = measure.filter(|_| sides.iter().any(|(_, seen)| seen.is_some())) else {
        return Err(DeskError::Unknown(format!("no member has a file {path}")));
    };
    let digest = |seen: &Option<&report::Seen>| seen.and_then(|seen| seen.digest);
    let content = |seen: &Option<&report::Seen>| seen.map_or(Ok(String::new()), |seen| text(seen).map(str::to_owned));
    let others = sides.iter().filter(|(_, seen)| digest(seen) != digest(expected));
    let different = others.map(|(node, here)| match (content(expected), content(here)) {
        (Ok(there), Ok(here)) => told(from, &there, node, &here),
        (Err(why), _) | (_, Err(why)) => unknown(from, node, &format!("{why}; share = true shows it")),
    });
    Ok(different.collect())
}

fn told(from: &str, there: &str, to: &str, here: &str) -> wire::Difference {
    let text = unified((from, there), (to, here));
    // It is shown in terminals, and others wrote it.
    let plain = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    wire::Difference { from: from.to_owned(), to: to.to_owned(), text: Some(plain), unknown: None }
}

fn unknown(from: &str, to: &str, why: &str) -> wire::Difference {
    wire::Difference { from: from.to_owned(), to: to.to_owned(), text: None, unknown: Some(why.to_owned()) }
}

/// A version as it is shown.
pub(super) fn shown(version: &Version) -> wire::SyncVersion {
    wire::SyncVersion {
        number: version.number,
        epoch: version.epoch,
        by: version.by.clone(),
        at: version.at.clone(),
        who: version.asked.as_ref().map(|asked| asked.who.clone()),
        reason: version.asked.as_ref().and_then(|asked| asked.reason.clone()),
        act: version.asked.as_ref().and_then(|asked| asked.act),
        of: version.of,
        files: version.files,
        bytes: version.bytes,
        changed: version.changed.clone(),
    }
}
