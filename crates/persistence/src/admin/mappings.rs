//! Rows of `mapping_versions` and `custom_fields`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use scim_admin::mapping::{DRAFT, MappingVersion, ReceivedAttribute};
use scim_admin::store::{ReadMappings, WriteCustomFields, WriteMappings};
use scim_mapping::{CustomField, EXTENSION, MappedResource, MappingSet};
use scim_provisioning::model::{ModelSource, ModelVersion};
use scim_provisioning::{ConfigurationId, StoreError};
use serde::Serialize;

use super::{AdminRows, seen};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::people::Write;
use crate::sql::{Dialect, Sql};
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    rules: String,
    #[diesel(sql_type = Text)]
    checksum: String,
    #[diesel(sql_type = Text)]
    note: String,
    #[diesel(sql_type = Text)]
    created_by: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(diesel::QueryableByName)]
struct FieldRow {
    #[diesel(sql_type = Text)]
    definition: String,
}

/// The rules and fields of a configuration in these versions.
pub(crate) fn model(
    connection: &mut Connection,
    configuration: ConfigurationId,
    version: ModelVersion,
) -> Result<ModelSource, StoreError> {
    let mut rules = |resource, version| {
        let found = versions(connection, configuration, resource, Some(version))?;
        let only = found.into_iter().next();
        only.map(|found| found.rules)
            .ok_or_else(|| unreadable("mapping_versions"))
    };
    Ok(ModelSource {
        users: rules(MappedResource::User, version.user)?,
        groups: rules(MappedResource::Group, version.group)?,
        custom_fields: custom_fields(connection)?,
    })
}

/// The versions of a mapping, the newest first and the draft last; or one of them.
pub(super) fn versions(
    connection: &mut Connection,
    configuration: ConfigurationId,
    resource: MappedResource,
    version: Option<i64>,
) -> Result<Vec<MappingVersion>, StoreError> {
    let mut sql = connection.sql(
        "SELECT version, rules, checksum, note, created_by, created_at FROM mapping_versions \
         WHERE configuration_id = ",
    );
    sql.bind(configuration.to_string());
    sql.push(" AND resource = ").bind(name(resource));
    if let Some(version) = version {
        sql.push(" AND version = ").bind(version);
    }
    sql.push(" ORDER BY version DESC");
    let rows: Vec<VersionRow> = connection.rows(&sql)?;
    rows.into_iter()
        .map(|row| {
            let rules: MappingSet = serde_json::from_str(&row.rules)
                .map_err(|_json| unreadable("mapping_versions.rules"))?;
            Ok(MappingVersion {
                configuration,
                version: row.version,
                rules,
                checksum: row.checksum,
                note: row.note,
                created_by: row.created_by,
                created: instant(row.created_at),
            })
        })
        .collect()
}

impl ReadMappings for AdminRows<'_> {
    fn mapping_versions(
        &mut self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<Vec<MappingVersion>, StoreError> {
        versions(self.connection, configuration, resource, None)
    }

    fn custom_fields(&mut self) -> Result<Vec<CustomField>, StoreError> {
        custom_fields(self.connection)
    }

    fn received_attributes(
        &mut self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<Vec<ReceivedAttribute>, StoreError> {
        seen::list(self.connection, configuration, resource)
    }
}

impl WriteMappings for AdminRows<'_> {
    fn insert_mapping_version(&mut self, version: &MappingVersion) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "INSERT INTO mapping_versions (configuration_id, resource, version, rules, checksum, \
             note, created_by, created_at) VALUES (",
        );
        sql.bind(version.configuration.to_string());
        sql.push(", ").bind(name(version.rules.resource));
        sql.push(", ").bind(version.version);
        sql.push(", ").bind(written(&version.rules));
        sql.push(", ").bind(&version.checksum);
        sql.push(", ").bind(&version.note);
        sql.push(", ").bind(&version.created_by);
        sql.push(", ").bind(millis(version.created)).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn delete_draft(
        &mut self,
        configuration: ConfigurationId,
        resource: MappedResource,
    ) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("DELETE FROM mapping_versions WHERE configuration_id = ");
        sql.bind(configuration.to_string());
        sql.push(" AND resource = ").bind(name(resource));
        sql.push(" AND version = ").bind(DRAFT);
        self.connection.execute(&sql)?;
        Ok(())
    }
}

impl WriteCustomFields for AdminRows<'_> {
    fn insert_custom_field(
        &mut self,
        field: &CustomField,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("INSERT INTO custom_fields (field_key, definition, created_at) VALUES (");
        sql.bind(&field.key).push(", ").bind(written(field));
        sql.push(", ").bind(millis(at)).push(")");
        self.connection.execute(&sql)?;
        count_up(self.connection)
    }

    fn update_custom_field(&mut self, field: &CustomField) -> Result<bool, StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE custom_fields SET definition = ");
        sql.bind(written(field))
            .push(" WHERE field_key = ")
            .bind(&field.key);
        counted(self.connection, &sql)
    }

    fn delete_custom_field(&mut self, key: &str) -> Result<bool, StoreError> {
        let mut sql = self
            .connection
            .sql("DELETE FROM custom_fields WHERE field_key = ");
        sql.bind(key);
        counted(self.connection, &sql)
    }

    fn forget_custom_values(&mut self, key: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        forget_values(self.connection, key, at)
    }
}

/// Changes the fields and counts that, where there was something to change.
fn counted(connection: &mut Connection, sql: &Sql) -> Result<bool, StoreError> {
    if connection.execute(sql)? == 0 {
        return Ok(false);
    }
    count_up(connection)?;
    Ok(true)
}

pub(crate) fn custom_fields(connection: &mut Connection) -> Result<Vec<CustomField>, StoreError> {
    let sql = connection.sql("SELECT definition FROM custom_fields ORDER BY created_at, field_key");
    let rows: Vec<FieldRow> = connection.rows(&sql)?;
    rows.iter()
        .map(|row| {
            serde_json::from_str(&row.definition)
                .map_err(|_json| unreadable("custom_fields.definition"))
        })
        .collect()
}

/// Takes the values of a field out of every record, and out of what identity providers said.
fn forget_values(
    connection: &mut Connection,
    key: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let forget = match connection.dialect() {
        Dialect::Sqlite => {
            let field = format!("$.{key}");
            let attribute = format!("$.\"{EXTENSION}\".{key}");
            let columns = [
                ("custom_fields", &field),
                ("scim_document", &attribute),
                ("search_document", &attribute),
            ];
            Write::update(
                connection,
                |sql| {
                    for (column, path) in columns {
                        sql.push(&format!("{column} = json_remove({column}, "))
                            .bind(path);
                        sql.push("), ");
                    }
                    sql.push("version = version + 1, updated_at = ")
                        .bind(millis(now));
                },
                |sql| {
                    sql.push("json_type(custom_fields, ").bind(&field);
                    sql.push(") IS NOT NULL OR json_type(scim_document, ")
                        .bind(&attribute);
                    sql.push(") IS NOT NULL");
                },
            )
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let attribute = format!("{{\"{EXTENSION}\",\"{key}\"}}");
            Write::update(
                connection,
                |sql| {
                    sql.push("custom_fields = (custom_fields::jsonb - CAST(")
                        .bind(key);
                    sql.push(" AS text))::text, scim_document = (scim_document::jsonb #- CAST(");
                    sql.bind(&attribute);
                    sql.push(" AS text[]))::text, search_document = search_document #- CAST(");
                    sql.bind(&attribute).push(" AS text[])");
                    sql.push(", version = version + 1, updated_at = ")
                        .bind(millis(now));
                },
                |sql| {
                    sql.push("jsonb_exists(custom_fields::jsonb, CAST(")
                        .bind(key);
                    sql.push(" AS text)) OR scim_document::jsonb #> CAST(")
                        .bind(&attribute);
                    sql.push(" AS text[]) IS NOT NULL");
                },
            )
        }
    };
    forget.run(connection)?;
    Ok(())
}

/// Tells every server that the fields changed.
fn count_up(connection: &mut Connection) -> Result<(), StoreError> {
    let sql = connection.sql("UPDATE field_catalog SET revision = revision + 1");
    connection.execute(&sql)?;
    Ok(())
}

fn name(resource: MappedResource) -> &'static str {
    match resource {
        MappedResource::User => "user",
        MappedResource::Group => "group",
    }
}

fn written(value: &impl Serialize) -> String {
    // Keys are strings and nothing fails by itself, so that JSON can always be written.
    serde_json::to_string(value).unwrap_or_default()
}
