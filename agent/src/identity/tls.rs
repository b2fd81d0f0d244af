//! How we speak TLS: among nodes version 1.3 only, both sides certified, nothing resumed. Whether a certificate's holder is the one
//! that is meant is not asked here but by `links`, which can say what is wrong.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::token::Fingerprint;

/// What members of a cluster speak among themselves.
pub const ALPN_PEERS: &[u8] = b"hotseat/1";

/// What a node without a certificate speaks to get one.
pub const ALPN_JOIN: &[u8] = b"hotseat-join/1";

/// What a node with a certificate of somebody else's making speaks to become a member.
pub const ALPN_COME: &[u8] = b"hotseat-come/1";

/// What a node shows of itself.
pub(super) struct Shown {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Clone for Shown {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// The provider is named each time: nothing here hangs on which one a process installed first.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// For members that come to us, and for who wants to be one: they show a certificate of the cluster.
pub(super) fn peers_server(roots: &Arc<RootCertStore>, shown: Shown) -> Result<ServerConfig, Error> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider());
    let verifier = verifier.build().map_err(|why| Error::General(why.to_string()))?;
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    let config = builder.with_client_cert_verifier(verifier).with_single_cert(shown.chain, shown.key)?;
    Ok(forgetful(config, &[ALPN_PEERS, ALPN_COME]))
}

/// For nodes that want to join: they have nothing to show. We show the CA too, for them to compare.
pub(super) fn join_server(shown: Shown) -> Result<ServerConfig, Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    Ok(forgetful(builder.with_no_client_auth().with_single_cert(shown.chain, shown.key)?, &[ALPN_JOIN]))
}

/// For browsers and programs that come to the API: they show a token, if anything.
pub(super) fn web_server(shown: Shown) -> Result<ServerConfig, Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(forgetful(builder.with_no_client_auth().with_single_cert(shown.chain, shown.key)?, &[b"http/1.1"]))
}

/// A resumed session would not look at certificates again.
fn forgetful(mut config: ServerConfig, alpn: &[&[u8]]) -> ServerConfig {
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// For going to members.
pub(super) fn peers_client(roots: &Arc<RootCertStore>, shown: Shown) -> Result<ClientConfig, Error> {
    let verifier = Verifier { trusted: Trusted::Roots(Arc::clone(roots)), algorithms: algorithms() };
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(brief(builder.with_client_auth_cert(shown.chain, shown.key)?, ALPN_PEERS))
}

/// For going to members as somebody who wants to be one.
pub(crate) fn come_client(peers_client: &ClientConfig) -> ClientConfig {
    let mut config = peers_client.clone();
    config.alpn_protocols = vec![ALPN_COME.to_vec()];
    config
}

/// For going to a cluster of which the CA's fingerprint is all we know.
///
/// # Errors
/// Not with the provider that is built in.
pub(crate) fn join_client(ca: Fingerprint) -> Result<ClientConfig, Error> {
    let verifier = Verifier { trusted: Trusted::Fingerprint(ca), algorithms: algorithms() };
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(brief(builder.with_no_client_auth(), ALPN_JOIN))
}

fn brief(mut config: ClientConfig, alpn: &[u8]) -> ClientConfig {
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

/// What a server's certificate has to lead to.
#[derive(Debug)]
enum Trusted {
    Roots(Arc<RootCertStore>),
    Fingerprint(Fingerprint),
}

/// Checks the chain and the time. Not the host's name: nodes are known by their URI.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn roots(&self, shown: &[CertificateDer<'_>]) -> Result<Arc<RootCertStore>, Error> {
        match &self.trusted {
            Trusted::Roots(roots) => Ok(Arc::clone(roots)),
            Trusted::Fingerprint(wanted) => {
                let ca = shown.iter().find(|ca| Fingerprint::of(ca) == *wanted);
                // Nothing else in here fails in this way: the caller takes it for a wrong fingerprint.
                let ca = ca.ok_or(CertificateError::ApplicationVerificationFailure)?;
                let mut roots = RootCertStore::empty();
                roots.add(ca.clone().into_owned())?;
                Ok(Arc::new(roots))
            }
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let roots = self.roots(intermediates)?;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, intermediates, now, self.algorithms.all)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
