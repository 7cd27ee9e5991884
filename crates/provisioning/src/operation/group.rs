//! What of a group is checked and written.

use scim_mapping::{Event, Field, FieldValue, GroupLink};
use scim_protocol::filter::index::search_document;
use scim_protocol::{Error, Resource, ScimType};

use super::user::{check_key, drop_empty_key, text};
use crate::context::Context;
use crate::directory::{DirectoryTransaction, GroupWrite};
use crate::event::Outcome;
use crate::failure::{Failure, taken};
use crate::id::{ResourceId, ResourceKind};
use crate::policy::RepeatedExternalIds;
use crate::refusal::Cause;

/// Another group of the configuration that has the `externalId`, for the log.
///
/// # Errors
/// 409 where the policy refuses it.
pub(crate) fn repeated(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    group: &GroupWrite,
) -> Result<Option<ResourceId>, Failure> {
    let Some(external_id) = &group.external_id else {
        return Ok(None);
    };
    let refuses = context.configuration().policies.external_ids == RepeatedExternalIds::Refuse;
    if refuses {
        // Two that come at the same time would not see each other.
        transaction.lock_nesting(context.scope())?;
    }
    let found = transaction.group_with_external_id(context.scope(), external_id, id)?;
    match found {
        Some(other) if refuses => Err(Failure::Refused {
            cause: Cause::UniquenessOwn,
            error: taken(ResourceKind::Group),
            reason: format!("externalId is in use by group {other}."),
            outcome: Outcome::Failure,
            pending: Vec::new(),
        }),
        found => Ok(found),
    }
}

/// Checks that no group which confers an administrative right has the name.
///
/// # Errors
/// 409 in the words of any collision; the log says what was met.
pub(crate) fn check_free(
    transaction: &mut dyn DirectoryTransaction,
    group: &GroupWrite,
) -> Result<(), Failure> {
    let said = text(&group.document, "displayName").unwrap_or_default();
    let Some(id) = transaction.protected_group(&[&group.name, &said])? else {
        return Ok(());
    };
    Err(Failure::Refused {
        cause: Cause::UniquenessProtected,
        error: taken(ResourceKind::Group),
        reason: format!(
            "displayName belongs to group {id}, which confers an administrative right and is \
             protected."
        ),
        outcome: Outcome::Skipped,
        pending: Vec::new(),
    })
}

/// Checks a group's canonical document, which has no members.
pub(crate) fn prepare(context: &Context, mut resource: Resource) -> Result<GroupWrite, Failure> {
    let definition = &context.model.groups;
    drop_empty_key(&mut resource);
    resource.check_required(definition)?;
    for name in ["displayName", "externalId"] {
        check_key(context, &resource, name)?;
    }
    if resource
        .text("displayName")
        .is_some_and(|name| name.trim().is_empty())
    {
        return Err(Error::new(ScimType::InvalidValue, "\"displayName\" is blank.").into());
    }
    let document = resource.into_map();
    let mapping = &context.model.group_mapping;
    let projection = mapping.project(&document, Event::Create);
    if let Some(rejected) = projection.rejection() {
        return Err(Failure::because(
            Cause::MappingRejected,
            rejected.to_error(),
        ));
    }
    let name = projection.record.get(&Field::Name);
    let name = name.and_then(FieldValue::as_text).unwrap_or_default();
    let external_id = text(&document, "externalId");
    let display_name = text(&document, "displayName").unwrap_or_default();
    let rule = mapping.group_rule(&display_name, external_id.as_deref());
    Ok(GroupWrite {
        name: rule.map_or_else(|| name.to_owned(), |rule| rule.name(name)),
        kind: rule.map(|rule| rule.rule().kind).unwrap_or_default(),
        rule: rule.map(|rule| rule.rule().key.clone()),
        grants: rule.map(|rule| rule.grants().to_vec()).unwrap_or_default(),
        adopt: rule.is_some_and(|rule| rule.rule().link == GroupLink::ExistingByName),
        search: search_document(definition, &document),
        external_id,
        document,
    })
}
