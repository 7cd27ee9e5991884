use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::{Duration, Utc};

use super::*;

fn files(folder: &Path) -> CertificateFiles {
    CertificateFiles {
        certificate: folder.join("tls/certificate.pem"),
        key: folder.join("tls/key.pem"),
        self_signed: true,
    }
}

fn url(text: &str) -> PublicUrl {
    text.parse().unwrap()
}

#[test]
fn the_first_start_makes_a_certificate_that_lasts_a_year() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    files.prepare(&url("https://scim.example.com")).unwrap();
    let end = not_after(&load(&files).unwrap()).unwrap();
    assert!(end > Utc::now() + Duration::days(390));
    assert!(end < Utc::now() + Duration::days(398));
    let mode = fs::metadata(&files.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_certificate_stays_until_the_public_host_changes() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let host = url("https://scim.example.com");
    files.prepare(&host).unwrap();
    let first = fs::read(&files.certificate).unwrap();
    files.prepare(&host).unwrap();
    files.prepare(&url("https://[::1]:8443")).unwrap();
    assert_eq!(fs::read(&files.certificate).unwrap(), first);
    files.prepare(&url("https://other.example.com")).unwrap();
    assert_ne!(fs::read(&files.certificate).unwrap(), first);
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (files(one.path()), files(other.path()));
    one.prepare(&url("https://localhost")).unwrap();
    other.prepare(&url("https://localhost")).unwrap();
    let mixed = CertificateFiles {
        key: other.key,
        ..one
    };
    assert!(load(&mixed).is_err());
}
