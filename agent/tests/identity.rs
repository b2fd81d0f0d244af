//! A node's identity: its files, its certificate, and the tokens of its cluster.
#![allow(clippy::unwrap_used)] // tests

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hotseat_agent::identity::{
    Authority, Folder, Identity, Keeper, Name, NodeKey, NodeSeat, Source, State, Token, TokenError,
};
use hotseat_core::NodeName;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86_400);

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

struct Setup {
    dir: TempDir,
    folder: Folder,
}

impl Setup {
    /// The first node of a cluster.
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let folder = Folder::of(dir.path());
        let hosts = ["10.0.0.1".to_owned(), "a.example".to_owned(), "not a host".to_owned()];
        let node = NodeSeat { name: &name("a"), id: 0xabc, hosts: &hosts };
        folder.found(&name("netmon"), &node, SystemTime::now()).unwrap();
        Self { dir, folder }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("tls").join(name)
    }

    fn load(&self) -> Result<Identity, String> {
        Identity::load(&self.folder, &name("netmon"), &name("a")).map_err(|why| why.to_string())
    }

    fn authority(&self) -> Authority {
        self.folder.authority(&name("netmon")).unwrap().unwrap()
    }

    fn keeper(&self) -> Keeper {
        Keeper::open(Source::Own(self.folder.clone(), name("netmon"), name("a"))).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_node_makes_what_it_needs_and_keys_are_its_own() {
    let setup = Setup::new();
    let identity = setup.load().unwrap();
    assert_eq!(identity.name(), &Name { cluster: name("netmon"), node: name("a"), id: 0xabc });
    assert_eq!(identity.certificate().unwrap().hosts, ["10.0.0.1", "a.example"]);
    assert!(identity.authority().is_some() && !identity.is_plain());
    for key in ["ca.key", "join.key", "node.key"] {
        assert_eq!(mode(&setup.file(key)), 0o600, "{key}");
    }
    assert_eq!(fs::read_dir(setup.dir.path().join("tls")).unwrap().count(), 5, "nothing is left over");
    let health = identity.health(SystemTime::now()).unwrap();
    assert_eq!(health.state, State::Fresh);
    assert!(health.expires_in > 89 * DAY && health.expires_in <= 90 * DAY);
    assert_eq!(identity.health(SystemTime::now() + 65 * DAY).unwrap().state, State::Due);
    assert_eq!(identity.health(SystemTime::now() + 91 * DAY).unwrap().state, State::Expired);
}

#[test]
fn a_cluster_is_not_begun_over_another() {
    let setup = Setup::new();
    let before = fs::read(setup.file("ca.key")).unwrap();
    let node = NodeSeat { name: &name("a"), id: 1, hosts: &[] };
    let why = setup.folder.found(&name("netmon"), &node, SystemTime::now()).unwrap_err().to_string();
    assert!(why.contains("already"), "{why}");
    assert_eq!(fs::read(setup.file("ca.key")).unwrap(), before);
}

#[test]
fn what_does_not_fit_is_named() {
    let setup = Setup::new();
    let why = Identity::load(&setup.folder, &name("netmon"), &name("b")).unwrap_err().to_string();
    assert!(why.contains("node.pem") && why.contains("\"a\"") && why.contains("\"b\""), "{why}");
    let why = Identity::load(&setup.folder, &name("other"), &name("a")).unwrap_err().to_string();
    assert!(why.contains("\"netmon\"") && why.contains("\"other\""), "{why}");
    fs::write(setup.file("join.key"), "abc\n").unwrap();
    assert!(setup.load().unwrap_err().contains("join.key"));
    let setup = Setup::new();
    fs::write(setup.file("ca.key"), NodeKey::generate().unwrap().pem()).unwrap();
    let why = setup.load().unwrap_err();
    assert!(why.contains("ca.key") && why.contains("does not belong"), "{why}");
    let setup = Setup::new();
    fs::write(setup.file("node.key"), NodeKey::generate().unwrap().pem()).unwrap();
    let why = setup.load().unwrap_err();
    assert!(why.contains("node.key") && why.contains("not the key of"), "{why}");
}

#[test]
fn every_file_may_be_missing_torn_or_huge_and_the_error_names_it() {
    for file in ["ca.pem", "node.pem", "node.key", "ca.key", "join.key"] {
        let setup = Setup::new();
        let path = setup.file(file);
        let whole = fs::read(&path).unwrap();
        for end in (0..whole.len().saturating_sub(40)).step_by(7) {
            fs::write(&path, &whole[..end]).unwrap();
            let why = setup.load().expect_err(file);
            assert!(why.contains(file) || why.contains("tls"), "{file} cut at {end}: {why}");
        }
        fs::write(&path, "x".repeat(1_000_000)).unwrap();
        assert!(setup.load().is_err(), "{file} is huge");
        fs::remove_file(&path).unwrap();
        // Without the CA's key it is a witness, and all is well.
        assert_eq!(setup.load().is_err(), file != "ca.key", "{file} is missing");
    }
}

#[test]
fn a_request_decides_nothing_but_the_key() {
    let setup = Setup::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["admin.example".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.subject_alt_names.push(rcgen::SanType::URI("hotseat://netmon/a/abc".try_into().unwrap()));
    let request = params.serialize_request(&key).unwrap().pem().unwrap();
    let node = NodeSeat { name: &name("b"), id: 7, hosts: &["10.0.0.2".to_owned()] };
    let cert = setup.authority().sign(&node, &request, SystemTime::now()).unwrap();
    let other = TempDir::new().unwrap();
    let folder = Folder::of(other.path());
    let key = NodeKey::from_pem(&key.serialize_pem(), "test").unwrap();
    folder.install(setup.authority().ca_pem(), None, &key, &cert).unwrap();
    let found = Identity::load(&folder, &name("netmon"), &name("b")).unwrap();
    let certificate = found.certificate().unwrap();
    assert_eq!((certificate.hosts.as_slice(), found.name().id), (["10.0.0.2".to_owned()].as_slice(), 7));
    let der = rustls_pki_types::pem::PemObject::from_pem_slice(cert.as_bytes()).unwrap();
    let der: rustls_pki_types::CertificateDer<'_> = der;
    assert!(!x509_parser::parse_x509_certificate(&der).unwrap().1.is_ca());
}

#[test]
fn a_request_that_is_altered_is_not_signed() {
    let setup = Setup::new();
    let (authority, request) = (setup.authority(), NodeKey::generate().unwrap().request().unwrap());
    let node = NodeSeat { name: &name("b"), id: 7, hosts: &[] };
    assert!(authority.sign(&node, &request, SystemTime::now()).is_ok());
    for end in 0..request.len() - 2 {
        assert!(authority.sign(&node, &request[..end], SystemTime::now()).is_err(), "cut at {end}");
    }
    let lines: Vec<_> = request.lines().collect();
    for (at, letter) in lines[1].char_indices() {
        let mut altered = lines[1].to_owned();
        altered.replace_range(at..=at, if letter == 'A' { "B" } else { "A" });
        let altered = request.replace(lines[1], &altered);
        assert!(authority.sign(&node, &altered, SystemTime::now()).is_err(), "altered at {at}");
    }
}

#[test]
fn a_changed_file_is_read_anew_and_a_wrong_one_changes_nothing() {
    let setup = Setup::new();
    let keeper = setup.keeper();
    let mut watch = keeper.watch();
    assert!(!keeper.look().unwrap(), "nothing has changed");
    let request = setup.folder.key().unwrap().request().unwrap();
    let node = NodeSeat { name: &name("a"), id: 0xabc, hosts: &["10.0.0.9".to_owned()] };
    let cert = setup.authority().sign(&node, &request, SystemTime::now()).unwrap();
    setup.folder.renew(&cert).unwrap();
    assert!(keeper.look().unwrap());
    assert!(watch.has_changed().unwrap());
    assert_eq!(watch.borrow_and_update().certificate().unwrap().hosts, ["10.0.0.9"]);
    setup.folder.renew("torn").unwrap();
    let why = keeper.look().unwrap_err().to_string();
    assert!(why.contains("node.pem"), "{why}");
    assert_eq!(keeper.trouble(), Some(why));
    assert!(!keeper.look().unwrap(), "it is said once");
    assert!(!watch.has_changed().unwrap());
    setup.folder.renew(&cert).unwrap();
    assert!(keeper.look().unwrap());
    assert_eq!(keeper.trouble(), None);
}

#[test]
fn what_a_crash_left_is_in_nobodys_way() {
    let setup = Setup::new();
    fs::write(setup.file("node.pem.new"), "half").unwrap();
    fs::set_permissions(setup.file("node.pem.new"), fs::Permissions::from_mode(0o400)).unwrap();
    let cert = fs::read_to_string(setup.file("node.pem")).unwrap();
    setup.folder.renew(&cert).unwrap();
    assert!(setup.load().is_ok() && !setup.file("node.pem.new").exists());
    assert_eq!(mode(&setup.file("node.pem")), 0o644);
}

fn token(setup: &Setup) -> Token {
    let addresses = ["10.0.0.1:7700".to_owned(), "[fd00::1]:7700".to_owned(), "a.example:7700".to_owned()];
    setup.authority().invite(&addresses, DAY, SystemTime::now()).unwrap()
}

#[test]
fn a_token_is_one_line_and_comes_back_whole() {
    let setup = Setup::new();
    let token = token(&setup);
    let line = token.to_string();
    assert!(line.starts_with("hsj1.") && line.len() < 300 && !line.contains(char::is_whitespace), "{line}");
    assert_eq!(format!("  {line}\n").parse(), Ok(token.clone()));
    assert_eq!(token.ca, setup.authority().fingerprint());
    assert_eq!(token.good(SystemTime::now()), Ok(()));
    let debug = format!("{token:?}");
    assert!(debug.len() < 150 && !debug.contains("secret"), "{debug}");
}

#[test]
fn a_token_that_is_torn_anywhere_is_no_token() {
    let line = token(&Setup::new()).to_string();
    for end in 1..line.len() {
        assert_eq!(line[..end].parse::<Token>(), Err(TokenError::Torn), "cut at {end}");
    }
    for begin in 1..line.len() {
        assert!(line[begin..].parse::<Token>().is_err(), "begun at {begin}");
    }
    for at in 5..line.len() {
        for with in ["A", "B", " ", "é", ""] {
            let mut altered = line.clone();
            altered.replace_range(at..=at, with);
            let known = altered == line || at + 1 == line.len() && with == " ";
            assert!(known || altered.parse::<Token>() == Err(TokenError::Torn), "altered at {at}");
        }
    }
    for other in ["", " ", "hello", "HSJ1.abc", "hsj2.abc", "http://10.0.0.1:7700", "hsj1.é"] {
        assert!(other.parse::<Token>().is_err(), "{other}");
    }
    assert_eq!(format!("hsj1.{}", "A".repeat(100_000)).parse::<Token>(), Err(TokenError::NotAToken));
    assert!("hello".parse::<Token>().unwrap_err().to_string().contains("not a join token"));
}

#[test]
fn a_token_that_is_over_says_since_when() {
    let token = token(&Setup::new());
    let end = UNIX_EPOCH + Duration::from_secs(token.expires);
    let says = |ago: Duration| token.good(end + ago).unwrap_err().to_string();
    assert_eq!(
        says(Duration::from_secs(2 * 3_600 + 5)),
        "this token expired 2 h ago: make a new one with hotseat members invite"
    );
    assert!(says(Duration::ZERO).contains("0 s ago") && says(9 * DAY).contains("9 days ago"));
    assert_eq!(token.good(end - Duration::from_secs(1)), Ok(()));
}
