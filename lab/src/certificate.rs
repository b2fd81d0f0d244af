//! Certificates for servers of tests, as `openssl` makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Puts a new certificate for 127.0.0.1, which nobody else has signed, and its key in the place of these files.
///
/// # Panics
/// When openssl is not there, or refuses.
pub fn certify(cert: &Path, key: &Path) {
    let new = |path: &Path| PathBuf::from(format!("{}.new", path.display()));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"])
        .arg("-keyout")
        .arg(new(key))
        .arg("-out")
        .arg(new(cert))
        .output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::rename(new(cert), cert).unwrap();
    fs::rename(new(key), key).unwrap();
}
