//! What is done over everybody of a configuration: applying the rules again, counting what was edited
//! by hand; which attributes come, and mappings of identity providers.

use scim_mapping::{ImportFormat, ResourceKind};
use scim_provisioning::reapply::Drift;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::Problem;
use super::access::{Administrator, Auditor, Configure};
use super::answer::{Computed, Page, tag};
use super::extract::{IfMatch, Json, Path, Query};
use super::mappings::MappingPath;
use super::operation::{Operation, operations};
use super::parameters::words;
use crate::documents::{self, ImportedMapping, Reapplication, ReceivedAttribute};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_reapplications,
        begin_reapplication,
        count_drift,
        list_attributes,
        import_mapping,
    ]
}

/// The configuration that a path is about.
#[derive(Deserialize, IntoParams)]
struct ConfigurationPath {
    /// The id or the name
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    configuration: String,
}

/// Whose mapping is sent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Of which identity provider
    #[param(inline)]
    format: Option<Format>,
}

words! {
    /// Formats of mappings.
    Format(ImportFormat): "format", ImportFormat::ALL, ImportFormat::as_str
}

/// What an identity provider exports of its mapping.
struct ForeignMapping;

impl utoipa::PartialSchema for ForeignMapping {
    fn schema() -> RefOr<Schema> {
        let mapping = ObjectBuilder::new().schema_type(Type::Object);
        let said = "The mapping of Entra ID (`attributeMappings`) or Okta (`properties`)";
        let mapping = mapping.description(Some(said));
        let mapping = mapping.examples([json!({
            "attributeMappings": [{
                "targetAttributeName": "title",
                "source": { "expression": "Trim([jobTitle])" },
            }],
        })]);
        RefOr::T(Schema::Object(mapping.build()))
    }
}

impl utoipa::ToSchema for ForeignMapping {}

/// List how far the active rules are applied to the users who are there, the newest first.
#[utoipa::path(get, path = "/configurations/{configuration}/reapply")]
fn list_reapplications(
    by: Auditor,
    Path(path): Path<ConfigurationPath>,
) -> Result<Page<Reapplication>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let jobs = by.admin.jobs(id)?;
    Ok(Page::whole(
        jobs.iter().map(documents::reapplication).collect(),
    ))
}

/// Begin to apply the active rules to the users who are there, in the place of what was begun
/// before. The server goes on with it.
#[utoipa::path(post, path = "/configurations/{configuration}/reapply")]
fn begin_reapplication(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
) -> Result<Computed<Reapplication>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let begun = by.admin.begin_reapply(&by.actor, id)?;
    Ok(Computed(documents::reapplication(&begun)))
}

/// Count the users who were edited by hand since the identity provider wrote them.
#[utoipa::path(post, path = "/configurations/{configuration}/drift")]
fn count_drift(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
) -> Result<Computed<Drift>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    Ok(Computed(by.provider.drift(&found.to_provisioning())?))
}

/// List the attributes that the identity provider sends, those sent most often first.
#[utoipa::path(
    get,
    path = "/configurations/{configuration}/mappings/{resource}/attributes"
)]
fn list_attributes(
    by: Auditor,
    Path(path): Path<MappingPath>,
) -> Result<Page<ReceivedAttribute>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let found = by.admin.received_attributes(id, path.resource)?.into_iter();
    Ok(Page::whole(
        found.map(documents::received_attribute).collect(),
    ))
}

/// Keep a mapping of an identity provider as the draft: its expressions as rules, in the place of
/// those for the same fields. What has no equal is listed.
#[utoipa::path(
    post,
    path = "/configurations/{configuration}/mappings/{resource}/import"
)]
fn import_mapping(
    by: Administrator<Configure>,
    Path(path): Path<MappingPath>,
    (if_match, Query(query)): (IfMatch, Query<ImportQuery>),
    document: Json<ForeignMapping>,
) -> Result<Computed<ImportedMapping>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let (before, seen) = by.found_mapping(id, path.resource)?;
    if_match.check(&tag(&before))?;
    if path.resource != ResourceKind::User {
        return Err(Problem::new(
            422,
            "Mappings of identity providers are of users.",
        ));
    }
    let Some(Format(format)) = query.format else {
        return Err(Problem::new(
            422,
            "Say whose it is: format=entra or format=okta.",
        ));
    };
    let active = by.admin.configuration(id)?.model.mapping(path.resource);
    let document = document.into_document();
    if !document.is_object() {
        return Err(Problem::new(400, "The body is not a JSON object."));
    }
    let import = (format, &document);
    let note = format!("Imported ({})", format.as_str());
    let imported = by
        .admin
        .import_mapping(&by.actor, id, import, &note, &seen)?;
    Ok(Computed(documents::imported_mapping(imported, active)))
}
