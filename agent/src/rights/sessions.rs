//! Who has logged in with a browser. The cookie is random and worth nothing elsewhere; here it stands for a token, and only
//! for as long as that is good.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::secret::{Hash, Secret};

/// A day's work.
pub(super) const SESSION_MAX: Duration = Duration::from_secs(12 * 3600);

/// Browsers logged in at once; one more, and the oldest has to log in anew.
const SESSIONS_MAX: usize = 256;

struct Session {
    cookie: Hash,
    token: Hash,
    until: Instant,
}

/// See the module. They end with the agent.
#[derive(Default)]
pub(super) struct Sessions(Mutex<VecDeque<Session>>);

impl Sessions {
    /// A new one, for who has shown this token.
    pub(super) fn begin(&self, token: Hash, now: Instant) -> Result<Secret, String> {
        let cookie = Secret::generate()?;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| now < session.until);
        if sessions.len() >= SESSIONS_MAX {
            sessions.pop_front();
        }
        sessions.push_back(Session { cookie: cookie.hash(), token, until: now + SESSION_MAX });
        Ok(cookie)
    }

    /// The token that this cookie stands for.
    pub(super) fn find(&self, cookie: &Hash, now: Instant) -> Option<Hash> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().find(|session| session.cookie.is(cookie) && now < session.until).map(|session| session.token)
    }

    /// It stands for nothing any more.
    pub(super) fn end(&self, cookie: &Hash) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|session| !session.cookie.is(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stands_for_its_token_until_it_ends() {
        let (sessions, now, token) = (Sessions::default(), Instant::now(), Hash::of("token"));
        let cookie = sessions.begin(token, now).expect("bits");
        let stands = |cookie: &str, now| sessions.find(&Hash::of(cookie), now).is_some_and(|found| found.is(&token));
        assert!(stands(cookie.text(), now) && !stands("token", now) && !stands("", now));
        assert!(!stands(cookie.text(), now + SESSION_MAX));
        sessions.end(&cookie.hash());
        assert!(!stands(cookie.text(), now));
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let (sessions, now, token) = (Sessions::default(), Instant::now(), Hash::of("token"));
        let first = sessions.begin(token, now).expect("bits");
        let others: Vec<_> = (0..SESSIONS_MAX).map(|_| sessions.begin(token, now).expect("bits")).collect();
        assert!(sessions.find(&first.hash(), now).is_none());
        assert!(others.iter().all(|cookie| sessions.find(&cookie.hash(), now).is_some()));
    }
}
