//! Rows of `plans`.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::declaration::StoredPlan;
use scim_admin::store::{KeepPlans, ReadPlans};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::error::unreadable;
use crate::schema_instance::plans;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = plans)]
struct PlanRow {
    digest: String,
    prune: i32,
    document: String,
    items: String,
    made_by: String,
    created_at: i64,
}

impl TryFrom<PlanRow> for StoredPlan {
    type Error = StoreError;

    fn try_from(row: PlanRow) -> Result<Self, StoreError> {
        let known = |_error| unreadable("plans");
        Ok(Self {
            digest: row.digest,
            prune: row.prune != 0,
            document: serde_json::from_str(&row.document).map_err(known)?,
            items: serde_json::from_str(&row.items).map_err(known)?,
            made_by: row.made_by,
            created: instant(row.created_at),
        })
    }
}

impl ReadPlans for AdminRows<'_> {
    fn plan(&mut self, digest: &str) -> Result<Option<StoredPlan>, StoreError> {
        let query = plans::table.find(digest).select(PlanRow::as_select());
        let row: Option<PlanRow> = self.connection.first(query)?;
        row.map(StoredPlan::try_from).transpose()
    }
}

impl KeepPlans for AdminRows<'_> {
    fn keep_plan(&mut self, plan: &StoredPlan, before: DateTime<Utc>) -> Result<(), StoreError> {
        let old = plans::table.filter(plans::created_at.lt(millis(before)));
        self.connection.execute(diesel::delete(old))?;
        let same = plans::table.find(&plan.digest);
        self.connection.execute(diesel::delete(same))?;
        let row = PlanRow {
            digest: plan.digest.clone(),
            prune: i32::from(plan.prune),
            document: plan.document.to_string(),
            items: serde_json::to_string(&plan.items).map_err(StoreError::unknown)?,
            made_by: plan.made_by.clone(),
            created_at: millis(plan.created),
        };
        let insert = diesel::insert_into(plans::table).values(row);
        self.connection.execute(insert).map(drop)
    }
}
