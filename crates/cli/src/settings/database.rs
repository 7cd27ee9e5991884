//! The URL of the database, and its password where that stands in a file.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::wrong_usage::WrongUsage;

/// A database URL, whose `Debug` does not show its password.
#[derive(Clone)]
pub(super) struct DatabaseUrl(pub(super) String);

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.0.split(':').next().unwrap_or_default();
        write!(formatter, "{scheme}:***")
    }
}

/// Refuses the URL of no database that there is. It is no parser of the command line that does: that
/// one repeats what it refuses, and a URL may have a password.
///
/// # Errors
/// [`WrongUsage`].
pub(super) fn check_scheme(url: &str) -> anyhow::Result<()> {
    match url.split(':').next() {
        Some("sqlite" | "postgres" | "postgresql") => Ok(()),
        _ => Err(WrongUsage("--database-url is sqlite:PATH or postgres://...".into()).into()),
    }
}

/// The URL with the password that a file holds, as far as its first line ends.
///
/// # Errors
/// When the file cannot be read or is empty, or the URL has no place for a password, or one already.
pub(super) fn with_password(url: &str, file: &Path) -> anyhow::Result<String> {
    let Some((_scheme, rest)) = url
        .split_once("://")
        .filter(|(scheme, _)| *scheme != "sqlite")
    else {
        let why = "--database-password-file goes with a --database-url of PostgreSQL";
        return Err(WrongUsage(why.into()).into());
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let who = place.rsplit_once('@').map_or("", |(who, _host)| who);
    if who.contains(':') || query.split('&').any(|part| part.starts_with("password=")) {
        let why =
            "the password stands in --database-url and in --database-password-file: leave one";
        return Err(WrongUsage(why.into()).into());
    }
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the database password in {}", file.display()))?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        bail!("there is no password in {}", file.display());
    }
    let joined = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{joined}password={}", encoded(password)))
}

/// A database URL without who signs in and its parameters.
pub(super) fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    // A password may hold any sign, and so may a parameter: what is before the last `@` is never shown.
    let (who, rest) = match rest.rsplit_once('@') {
        Some((_who, rest)) => ("***@", rest),
        None => ("", rest),
    };
    let (host, parameters) = match rest.split_once('?') {
        Some((host, _parameters)) => (host, "?***"),
        None => (rest, ""),
    };
    format!("{scheme}://{who}{host}{parameters}")
}

/// Every byte that could mean something in a URL as its number.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_file_stands_in_the_url_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "p@s/s w?&ü\nsecond line\n").unwrap();
        let said = "password=p%40s%2Fs%20w%3F%26%C3%BC";
        for (url, expected) in [
            (
                "postgres://scim@db/scim",
                format!("postgres://scim@db/scim?{said}"),
            ),
            (
                "postgres://scim@a,b/scim?target_session_attrs=read-write",
                format!("postgres://scim@a,b/scim?target_session_attrs=read-write&{said}"),
            ),
        ] {
            assert_eq!(with_password(url, &file).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_password_of_a_server_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [file, empty] = ["password", "empty"].map(|name| folder.path().join(name));
        fs::write(&file, "secret\n").unwrap();
        fs::write(&empty, "\n").unwrap();
        for (url, file, expected) in [
            ("sqlite:x.db", &file, "of PostgreSQL"),
            ("sqlite://x.db", &file, "of PostgreSQL"),
            ("postgres://u:p@db/x", &file, "leave one"),
            ("postgres://u@db/x?password=p", &file, "leave one"),
            ("postgres://u@db/x", &empty, "no password in"),
            (
                "postgres://u@db/x",
                &folder.path().join("none"),
                "cannot read",
            ),
        ] {
            let refused = with_password(url, file).unwrap_err().to_string();
            assert!(refused.contains(expected), "{url}: {refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
