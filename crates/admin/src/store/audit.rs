//! The audit's chain, and what a write says in it.

use scim_provisioning::StoreError;

use crate::event::{AuditEntry, AuditHead, AuditLink, AuditQuery};

/// What the audit says of a write: at least one entry, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditTrail(Vec<AuditEntry>);

impl AuditTrail {
    /// The entry of a write, and those of what it brought with it.
    pub fn new(entry: AuditEntry, others: impl IntoIterator<Item = AuditEntry>) -> Self {
        Self(std::iter::once(entry).chain(others).collect())
    }

    /// The trail of these entries, if there are any.
    pub fn of(entries: impl IntoIterator<Item = AuditEntry>) -> Option<Self> {
        let entries: Vec<AuditEntry> = entries.into_iter().collect();
        (!entries.is_empty()).then_some(Self(entries))
    }

    /// The entries, in their order.
    pub fn entries(&self) -> &[AuditEntry] {
        &self.0
    }
}

impl From<AuditEntry> for AuditTrail {
    fn from(entry: AuditEntry) -> Self {
        Self(vec![entry])
    }
}

/// What came of the work of a write. A change cannot be answered without its audit entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Written<T> {
    /// Something was changed, and the audit says so.
    Changed(T, AuditTrail),
    /// There was nothing to change; whatever the work did is undone.
    Unchanged(T),
}

impl<T> Written<T> {
    /// A change, and its entry.
    pub fn changed(value: T, audit: impl Into<AuditTrail>) -> Self {
        Self::Changed(value, audit.into())
    }
}

/// Reading the audit.
pub trait ReadAudit {
    /// Entries of the audit, the newest first; each with its number.
    ///
    /// # Errors
    /// A fault of the store.
    fn audit_entries(&mut self, query: &AuditQuery) -> Result<Vec<(i64, AuditEntry)>, StoreError>;

    /// The end of the audit's chain.
    ///
    /// # Errors
    /// A fault of the store.
    fn audit_head(&mut self) -> Result<AuditHead, StoreError>;

    /// Entries of the audit behind one of them, the oldest first, with their places in the chain.
    ///
    /// # Errors
    /// A fault of the store.
    fn audit_links(&mut self, after: i64, limit: i64) -> Result<Vec<AuditLink>, StoreError>;
}

/// Waiting for other writes.
pub trait LockAudit {
    /// Locks the end of the audit's chain until the transaction ends, and with it every other
    /// write: for what is counted over many rows, such as administrators. The rows of an account
    /// and of a person are locked before it, as where a person leaves.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_audit(&mut self) -> Result<(), StoreError>;
}
