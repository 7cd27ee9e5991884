//! Rows of `instance` and `instance_keys`, and what needs keys.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use diesel::{ExpressionMethods, QueryDsl};
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

#[derive(diesel::QueryableByName)]
struct NeedRow {
    #[diesel(sql_type = Text)]
    signed: String,
    #[diesel(sql_type = Text)]
    sealed: String,
    #[diesel(sql_type = BigInt)]
    tokens: i64,
}

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
        let mut sql = self.connection.sql(
            "SELECT COALESCE(signed_by, key_id) AS signed, key_id AS sealed, COUNT(*) AS tokens \
             FROM access_tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ",
        );
        sql.bind(millis(now));
        sql.push(") AND (retire_at IS NULL OR retire_at > ");
        sql.bind(millis(now));
        sql.push(") GROUP BY COALESCE(signed_by, key_id), key_id");
        let rows: Vec<NeedRow> = self.connection.rows(&sql)?;
        let mut needs = BTreeMap::new();
        for row in rows {
            KeyNeed::of(&mut needs, &row.signed).signed += row.tokens;
            KeyNeed::of(&mut needs, &row.sealed).sealed += row.tokens;
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
            let mut sql = self
                .connection
                .sql("INSERT INTO instance_keys (id, created_at) VALUES (");
            sql.bind(key).push(", ").bind(millis(*created));
            sql.push(") ON CONFLICT (id) DO NOTHING");
            self.connection.execute(&sql)?;
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
