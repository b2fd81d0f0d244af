//! Who asks an agent over HTTP, and what they may do.
//!
//! ```text
//!  request ──▶ door: what is needed? ── public ───────────────────────────────▶ handler
//!                │ a page of another site wants to change something ▶ 403
//!                └─ who asks? ─ own socket: root, or the agent's user ▶ admin
//!                              ├ no tokens yet: by place ▶ admin here, everywhere if open, else 403
//!                              └ tokens: a good one, or the cookie of a login ▶ its right, else 401
//! ```
//! It knows nothing of what is asked for, and decides nothing of the protocol. Nothing on the way to a public path, such
//! as a health check, reads credentials, takes a lock or waits. Why it is as it is: docs/decisions/0822-who-may-do-what.md.

mod asker;
mod audit;
mod credentials;
mod denied;
mod door;
mod headers;
mod page;
mod place;
mod register;
mod right;
mod secret;
mod sessions;
mod strikes;
pub mod tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::http::HeaderMap;
use axum::http::request::Parts;
use tokio::sync::watch;

pub use asker::Asker;
pub use denied::Denied;
pub(crate) use door::{Door, pass};
pub(crate) use page::is_foreign;
pub use register::Looked;
pub use right::Right;
pub use secret::{Hash, Secret};

use crate::api::Remote;
use crate::config::Config;
use crate::run::Failure;
use crate::shelf::Found;
use crate::snapshot::Snapshot;
use audit::{Audit, Line};
use credentials::Shown;
use place::Names;
use register::{Register, Standing};
use sessions::{SESSION_MAX, Sessions};
use strikes::{Strikes, Verdict};
use tokens::{Token, Tokens};

/// What is known of who may do what. Cheap to clone.
#[derive(Clone)]
pub struct Rights(Arc<Known>);

struct Known {
    node: String,
    /// Where its socket is.
    folder: PathBuf,
    /// As long as there are no tokens, whoever reaches the port may do everything.
    open: bool,
    /// Tokens are taken even where everybody on the way can read them.
    plain: bool,
    names: Names,
    /// The user the agent runs as.
    uid: u32,
    cookie: String,
    register: Arc<Register>,
    strikes: Strikes,
    sessions: Sessions,
    audit: Audit,
    /// Who was not let in, and how often lately.
    refused: Audit,
    refusals: Strikes,
}

/// Why somebody was let in.
#[derive(Clone, Copy)]
enum Ground {
    /// By who they are.
    Socket,
    /// By where they are, as there are no tokens.
    Place,
    /// By what they have.
    Token {
        token: Hash,
        /// Of the login that stands for it, where it was not shown itself.
        login: Option<Hash>,
    },
}

/// Somebody who was let in.
struct Guest {
    asker: Asker,
    ground: Ground,
}

impl Rights {
    /// For this node: with the tokens that these looks find, as long as it is well.
    ///
    /// # Errors
    /// When nothing can be written down.
    pub fn open(config: &Config, looked: Looked, shown: watch::Receiver<Arc<Snapshot>>) -> Result<Self, Failure> {
        let audit = |file| {
            let opened = Audit::open(&config.node.data_dir, file);
            opened.map_err(|error| Failure(format!("{file} has no thread: {error}")))
        };
        let register = Register::new(looked, shown);
        let node = config.node.name.to_string();
        Ok(Self(Arc::new(Known {
            open: config.api.open,
            plain: config.api.plain,
            names: Names::new(config),
            uid: rustix::process::geteuid().as_raw(),
            // Cookies do not know ports: several nodes of one machine must not take each other's for theirs.
            cookie: format!("hotseat-{node}"),
            node,
            folder: config.node.data_dir.clone(),
            register,
            strikes: Strikes::default(),
            sessions: Sessions::default(),
            audit: audit(audit::DONE)?,
            refused: audit(audit::REFUSED)?,
            refusals: Strikes::default(),
        })))
    }

    /// Who has a token, as far as this node knows.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        self.0.register.list()
    }

    /// Whether it is not known yet if anybody has a token.
    fn is_unread(&self) -> bool {
        matches!(self.0.register.standing(), Standing::Unread)
    }

    /// What this node itself wrote is known here at once.
    pub fn learn(&self, found: Found<Tokens>) {
        self.0.register.learn(found);
    }

    /// Who sent this.
    fn recognise(&self, remote: Remote, request: &Parts) -> Result<Guest, Denied> {
        if let Remote::Socket { uid } = remote {
            return self.at_the_socket(uid);
        }
        match self.0.register.standing() {
            Standing::Unread => self.by_place(remote, request, Right::Viewer),
            Standing::NoTokens => self.by_place(remote, request, Right::Admin),
            Standing::Shut(why) => Err(Denied::Later(format!(
                "{why}; this machine's root still gets in by its socket (hotseat without --url, or --url unix:PATH)"
            ))),
            Standing::Tokens(tokens) => self.by_token(remote, &request.headers, &tokens),
        }
    }

    fn at_the_socket(&self, uid: u32) -> Result<Guest, Denied> {
        let name = match uid {
            0 => Ok(String::from("root@socket")),
            uid if uid == self.0.uid => Ok(format!("uid-{uid}@socket")),
            _ => Err(Denied::Forbidden(String::from("this socket is for root and for the user the agent runs as"))),
        };
        Ok(Guest { asker: Asker { name: name?, right: Right::Admin }, ground: Ground::Socket })
    }

    /// Without tokens it counts from where somebody asks. What else is shown nobody asked for.
    fn by_place(&self, remote: Remote, request: &Parts, right: Right) -> Result<Guest, Denied> {
        let here = remote.is_here() && !place::is_carried(&request.headers);
        if !here && !self.0.open {
            return Err(Denied::Forbidden(self.elsewhere()));
        }
        match self.0.names.stranger(request) {
            None => Ok(Guest { asker: Asker { name: format!("anyone@{remote}"), right }, ground: Ground::Place }),
            Some(name) => Err(Denied::Forbidden(format!(
                "\"{}\" is not a name of this node: call it by its address, or list the name in [api] hosts",
                name.escape_debug()
            ))),
        }
    }

    fn elsewhere(&self) -> String {
        format!(
            "{} answers this only to its own machine: run the command there, or make a token there and come with it \
             (hotseat token create NAME --right viewer)",
            self.0.node
        )
    }

    fn by_token(&self, remote: Remote, headers: &HeaderMap, tokens: &Tokens) -> Result<Guest, Denied> {
        let (token, login) = match credentials::shown(headers, &self.0.cookie) {
            Shown::Token(text) => (Hash::of(&text), None),
            Shown::Cookie(text) => {
                let login = Hash::of(&text);
                (self.0.sessions.find(&login, Instant::now()).ok_or_else(|| self.unknown())?, Some(login))
            }
            Shown::Nothing => return Err(self.unknown()),
        };
        if !self.takes_tokens(remote) {
            return Err(Denied::Forbidden(String::from(
                "this token came in the clear, and everybody on the way could read it: revoke it, make another, and use \
                 https (or set [api] plain = true, if nobody else is on the way)",
            )));
        }
        match tokens.find(&token, SystemTime::now()) {
            Some(found) => Ok(Guest { asker: found.asker(), ground: Ground::Token { token, login } }),
            // A cookie that stands for nothing any more is an old one, not a guess: a page that lies open shows it again.
            None if login.is_some() => Err(self.unknown()),
            None => Err(self.wrong(remote)),
        }
    }

    /// Whether a token may come this way: nobody on it can read that, or nobody is on it.
    pub(crate) fn takes_tokens(&self, remote: Remote) -> bool {
        self.0.plain || remote.is_private()
    }

    fn unknown(&self) -> Denied {
        Denied::Unknown(format!(
            "{} wants to see a token: set HOTSEAT_TOKEN, or log in at /login; this machine's root needs none with --url unix:{}",
            self.0.node,
            self.0.folder.display()
        ))
    }

    /// What was shown is no token.
    fn wrong(&self, remote: Remote) -> Denied {
        match self.0.strikes.strike(remote.ip(), Instant::now()) {
            Verdict::Held { seconds } => Denied::TooMany(seconds),
            Verdict::Told { unsaid } => {
                let line = Line::new("?", &remote.to_string(), "show a token that is none", 401);
                self.0.refused.tell(line.after(unsaid));
                Denied::Wrong
            }
        }
    }

    /// Whether whoever was let in so, to what needs this, still would be.
    fn admits(&self, ground: Ground, need: Right) -> bool {
        match (ground, self.0.register.standing()) {
            (Ground::Socket, _) | (Ground::Place, Standing::Unread | Standing::NoTokens) => true,
            (Ground::Token { token, login }, Standing::Tokens(tokens)) => {
                let good = tokens.find(&token, SystemTime::now()).is_some_and(|it| it.asker().right.covers(need));
                good && login.is_none_or(|login| self.0.sessions.find(&login, Instant::now()).is_some())
            }
            (Ground::Place | Ground::Token { .. }, _) => false,
        }
    }

    /// The cookie for who shows a good token, as a header.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn log_in(&self, remote: Remote, token: &str) -> Result<String, Denied> {
        let tokens = match self.0.register.standing() {
            Standing::Tokens(tokens) => tokens,
            Standing::Shut(why) => return Err(Denied::Later(why)),
            Standing::Unread | Standing::NoTokens => {
                return Err(Denied::Forbidden(String::from(
                    "nobody has a token yet, so there is nothing to log in with",
                )));
            }
        };
        let headers = [(axum::http::header::AUTHORIZATION, format!("Bearer {token}").parse())];
        let headers: HeaderMap = headers.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect();
        let guest = self.by_token(remote, &headers, &tokens)?;
        let Ground::Token { token, .. } = guest.ground else { return Err(self.unknown()) };
        let cookie = self.0.sessions.begin(token, Instant::now()).map_err(Denied::Later)?;
        self.0.audit.tell(Line::new(&guest.asker.name, &remote.to_string(), "log in", 303));
        Ok(self.cookie(cookie.text(), SESSION_MAX.as_secs(), remote))
    }

    /// The header that takes the cookie back.
    pub(crate) fn log_out(&self, remote: Remote, headers: &HeaderMap) -> String {
        if let Shown::Cookie(text) = credentials::shown(headers, &self.0.cookie) {
            self.0.sessions.end(&Hash::of(&text));
        }
        self.cookie("", 0, remote)
    }

    fn cookie(&self, value: &str, seconds: u64, remote: Remote) -> String {
        let secure = if matches!(remote, Remote::Network { secure: true, .. }) { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.0.cookie)
    }

    /// Writes down what somebody wanted to change and was not let in for; of those who want it again and again, how often.
    fn note_refusal(&self, who: &str, remote: Remote, what: &str, answer: u16) {
        if let Verdict::Told { unsaid } = self.0.refusals.strike(remote.ip(), Instant::now()) {
            self.0.refused.tell(Line::new(who, &remote.to_string(), what, answer).after(unsaid));
        }
    }

    /// Writes down what somebody wanted to change, and what came of it.
    fn note(&self, who: &str, remote: Remote, what: &str, answer: u16) {
        self.0.audit.tell(Line::new(who, &remote.to_string(), what, answer));
    }
}
