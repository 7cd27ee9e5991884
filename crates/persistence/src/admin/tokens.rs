//! Rows of `access_tokens`.

use chrono::{DateTime, Duration, Utc};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use scim_admin::store::{KeepTokens, ReadTokens, WriteTokens};
use scim_admin::token::Retirement;
use scim_admin::{AccessToken, ProvisioningConfiguration};
use scim_provisioning::{ConfigurationId, StoreError};

use super::AdminRows;
use super::configurations::{ConfigurationRow, columns};
use crate::connection::Connection;
use crate::error::{readable, unreadable};
use crate::schema::{access_tokens, provisioning_configurations};
use crate::schema_instance::authority;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = access_tokens)]
struct TokenRow {
    id: String,
    configuration_id: String,
    hash: String,
    sealed: String,
    key_id: String,
    hint: String,
    created_at: i64,
    created_by: String,
    made_by: Option<String>,
    expires_at: Option<i64>,
    replaced_by: Option<String>,
    retire_after: Option<i64>,
    retire_at: Option<i64>,
    revoked_at: Option<i64>,
    first_used_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_from: Option<String>,
    last_used_by: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = access_tokens)]
struct NewToken<'a> {
    id: &'a str,
    configuration_id: String,
    hash: &'a str,
    sealed: &'a str,
    key_id: &'a str,
    hint: &'a str,
    created_at: i64,
    created_by: &'a str,
    made_by: Option<&'a str>,
    expires_at: Option<i64>,
}

/// What changes of a token.
#[derive(AsChangeset)]
#[diesel(table_name = access_tokens, treat_none_as_null = true)]
struct TokenChanges<'a> {
    made_by: Option<&'a str>,
    expires_at: Option<i64>,
    replaced_by: Option<&'a str>,
    retire_after: Option<i64>,
    retire_at: Option<i64>,
    revoked_at: Option<i64>,
    first_used_at: Option<i64>,
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

/// Tokens beside their configurations.
macro_rules! with_configuration {
    () => {
        access_tokens::table.inner_join(
            provisioning_configurations::table
                .on(provisioning_configurations::id.eq(access_tokens::configuration_id)),
        )
    };
}

/// So many live tokens by their ids behind one of them.
macro_rules! live {
    ($now:expr, $after:expr, $limit:expr) => {{
        let now = millis($now);
        let (ends, retires) = (access_tokens::expires_at, access_tokens::retire_at);
        access_tokens::table
            .filter(access_tokens::id.gt($after))
            .filter(access_tokens::revoked_at.is_null())
            .filter(ends.is_null().or(ends.gt(now)))
            .filter(retires.is_null().or(retires.gt(now)))
            .order(access_tokens::id)
            .limit($limit)
    }};
}

impl ReadTokens for AdminRows<'_> {
    fn authority(&mut self) -> Result<String, StoreError> {
        let query = authority::table.find(1).select(authority::state);
        let state: Option<String> = self.connection.first(query)?;
        state.ok_or_else(|| unreadable("authority"))
    }

    fn tokens(&mut self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, StoreError> {
        let query = access_tokens::table
            .filter(access_tokens::configuration_id.eq(configuration.to_string()))
            .select(TokenRow::as_select())
            .order(access_tokens::id.desc());
        let rows: Vec<TokenRow> = self.connection.load(query)?;
        let id = |row: &TokenRow| row.id.clone();
        Ok(readable(rows, "access_tokens", id, AccessToken::try_from))
    }

    fn token_of_hash(
        &mut self,
        hash: &str,
    ) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError> {
        let query = with_configuration!()
            .filter(access_tokens::hash.eq(hash))
            .select((TokenRow::as_select(), columns!()));
        let row: Option<(TokenRow, (ConfigurationRow, Option<i64>))> =
            self.connection.first(query)?;
        row.map(|(token, (configuration, revision))| {
            Ok((token.try_into()?, configuration.read(revision)?))
        })
        .transpose()
    }

    fn tokens_made_by(
        &mut self,
        keys: &[String],
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let mut found = Vec::new();
        for key in keys {
            let query = with_configuration!()
                .filter(access_tokens::made_by.eq(key))
                .filter(access_tokens::revoked_at.is_null())
                .select((TokenRow::as_select(), provisioning_configurations::name));
            found.extend(named(self.connection.load(query)?));
        }
        found.sort_by(|(one, _), (other, _)| other.id.cmp(&one.id));
        Ok(found)
    }

    fn ended_tokens(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let now = millis(now);
        let query = with_configuration!()
            .filter(access_tokens::end_noted.eq(0))
            .filter(access_tokens::revoked_at.is_null())
            .filter(
                access_tokens::expires_at
                    .le(now)
                    .or(access_tokens::retire_at.le(now)),
            )
            .select((TokenRow::as_select(), provisioning_configurations::name))
            .order(access_tokens::id)
            .limit(ENDED);
        Ok(named(self.connection.load(query)?))
    }
}

impl WriteTokens for AdminRows<'_> {
    fn insert_token(&mut self, token: &AccessToken) -> Result<(), StoreError> {
        let insert = diesel::insert_into(access_tokens::table).values(NewToken {
            id: &token.id,
            configuration_id: token.configuration.to_string(),
            hash: &token.hash,
            sealed: &token.sealed,
            key_id: &token.key_id,
            hint: &token.hint,
            created_at: millis(token.created),
            created_by: &token.created_by,
            made_by: token.made_by.as_deref(),
            expires_at: token.expires.map(millis),
        });
        self.connection.execute(insert).map(drop)
    }

    fn update_token(&mut self, token: &AccessToken) -> Result<bool, StoreError> {
        let retirement = token.retirement.as_ref();
        let live = access_tokens::table
            .find(&token.id)
            .filter(access_tokens::revoked_at.is_null());
        let update = diesel::update(live).set(TokenChanges {
            made_by: token.made_by.as_deref(),
            expires_at: token.expires.map(millis),
            replaced_by: retirement.map(|retirement| retirement.by.as_str()),
            retire_after: retirement.map(|retirement| retirement.overlap.num_milliseconds()),
            retire_at: retirement.and_then(|retirement| retirement.at).map(millis),
            revoked_at: token.revoked.map(millis),
            first_used_at: token.first_used.map(millis),
        });
        Ok(self.connection.execute(update)? > 0)
    }

    fn note_token_end(&mut self, id: &str) -> Result<bool, StoreError> {
        let new = access_tokens::table
            .find(id)
            .filter(access_tokens::end_noted.eq(0));
        let update = diesel::update(new).set(access_tokens::end_noted.eq(1));
        Ok(self.connection.execute(update)? > 0)
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
        let update = diesel::update(access_tokens::table.find(id))
            .set((
                access_tokens::last_used_at.eq(millis(at)),
                access_tokens::last_used_from.eq(from),
                access_tokens::last_used_by.eq(client),
            ))
            .returning(access_tokens::first_used_at);
        let first: Option<Option<i64>> = self.connection.first(update)?;
        Ok(first.is_none_or(|first| first.is_some()))
    }
}

/// Live tokens that another key sealed, by their ids behind one of them.
pub(super) fn sealed_by_others(
    connection: &mut Connection,
    key: &str,
    now: DateTime<Utc>,
    after: &str,
    limit: i64,
) -> Result<Vec<AccessToken>, StoreError> {
    let query = live!(now, after, limit)
        .filter(access_tokens::key_id.ne(key))
        .select(TokenRow::as_select());
    let rows: Vec<TokenRow> = connection.load(query)?;
    rows.into_iter().map(AccessToken::try_from).collect()
}

/// Live tokens that another key than these signed or sealed, with it, by their ids behind one of
/// them.
pub(super) fn lacking_keys(
    connection: &mut Connection,
    there: &[String],
    now: DateTime<Utc>,
    after: &str,
    limit: i64,
) -> Result<Vec<(AccessToken, String)>, StoreError> {
    let sealed = access_tokens::key_id.ne_all(there);
    let signed = access_tokens::signed_by.ne_all(there);
    let query = live!(now, after, limit)
        .filter(sealed.nullable().or(signed))
        .select((TokenRow::as_select(), access_tokens::signed_by));
    let rows: Vec<(TokenRow, Option<String>)> = connection.load(query)?;
    let lacking = |(row, signed): (TokenRow, Option<String>)| {
        let token = AccessToken::try_from(row)?;
        let signed = signed.filter(|key| !there.contains(key));
        let key = signed.unwrap_or_else(|| token.key_id.clone());
        Ok((token, key))
    };
    rows.into_iter().map(lacking).collect()
}

fn named(rows: Vec<(TokenRow, String)>) -> Vec<(AccessToken, String)> {
    let id = |(row, _): &(TokenRow, String)| row.id.clone();
    let named = |(token, configuration): (TokenRow, _)| Ok((token.try_into()?, configuration));
    readable(rows, "access_tokens", id, named)
}

/// How many tokens that have ended are told of at once.
const ENDED: i64 = 100;
