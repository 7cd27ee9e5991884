//! The audit in memory.

use scim_provisioning::StoreError;

use super::rows::Rows;
use crate::event::{AuditEntry, AuditHead, AuditLink, AuditQuery};
use crate::store::{LockAudit, ReadAudit};

impl Rows {
    /// Appends an entry to the chain.
    pub(super) fn append_audit(&mut self, entry: &AuditEntry) {
        let hash = entry.hash_after(&self.audit_end.hash);
        self.audit_end.length += 1;
        self.audit_end.hash.clone_from(&hash);
        self.audit.push(AuditLink {
            id: self.audit_end.length,
            entry: entry.clone(),
            hash: Some(hash),
        });
    }
}

impl ReadAudit for Rows {
    fn audit_entries(&mut self, query: &AuditQuery) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let fits = |link: &&AuditLink| {
            let AuditLink { id, entry, .. } = link;
            let beginning = query.event.as_ref();
            query.before.is_none_or(|before| *id < before)
                && query
                    .actor
                    .as_ref()
                    .is_none_or(|actor| entry.actor == *actor)
                && (query.source.is_none() || entry.source == query.source)
                && beginning.is_none_or(|beginning| entry.event.starts_with(&**beginning))
                && (query.configuration.is_none() || entry.configuration == query.configuration)
                && query.since.is_none_or(|since| entry.at >= since)
                && query.until.is_none_or(|until| entry.at < until)
        };
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let found = self.audit.iter().rev().filter(fits).take(limit);
        Ok(found.map(|link| (link.id, link.entry.clone())).collect())
    }

    fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
        Ok(self.audit_end.clone())
    }

    fn audit_links(&mut self, after: i64, limit: i64) -> Result<Vec<AuditLink>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let behind = self.audit.iter().filter(|link| link.id > after);
        Ok(behind.take(limit).cloned().collect())
    }
}

impl LockAudit for Rows {
    fn lock_audit(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
