//! The custom fields of the directory.

use scim_mapping::CustomField;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::{Administrator, Auditor, Caller, Configure};
use super::answer::{Created, Done, One, Page, tag};
use super::extract::{IfMatch, Json, Path};
use super::operation::{Operation, operations};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_fields, add_field, show_field, edit_field, delete_field]
}

/// The field that a path is about.
#[derive(Deserialize, IntoParams)]
struct FieldPath {
    /// The key of the field
    #[param(pattern = "^[a-z][a-z0-9_]{0,62}$")]
    key: String,
}

/// List the custom fields.
#[utoipa::path(get, path = "/custom-fields")]
fn list_fields(by: Auditor) -> Result<Page<CustomField>, Problem> {
    Ok(Page::whole(by.admin.custom_fields()?))
}

/// Add a custom field.
#[utoipa::path(post, path = "/custom-fields")]
fn add_field(
    by: Administrator<Configure>,
    field: Json<CustomField>,
) -> Result<Created<CustomField>, Problem> {
    let field = field.read()?;
    by.admin.add_custom_field(&by.actor, &field)?;
    let location = format!("/custom-fields/{}", field.key);
    Ok(Created::new(field, location))
}

/// Read a custom field.
#[utoipa::path(get, path = "/custom-fields/{key}")]
fn show_field(by: Auditor, Path(path): Path<FieldPath>) -> Result<One<CustomField>, Problem> {
    Ok(One::new(by.found_field(&path)?))
}

/// Change the label, the options or the limits of a custom field.
#[utoipa::path(put, path = "/custom-fields/{key}")]
fn edit_field(
    by: Administrator<Configure>,
    Path(path): Path<FieldPath>,
    if_match: IfMatch,
    field: Json<CustomField>,
) -> Result<One<CustomField>, Problem> {
    if_match.check(&tag(&by.found_field(&path)?))?;
    let field = field.read()?;
    if field.key != path.key {
        return Err(Problem::new(422, "A field keeps its key."));
    }
    by.admin.edit_custom_field(&by.actor, &field)?;
    Ok(One::new(by.found_field(&path)?))
}

/// Delete a custom field that no rule writes.
#[utoipa::path(delete, path = "/custom-fields/{key}")]
fn delete_field(
    by: Administrator<Configure>,
    Path(path): Path<FieldPath>,
    if_match: IfMatch,
) -> Result<Done, Problem> {
    if_match.check(&tag(&by.found_field(&path)?))?;
    by.admin.delete_custom_field(&by.actor, &path.key)?;
    Ok(Done)
}

impl Caller {
    fn found_field(&self, path: &FieldPath) -> Result<CustomField, Problem> {
        let mut fields = self.admin.custom_fields()?.into_iter();
        let found = fields.find(|field| field.key == path.key);
        found.ok_or_else(|| Problem::not_found("There is no such custom field."))
    }
}
