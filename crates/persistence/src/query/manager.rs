//! The address of a user's manager, which is answered as the directory knows it, whatever was sent.

use scim_protocol::filter::Target;
use scim_protocol::schema::uri;

#[cfg(feature = "postgres")]
use super::path::postgres_path;
use super::path::{literal, sqlite_path};
use crate::scope::REPORT_BESIDE;
use crate::sql::Dialect;

/// Whether a target of a user is the address of the manager.
pub(crate) fn is_reference(target: &Target) -> bool {
    target.extension.as_deref() == Some(uri::ENTERPRISE_USER)
        && &*target.attribute == "manager"
        && target.sub_attribute.as_deref() == Some("$ref")
}

/// The id of the manager whom the user `r` names by it and who is seen, as an expression.
pub(crate) fn seen(dialect: Dialect) -> String {
    let path = [uri::ENTERPRISE_USER, "manager", "value"].map(str::to_owned);
    let named = match dialect {
        Dialect::Sqlite => {
            let path = literal(&sqlite_path(&path));
            format!("json_extract(r.search_document, {path})")
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => format!("(r.search_document #>> {})", postgres_path(&path)),
    };
    format!(
        "(SELECT s.id FROM users s WHERE s.id = r.manager_id AND s.id = {named} AND {REPORT_BESIDE})"
    )
}
