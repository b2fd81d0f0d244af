//! What people ask for of a group's files: only written down. What is done about it stands in the record of their versions,
//! with the number of the act.

use super::Made;
use crate::orders::book::{Asked, Book};
use crate::orders::files::{PUSH, ROLLBACK};

pub(super) fn push(book: &mut Book, asked: &Asked) -> Made {
    enter(book, PUSH, String::new(), asked)
}

pub(super) fn roll_back(book: &mut Book, to: u64, asked: &Asked) -> Made {
    enter(book, ROLLBACK, format!("to version {to}"), asked)
}

/// One that is under way is not asked for twice.
fn enter(book: &mut Book, what: &str, detail: String, asked: &Asked) -> Made {
    let open = book.acts.iter().find(|act| act.what == what && act.detail == detail && act.outcome.is_none());
    match open {
        Some(open) => Made::Already(Some(open.clone())),
        None => Made::New(book.enter(what, detail, None, asked)),
    }
}
