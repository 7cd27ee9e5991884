//! `backup` and `restore`: the whole database in a file, and back.

use std::path::{Path, PathBuf};

use clap::Args;
use scim_admin::KeyRing;
use scim_admin::safekeeping::BackupHead;

use super::value::{actor, instant};
use crate::host::Host;
use crate::output;
use crate::settings::Common;

/// The file of a backup.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file.
    file: PathBuf,
}

/// Runs `backup`.
///
/// # Errors
/// When the backup cannot be made; there is no file then.
pub(crate) fn run(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let head = host.backup(common, &options.file)?;
    if common.json {
        return output::json(&head);
    }
    output::line(&format!(
        "{} has everything that was acknowledged before {}.",
        options.file.display(),
        instant(head.made_at)
    ))?;
    match head.keys.is_empty() {
        true => Ok(()),
        false => output::line(&format!(
            "Its tokens need the key ring with {}: keep a copy of {} in another place.",
            head.keys.join(", "),
            common.key_file().display()
        )),
    }
}

/// Runs `restore`.
///
/// # Errors
/// When the backup cannot be put back; there is no database then.
pub(crate) fn restore(host: &dyn Host, common: &Common, options: &Options) -> anyhow::Result<()> {
    let restored = host.restore(common, &options.file, &actor().name)?;
    if let Some(warning) = ring_warning(&common.key_file(), &restored.head) {
        output::warning(&warning);
    }
    if common.json {
        return output::json(&restored);
    }
    output::line(&format!(
        "The database is as it was {}. What was revoked or deleted after that is there again.",
        instant(restored.head.made_at)
    ))?;
    output::line("Every receiver of the feed needs a snapshot, and nobody is signed in.")
}

/// What is to be said of the key ring that lies there: every key that it lacks.
fn ring_warning(file: &Path, head: &BackupHead) -> Option<String> {
    let instance = head.instance.as_ref()?;
    let ring = KeyRing::read(file).ok();
    let ring = ring.filter(|ring| ring.instance() == *instance);
    let there = ring.map(|ring| ring.keys()).unwrap_or_default();
    let lacks = |id: &&String| !there.iter().any(|key| key.id == **id);
    let lacking: Vec<&str> = head.keys.iter().filter(lacks).map(String::as_str).collect();
    let (keys, file) = (lacking.join(", "), file.display());
    match (lacking.is_empty(), there.is_empty()) {
        (true, _) => None,
        (false, true) => Some(format!(
            "its secrets need the key ring with {keys}, which is not {file}; put it there before the \
             server starts"
        )),
        (false, false) => Some(format!(
            "its secrets need keys that {file} lacks ({keys}); put a newer copy of it there before \
             the server starts"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_the_ring_lacks_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keyring.json");
        let ring = KeyRing::open(&file).unwrap();
        let copy = folder.path().join("copy.json");
        std::fs::copy(&file, &copy).unwrap();
        let first = ring.keys()[0].id.clone();
        let (second, third) = (ring.rotate().unwrap(), ring.rotate().unwrap());
        let head = BackupHead {
            engine: "sqlite".to_owned(),
            made_at: chrono::Utc::now(),
            program: String::new(),
            migrations: Vec::new(),
            instance: Some(ring.instance()),
            keys: vec![third.clone(), second.clone(), first.clone()],
        };
        assert_eq!(ring_warning(&file, &head), None);
        let said = ring_warning(&copy, &head).unwrap();
        assert!(said.contains(&format!("({third}, {second})")), "{said}");
        let other = folder.path().join("other.json");
        KeyRing::open(&other).unwrap();
        for file in [other, folder.path().join("missing.json")] {
            let said = ring_warning(&file, &head).unwrap();
            assert!(said.contains(&first) && said.contains(&third), "{said}");
        }
        let never_used = BackupHead {
            instance: None,
            keys: Vec::new(),
            ..head
        };
        assert_eq!(ring_warning(&copy, &never_used), None);
    }
}
