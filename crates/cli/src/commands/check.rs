//! `check`: whether what the server needs is in order.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, Duration, Utc};
use clap::Args;
use scim_admin::event::EventQuery;
use serde_json::{Value, json};

use super::value::instant;
use crate::certificate::{self, CertificateFiles};
use crate::host::{Host, Instance};
use crate::output::{self, Table};
use crate::settings::{Common, TlsOptions};

/// Options of `check`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    tls: TlsOptions,
}

/// Looks at everything and says what is wrong.
///
/// # Errors
/// When anything is.
pub(crate) fn run(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let (database, instance) = match database(host, common) {
        Ok((said, instance)) => (Ok(said), Some(instance)),
        Err(error) => (Err(error), None),
    };
    let checks = [
        ("data directory", data_directory(&common.data_dir)),
        ("key ring", key_ring(&common.key_file())),
        ("database", database),
        ("certificate", certificate(common, &options.tls)),
        ("clock", clock(instance.as_ref())),
    ];
    let wrong = checks
        .iter()
        .filter(|(_name, result)| result.is_err())
        .count();
    match common.json {
        true => output::json(&json!({
            "ok": wrong == 0,
            "checks": checks.iter().map(document).collect::<Value>(),
        }))?,
        false => print(&checks)?,
    }
    match wrong {
        0 => Ok(()),
        1 => bail!("one check failed; see what it says on standard output"),
        wrong => bail!("{wrong} checks failed; see what they say on standard output"),
    }
}

type Check = (&'static str, anyhow::Result<String>);

fn print(checks: &[Check]) -> anyhow::Result<()> {
    let mut table = Table::of_fields();
    for (name, result) in checks {
        let (verdict, said) = match result {
            Ok(said) => ("ok", said.clone()),
            Err(error) => ("WRONG", output::sentence(error)),
        };
        table.row([verdict.to_owned(), (*name).to_owned(), said]);
    }
    table.print()
}

fn document((name, result): &Check) -> Value {
    let detail = match result {
        Ok(said) => said.clone(),
        Err(error) => output::sentence(error),
    };
    json!({"name": name, "ok": result.is_ok(), "detail": detail})
}

fn data_directory(folder: &Path) -> anyhow::Result<String> {
    let mode = mode(folder).context("start the server once, or name another with --data-dir")?;
    if mode & 0o022 != 0 {
        let shown = folder.display();
        bail!("others can write in {shown}; run: chmod go-w {shown}");
    }
    Ok(folder.display().to_string())
}

fn key_ring(file: &Path) -> anyhow::Result<String> {
    mode(file).context("start the server once, or name another with --key-file")?;
    scim_admin::KeyRing::open(file)?;
    Ok(file.display().to_string())
}

fn mode(path: &Path) -> anyhow::Result<u32> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.permissions().mode())
}

fn database(host: &dyn Host, common: &Common) -> anyhow::Result<(String, Instance)> {
    let url = common.database_url();
    let instance = host.open(common)?;
    instance
        .ready()
        .context("the database does not answer as it should")?;
    let engine = url.split(':').next().unwrap_or_default();
    Ok((
        format!("{engine}, reached, its tables are those of this version"),
        instance,
    ))
}

fn certificate(common: &Common, options: &TlsOptions) -> anyhow::Result<String> {
    let files = CertificateFiles::of(common, options)?;
    if files.self_signed && !files.certificate.exists() {
        return Ok("the server makes one at its first start".to_owned());
    }
    let end = certificate::not_after(&certificate::load(&files)?)?;
    let (path, now) = (files.certificate.display(), Utc::now());
    let renew = match files.self_signed {
        true => "restart the server, which renews it",
        false => "put a new one in its place and send the server SIGHUP",
    };
    if end <= now {
        bail!("{path} ended {}; {renew}", instant(end));
    }
    if end <= now + Duration::days(14) {
        bail!("{path} ends {}; {renew}", instant(end));
    }
    if mode(&files.key)? & 0o077 != 0 {
        let key = files.key.display();
        bail!("others can read the private key {key}; run: chmod 600 {key}");
    }
    Ok(format!("{path}, until {}", instant(end)))
}

/// Tokens and certificates are judged by the clock; one that went back shows in the log.
fn clock(instance: Option<&Instance>) -> anyhow::Result<String> {
    let now = Utc::now();
    sane(now, newest_entry(instance))?;
    Ok(instant(now))
}

fn newest_entry(instance: Option<&Instance>) -> Option<DateTime<Utc>> {
    let query = EventQuery {
        limit: 1,
        ..EventQuery::default()
    };
    let events = instance?.admin().events(&query).ok()?;
    events.last().map(|event| event.at)
}

fn sane(now: DateTime<Utc>, newest: Option<DateTime<Utc>>) -> anyhow::Result<()> {
    if now.timestamp() < BUILT_AFTER {
        bail!("the clock says {}, which is past; set it", instant(now));
    }
    match newest {
        Some(newest) if newest > now + Duration::minutes(5) => bail!(
            "the clock says {}, and the log has an entry of {}; set the clock",
            instant(now),
            instant(newest)
        ),
        _ => Ok(()),
    }
}

/// 2026-01-01; this version is younger.
const BUILT_AFTER: i64 = 1_767_225_600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_behind_the_log_or_the_program_is_wrong() {
        let now: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
        assert!(sane(now, None).is_ok());
        assert!(sane(now, Some(now + Duration::minutes(4))).is_ok());
        assert!(sane(now, Some(now + Duration::minutes(6))).is_err());
        assert!(sane("1970-01-02T00:00:00Z".parse().unwrap(), None).is_err());
    }

    #[test]
    fn a_folder_that_others_can_write_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(data_directory(folder.path()).is_ok());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(data_directory(folder.path()).is_err());
        assert!(data_directory(&folder.path().join("nowhere")).is_err());
    }
}
