//! Plans in memory.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use super::Rows;
use crate::declaration::StoredPlan;
use crate::store::{KeepPlans, ReadPlans};

impl ReadPlans for Rows {
    fn plan(&mut self, digest: &str) -> Result<Option<StoredPlan>, StoreError> {
        let found = self.plans.iter().find(|plan| plan.digest == digest);
        Ok(found.cloned())
    }
}

impl KeepPlans for Rows {
    fn keep_plan(&mut self, plan: &StoredPlan, before: DateTime<Utc>) -> Result<(), StoreError> {
        self.plans
            .retain(|known| known.digest != plan.digest && known.created >= before);
        self.plans.push(plan.clone());
        Ok(())
    }
}
