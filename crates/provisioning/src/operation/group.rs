//! What of a group is checked and written.

use scim_protocol::filter::index::search_document;
use scim_protocol::{Error, Resource, ScimType};

use super::user::{check_key, text};
use crate::directory::GroupWrite;
use crate::service::Context;

/// Checks a group's canonical document, which has no members.
pub(super) fn prepare(context: &Context, resource: Resource) -> Result<GroupWrite, Error> {
    let definition = &context.shared.groups;
    resource.check_required(definition)?;
    for name in ["displayName", "externalId"] {
        check_key(context, &resource, name)?;
    }
    let name = resource.text("displayName").unwrap_or_default().to_owned();
    if name.trim().is_empty() {
        return Err(Error::new(
            ScimType::InvalidValue,
            "\"displayName\" is blank.",
        ));
    }
    let document = resource.into_map();
    Ok(GroupWrite {
        name,
        search: search_document(definition, &document),
        external_id: text(&document, "externalId"),
        document,
    })
}
