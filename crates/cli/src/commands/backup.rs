//! `backup` and `restore`: the whole database in a file, and back.

use std::path::PathBuf;

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
    if let Some(warning) = ring_warning(common, &restored.head) {
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

/// What is to be said of the key ring that lies there.
fn ring_warning(common: &Common, head: &BackupHead) -> Option<String> {
    let instance = head.instance.as_ref()?;
    let file = common.key_file();
    let fits = KeyRing::read(&file).is_ok_and(|ring| {
        let there = ring.keys();
        let has = |id: &String| there.iter().any(|key| key.id == *id);
        ring.instance() == *instance && head.keys.iter().any(has)
    });
    let (keys, file) = (head.keys.join(", "), file.display());
    (!fits).then(|| {
        format!(
            "its tokens need the key ring with {keys}, which is not {file}; put it there before the \
             server starts"
        )
    })
}
