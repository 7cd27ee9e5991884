//! The rows of a snapshot, in the order of their keys.

use diesel::sql_types::{BigInt, Nullable, Text};
use scim_feed::{PAGE_BYTES, SnapshotKey, SnapshotRow, Subject};
use scim_provisioning::StoreError;

use super::{ROWS_AT_ONCE, record};
use crate::connection::Connection;

/// Where rows of a subject are, and the key in whose order they are read.
struct Source {
    subject: Subject,
    view: &'static str,
    /// What an id begins with, where the subject has several sources.
    prefix: &'static str,
    /// The columns of the key, whose values are the parts of an id.
    key: &'static [&'static str],
    version: bool,
}

const SOURCES: [Source; 6] = [
    Source {
        subject: Subject::CustomField,
        view: "feed_custom_fields",
        prefix: "",
        key: &["id"],
        version: false,
    },
    Source {
        subject: Subject::User,
        view: "feed_users",
        prefix: "",
        key: &["id"],
        version: true,
    },
    Source {
        subject: Subject::Group,
        view: "feed_groups",
        prefix: "",
        key: &["id"],
        version: true,
    },
    Source {
        subject: Subject::Membership,
        view: "feed_memberships",
        prefix: "",
        key: &["group_id", "member_id"],
        version: false,
    },
    Source {
        subject: Subject::Grant,
        view: "feed_group_grants",
        prefix: "group/",
        key: &["group_id", "field", "value"],
        version: false,
    },
    Source {
        subject: Subject::Grant,
        view: "feed_manual_grants",
        prefix: "user/",
        key: &["user_id", "field", "value"],
        version: false,
    },
];

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    version: Option<i64>,
    #[diesel(sql_type = Text)]
    record: String,
}

/// Rows of these subjects behind one of them, or from the first, until there are `limit` or they hold [`PAGE_BYTES`].
pub(super) fn rows(
    connection: &mut Connection,
    subjects: &[Subject],
    after: Option<&SnapshotKey>,
    limit: usize,
) -> Result<Vec<SnapshotRow>, StoreError> {
    let (mut found, mut held) = (Vec::new(), 0);
    let told = |source: &&Source| subjects.contains(&source.subject);
    for source in SOURCES.iter().filter(told) {
        let mut behind = match after {
            Some(after) if source.is_before(after) => continue,
            Some(after) if source.holds(after) => Some(after.id.clone()),
            _ => None,
        };
        while found.len() < limit {
            let count = (limit - found.len()).min(ROWS_AT_ONCE);
            let rows = source.read(connection, behind.as_deref(), count)?;
            let ended = rows.len() < count;
            for row in rows {
                if held >= PAGE_BYTES {
                    return Ok(found);
                }
                held += row.record.len();
                behind = Some(row.id.clone());
                found.push(SnapshotRow {
                    subject: source.subject,
                    id: row.id,
                    version: row.version,
                    record: record(&row.record)?,
                });
            }
            if ended {
                break;
            }
        }
    }
    Ok(found)
}

impl Source {
    fn holds(&self, key: &SnapshotKey) -> bool {
        self.subject == key.subject && key.id.starts_with(self.prefix)
    }

    /// Whether everything in it comes before a key.
    fn is_before(&self, key: &SnapshotKey) -> bool {
        self.subject < key.subject
            || (self.subject == key.subject && !self.holds(key) && self.prefix < key.id.as_str())
    }

    fn read(
        &self,
        connection: &mut Connection,
        behind: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let key = self.key.join(", ");
        let version = if self.version { "version" } else { "NULL" };
        let mut sql = connection.sql(&format!(
            "SELECT id, CAST({version} AS bigint) AS version, record FROM {}",
            self.view
        ));
        if let Some(id) = behind.and_then(|id| id.strip_prefix(self.prefix)) {
            let mut parts = id.splitn(self.key.len(), '/');
            sql.push(&format!(" WHERE ({key}) > ("));
            for at in 0..self.key.len() {
                sql.push(if at > 0 { ", " } else { "" });
                sql.bind(parts.next().unwrap_or_default());
            }
            sql.push(")");
        }
        sql.push(&format!(" ORDER BY {key} LIMIT "));
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        connection.rows(&sql)
    }
}
