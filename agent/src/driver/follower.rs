//! What a group's follower asks of the loop, an address to be raised among others.

use hotseat_core::Input;

use super::Driver;
use crate::vip::Word;

impl Driver {
    /// Does what a group's follower asks for; it is refused once the epoch is not announced any more.
    pub(super) fn follower(&mut self, word: Word) -> Option<Input> {
        match word {
            Word::Raise { group, epoch, address, seconds, tell } => {
                if self.followers.follows(&group, epoch) {
                    self.supervisor.raise(group, address, seconds, tell);
                }
                None
            }
            Word::Lower(group, reply) => {
                self.supervisor.lower_and_answer(group, reply);
                None
            }
            Word::Show(group, shown) => {
                self.followers.note(group, shown);
                // The picture is shown after a step.
                Some(Input::Tick)
            }
            Word::Off(group, order) => {
                let epoch = self.followers.off(&group, order)?;
                Some(Input::Withdrawn(group, epoch))
            }
        }
    }
}
