//! Users who are shown without being read.

use chrono::{DateTime, Utc};
use scim_protocol::Version;
use scim_provisioning::directory::{StoredUser, UnreadUser};
use scim_provisioning::{ResourceId, StoreError};

use super::UserRow;
use crate::error::unreadable;
use crate::time::instant;

/// A row of which the id alone was read.
#[derive(Debug)]
pub(crate) struct Unread {
    id: ResourceId,
    row: UserRow,
}

impl TryFrom<UserRow> for Unread {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let id = ResourceId::parse(&row.id).ok_or_else(|| unreadable("users.id"))?;
        Ok(Self { id, row })
    }
}

impl UnreadUser for Unread {
    fn id(&self) -> &ResourceId {
        &self.id
    }

    fn version(&self) -> Version {
        Version(self.row.version)
    }

    fn created(&self) -> DateTime<Utc> {
        instant(self.row.created_at)
    }

    fn last_modified(&self) -> DateTime<Utc> {
        instant(self.row.updated_at)
    }

    fn manager(&self) -> Option<ResourceId> {
        let seen = self.row.seen_manager.as_deref();
        seen.and_then(ResourceId::parse)
    }

    fn document(&self) -> &str {
        &self.row.scim_document
    }

    fn contents(&self, take: &mut dyn FnMut(Option<&[u8]>)) {
        // By name, so that a column which is added is not forgotten.
        let UserRow {
            id: _,
            user_name,
            first_name,
            last_name,
            display_name,
            email,
            contact_no,
            alt_contact_no1,
            alt_contact_no2,
            job_title,
            employee_id,
            department,
            location,
            manager,
            company,
            language,
            time_zone,
            user_type,
            is_vip,
            custom_fields,
            status,
            external_id,
            scim_document,
            held,
            roles,
            version: _,
            created_at: _,
            updated_at: _,
            seen_manager,
        } = &self.row;
        for text in [
            user_name,
            user_type,
            custom_fields,
            status,
            scim_document,
            roles,
        ] {
            take(Some(text.as_bytes()));
        }
        for text in [
            first_name,
            last_name,
            display_name,
            email,
            contact_no,
            alt_contact_no1,
            alt_contact_no2,
            job_title,
            employee_id,
            department,
            location,
            manager,
            company,
            language,
            time_zone,
            external_id,
            seen_manager,
        ] {
            take(text.as_ref().map(String::as_bytes));
        }
        for number in [is_vip, held] {
            take(Some(&number.to_le_bytes()));
        }
    }

    fn read(&self) -> Result<StoredUser, StoreError> {
        self.row.clone().try_into()
    }
}
