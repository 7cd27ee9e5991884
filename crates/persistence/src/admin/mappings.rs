//! Rows of `mapping_versions` and `custom_fields`.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::mapping::{DRAFT, MappingVersion, ReceivedAttribute};
use scim_admin::store::{ReadMappings, WriteCustomFields, WriteMappings};
use scim_mapping::{CustomField, EXTENSION, MappingSet, ResourceKind};
use scim_provisioning::model::{ModelSource, ModelVersion};
use scim_provisioning::{ConfigurationId, StoreError};
use serde::Serialize;

use super::{AdminRows, seen, tables};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::people::Write;
use crate::schema::{custom_fields, field_catalog, mapping_versions};
use crate::sql::Dialect;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = mapping_versions)]
struct VersionRow {
    version: i64,
    rules: String,
    checksum: String,
    note: String,
    created_by: String,
    created_at: i64,
    tables: String,
}

#[derive(Insertable)]
#[diesel(table_name = mapping_versions)]
struct NewVersion<'a> {
    configuration_id: String,
    resource: &'a str,
    version: i64,
    rules: String,
    checksum: &'a str,
    note: &'a str,
    created_by: &'a str,
    created_at: i64,
    tables: String,
}

/// The rules and fields of a configuration in these versions.
pub(crate) fn model(
    connection: &mut Connection,
    configuration: ConfigurationId,
    version: ModelVersion,
) -> Result<ModelSource, StoreError> {
    let mut source = ModelSource::usual(custom_fields(connection)?);
    for resource in ResourceKind::ALL {
        let number = version.mapping(resource);
        let found = versions(connection, configuration, resource, Some(number))?;
        let only = found.into_iter().next();
        let found = only.ok_or_else(|| unreadable("mapping_versions"))?;
        let tables = tables::pinned(connection, &found.tables)?;
        source = source.with_rules(found.rules, tables);
    }
    Ok(source)
}

/// The versions of a mapping, the newest first and the draft last; or one of them.
pub(super) fn versions(
    connection: &mut Connection,
    configuration: ConfigurationId,
    resource: ResourceKind,
    version: Option<i64>,
) -> Result<Vec<MappingVersion>, StoreError> {
    let mut query = mapping_versions::table
        .filter(mapping_versions::configuration_id.eq(configuration.to_string()))
        .filter(mapping_versions::resource.eq(resource.word()))
        .order(mapping_versions::version.desc())
        .select(VersionRow::as_select())
        .into_boxed();
    if let Some(version) = version {
        query = query.filter(mapping_versions::version.eq(version));
    }
    let rows: Vec<VersionRow> = connection.load(query)?;
    rows.into_iter()
        .map(|row| {
            let rules: MappingSet = serde_json::from_str(&row.rules)
                .map_err(|_json| unreadable("mapping_versions.rules"))?;
            Ok(MappingVersion {
                configuration,
                version: row.version,
                rules,
                tables: serde_json::from_str(&row.tables)
                    .map_err(|_json| unreadable("mapping_versions.tables"))?,
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
        resource: ResourceKind,
    ) -> Result<Vec<MappingVersion>, StoreError> {
        versions(self.connection, configuration, resource, None)
    }

    fn custom_fields(&mut self) -> Result<Vec<CustomField>, StoreError> {
        custom_fields(self.connection)
    }

    fn received_attributes(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<ReceivedAttribute>, StoreError> {
        seen::list(self.connection, configuration, resource)
    }
}

impl WriteMappings for AdminRows<'_> {
    fn insert_mapping_version(&mut self, version: &MappingVersion) -> Result<(), StoreError> {
        let insert = diesel::insert_into(mapping_versions::table).values(NewVersion {
            configuration_id: version.configuration.to_string(),
            resource: version.rules.resource.word(),
            version: version.version,
            rules: written(&version.rules),
            checksum: &version.checksum,
            note: &version.note,
            created_by: &version.created_by,
            created_at: millis(version.created),
            tables: written(&version.tables),
        });
        self.connection.execute(insert).map(drop)
    }

    fn delete_draft(
        &mut self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<(), StoreError> {
        let draft = (configuration.to_string(), resource.word(), DRAFT);
        let delete = diesel::delete(mapping_versions::table.find(draft));
        self.connection.execute(delete).map(drop)
    }
}

impl WriteCustomFields for AdminRows<'_> {
    fn insert_custom_field(
        &mut self,
        field: &CustomField,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let insert = diesel::insert_into(custom_fields::table).values((
            custom_fields::field_key.eq(&field.key),
            custom_fields::definition.eq(written(field)),
            custom_fields::created_at.eq(millis(at)),
        ));
        self.connection.execute(insert)?;
        count_up(self.connection)
    }

    fn update_custom_field(&mut self, field: &CustomField) -> Result<bool, StoreError> {
        let update = diesel::update(custom_fields::table.find(&field.key))
            .set(custom_fields::definition.eq(written(field)));
        let changed = self.connection.execute(update)?;
        counted(self.connection, changed)
    }

    fn delete_custom_field(&mut self, key: &str) -> Result<bool, StoreError> {
        let delete = diesel::delete(custom_fields::table.find(key));
        let deleted = self.connection.execute(delete)?;
        counted(self.connection, deleted)
    }

    fn forget_custom_values(&mut self, key: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        forget_values(self.connection, key, at)
    }
}

/// Counts a change of the fields, where there was one.
fn counted(connection: &mut Connection, changed: usize) -> Result<bool, StoreError> {
    if changed == 0 {
        return Ok(false);
    }
    count_up(connection)?;
    Ok(true)
}

pub(crate) fn custom_fields(connection: &mut Connection) -> Result<Vec<CustomField>, StoreError> {
    let query = custom_fields::table
        .select(custom_fields::definition)
        .order((custom_fields::created_at, custom_fields::field_key));
    let rows: Vec<String> = connection.load(query)?;
    let read = |definition: &String| {
        serde_json::from_str(definition).map_err(|_json| unreadable("custom_fields.definition"))
    };
    rows.iter().map(read).collect()
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
    let update = diesel::update(field_catalog::table)
        .set(field_catalog::revision.eq(field_catalog::revision + 1));
    connection.execute(update).map(drop)
}

pub(super) fn written(value: &impl Serialize) -> String {
    // Keys are strings and nothing fails by itself, so that JSON can always be written.
    serde_json::to_string(value).unwrap_or_default()
}
