//! How agents let us in: a token to show, a CA to know them by. It sends nothing by itself.

use std::fmt;

use reqwest::{Certificate, ClientBuilder};

use crate::error::Error;

/// What a client shows to agents, and knows them by. Empty by default: then it counts from where it asks.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hotseat_client::{Access, Client};
///
/// let access = Access::default().token("hst1_…").ca(&std::fs::read("ca.pem")?)?;
/// let client = Client::with("https://10.0.0.101:7700", access)?;
/// println!("{}", client.cluster().await?.cluster);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Access {
    token: Option<String>,
    roots: Vec<Certificate>,
    clear: bool,
}

impl Access {
    /// Shows this token, as `hotseat token create` printed it. White space around it does not count.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.trim().to_owned());
        self
    }

    /// Believes agents whose certificate leads to one of these, and no others. Otherwise the machine's own list counts.
    ///
    /// # Errors
    /// [`Error::BadAccess`] when this is no certificate in PEM.
    pub fn ca(mut self, pem: &[u8]) -> Result<Self, Error> {
        let roots = Certificate::from_pem_bundle(pem).ok().filter(|roots| !roots.is_empty());
        self.roots = roots.ok_or_else(|| Error::BadAccess(String::from("the CA is not a certificate in PEM")))?;
        Ok(self)
    }

    /// Shows the token even where everybody on the way can read it. Agents take it so only where their file says
    /// `[api] plain = true`.
    #[must_use]
    pub fn in_the_clear(mut self) -> Self {
        self.clear = true;
        self
    }

    /// The header that shows the token, for an agent that is reached in private or not.
    pub(crate) fn header(&self, url: &str, private: bool) -> Result<Option<String>, Error> {
        let Some(token) = &self.token else { return Ok(None) };
        if !private && !self.clear {
            return Err(Error::InTheClear(url.to_owned()));
        }
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::BadAccess(String::from("the token is not one line of letters and digits")));
        }
        Ok(Some(format!("Bearer {token}")))
    }

    pub(crate) fn trust(&self, builder: ClientBuilder) -> ClientBuilder {
        if self.roots.is_empty() { builder } else { builder.tls_certs_only(self.roots.clone()) }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token.
        write!(f, "Access(token: {}, CAs: {})", self.token.is_some(), self.roots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_said_where_all_can_hear_it() {
        let access = Access::default().token(" secret\n");
        assert_eq!(access.header("u", true).expect("in private"), Some(String::from("Bearer secret")));
        assert!(matches!(access.header("u", false), Err(Error::InTheClear(_))));
        assert!(access.clone().in_the_clear().header("u", false).is_ok());
        assert!(!format!("{access:?}").contains("secret"));
        assert!(matches!(Access::default().header("u", false), Ok(None)));
        assert!(matches!(Access::default().token("a\nb").header("u", true), Err(Error::BadAccess(_))));
        assert!(matches!(Access::default().ca(b"nothing"), Err(Error::BadAccess(_))));
    }
}
