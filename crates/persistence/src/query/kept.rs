//! Typed queries whose text is written once.
//!
//! diesel writes the text of a query anew at every look into its cache of prepared statements, and
//! through one connection type for two engines it does so three times for each execution. Most
//! queries have a text that follows from their type, which diesel itself relies on: of those the
//! text is kept, and only their binds are collected.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::TypeMetadata;

use crate::engine::{Engine, MultiBackend, text_for};
use crate::sql::Dialect;

/// A query with its text, where that follows from its type.
pub(crate) struct Kept<Q> {
    query: Q,
    known: Option<&'static Text>,
}

/// What is known of every query of a type.
struct Text {
    text: String,
    /// Whether it is worth being prepared once.
    prepared: bool,
}

impl<Q: QueryFragment<MultiBackend> + QueryId> Kept<Q> {
    /// A query on the engine on which it is executed.
    pub(crate) fn new(engine: &Engine, dialect: Dialect, query: Q) -> Self {
        let known = Q::query_id().and_then(|id| {
            let key = (id, dialect);
            let there = TEXTS.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = there.get(&key).copied() {
                return Some(known);
            }
            drop(there);
            write(engine, &query, key)
        });
        Self { query, known }
    }
}

/// Writes the text of a query for the first time. There are as many as there are queries in this
/// crate, and they stay.
fn write<Q: QueryFragment<MultiBackend>>(
    engine: &Engine,
    query: &Q,
    key: (TypeId, Dialect),
) -> Option<&'static Text> {
    let backend = engine.backend();
    let text = text_for(&backend, query).ok()?;
    let prepared = query.is_safe_to_cache_prepared(&backend).ok()?;
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    let known = texts
        .entry(key)
        .or_insert_with(|| Box::leak(Box::new(Text { text, prepared })));
    Some(known)
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Kept<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.query.walk_ast(out)
    }

    fn to_sql(
        &self,
        out: &mut <MultiBackend as Backend>::QueryBuilder,
        backend: &MultiBackend,
    ) -> QueryResult<()> {
        match self.known {
            Some(known) => {
                debug_assert_eq!(
                    Ok(&known.text),
                    text_for(backend, &self.query).as_ref(),
                    "the text of a query does not follow from its type"
                );
                out.push_sql(&known.text);
                Ok(())
            }
            None => self.query.to_sql(out, backend),
        }
    }

    fn collect_binds<'b>(
        &'b self,
        out: &mut <MultiBackend as Backend>::BindCollector<'b>,
        lookup: &mut <MultiBackend as TypeMetadata>::MetadataLookup,
        backend: &'b MultiBackend,
    ) -> QueryResult<()> {
        self.query.collect_binds(out, lookup, backend)
    }

    fn is_safe_to_cache_prepared(&self, backend: &MultiBackend) -> QueryResult<bool> {
        match self.known {
            Some(known) => Ok(known.prepared),
            None => self.query.is_safe_to_cache_prepared(backend),
        }
    }
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}
impl<Q: QueryId> QueryId for Kept<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}
impl<Q, C> RunQueryDsl<C> for Kept<Q> {}

type Texts = HashMap<(TypeId, Dialect), &'static Text>;
static TEXTS: LazyLock<RwLock<Texts>> = LazyLock::new(RwLock::default);

#[cfg(test)]
pub(crate) mod tests {
    use diesel::prelude::*;
    use diesel::sqlite::SqliteConnection;

    use super::*;
    use crate::schema::users;
    use crate::sql::Sql;

    fn a_text_is_kept_where_it_follows_from_the_type() {
        let connection = SqliteConnection::establish(":memory:").unwrap();
        let engine = Engine::Sqlite(connection);
        let named = |name: &str| {
            let query = users::table.filter(users::user_name_key.eq(name.to_owned()));
            let kept = Kept::new(&engine, Dialect::Sqlite, query.select(users::id));
            kept.known.unwrap()
        };
        assert!(std::ptr::eq(named("ava"), named("bo")));
        assert!(named("ava").prepared && named("ava").text.contains("`user_name_key` = ?"));

        let name = Some("ava");
        let insert = diesel::insert_into(crate::schema::groups::table).values((
            crate::schema::groups::id.eq("id"),
            crate::schema::groups::managed_by.eq(name),
        ));
        let kept = Kept::new(&engine, Dialect::Sqlite, insert);
        assert!(kept.known.is_some_and(|known| known.prepared));

        let written = |text: &str| Sql::new(Dialect::Sqlite, text);
        let kept = Kept::new(&engine, Dialect::Sqlite, written("SELECT 1"));
        assert!(kept.known.is_none());
        let one = engine.text(&kept);
        let other = Kept::new(&engine, Dialect::Sqlite, written("SELECT 2"));
        assert_eq!([one, engine.text(&other)], ["SELECT 1", "SELECT 2"]);
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: a_text_is_kept_where_it_follows_from_the_type;
        }
    }
}
