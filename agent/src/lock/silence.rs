//! Whether the store answers while a lock is waited for: a lock that nobody is known to hold and that cannot be had is
//! then a matter of the store. It only remembers.

use hotseat_core::{Input, Outcome};

/// What was not answered last, of each kind. Listings may well be answered while no write is.
#[derive(Debug, Default)]
pub(super) struct Silence {
    listing: Option<String>,
    write: bool,
}

impl Silence {
    /// A listing was not answered.
    pub(super) fn unseen(&mut self, why: String) {
        self.listing = Some(why);
    }

    /// What came back.
    pub(super) fn hear(&mut self, input: &Input) {
        match input {
            Input::Looked(_) => self.listing = None,
            Input::Written(_, outcome) => self.write = *outcome == Outcome::Unknown,
            _ => {}
        }
    }

    /// In words, if the store is silent now.
    pub(super) fn why(&self) -> Option<String> {
        self.listing.clone().or_else(|| self.write.then(|| String::from("a write was not answered in time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotseat_core::{Ticket, Version};

    #[test]
    fn a_write_that_is_answered_ends_a_write_s_silence() {
        let mut silence = Silence::default();
        assert_eq!(silence.why(), None);
        silence.hear(&Input::Written(Ticket(1), Outcome::Unknown));
        assert!(silence.why().expect("it is silent").contains("a write"));
        silence.hear(&Input::Written(Ticket(2), Outcome::Applied(Version(1))));
        assert_eq!(silence.why(), None);
        silence.unseen(String::from("no answer"));
        assert_eq!(silence.why().as_deref(), Some("no answer"));
    }
}
