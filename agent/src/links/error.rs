//! What a caller can be told when another node did not answer, and what is wrong in plain words.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The request was not sent: the node cannot be reached now. Try later.
    Unreachable(String),
    /// The request was not sent: the two nodes do not accept each other. An operator has to act.
    Refused(String),
    /// The request was not sent: this node was removed from the cluster, says the other one.
    Removed(String),
    /// Nothing came back in this time. The request may have been carried out.
    Timeout(Duration),
    /// The connection broke before the answer. The request may have been carried out.
    Lost,
    /// The other node took the request and says why it does not answer it.
    Failed(String),
    /// The request was not sent: it is longer than the lane allows.
    TooLarge(usize, usize),
}

impl LinkError {
    /// Whether the request may have been carried out all the same.
    #[must_use]
    pub fn unknown(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Lost)
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Refused(why) | Self::Removed(why) | Self::Failed(why) => f.write_str(why),
            Self::Timeout(time) => write!(f, "no answer within {time:?}"),
            Self::Lost => f.write_str("the connection broke before there was an answer"),
            Self::TooLarge(size, max) => write!(f, "{size} bytes are too many for one request: {max} is the most"),
        }
    }
}

impl Error for LinkError {}

/// What came of going to a node.
impl From<io::Error> for LinkError {
    fn from(why: io::Error) -> Self {
        match tls(&why).and_then(told) {
            Some(text) => Self::Refused(text.to_owned()),
            None => Self::Unreachable(text(&why)),
        }
    }
}

/// An error of a connection, in words.
pub(super) fn text(why: &io::Error) -> String {
    match tls(why) {
        Some(error) => told(error).map_or_else(|| format!("TLS: {error}"), str::to_owned),
        None if why.kind() == io::ErrorKind::UnexpectedEof => "the other side hung up".to_owned(),
        None => why.to_string(),
    }
}

/// The error of the TLS library in an I/O error, if there is one.
pub(super) fn tls(why: &io::Error) -> Option<&TlsError> {
    why.get_ref()?.downcast_ref()
}

/// What time alone does not repair. An alert is what the other side says of us.
fn told(error: &TlsError) -> Option<&'static str> {
    match error {
        TlsError::InvalidCertificate(why) => Some(theirs(why)),
        TlsError::AlertReceived(alert) => ours(*alert),
        TlsError::NoCertificatesPresented => Some("it shows no certificate"),
        TlsError::NoApplicationProtocol => Some("it speaks TLS, but not as a node does: an older or a strange program"),
        _ => None,
    }
}

fn theirs(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, or a clock is wrong"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is one of the two clocks wrong?"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is not from this cluster's CA"
        }
        CertificateError::ApplicationVerificationFailure => {
            "its CA has another fingerprint than the token says: this is not the cluster that made the token"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not made for nodes: it needs serverAuth and clientAuth"
        }
        _ => "its certificate is not good",
    }
}

fn ours(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::CertificateExpired => "it says that our certificate has expired, or a clock is wrong",
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "it says that our certificate is not from its cluster's CA"
        }
        AlertDescription::BadCertificate | AlertDescription::UnsupportedCertificate => {
            "it says that our certificate is not good"
        }
        AlertDescription::CertificateUnknown => "it does not accept our certificate",
        AlertDescription::CertificateRequired => "it wants a certificate of us",
        AlertDescription::NoApplicationProtocol => "it does not let new nodes in, or does not speak as a node does",
        _ => return None,
    })
}
