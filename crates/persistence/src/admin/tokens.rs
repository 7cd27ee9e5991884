//! Rows of `access_tokens`.

use chrono::{DateTime, Duration, Utc};
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::store::{KeepTokens, ReadTokens, WriteTokens};
use scim_admin::token::Retirement;
use scim_admin::{AccessToken, ProvisioningConfiguration};
use scim_provisioning::{ConfigurationId, StoreError};

use super::AdminRows;
use super::configurations::{self, ConfigurationRow};
use crate::error::unreadable;
use crate::time::{instant, millis};

macro_rules! columns {
    () => {
        "t.id, t.configuration_id, t.hash, t.sealed, t.key_id, t.hint, \
    t.created_at, t.created_by, t.made_by, t.expires_at, t.replaced_by, t.retire_after, \
    t.retire_at, t.revoked_at, t.first_used_at, t.last_used_at, t.last_used_from, t.last_used_by"
    };
}

const COLUMNS: &str = columns!();

const NAMED: &str = concat!(
    "SELECT ",
    columns!(),
    ", c.name AS configuration_name FROM access_tokens t \
     JOIN provisioning_configurations c ON c.id = t.configuration_id WHERE "
);

#[derive(QueryableByName)]
struct TokenRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = Text)]
    sealed: String,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Text)]
    hint: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Text)]
    created_by: String,
    #[diesel(sql_type = Nullable<Text>)]
    made_by: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    expires_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    replaced_by: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    retire_after: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    retire_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_used_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_used_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    last_used_from: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_used_by: Option<String>,
}

#[derive(QueryableByName)]
struct TokenAndConfiguration {
    #[diesel(embed)]
    token: TokenRow,
    #[diesel(embed)]
    configuration: ConfigurationRow,
}

#[derive(QueryableByName)]
struct UsedRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    first_used_at: Option<i64>,
}

#[derive(QueryableByName)]
struct NamedRow {
    #[diesel(embed)]
    token: TokenRow,
    #[diesel(sql_type = Text)]
    configuration_name: String,
}

impl TryFrom<TokenRow> for AccessToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            configuration: ConfigurationId::parse(&row.configuration_id)
                .ok_or_else(|| unreadable("access_tokens.configuration_id"))?,
            hash: row.hash,
            sealed: row.sealed,
            key_id: row.key_id,
            hint: row.hint,
            created: instant(row.created_at),
            created_by: row.created_by,
            made_by: row.made_by,
            expires: row.expires_at.map(instant),
            retirement: row.replaced_by.map(|by| Retirement {
                by,
                overlap: Duration::milliseconds(row.retire_after.unwrap_or_default()),
                at: row.retire_at.map(instant),
            }),
            revoked: row.revoked_at.map(instant),
            first_used: row.first_used_at.map(instant),
            last_used: row.last_used_at.map(instant),
            last_used_from: row.last_used_from,
            last_used_by: row.last_used_by,
        })
    }
}

impl ReadTokens for AdminRows<'_> {
    fn tokens(&mut self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, StoreError> {
        let mut sql = self.connection.sql(&format!(
            "SELECT {COLUMNS} FROM access_tokens t WHERE t.configuration_id = "
        ));
        sql.bind(configuration.to_string())
            .push(" ORDER BY t.id DESC");
        let rows: Vec<TokenRow> = self.connection.rows(&sql)?;
        rows.into_iter().map(AccessToken::try_from).collect()
    }

    fn token_of_hash(
        &mut self,
        hash: &str,
    ) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError> {
        let mut sql = self.connection.sql(&format!(
            "SELECT {COLUMNS}, {} FROM access_tokens t \
             JOIN provisioning_configurations c ON c.id = t.configuration_id WHERE t.hash = ",
            configurations::COLUMNS
        ));
        sql.bind(hash);
        let row: Option<TokenAndConfiguration> = self.connection.row(&sql)?;
        row.map(|row| Ok((row.token.try_into()?, row.configuration.try_into()?)))
            .transpose()
    }

    fn tokens_made_by(
        &mut self,
        keys: &[String],
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let mut found = Vec::new();
        for key in keys {
            let mut sql = self.connection.sql(&format!("{NAMED}t.made_by = "));
            sql.bind(key).push(" AND t.revoked_at IS NULL");
            found.extend(named(self.connection.rows(&sql)?)?);
        }
        found.sort_by(|(one, _), (other, _)| other.id.cmp(&one.id));
        Ok(found)
    }

    fn ended_tokens(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let mut sql = self.connection.sql(&format!(
            "{NAMED}t.end_noted = 0 AND t.revoked_at IS NULL AND (t.expires_at <= "
        ));
        sql.bind(millis(now)).push(" OR t.retire_at <= ");
        sql.bind(millis(now)).push(") ORDER BY t.id LIMIT 100");
        named(self.connection.rows(&sql)?)
    }
}

impl WriteTokens for AdminRows<'_> {
    fn insert_token(&mut self, token: &AccessToken) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "INSERT INTO access_tokens (id, configuration_id, hash, sealed, key_id, hint, \
             created_at, created_by, made_by, expires_at) VALUES (",
        );
        sql.bind(&token.id);
        sql.push(", ").bind(token.configuration.to_string());
        sql.push(", ")
            .bind(&token.hash)
            .push(", ")
            .bind(&token.sealed);
        sql.push(", ")
            .bind(&token.key_id)
            .push(", ")
            .bind(&token.hint);
        sql.push(", ").bind(millis(token.created));
        sql.push(", ").bind(&token.created_by);
        sql.push(", ").bind(token.made_by.clone());
        sql.push(", ").bind(token.expires.map(millis)).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn update_token(&mut self, token: &AccessToken) -> Result<bool, StoreError> {
        let retirement = token.retirement.as_ref();
        let mut sql = self.connection.sql("UPDATE access_tokens SET made_by = ");
        sql.bind(token.made_by.clone());
        sql.push(", expires_at = ").bind(token.expires.map(millis));
        sql.push(", replaced_by = ")
            .bind(retirement.map(|retirement| retirement.by.as_str()));
        sql.push(", retire_after = ")
            .bind(retirement.map(|retirement| retirement.overlap.num_milliseconds()));
        sql.push(", retire_at = ")
            .bind(retirement.and_then(|retirement| retirement.at).map(millis));
        sql.push(", revoked_at = ").bind(token.revoked.map(millis));
        sql.push(", first_used_at = ")
            .bind(token.first_used.map(millis));
        sql.push(" WHERE id = ").bind(&token.id);
        sql.push(" AND revoked_at IS NULL");
        Ok(self.connection.execute(&sql)? > 0)
    }

    fn note_token_end(&mut self, id: &str) -> Result<bool, StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE access_tokens SET end_noted = 1 WHERE id = ");
        sql.bind(id).push(" AND end_noted = 0");
        Ok(self.connection.execute(&sql)? > 0)
    }
}

impl KeepTokens for AdminRows<'_> {
    fn touch_token(
        &mut self,
        id: &str,
        at: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE access_tokens SET last_used_at = ");
        sql.bind(millis(at)).push(", last_used_from = ").bind(from);
        sql.push(", last_used_by = ").bind(client);
        sql.push(" WHERE id = ").bind(id);
        sql.push(" RETURNING first_used_at");
        let row: Option<UsedRow> = self.connection.row(&sql)?;
        Ok(row.is_none_or(|row| row.first_used_at.is_some()))
    }
}

fn named(rows: Vec<NamedRow>) -> Result<Vec<(AccessToken, String)>, StoreError> {
    let named = |row: NamedRow| Ok((row.token.try_into()?, row.configuration_name));
    rows.into_iter().map(named).collect()
}
