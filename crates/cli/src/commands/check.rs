//! `check`: whether what the server needs is in order.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, Duration, Utc};
use clap::Args;
use scim_admin::event::EventQuery;
use scim_admin::safekeeping::{self, RingError};
use scim_admin::{AdminStore, AdminStoreExt, KeyRing, KeyRingError};
use scim_provisioning::{Environment, SystemEnvironment};
use serde_json::{Value, json};

use super::value::instant;
use crate::certificate::{self, CertificateFiles};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::{Common, TlsOptions};

/// Options of `check`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    tls: TlsOptions,
    /// Read every page of the database of SQLite as well, which takes as long as that takes.
    #[arg(long)]
    deep: bool,
}

/// Looks at everything and says what is wrong.
///
/// # Errors
/// When anything is.
pub(crate) fn run(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let store = host.open_store(common);
    let store = store
        .as_deref()
        .map_err(|error| anyhow::anyhow!(output::sentence(error)));
    let opened = store.as_ref().ok().map(|store| &**store);
    let checks = [
        ("data directory", data_directory(&common.data_dir)),
        ("key ring", key_ring(&common.key_file(), opened)),
        ("certificate", certificate(common, &options.tls)),
        ("clock", clock(opened)),
        ("free space", free_space(common)),
        (
            "database",
            store.and_then(|store| database(common, store, options.deep)),
        ),
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

/// A ring that is not there is made by the server, in a database in which nothing needs one.
fn key_ring(file: &Path, store: Option<&dyn AdminStore>) -> anyhow::Result<String> {
    let shown = file.display();
    let read = match (KeyRing::read(file), store) {
        (Err(KeyRingError::Missing(_)), Some(store)) => {
            let needed = safekeeping::find_needed(store, SystemEnvironment.now())?;
            if needed.is_nothing() {
                return Ok(format!("the server makes {shown} at its next start"));
            }
            let path = file.into();
            return Err(RingError::Lost { path, needed }.into());
        }
        (read, _) => read.context("start the server once, or name another with --key-file")?,
    };
    let Some(store) = store else {
        return Ok(format!(
            "{shown}; whether it belongs to the database is not known"
        ));
    };
    safekeeping::check_ring(store, &read, SystemEnvironment.now())?;
    let keys = read.keys();
    let signing = keys
        .first()
        .map(|key| (SystemEnvironment.now() - key.created).num_days());
    Ok(format!(
        "{shown}, belongs to the database, signs with a key of {} days",
        signing.unwrap_or(0)
    ))
}

fn mode(path: &Path) -> anyhow::Result<u32> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.permissions().mode())
}

fn database(common: &Common, store: &dyn AdminStore, deep: bool) -> anyhow::Result<String> {
    let unusable = "the database does not answer as it should";
    store.ready().context(unusable)?;
    let read = match deep.then(|| store.check_pages()).transpose() {
        Ok(Some(true)) => ", every page was read",
        Ok(Some(false)) => "; its pages are its server's to read, with pg_amcheck",
        Ok(None) => "",
        Err(error) => return Err(error).context(unusable),
    };
    let url = common.database_url()?;
    let engine = url.split(':').next().unwrap_or_default();
    Ok(format!(
        "{engine}, reached, its tables are those of this version{read}"
    ))
}

/// What is left where the database of SQLite and its backups stand.
fn free_space(common: &Common) -> anyhow::Result<String> {
    let url = common.database_url()?;
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Ok("the database server looks after its own".to_owned());
    };
    let path = Path::new(path.strip_prefix("//").unwrap_or(path));
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let found = rustix::fs::statvfs(folder);
    let found = found.with_context(|| format!("cannot look at {}", folder.display()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let used = fs::metadata(path).map_or(0, |file| file.len());
    enough_space(free, used)
}

/// A copy of the file has to fit beside it, for a backup and for what SQLite keeps on the side.
fn enough_space(free: u64, used: u64) -> anyhow::Result<String> {
    let said = format!(
        "{} MiB free beside a database of {} MiB",
        free >> 20,
        used >> 20
    );
    match free < used.max(LEAST_FREE) {
        true => bail!(
            "{said}; make room for another {} MiB",
            used.max(LEAST_FREE) >> 20
        ),
        false => Ok(said),
    }
}

fn certificate(common: &Common, options: &TlsOptions) -> anyhow::Result<String> {
    let files = CertificateFiles::of(common, options)?;
    if files.self_signed && !files.certificate.exists() {
        return Ok("the server makes one at its first start".to_owned());
    }
    let end = certificate::not_after(&certificate::load(&files)?)?;
    let (path, now) = (files.certificate.display(), SystemEnvironment.now());
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
fn clock(store: Option<&dyn AdminStore>) -> anyhow::Result<String> {
    let now = SystemEnvironment.now();
    sane(now, store.and_then(newest_entry))?;
    Ok(instant(now))
}

fn newest_entry(store: &dyn AdminStore) -> Option<DateTime<Utc>> {
    let query = EventQuery {
        limit: 1,
        ..EventQuery::default()
    };
    let events = store.read(|rows| Ok(rows.events(&query)?)).ok()?;
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

/// 256 MiB.
const LEAST_FREE: u64 = 256 << 20;
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
    fn a_copy_of_the_database_has_to_fit() {
        assert!(enough_space(300 << 20, 0).is_ok());
        assert!(enough_space(200 << 20, 0).is_err());
        assert!(enough_space(1 << 30, 2 << 30).is_err());
        assert!(enough_space(2 << 30, 2 << 30).is_ok());
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
