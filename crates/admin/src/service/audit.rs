//! The audit of what administrators did.

use std::sync::PoisonError;

use chrono::Duration;
use scim_protocol::text::fold;
use scim_provisioning::ConfigurationId;
use serde_json::{Value, json};

use super::{Actor, AdminService, entry};
use crate::error::AdminError;
use crate::event::{AuditEntry, AuditFault, AuditHead, AuditQuery, AuditVerdict};
use crate::store::{AdminStoreExt, Written};

impl AdminService {
    /// Entries of the audit, the newest first; each with its number.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<(i64, AuditEntry)>, AdminError> {
        self.store.read(|rows| Ok(rows.audit_entries(query)?))
    }

    /// The configuration of a name or id in what outlives it, such as log and runs: also one that
    /// was deleted, of several of a name the last.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] where there is none and was none.
    pub fn find_logged_configuration(
        &self,
        name_or_id: &str,
    ) -> Result<ConfigurationId, AdminError> {
        let missing = match self.find_configuration(name_or_id) {
            Err(error @ AdminError::NotFound { .. }) => error,
            found => return Ok(found?.id),
        };
        let id = ConfigurationId::parse(name_or_id);
        let name = fold(name_or_id);
        let mut query = AuditQuery {
            event: Some("configuration.deleted".to_owned()),
            configuration: id,
            limit: DELETED,
            ..AuditQuery::default()
        };
        loop {
            let page = self.audit(&query)?;
            let named = page
                .iter()
                .find(|(_, entry)| id.is_some() || fold(&entry.object) == name);
            if let Some(of) = named.and_then(|(_, entry)| entry.configuration) {
                return Ok(of);
            }
            match page.last() {
                Some((last, _)) => query.before = Some(*last),
                None => return Err(missing),
            }
        }
    }

    /// The same for somebody who reads it, which is an entry as well, once in ten minutes.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn read_audit(
        &self,
        actor: &Actor,
        query: &AuditQuery,
    ) -> Result<Vec<(i64, AuditEntry)>, AdminError> {
        let actor = &self.act(actor);
        let found = self.audit(query)?;
        let now = actor.at;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|_name, at| now - *at < Duration::minutes(READ_MINUTES));
        let is_new = !readers.contains_key(&actor.name);
        if is_new {
            readers.insert(actor.name.clone(), now);
        }
        drop(readers);
        if is_new {
            self.note(entry(actor, "audit.read", "audit", json!({})))?;
        }
        Ok(found)
    }

    /// Notes that somebody took a list out of the product.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn exported(&self, actor: &Actor, what: &str, details: Value) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        self.note(entry(actor, "export", what, details))
    }

    /// Writes an entry that no change of rows comes with.
    pub(super) fn note(&self, audit: AuditEntry) -> Result<(), AdminError> {
        self.store
            .write(move |_rows| Ok(Written::changed((), audit.clone())))
    }

    /// Follows the audit's chain from its beginning. What is added meanwhile is left out.
    ///
    /// The chain shows whatever was changed by somebody who did not write it anew as a whole. To
    /// show that too, keep the hash of the verdict's head elsewhere: a later chain passes through
    /// it, which [`AuditVerdict::head`] of a chain written anew does not.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn verify_audit(&self, passes: Option<&str>) -> Result<AuditVerdict, AdminError> {
        let end = self.store.read(|rows| Ok(rows.audit_head()?))?;
        let mut verdict = AuditVerdict {
            head: AuditHead::default(),
            fault: None,
        };
        let mut passed = passes.is_none();
        let mut last = i64::MIN;
        while verdict.head.length < end.length || verdict.head.unchained < end.unchained {
            let links = self.store.read(|rows| Ok(rows.audit_links(last, BATCH)?))?;
            if links.is_empty() {
                break;
            }
            for link in &links {
                last = link.id;
                if link.hash.is_none() && verdict.head.length == 0 {
                    if verdict.head.unchained == end.unchained {
                        verdict.fault = Some(AuditFault::Entry(link.id));
                        return Ok(verdict);
                    }
                    verdict.head.unchained += 1;
                    continue;
                }
                let hash = link.entry.hash_after(&verdict.head.hash);
                if link.hash.as_ref() != Some(&hash) {
                    verdict.fault = Some(AuditFault::Entry(link.id));
                    return Ok(verdict);
                }
                passed |= passes == Some(hash.as_str());
                verdict.head.hash = hash;
                verdict.head.length += 1;
                if verdict.head.length == end.length {
                    break;
                }
            }
        }
        if verdict.head != end {
            verdict.fault = Some(AuditFault::End);
        } else if let Some(behind) = self.behind(&end, last)? {
            verdict.fault = Some(AuditFault::Entry(behind));
        } else if !passed {
            verdict.fault = Some(AuditFault::Rewritten);
        }
        Ok(verdict)
    }

    /// An entry behind the end of the chain that was not appended to it meanwhile.
    fn behind(&self, end: &AuditHead, last: i64) -> Result<Option<i64>, AdminError> {
        let behind = self.store.read(|rows| Ok(rows.audit_links(last, BATCH)?))?;
        let appended = self.store.read(|rows| Ok(rows.audit_head()?))?.length - end.length;
        let place = usize::try_from(appended).unwrap_or_default();
        Ok(behind.get(place).map(|link| link.id))
    }
}

const BATCH: i64 = 1_000;
/// For how long somebody who read the audit is still reading it.
const READ_MINUTES: i64 = 10;

/// How many deleted configurations are read at once.
const DELETED: i64 = 500;
