//! Rows of `access_tokens`.

use chrono::{DateTime, Duration, Utc};
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::token::Retirement;
use scim_admin::{AccessToken, ProvisioningConfiguration};
use scim_provisioning::{ConfigurationId, StoreError};

use super::configurations::{self, ConfigurationRow};
use crate::condition::millis;
use crate::connection::Connection;
use crate::view::{instant, unreadable};

const COLUMNS: &str = "t.id, t.configuration_id, t.hash, t.sealed, t.key_id, t.hint, \
    t.created_at, t.created_by, t.made_by, t.expires_at, t.replaced_by, t.retire_after, \
    t.retire_at, t.revoked_at, t.first_used_at, t.last_used_at, t.last_used_from, t.last_used_by";

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

pub(super) fn insert(connection: &mut Connection, token: &AccessToken) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO access_tokens (id, configuration_id, hash, sealed, key_id, hint, created_at, \
         created_by, made_by, expires_at) VALUES (",
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
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<Vec<AccessToken>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS} FROM access_tokens t WHERE t.configuration_id = "
    ));
    sql.bind(configuration.to_string())
        .push(" ORDER BY t.id DESC");
    let rows: Vec<TokenRow> = connection.rows(&sql)?;
    rows.into_iter().map(AccessToken::try_from).collect()
}

pub(super) fn find(
    connection: &mut Connection,
    hash: &str,
) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS}, {} FROM access_tokens t \
         JOIN provisioning_configurations c ON c.id = t.configuration_id WHERE t.hash = ",
        configurations::COLUMNS
    ));
    sql.bind(hash);
    connection
        .row::<TokenAndConfiguration>(&sql)?
        .map(|row| Ok((row.token.try_into()?, row.configuration.try_into()?)))
        .transpose()
}

pub(super) fn revoke(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET revoked_at = ");
    sql.bind(millis(now)).push(" WHERE id = ").bind(id);
    sql.push(" AND revoked_at IS NULL");
    let revoked = connection.execute(&sql)? > 0;
    if revoked {
        // Nothing takes the place of another one any more.
        let mut sql = connection.sql(
            "UPDATE access_tokens SET replaced_by = NULL, retire_after = NULL, retire_at = NULL \
             WHERE revoked_at IS NULL AND replaced_by = ",
        );
        sql.bind(id).push(" AND (retire_at IS NULL OR retire_at > ");
        sql.bind(millis(now)).push(")");
        connection.execute(&sql)?;
    }
    Ok(revoked)
}

/// Lets a token go on until another one was used, and for a while after that.
pub(super) fn retire(
    connection: &mut Connection,
    id: &str,
    by: &str,
    overlap: Duration,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET retire_at = NULL, replaced_by = ");
    sql.bind(by).push(", retire_after = ");
    sql.bind(overlap.num_milliseconds());
    sql.push(" WHERE id = ").bind(id);
    connection.execute(&sql)?;
    Ok(())
}

/// Lets a token that is live now end at a time; answers whether there was one. Who takes it over
/// keeps it from ending with the key that made it.
pub(super) fn set_end(
    connection: &mut Connection,
    id: &str,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
    taken_over: bool,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql(
        "UPDATE access_tokens SET replaced_by = NULL, retire_after = NULL, retire_at = NULL, ",
    );
    if taken_over {
        sql.push("made_by = NULL, ");
    }
    sql.push("expires_at = ").bind(millis(end));
    sql.push(" WHERE id = ").bind(id);
    sql.push(" AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ");
    sql.bind(millis(now))
        .push(") AND (retire_at IS NULL OR retire_at > ");
    sql.bind(millis(now)).push(")");
    Ok(connection.execute(&sql)? > 0)
}

/// Live tokens that keys made, each with the name of its configuration, newest first.
pub(super) fn made_by(
    connection: &mut Connection,
    keys: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<(AccessToken, String)>, StoreError> {
    let mut found = Vec::new();
    for key in keys {
        let mut sql = connection.sql(&format!(
            "SELECT {COLUMNS}, c.name AS configuration_name FROM access_tokens t \
             JOIN provisioning_configurations c ON c.id = t.configuration_id WHERE t.made_by = "
        ));
        sql.bind(key).push(" AND t.revoked_at IS NULL");
        let rows: Vec<NamedRow> = connection.rows(&sql)?;
        for row in rows {
            let token = AccessToken::try_from(row.token)?;
            if token.is_live(now) {
                found.push((token, row.configuration_name));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| other.id.cmp(&one.id));
    Ok(found)
}

/// Tokens that have ended by themselves and were not told of.
pub(super) fn ended(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<Vec<(AccessToken, String)>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS}, c.name AS configuration_name FROM access_tokens t \
         JOIN provisioning_configurations c ON c.id = t.configuration_id \
         WHERE t.end_noted = 0 AND t.revoked_at IS NULL AND (t.expires_at <= "
    ));
    sql.bind(millis(now)).push(" OR t.retire_at <= ");
    sql.bind(millis(now)).push(") ORDER BY t.id LIMIT 100");
    let rows: Vec<NamedRow> = connection.rows(&sql)?;
    let named = |row: NamedRow| Ok((row.token.try_into()?, row.configuration_name));
    rows.into_iter().map(named).collect()
}

/// Notes that the end of a token was told of; answers whether it was not before.
pub(super) fn note_end(connection: &mut Connection, id: &str) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET end_noted = 1 WHERE id = ");
    sql.bind(id).push(" AND end_noted = 0");
    Ok(connection.execute(&sql)? > 0)
}

pub(super) fn touch(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
    from: Option<&str>,
    client: Option<&str>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET last_used_at = ");
    sql.bind(millis(at)).push(", last_used_from = ").bind(from);
    sql.push(", last_used_by = ").bind(client);
    sql.push(" WHERE id = ").bind(id);
    connection.execute(&sql)?;
    Ok(())
}

/// Notes the first use of a token, and with it when the one is over whose place it takes; answers
/// whether it was the first.
pub(super) fn begin(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET first_used_at = ");
    sql.bind(millis(at)).push(" WHERE id = ").bind(id);
    sql.push(" AND first_used_at IS NULL");
    if connection.execute(&sql)? == 0 {
        return Ok(false);
    }
    let mut sql = connection.sql("UPDATE access_tokens SET retire_at = retire_after + ");
    sql.bind(millis(at)).push(" WHERE replaced_by = ").bind(id);
    sql.push(" AND retire_at IS NULL");
    connection.execute(&sql)?;
    Ok(true)
}
