//! The cluster's own CA and its join key. Every full member holds both, so that any of them can let a node in or renew a
//! certificate while others are down; a witness holds neither (docs/decisions/0402-mutual-tls.md).

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use hotseat_core::NodeName;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName};

use super::error::IdentityError;
use super::key::{NodeKey, certifies};
use super::name::Name;
use super::token::{ADDRESSES_MAX, Claim, Fingerprint, Token, TokenError, secret, verify};

const DAY: Duration = Duration::from_secs(86_400);

/// A cluster outlives its machines; replacing the CA means letting every node in anew.
const CA_LIFE: Duration = DAY.saturating_mul(3_650);

/// Short enough that a stolen certificate dies by itself, long enough to repair what keeps it from being renewed.
const NODE_LIFE: Duration = DAY.saturating_mul(90);

/// Certificates hold from a day ago: clocks that are hours apart are common, and do no harm here.
const SLACK: Duration = DAY;

/// A request for a certificate is well under 1 KiB.
const REQUEST_MAX: usize = 8 * 1024;

/// Names and addresses of a machine that go into its certificate.
const HOSTS_MAX: usize = 8;

/// A CA with its key, and the key that invitations are made with.
pub struct Authority {
    cluster: NodeName,
    ca_pem: String,
    ca: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    join_key: [u8; 32],
}

impl Authority {
    /// A CA for a new cluster.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn create(cluster: &NodeName, now: SystemTime) -> Result<Self, IdentityError> {
        let key = NodeKey::generate()?.into_pair();
        let mut params = lasting(now, CA_LIFE);
        params.distinguished_name = common_name(&format!("Hotseat cluster {cluster}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = params.self_signed(&key)?.pem();
        let mut join_key = [0; 32];
        getrandom::fill(&mut join_key).map_err(|why| IdentityError::Crypto(why.to_string()))?;
        Self::new(cluster, ca_pem, key, join_key)
    }

    /// From what [`Self::ca_pem`], [`Self::ca_key_pem`] and [`Self::join_key`] gave.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn from_parts(
        cluster: &NodeName,
        ca_pem: &str,
        ca_key_pem: &str,
        join_key: &str,
    ) -> Result<Self, IdentityError> {
        let key = NodeKey::from_pem(ca_key_pem, "ca.key")?.into_pair();
        let join_key = read_hex(join_key.trim())
            .ok_or_else(|| IdentityError::wrong("join.key", "this is not a join key: 64 hexadecimal digits are"))?;
        Self::new(cluster, ca_pem.to_owned(), key, join_key)
    }

    fn new(cluster: &NodeName, ca_pem: String, key: KeyPair, join_key: [u8; 32]) -> Result<Self, IdentityError> {
        let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes())
            .map_err(|_| IdentityError::wrong("ca.pem", "this is not a certificate in PEM"))?;
        if !certifies(&ca, &key) {
            return Err(IdentityError::wrong("ca.key", "this key does not belong to the certificate in ca.pem"));
        }
        let issuer = Issuer::from_ca_cert_der(&ca, key)?;
        Ok(Self { cluster: cluster.clone(), ca_pem, ca, issuer, join_key })
    }

    /// The CA's certificate. Public.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The CA's key. Whoever has it can be any node.
    #[must_use]
    pub fn ca_key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// The key that invitations are made with, in hexadecimal.
    #[must_use]
    pub fn join_key(&self) -> String {
        Fingerprint(self.join_key).to_string()
    }

    /// Certifies the key in a request as a node's. Nothing else in the request counts. `hosts` are the machine's names
    /// and addresses; what is neither is left out.
    ///
    /// # Errors
    /// When the request is not one, or names a key of a kind that is not supported.
    pub fn sign(&self, node: &NodeSeat<'_>, request: &str, now: SystemTime) -> Result<String, IdentityError> {
        let wrong = |what| IdentityError::wrong("request for a certificate", what);
        if request.len() > REQUEST_MAX {
            return Err(wrong("it is larger than 8 KiB"));
        }
        let request =
            CertificateSigningRequestParams::from_pem(request).map_err(|_| wrong("it is torn, or not signed"))?;
        let mut params = lasting(now, NODE_LIFE);
        params.distinguished_name = common_name(node.name.as_str());
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let name = Name { cluster: self.cluster.clone(), node: node.name.clone(), id: node.id };
        params.subject_alt_names = vec![SanType::URI(name.to_string().try_into()?)];
        params.subject_alt_names.extend(node.hosts.iter().take(HOSTS_MAX).filter_map(|host| alternative(host)));
        Ok(params.signed_by(&request.public_key, &self.issuer)?.pem())
    }

    /// An invitation that is good for this long.
    ///
    /// # Errors
    /// When there is no address to knock at, or no randomness.
    pub fn invite(&self, addresses: &[String], good: Duration, now: SystemTime) -> Result<Token, IdentityError> {
        if addresses.is_empty() {
            return Err(IdentityError::wrong("join token", "no member's address is known to put into it"));
        }
        let id = getrandom::u64().map_err(|why| IdentityError::Crypto(why.to_string()))?;
        let expires = seconds(now).saturating_add(good.as_secs());
        let tag = secret(&self.hmac(), &self.cluster, id, expires);
        Ok(Token {
            cluster: self.cluster.clone(),
            addresses: addresses.iter().take(ADDRESSES_MAX).cloned().collect(),
            ca: self.fingerprint(),
            id,
            expires,
            secret: tag.as_ref().try_into().expect("SHA-256 has 32 bytes"),
        })
    }

    /// Whether an invitation is ours and still good.
    pub(crate) fn admits(&self, claim: &Claim, now: SystemTime) -> Result<(), TokenError> {
        if !verify(&self.hmac(), &self.cluster, claim) {
            return Err(TokenError::Forged);
        }
        match seconds(now).checked_sub(claim.expires) {
            Some(ago) => Err(TokenError::Expired(Duration::from_secs(ago))),
            None => Ok(()),
        }
    }

    /// By what new nodes know the CA.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.ca)
    }

    pub(super) fn ca(&self) -> CertificateDer<'static> {
        self.ca.clone()
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.join_key)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({} {} …)", self.cluster, self.fingerprint())
    }
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct NodeSeat<'a> {
    /// The node's name.
    pub name: &'a NodeName,
    /// The node's id.
    pub id: u64,
    /// The machine's names and addresses, without ports.
    pub hosts: &'a [String],
}

fn lasting(now: SystemTime, life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = now.checked_sub(SLACK).unwrap_or(UNIX_EPOCH).into();
    params.not_after = (now + life).into();
    params
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn alternative(host: &str) -> Option<SanType> {
    match host.parse::<IpAddr>() {
        Ok(address) => Some(SanType::IpAddress(address)),
        Err(_) => DnsName::try_from(host).ok().and_then(|name| name.as_ref().try_into().ok()).map(SanType::DnsName),
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn read_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.is_ascii() && text.len() == 2 * bytes.len();
    for (at, byte) in bytes.iter_mut().enumerate().filter(|_| digits) {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    digits.then_some(bytes)
}
