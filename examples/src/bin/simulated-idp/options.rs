//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use ureq::http::Uri;

use crate::client::Trust;
use crate::dialect::Dialect;
use crate::entra::Entra;
use crate::okta::Okta;

/// A simulated identity provider: provisions a directory in two cycles, then compares both sides.
///
/// Exit status: 0 when both sides are equal, 1 when they differ or the server cannot be used,
/// 2 for wrong usage.
#[derive(Debug, Parser)]
#[command(name = "simulated-idp", version)]
pub(crate) struct Options {
    /// Base URL of the service provider, such as https://localhost:8443/api/scim/v2
    #[arg(long, value_name = "URL", value_parser = base_url)]
    pub(crate) base: String,

    /// Authentication token of the provisioning configuration
    #[arg(long, value_name = "TOKEN", env = "SCIM_TOKEN", hide_env_values = true, value_parser = token)]
    pub(crate) token: String,

    /// How many users there are in the first cycle
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) users: u32,

    /// How many groups there are in the first cycle
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) groups: u32,

    /// Which identity provider is simulated
    #[arg(long, value_enum, default_value_t = DialectName::Entra)]
    pub(crate) dialect: DialectName,

    /// Accept every server certificate
    #[arg(long, conflicts_with = "cacert")]
    pub(crate) insecure: bool,

    /// Accept server certificates that chain to one of this PEM file [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// Where the data comes from: the same seed makes the same directory
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// What every user name and group name begins with [default: the dialect and the seed]
    ///
    /// A run with the same prefix and the same seed finds the resources of the run before; two
    /// seeds must not share a prefix on one server.
    #[arg(long, value_name = "TEXT", value_parser = prefix)]
    pub(crate) prefix: Option<String>,

    /// How many requests are under way at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: u16,

    /// Leave everything in place at the end (the default)
    #[arg(long, overrides_with = "clean_up")]
    pub(crate) keep: bool,

    /// Delete what was provisioned, after the comparison
    #[arg(long, overrides_with = "keep")]
    pub(crate) clean_up: bool,

    /// Show no progress
    #[arg(long)]
    pub(crate) quiet: bool,

    /// Print the result as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    /// What every name begins with.
    pub(crate) fn prefix(&self) -> String {
        let dialect = self.dialect.dialect().name();
        self.prefix
            .clone()
            .unwrap_or_else(|| format!("{dialect}{}", self.seed))
    }

    /// Which certificates are trusted.
    ///
    /// # Errors
    /// One sentence when there are none to trust.
    pub(crate) fn trust(&self) -> Result<Trust, String> {
        if self.insecure || self.base.starts_with("http://") {
            return Ok(Trust::Anything);
        }
        if let Some(file) = &self.cacert {
            return Trust::from_file(file);
        }
        SYSTEM_ROOTS
            .iter()
            .find_map(|file| Trust::from_file(file.as_ref()).ok())
            .ok_or_else(|| {
                "this system has no certificate bundle; use --cacert FILE or --insecure".to_owned()
            })
    }
}

/// The identity providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    /// Microsoft Entra ID
    Entra,
    /// Okta
    Okta,
}

impl DialectName {
    /// The dialect of this name.
    pub(crate) fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Entra => &Entra,
            Self::Okta => &Okta,
        }
    }
}

fn base_url(text: &str) -> Result<String, String> {
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err("expected https://HOST[:PORT]/PATH".to_owned());
    }
    if uri.query().is_some() {
        return Err("a base URL has no query".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn token(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("expected printable ASCII without spaces".to_owned());
    }
    Ok(text.to_owned())
}

fn prefix(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > 32 || !text.bytes().all(allowed) {
        return Err("expected 1 to 32 lower-case letters, digits and hyphens".to_owned());
    }
    Ok(text.to_owned())
}

const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(more: &[&str]) -> Result<Options, String> {
        let base = [
            "simulated-idp",
            "--base",
            "https://localhost:8443/api/scim/v2/",
        ];
        let arguments = base.iter().chain(&["--token", "t"]).chain(more);
        Options::try_parse_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_prefix_is_the_dialect_and_the_seed() {
        let options = parsed(&["--seed", "7", "--dialect", "okta"]);
        assert_eq!(
            options.map(|options| options.prefix()),
            Ok("okta7".to_owned())
        );
    }

    #[test]
    fn the_base_loses_its_last_slash() {
        let base = parsed(&[]).map(|options| options.base);
        assert_eq!(base, Ok("https://localhost:8443/api/scim/v2".to_owned()));
    }

    #[test]
    fn wrong_values_are_refused() {
        for wrong in [
            &["--users", "0"][..],
            &["--prefix", "With Space"],
            &["--dialect", "other"],
            &["--base", "ftp://x/"],
            &["--base", "localhost"],
            &["--base", "https://x/?a=b"],
            &["--token", "two words"],
            &["--concurrency", "0"],
            &["--insecure", "--cacert", "x.pem"],
        ] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_missing_certificate_file_is_named() {
        let options = parsed(&["--cacert", "/does/not/exist.pem"]);
        let problem = options.and_then(|options| options.trust().map(|_| ()));
        assert!(problem.is_err_and(|problem| problem.contains("/does/not/exist.pem")));
    }
}
