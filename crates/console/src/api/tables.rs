//! The lookup tables that rules of all configurations share.

use actix_web::http::header::EntityTag;
use scim_admin::table::TableVersion;
use scim_admin::{PutTable, TableSeen};
use scim_mapping::TableContent;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Configure};
use super::answer::{Created, Csv, Done, One, Page, tag};
use super::extract::{IfMatch, Json, Path};
use super::operation::{Operation, operations};
use super::{Problem, input};
use crate::documents::{self, LookupTable, TableSummary};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_tables,
        add_table,
        show_table,
        replace_table,
        delete_table,
        show_csv,
    ]
}

/// The table that a path is about.
#[derive(Deserialize, IntoParams)]
struct TablePath {
    /// The name of the table
    #[param(pattern = "^[a-z][a-z0-9_-]{0,62}$")]
    table: String,
}

/// List the lookup tables.
#[utoipa::path(get, path = "/tables")]
fn list_tables(by: Auditor) -> Result<Page<TableSummary>, Problem> {
    let tables = by.admin.lookup_tables()?.into_iter();
    Ok(Page::whole(tables.map(documents::table_summary).collect()))
}

/// Add a lookup table.
#[utoipa::path(post, path = "/tables")]
fn add_table(
    by: Administrator<Configure>,
    table: Json<input::NewTable>,
) -> Result<Created<LookupTable>, Problem> {
    let table = table.read()?;
    let content = content(table.columns, table.rows, table.csv)?;
    let put = by
        .admin
        .put_table(&by.actor, &table.name, content, TableSeen::None)?;
    let (document, tag) = told(put);
    let location = format!("/tables/{}", document.name);
    Ok(Created::tagged(document, tag, location))
}

/// Read a lookup table, with the rules that use it.
#[utoipa::path(get, path = "/tables/{table}")]
fn show_table(by: Auditor, Path(path): Path<TablePath>) -> Result<One<LookupTable>, Problem> {
    let found = by.found_table(&path)?;
    let tag = table_tag(&found);
    let uses = by.admin.table_uses(&found.name)?;
    Ok(One::tagged(documents::lookup_table(found, &uses), tag))
}

/// Put columns and rows in the place of those that are there. Rules in force use them from the next
/// request on; `uses` says which rules.
#[utoipa::path(put, path = "/tables/{table}")]
fn replace_table(
    by: Administrator<Configure>,
    Path(path): Path<TablePath>,
    if_match: IfMatch,
    table: Json<input::TableInput>,
) -> Result<One<LookupTable>, Problem> {
    let found = by.found_table(&path)?;
    if_match.check(&table_tag(&found))?;
    let table = table.read()?;
    let content = content(table.columns, table.rows, table.csv)?;
    let seen = TableSeen::Version(found.version);
    let put = by.admin.put_table(&by.actor, &path.table, content, seen)?;
    let (document, tag) = told(put);
    Ok(One::tagged(document, tag))
}

/// Delete a lookup table that no rule uses.
#[utoipa::path(delete, path = "/tables/{table}")]
fn delete_table(
    by: Administrator<Configure>,
    Path(path): Path<TablePath>,
    if_match: IfMatch,
) -> Result<Done, Problem> {
    if_match.check(&table_tag(&by.found_table(&path)?))?;
    by.admin.delete_table(&by.actor, &path.table)?;
    Ok(Done)
}

/// Read a lookup table as CSV, the titles in its first line.
#[utoipa::path(get, path = "/tables/{table}/csv")]
fn show_csv(by: Auditor, Path(path): Path<TablePath>) -> Result<Csv, Problem> {
    Ok(Csv(by.found_table(&path)?.content.to_csv()))
}

impl Caller {
    fn found_table(&self, path: &TablePath) -> Result<TableVersion, Problem> {
        Ok(self.admin.lookup_table(&path.table, None)?)
    }
}

fn told(put: PutTable) -> (LookupTable, EntityTag) {
    let tag = table_tag(&put.table);
    (documents::put_table(put), tag)
}

/// What rules make of a table is no part of it.
fn table_tag(table: &TableVersion) -> EntityTag {
    tag(&(&table.name, &table.content))
}

/// Columns and rows, or the same as CSV.
fn content(
    columns: Option<Vec<String>>,
    rows: Option<Vec<Vec<String>>>,
    csv: Option<String>,
) -> Result<TableContent, Problem> {
    match (columns, rows, csv) {
        (Some(columns), Some(rows), None) => Ok(TableContent { columns, rows }),
        (None, None, Some(csv)) => {
            let read = TableContent::read_csv(&csv);
            read.map_err(|error| scim_admin::AdminError::from(error).into())
        }
        _ => Err(Problem::new(
            422,
            "A table is its \"columns\" with its \"rows\", or \"csv\".",
        )),
    }
}
