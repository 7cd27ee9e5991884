//! The certificate that the server makes for itself on first start.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Datelike, Duration, Utc};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use scim_provisioning::{Environment, SystemEnvironment};
use x509_parser::extensions::GeneralName;

use super::CertificateFiles;
use super::files::{load, not_after, parse};
use crate::settings::PublicUrl;

/// Whether the certificate is there, lasts for another month and names the public URL's host.
pub(super) fn usable(files: &CertificateFiles, public_url: &PublicUrl) -> bool {
    let Ok(certificate) = load(files) else {
        return false;
    };
    let lasts =
        not_after(&certificate).is_ok_and(|end| end > SystemEnvironment.now() + Duration::days(30));
    let named = certificate
        .end_entity_cert()
        .is_ok_and(|der| names(der, public_url.host()));
    lasts && named
}

/// Makes a key and a certificate over it, readable by the server's user alone.
pub(super) fn make(files: &CertificateFiles, public_url: &PublicUrl) -> anyhow::Result<()> {
    let key = KeyPair::generate().context("cannot make a private key")?;
    let certificate = parameters(public_url)?
        .self_signed(&key)
        .context("cannot make a certificate")?;
    if let Some(folder) = files.certificate.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    write(&files.key, key.serialize_pem().as_bytes(), 0o600)?;
    write(&files.certificate, certificate.pem().as_bytes(), 0o644)
}

fn parameters(public_url: &PublicUrl) -> anyhow::Result<CertificateParams> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    names.extend(host_name());
    names.push(public_url.host().to_owned());
    names.sort();
    names.dedup();
    let mut parameters = CertificateParams::new(names)
        .context("the host of the public URL cannot stand in a certificate")?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, "ServiceOps SCIM (self-signed)");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clients refuse certificates that last longer than 398 days.
    let now = SystemEnvironment.now();
    let (year, month, day) = date(now - Duration::days(1));
    parameters.not_before = rcgen::date_time_ymd(year, month, day);
    let (year, month, day) = date(now + Duration::days(396));
    parameters.not_after = rcgen::date_time_ymd(year, month, day);
    Ok(parameters)
}

fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    (!name.is_empty() && name.chars().all(usable)).then(|| name.to_owned())
}

fn date(at: DateTime<Utc>) -> (i32, u8, u8) {
    let small = |number| u8::try_from(number).unwrap_or(1);
    (at.year(), small(at.month()), small(at.day()))
}

/// Writes beside the file and renames, so that a reader finds the old file or the new one.
fn write(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let cannot = || format!("cannot write {}", path.display());
    if beside.exists() {
        fs::remove_file(&beside).with_context(cannot)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .with_context(cannot)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path))
        .with_context(cannot)
}

fn names(der: &rustls::pki_types::CertificateDer<'_>, host: &str) -> bool {
    let Ok(certificate) = parse(der) else {
        return false;
    };
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
        return false;
    };
    alternatives
        .value
        .general_names
        .iter()
        .any(|name| match name {
            GeneralName::DNSName(name) => name.eq_ignore_ascii_case(host),
            GeneralName::IPAddress(bytes) => host.parse().is_ok_and(|address| match address {
                std::net::IpAddr::V4(address) => address.octets() == **bytes,
                std::net::IpAddr::V6(address) => address.octets() == **bytes,
            }),
            _ => false,
        })
}
