//! Real handshakes with a certificate that changes.

use super::{ALPN_HTTP, Files, Keeper, NoHandshake, Terminator};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// A folder with a certificate for "a.test" and its key.
struct Setup {
    folder: TempDir,
    files: Files,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let setup = Self { folder, files };
        let (cert, key) = certificate();
        setup.write(&cert, &key);
        setup
    }

    fn write(&self, cert: &str, key: &str) {
        self.put(&self.files.cert, cert);
        self.put(&self.files.key, key);
    }

    /// As programs that renew certificates do it: a new file in the place of the old.
    fn put(&self, path: &std::path::Path, text: &str) {
        let fresh = self.folder.path().join("fresh");
        fs::write(&fresh, text).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&fresh, path).unwrap();
    }

    fn open(&self) -> (Terminator, Keeper) {
        Terminator::open(self.files.clone(), ALPN_HTTP).unwrap()
    }

    fn refused(&self) -> String {
        let why = Terminator::open(self.files.clone(), ALPN_HTTP).unwrap_err().to_string();
        why.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed([String::from("a.test")]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// What a client that trusts `cert` alone comes to speak.
async fn shake(
    terminator: &Terminator,
    cert: &str,
    version: &'static SupportedProtocolVersion,
    alpn: &[&str],
) -> Option<(ProtocolVersion, Option<Vec<u8>>)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&[version]).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let (client, server) = sockets().await;
    let name = ServerName::try_from("a.test").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let (mine, _theirs) = tokio::join!(connector.connect(name, client), terminator.accept(server));
    let mine = mine.ok()?;
    let session = mine.get_ref().1;
    Some((session.protocol_version().unwrap(), session.alpn_protocol().map(<[u8]>::to_vec)))
}

async fn shows(terminator: &Terminator, cert: &str) -> bool {
    shake(terminator, cert, &TLS13, &[]).await.is_some()
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn both_versions_and_the_better_protocol() {
    let setup = Setup::new();
    let (terminator, _keeper) = setup.open();
    let cert = fs::read_to_string(&setup.files.cert).unwrap();
    let check = async |version, alpn: &[&str], expected| {
        assert_eq!(shake(&terminator, &cert, version, alpn).await, expected, "{alpn:?}");
    };
    use ProtocolVersion::{TLSv1_2, TLSv1_3};
    check(&TLS13, &["http/1.1", "h2"], Some((TLSv1_3, Some(b"h2".to_vec())))).await;
    check(&TLS12, &["http/1.1"], Some((TLSv1_2, Some(b"http/1.1".to_vec())))).await;
    check(&TLS13, &[], Some((TLSv1_3, None))).await;
    check(&TLS13, &["smtp"], None).await;
}

#[tokio::test]
async fn what_is_not_tls_comes_to_nothing() {
    let (terminator, _keeper) = Setup::new().open();
    let (mut client, server) = sockets().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    assert!(matches!(terminator.accept(server).await, Err(NoHandshake::Failed(_))));
}

#[tokio::test]
async fn a_new_pair_is_shown_once_it_has_settled() {
    let setup = Setup::new();
    let (terminator, mut keeper) = setup.open();
    let old = fs::read_to_string(&setup.files.cert).unwrap();
    let (new, key) = certificate();
    setup.write(&new, &key);
    keeper.look(false);
    assert!(shows(&terminator, &old).await, "it was written a moment ago: more may come");
    keeper.look(false);
    assert!(shows(&terminator, &new).await && !shows(&terminator, &old).await);
}

#[tokio::test]
async fn who_asks_does_not_wait() {
    let setup = Setup::new();
    let (terminator, mut keeper) = setup.open();
    let (new, key) = certificate();
    setup.write(&new, &key);
    keeper.look(true);
    assert!(shows(&terminator, &new).await);
}

#[tokio::test]
async fn a_pair_that_is_wrong_changes_nothing() {
    let setup = Setup::new();
    let (terminator, mut keeper) = setup.open();
    let old = fs::read_to_string(&setup.files.cert).unwrap();
    let (new, key) = certificate();
    let break_it: [&dyn Fn(); 4] = [
        &|| setup.put(&setup.files.cert, &new),
        &|| setup.put(&setup.files.cert, "-----BEGIN CERTIFICATE-----\n"),
        &|| setup.put(&setup.files.key, ""),
        &|| fs::remove_file(&setup.files.key).unwrap(),
    ];
    for wrong in break_it {
        wrong();
        keeper.look(true);
        assert!(shows(&terminator, &old).await);
    }
    setup.write(&new, &key);
    keeper.look(true);
    assert!(shows(&terminator, &new).await, "and it gets over it");
}

#[test]
fn what_is_wrong_is_said() {
    let setup = Setup::new();
    let (cert, key) = certificate();
    let (_, another) = certificate();
    let check = |cert: &str, key: &str, expected: &str| {
        setup.write(cert, key);
        assert_eq!(setup.refused(), expected);
    };
    check("", &key, "cert.pem: the file is empty");
    check("hello", &key, "cert.pem: this is not a certificate in PEM");
    check(&key, &key, "cert.pem: this is not a certificate in PEM");
    check(&cert, &cert, "key.pem: this is not a private key in PEM");
    let mismatch = "key.pem: not the key of cert.pem";
    check(&cert, &another, mismatch);
    fs::remove_file(&setup.files.key).unwrap();
    assert_eq!(setup.refused(), "key.pem: there is no such file");
}

#[test]
fn a_key_that_everybody_can_read_is_noticed() {
    let setup = Setup::new();
    assert!(!setup.files.read().unwrap().exposed);
    fs::set_permissions(&setup.files.key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(setup.files.read().unwrap().exposed);
}
