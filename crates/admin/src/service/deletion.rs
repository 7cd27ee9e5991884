//! Deleting a configuration, piece by piece: whom it manages is let go some at a time, so that
//! nobody waits for one who deletes a large one.

use chrono::Duration;
use scim_provisioning::directory::Author;
use scim_provisioning::{ConfigurationId, RunId, RunKind, StoreError};
use serde_json::json;

use super::runs::run_over;
use super::{Act, Actor, AdminService, described, entry_of};
use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration};
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::run::{Run, RunState};
use crate::store::{AdminStoreExt, AdminTransaction, Written};

/// A configuration that was deleted, or is being deleted.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// The configuration as it was last, or is.
    pub configuration: ProvisioningConfiguration,
    /// The run that deletes it.
    pub run: RunId,
    /// Whether it is gone.
    pub gone: bool,
}

impl AdminService {
    /// Deletes a configuration and its tokens. From then on its tokens are refused, and nothing else
    /// is done with it. One of some hundred people is gone with that; of a larger one as much is done
    /// as takes a second, and whoever keeps the server up does the rest. Asked again for one that is
    /// being deleted, it goes on.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Rehearses`]; [`AdminError::Stale`].
    pub fn delete_configuration(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
    ) -> Result<Deletion, AdminError> {
        let begun = self.begin_deletion(actor, configuration)?;
        Ok(self.delete_for_now(begun))
    }

    /// Begins to delete a configuration, with the first piece. [`AdminService::step_deletion`] does
    /// the others.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Rehearses`]; [`AdminError::Stale`].
    pub fn begin_deletion(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
    ) -> Result<Deletion, AdminError> {
        let actor = self.act(actor);
        let configuration = self.configuration(configuration)?;
        if let Some(run) = configuration.deletion {
            return Ok(Deletion {
                configuration,
                run,
                gone: false,
            });
        }
        self.store.write(move |rows| {
            let (deletion, audit) = begin(rows, &actor, &configuration, &mut { PIECE })?;
            Ok(Written::changed(deletion, audit))
        })
    }

    /// Does as much of a deletion that has begun as somebody waits for who is answered soon. Whoever
    /// keeps the server up goes on with the rest, and with a piece that cannot be done now.
    pub fn delete_for_now(&self, begun: Deletion) -> Deletion {
        let until = self.now() + Duration::milliseconds(SOON_MILLISECONDS);
        let mut deletion = begun;
        for _ in 0..PIECES_SOON {
            if deletion.gone || self.now() > until {
                break;
            }
            match self.go_on(&mut deletion) {
                Ok(Some(_let_go)) => {}
                // Somebody else works on it.
                Ok(None) => break,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(run = %deletion.run, error, "a piece of a deletion waits");
                    break;
                }
            }
        }
        deletion
    }

    /// Deletes a configuration to its end, and says after every piece of how many people and groups
    /// it let go by that.
    ///
    /// # Errors
    /// [`AdminError::Store`]; whoever keeps the server up goes on where it stands.
    pub fn finish_deletion(
        &self,
        begun: Deletion,
        mut told: impl FnMut(usize),
    ) -> Result<Deletion, AdminError> {
        let mut deletion = begun;
        while !deletion.gone {
            match self.go_on(&mut deletion)? {
                Some(let_go) => told(let_go),
                // Somebody else works on it.
                None => std::thread::sleep(MEANWHILE),
            }
        }
        Ok(deletion)
    }

    /// Does the next piece of one deletion, and looks whether that was the last one.
    fn go_on(&self, deletion: &mut Deletion) -> Result<Option<usize>, AdminError> {
        let done = self.step_deletion(Some(deletion.run))?;
        let of = deletion.configuration.id;
        match self.store.look_up(|rows| Ok(rows.configuration(of)?))? {
            Some(found) => deletion.configuration = found,
            None => deletion.gone = true,
        }
        Ok(done)
    }

    /// Does the next piece of a deletion: that of a run, or the one that is longest about it. Answers
    /// how many people, groups and things that waited it let go; `None` where there is nothing to be
    /// done. A piece is a transaction, and what is left is found again, so that whoever is killed
    /// leaves it to others.
    ///
    /// # Errors
    /// [`AdminError::Store`]; the deletion then stands where it stood.
    pub fn step_deletion(&self, run: Option<RunId>) -> Result<Option<usize>, AdminError> {
        let now = self.now();
        let due = self
            .store
            .look_up(|rows| Ok(rows.deletion_due(run, now)?))?;
        let Some((of, run)) = due else {
            return Ok(None);
        };
        let done = self.do_piece(of, run);
        if done.is_err() {
            let again = now + Duration::seconds(AGAIN_SECONDS);
            let put_off = self
                .store
                .upkeep(move |rows| Ok(rows.put_off_run(run, again)?));
            // Else it is tried again at once.
            drop(put_off);
        }
        done.map(Some)
    }

    fn do_piece(&self, of: ConfigurationId, run: RunId) -> Result<usize, AdminError> {
        let let_go = self.store.upkeep(move |rows| {
            match rows.lock_deletion(of, run) {
                // Somebody else did the last piece.
                Err(StoreError::Stale) => return Ok(None),
                locked => locked?,
            }
            let told = rows.run(run)?.ok_or(StoreError::Stale)?;
            rows.speak_as(&author(&told))?;
            Ok(Some(rows.let_go(of, PIECE)?))
        })?;
        match let_go {
            Some(let_go) if let_go < PIECE => Ok(let_go + self.end_deletion(of, run)?),
            let_go => Ok(let_go.unwrap_or_default()),
        }
    }

    /// Deletes the configuration itself, if it manages nobody any more.
    fn end_deletion(&self, of: ConfigurationId, run: RunId) -> Result<usize, AdminError> {
        let told = self.run(&run.to_string())?;
        let name = told.actor.strip_prefix("administrator:");
        let actor = self.act(&Actor::new(name.unwrap_or(&told.actor), None));
        self.store.write(move |rows| {
            match rows.lock_deletion(of, run) {
                Err(StoreError::Stale) => return Ok(Written::Unchanged(0)),
                locked => locked?,
            }
            let found = rows.configuration(of)?.ok_or(StoreError::Stale)?;
            rows.speak_as(&author(&told))?;
            // A request that was let in before its token was gone may have come late.
            let let_go = rows.let_go(of, PIECE)?;
            if let_go == PIECE {
                return Ok(Written::Unchanged(0));
            }
            Ok(Written::changed(let_go, end(rows, &actor, &found, run)?))
        })
    }

    /// The deletions that are under way.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn deletions(&self) -> Result<Vec<Deletion>, AdminError> {
        let all = self.configurations(None)?.into_iter();
        let under_way = all.filter_map(|configuration| {
            Some(Deletion {
                run: configuration.deletion?,
                configuration,
                gone: false,
            })
        });
        Ok(under_way.collect())
    }

    /// The configurations that are not being deleted.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(super) fn configurations_staying(
        &self,
    ) -> Result<Vec<ProvisioningConfiguration>, AdminError> {
        let mut all = self.configurations(None)?;
        all.retain(|one| one.deletion.is_none());
        Ok(all)
    }

    /// The configuration of an id, if it is not being deleted.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::BeingDeleted`].
    pub(super) fn staying(
        &self,
        id: ConfigurationId,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let found = self.configuration(id)?;
        check_stays(&found)?;
        Ok(found)
    }
}

/// Begins to delete a configuration: it is served no more, and what there is room for is let go. What
/// manages nobody then is gone.
///
/// # Errors
/// [`AdminError::Rehearses`]; [`AdminError::Stale`]; [`AdminError::Store`].
pub(super) fn begin(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    configuration: &ProvisioningConfiguration,
    room: &mut usize,
) -> Result<(Deletion, AuditEntry), AdminError> {
    if configuration.status == ConfigurationStatus::Rehearsing {
        return Err(AdminError::Rehearses(configuration.name.clone()));
    }
    let run = Run {
        state: RunState::Running,
        ended: None,
        ..run_over(
            RunKind::ConfigurationDeleted,
            actor,
            configuration,
            actor.at,
        )
    };
    let after = ProvisioningConfiguration {
        status: ConfigurationStatus::Deleting,
        deletion: Some(run.id),
        last_modified: actor.at,
        ..configuration.clone()
    };
    rows.update_configuration(&after)?;
    rows.insert_run(&run)?;
    rows.speak_as(&author(&run))?;
    rows.delete_tokens(configuration.id)?;
    for job in rows.jobs(configuration.id)? {
        if !job.finished {
            rows.end_run(job.id, actor.at)?;
        }
    }
    rows.delete_unfinished_jobs(configuration.id)?;
    let let_go = rows.let_go(configuration.id, *room)?;
    let gone = let_go < *room;
    *room -= let_go.min(*room);
    let audit = match gone {
        true => end(rows, actor, configuration, run.id)?,
        false => {
            let details = json!({
                "old": described(configuration),
                "run": run.id.to_string(),
            });
            entry_of(actor, after.status.event(), configuration, details)
        }
    };
    let deletion = Deletion {
        configuration: ProvisioningConfiguration {
            version: after.version + 1,
            ..after
        },
        run: run.id,
        gone,
    };
    Ok((deletion, audit))
}

/// Deletes a configuration that manages nobody.
fn end(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    configuration: &ProvisioningConfiguration,
    run: RunId,
) -> Result<AuditEntry, AdminError> {
    rows.delete_configuration(configuration.id)?;
    rows.end_run(run, actor.at)?;
    let details = json!({ "old": described(configuration) });
    Ok(entry_of(
        actor,
        "configuration.deleted",
        configuration,
        details,
    ))
}

/// Refuses what is to be done with a configuration that is being deleted.
///
/// # Errors
/// [`AdminError::BeingDeleted`].
pub(super) fn check_stays(configuration: &ProvisioningConfiguration) -> Result<(), AdminError> {
    match configuration.deletion {
        Some(_run) => Err(AdminError::BeingDeleted(configuration.name.clone())),
        None => Ok(()),
    }
}

/// Who changes what a run does.
fn author(run: &Run) -> Author {
    Author {
        actor: run.actor.clone(),
        run: Some(run.id),
        request: None,
    }
}

/// How much one transaction lets go. Others wait no longer than for that.
pub(super) const PIECE: usize = 500;
/// For how long whoever asks for a deletion waits for its end, and for how many pieces.
const SOON_MILLISECONDS: i64 = 1_000;
const PIECES_SOON: usize = 100;
/// After how long a piece is tried again that failed.
const AGAIN_SECONDS: i64 = 2;
/// How long is waited for a piece that somebody else does.
const MEANWHILE: std::time::Duration = std::time::Duration::from_millis(200);
