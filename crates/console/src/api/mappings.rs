//! The mappings of a configuration, their versions, and what they would do.

use scim_admin::VersionChoice;
use scim_admin::mapping::{DraftSeen, MappingVersion};
use scim_mapping::{Preview, ResourceKind};
use scim_protocol::schema::uri;
use scim_provisioning::ConfigurationId;
use scim_provisioning::reapply::Impact;
use serde::Deserialize;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

use super::access::{Administrator, Auditor, Caller, Configure};
use super::answer::{Computed, One, Page, tag};
use super::extract::{IfMatch, Json, MaybeJson, Path, Query};
use super::operation::{Operation, operations};
use super::{Problem, input};
use crate::documents::{self, Mapping, TestReport, Version};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        show_mapping,
        draft_mapping,
        activate_mapping,
        list_versions,
        preview_mapping,
        test_mapping,
        count_impact,
    ]
}

/// The mapping that a path is about.
#[derive(Deserialize, IntoParams)]
pub(super) struct MappingPath {
    /// The id or the name
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    pub(super) configuration: String,
    /// Whose mapping
    #[param(inline)]
    pub(super) resource: ResourceKind,
}

/// Which version is tried.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// `draft`, `active` or the number of a version
    #[param(inline)]
    version: Option<ChosenVersion>,
}

#[derive(Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(pattern = "^(draft|active|[1-9][0-9]{0,8})$", value_type = String)]
struct ChosenVersion(VersionChoice);

impl TryFrom<String> for ChosenVersion {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match (text.as_str(), text.parse()) {
            ("active", _) => Ok(Self(VersionChoice::Active)),
            ("draft", _) => Ok(Self(VersionChoice::Draft)),
            (_, Ok(number @ 1..)) => Ok(Self(VersionChoice::Number(number))),
            _ => Err("A version is \"draft\", \"active\" or a number."),
        }
    }
}

impl VersionQuery {
    fn choice(self) -> VersionChoice {
        self.version
            .map_or(VersionChoice::Active, |chosen| chosen.0)
    }
}

/// A resource as an identity provider sends it.
pub(super) struct ScimResource;

impl utoipa::PartialSchema for ScimResource {
    fn schema() -> RefOr<Schema> {
        let resource = ObjectBuilder::new().schema_type(Type::Object);
        let resource = resource.description(Some("A SCIM resource (RFC 7643)"));
        let resource = resource.examples([json!({
            "schemas": [uri::USER],
            "userName": "ava.berg@example.com",
            "name": { "givenName": "Ava", "familyName": "Berg" },
            "title": " Lead",
            "active": true,
        })]);
        RefOr::T(Schema::Object(resource.build()))
    }
}

impl ToSchema for ScimResource {}

/// Read the active version and the draft of a mapping.
#[utoipa::path(get, path = "/configurations/{configuration}/mappings/{resource}")]
fn show_mapping(by: Auditor, Path(path): Path<MappingPath>) -> Result<One<Mapping>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let (document, _) = by.found_mapping(id, path.resource)?;
    Ok(One::new(document))
}

/// Put a draft.
#[utoipa::path(put, path = "/configurations/{configuration}/mappings/{resource}")]
fn draft_mapping(
    by: Administrator<Configure>,
    Path(path): Path<MappingPath>,
    if_match: IfMatch,
    draft: Json<input::DraftInput>,
) -> Result<One<Mapping>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let (before, seen) = by.found_mapping(id, path.resource)?;
    if_match.check(&tag(&before))?;
    let draft = draft.read()?;
    if draft.mapping.get("resource") != Some(&json!(path.resource)) {
        let of = json!(path.resource);
        let said = format!("The mapping is not of the resource {of}.");
        return Err(Problem::new(422, said));
    }
    let (rules, note) = (&draft.mapping, &draft.note);
    let (_, warnings) = by.admin.draft_mapping(&by.actor, id, rules, note, &seen)?;
    let (document, _) = by.found_mapping(id, path.resource)?;
    let now = tag(&document);
    let warned = Mapping {
        warnings: Some(warnings),
        ..document
    };
    Ok(One::tagged(warned, now))
}

/// Activate the draft, or an older version again.
#[utoipa::path(
    post,
    path = "/configurations/{configuration}/mappings/{resource}/activate"
)]
fn activate_mapping(
    by: Administrator<Configure>,
    Path(path): Path<MappingPath>,
    if_match: IfMatch,
    given: MaybeJson<input::VersionInput>,
) -> Result<One<Mapping>, Problem> {
    let (id, resource) = (by.configuration_id(&path.configuration)?, path.resource);
    let (before, seen) = by.found_mapping(id, resource)?;
    if_match.check(&tag(&before))?;
    match given.read()?.version {
        None => by.admin.activate_mapping(&by.actor, id, resource, &seen)?,
        Some(number) => by
            .admin
            .roll_back_mapping(&by.actor, id, resource, number)?,
    };
    let (document, _) = by.found_mapping(id, resource)?;
    Ok(One::new(document))
}

/// List the versions of a mapping.
#[utoipa::path(
    get,
    path = "/configurations/{configuration}/mappings/{resource}/versions"
)]
fn list_versions(by: Auditor, Path(path): Path<MappingPath>) -> Result<Page<Version>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let (versions, active) = by.versions(id, path.resource)?;
    let versions = versions.iter();
    let versions = versions.map(|version| documents::version(version, active));
    Ok(Page::whole(versions.collect()))
}

/// Show what the rules make of a SCIM resource.
#[utoipa::path(
    post,
    path = "/configurations/{configuration}/mappings/{resource}/preview"
)]
fn preview_mapping(
    by: Administrator<Configure>,
    Path(path): Path<MappingPath>,
    Query(query): Query<VersionQuery>,
    resource: Json<ScimResource>,
) -> Result<Computed<Preview>, Problem> {
    let configuration = by.admin.find_configuration(&path.configuration)?;
    let source = by
        .admin
        .model(configuration.id, path.resource, query.choice())?;
    let configuration = configuration.to_provisioning();
    let resource = resource.into_document();
    let preview = by
        .provider
        .preview(&configuration, &source, path.resource, resource)?;
    Ok(Computed(preview))
}

/// Run the tests that stand with the rules.
#[utoipa::path(
    post,
    path = "/configurations/{configuration}/mappings/{resource}/test"
)]
fn test_mapping(
    by: Administrator<Configure>,
    Path(path): Path<MappingPath>,
    Query(query): Query<VersionQuery>,
) -> Result<Computed<TestReport>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let outcomes = by.admin.test_mapping(id, path.resource, query.choice())?;
    Ok(Computed(documents::test_report(outcomes)))
}

/// Count what the rules would change of the users who are there.
#[utoipa::path(
    post,
    path = "/configurations/{configuration}/mappings/{resource}/impact"
)]
fn count_impact(
    by: Administrator<Configure>,
    Path(path): Path<MappingPath>,
    Query(query): Query<VersionQuery>,
) -> Result<Computed<Impact>, Problem> {
    let configuration = by.admin.find_configuration(&path.configuration)?;
    let source = by
        .admin
        .model(configuration.id, path.resource, query.choice())?;
    let configuration = configuration.to_provisioning();
    Ok(Computed(by.provider.impact(&configuration, &source)?))
}

impl Caller {
    /// The versions of a mapping, and which of them is active.
    fn versions(
        &self,
        id: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<(Vec<MappingVersion>, i64), Problem> {
        let (configuration, versions) = self.admin.mappings(id, resource)?;
        let active = match resource {
            ResourceKind::User => configuration.model.user,
            ResourceKind::Group => configuration.model.group,
        };
        Ok((versions, active))
    }

    /// The active version, and the draft where there is one; what `If-Match` is compared with is
    /// what a write goes by.
    pub(super) fn found_mapping(
        &self,
        id: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<(Mapping, DraftSeen), Problem> {
        let (versions, active) = self.versions(id, resource)?;
        let shown = |state: &str| {
            let mut versions = versions.iter();
            let found = versions.find(|version| version.state(active) == state)?;
            Some(Version::with_rules(found, active))
        };
        let document = Mapping {
            active: shown("active"),
            draft: shown("draft"),
            warnings: None,
        };
        Ok((document, DraftSeen::among(&versions)))
    }
}
