//! Rows of plans.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use crate::declaration::StoredPlan;

/// Reading plans.
pub trait ReadPlans {
    /// The plan of a digest.
    ///
    /// # Errors
    /// A fault of the store.
    fn plan(&mut self, digest: &str) -> Result<Option<StoredPlan>, StoreError>;
}

/// Keeping plans. A plan changes nothing, so that no audit tells of it.
pub trait KeepPlans {
    /// Keeps a plan, in the place of the one of its digest, and forgets those from before a time.
    ///
    /// # Errors
    /// A fault of the store.
    fn keep_plan(&mut self, plan: &StoredPlan, before: DateTime<Utc>) -> Result<(), StoreError>;
}
