//! Rows of `instance` and `instance_keys`, and what needs keys.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_admin::AccessToken;
use scim_admin::safekeeping::{ClockDoubt, InstanceRecord, KeyNeed, RecordedKey};
use scim_admin::store::{KeepInstance, ReadInstance, WriteInstance};
use scim_provisioning::StoreError;

use super::AdminRows;
use super::tokens;
use crate::feed::webhooks;
use crate::schema::access_tokens;
use crate::schema_instance::{instance, instance_keys};
use crate::time::{instant, millis};
use crate::writes::on_conflict;

impl ReadInstance for AdminRows<'_> {
    fn instance(&mut self) -> Result<InstanceRecord, StoreError> {
        type Row = (Option<String>, Option<i64>, Option<i64>, Option<i64>);
        let row: Option<Row> = self.connection.first(instance::table.select((
            instance::instance_id,
            instance::kept_up_at,
            instance::doubted_since,
            instance::doubted_at,
        )))?;
        let (id, kept_up, since, at) = row.unwrap_or_default();
        let keys: Vec<(String, i64, Option<i64>)> = self.connection.load(
            instance_keys::table
                .select((
                    instance_keys::id,
                    instance_keys::created_at,
                    instance_keys::retired_at,
                ))
                .order((instance_keys::created_at, instance_keys::id)),
        )?;
        let key = |(id, created, retired): (String, i64, Option<i64>)| RecordedKey {
            id,
            created: instant(created),
            retired: retired.map(instant),
        };
        Ok(InstanceRecord {
            id,
            keys: keys.into_iter().map(key).collect(),
            kept_up: kept_up.map(instant),
            doubt: since.zip(at).map(|(since, at)| ClockDoubt {
                since: instant(since),
                at: instant(at),
            }),
        })
    }

    fn key_needs(&mut self, now: DateTime<Utc>) -> Result<Vec<KeyNeed>, StoreError> {
        let now_millis = millis(now);
        let valid = access_tokens::table
            .filter(access_tokens::revoked_at.is_null())
            .filter(
                access_tokens::expires_at
                    .is_null()
                    .or(access_tokens::expires_at.gt(now_millis)),
            )
            .filter(
                access_tokens::retire_at
                    .is_null()
                    .or(access_tokens::retire_at.gt(now_millis)),
            )
            .select((
                access_tokens::signed_by,
                access_tokens::key_id,
                access_tokens::expires_at,
                access_tokens::retire_at,
            ));
        // Two of a configuration at most.
        type Row = (Option<String>, String, Option<i64>, Option<i64>);
        let rows: Vec<Row> = self.connection.load(valid)?;
        let mut needs = BTreeMap::new();
        for (signed, sealed, expires, retires) in rows {
            let until = expires.into_iter().chain(retires).min().map(instant);
            KeyNeed::of(&mut needs, signed.as_deref().unwrap_or(&sealed)).sign(1, until);
            KeyNeed::of(&mut needs, &sealed).sealed += 1;
        }
        for webhook in webhooks::list(self.connection)? {
            for secret in webhook.secrets(now) {
                KeyNeed::of(&mut needs, &secret.key).webhooks += 1;
            }
        }
        Ok(needs.into_values().collect())
    }

    fn tokens_sealed_by_others(
        &mut self,
        key: &str,
        now: DateTime<Utc>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<AccessToken>, StoreError> {
        tokens::sealed_by_others(self.connection, key, now, after, limit)
    }

    fn tokens_lacking_keys(
        &mut self,
        there: &[String],
        now: DateTime<Utc>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        tokens::lacking_keys(self.connection, there, now, after, limit)
    }
}

impl WriteInstance for AdminRows<'_> {
    fn note_retired_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let update = diesel::update(instance_keys::table.find(id))
            .set(instance_keys::retired_at.eq(Some(millis(at))));
        self.connection.execute(update).map(drop)
    }

    fn reseal_token(
        &mut self,
        read: &AccessToken,
        sealed: &str,
        key: &str,
    ) -> Result<bool, StoreError> {
        let unsigned = access_tokens::table
            .find(&read.id)
            .filter(access_tokens::sealed.eq(&read.sealed));
        let signed = unsigned.filter(access_tokens::signed_by.is_null());
        let update = diesel::update(signed).set(access_tokens::signed_by.eq(Some(&read.key_id)));
        self.connection.execute(update)?;
        let update = diesel::update(unsigned).set((
            access_tokens::sealed.eq(sealed),
            access_tokens::key_id.eq(key),
        ));
        Ok(self.connection.execute(update)? > 0)
    }
}

impl KeepInstance for AdminRows<'_> {
    fn bind_instance(
        &mut self,
        id: &str,
        keys: &[(String, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        let update = diesel::update(instance::table).set(instance::instance_id.eq(Some(id)));
        self.connection.execute(update)?;
        for (key, created) in keys {
            // Two programs may meet the same new key at the same time.
            let insert = diesel::insert_into(instance_keys::table).values((
                instance_keys::id.eq(key),
                instance_keys::created_at.eq(millis(*created)),
            ));
            self.connection
                .execute(on_conflict(insert, (instance_keys::id,)).ignored())?;
        }
        Ok(())
    }

    fn note_upkeep(&mut self, at: DateTime<Utc>) -> Result<(), StoreError> {
        let update = diesel::update(instance::table).set((
            instance::kept_up_at.eq(Some(millis(at))),
            instance::doubted_since.eq(None::<i64>),
            instance::doubted_at.eq(None::<i64>),
        ));
        self.connection.execute(update).map(drop)
    }

    fn note_doubt(&mut self, doubt: ClockDoubt) -> Result<(), StoreError> {
        let update = diesel::update(instance::table).set((
            instance::doubted_since.eq(Some(millis(doubt.since))),
            instance::doubted_at.eq(Some(millis(doubt.at))),
        ));
        self.connection.execute(update).map(drop)
    }
}
