//! The column type of a document that is searched: `jsonb` on PostgreSQL, text on SQLite.

use diesel::serialize::{IsNull, Output, Result, ToSql};
use diesel::sql_types::{HasSqlType, Text};
use serde_json::Value;

use crate::engine::MultiBackend;

/// A JSON document that is searched. None is ever read back: what is answered stands beside it.
#[derive(Debug, Clone, Copy, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
#[diesel(sqlite_type(name = "Text"))]
#[cfg_attr(feature = "postgres", diesel(postgres_type(name = "jsonb")))]
pub struct Document;

impl HasSqlType<Document> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Document>(lookup)
    }
}

/// The text of a document, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, diesel::expression::AsExpression)]
#[diesel(sql_type = Document)]
pub(crate) struct Json(String);

impl From<&Value> for Json {
    fn from(document: &Value) -> Self {
        Self(document.to_string())
    }
}

impl ToSql<Document, diesel::sqlite::Sqlite> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::sqlite::Sqlite>) -> Result {
        <String as ToSql<Text, diesel::sqlite::Sqlite>>::to_sql(&self.0, out)
    }
}

#[cfg(feature = "postgres")]
impl ToSql<Document, diesel::pg::Pg> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::pg::Pg>) -> Result {
        use std::io::Write as _;
        // The version of the binary form of jsonb, which is text behind it.
        out.write_all(&[1])?;
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<Document, MultiBackend> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> Result {
        out.set_value((Document, self));
        Ok(IsNull::No)
    }
}
