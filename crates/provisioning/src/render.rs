//! Stored users and groups as SCIM resources.

use scim_protocol::query::Projection;
use scim_protocol::schema::uri;
use scim_protocol::{EntityTag, Version};
use scim_service::render::{Common, Shown, envelope};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::directory::{Membership, StoreError, StoredGroup, StoredUser, UserRow};
use crate::id::{ResourceId, ResourceKind};

impl Context {
    /// A user as a client sees it: the identity provider's word, corrected where the directory
    /// says otherwise.
    pub(crate) fn user(&self, user: &StoredUser, groups: &[Membership]) -> Map<String, Value> {
        let document = self.model.user_mapping.emit(&user.document, &user.fields());
        let common = Common {
            id: &user.id.to_string(),
            created: user.created,
            last_modified: user.last_modified,
            tag: user_tag(user.id, user.version, groups.iter()),
        };
        let mut attributes = envelope(&self.model.users, &self.shared.base_url, common, document);
        let groups: Vec<Value> = groups
            .iter()
            .filter(|membership| membership.member == user.id)
            .map(|membership| {
                json!({
                    "value": membership.group.to_string(),
                    "$ref": self.location(ResourceKind::Group, membership.group),
                    "display": membership.group_name,
                    "type": "direct",
                })
            })
            .collect();
        if !groups.is_empty() {
            attributes.insert("groups".into(), Value::Array(groups));
        }
        complete_manager(&mut attributes, user.manager, |manager| {
            self.location(ResourceKind::User, manager)
        });
        attributes
    }

    /// A user as a client sees it who asks this.
    pub(crate) fn show_user(
        &self,
        row: &UserRow,
        groups: &[Membership],
        asked: &Projection,
    ) -> Result<Shown, StoreError> {
        Ok(match row {
            UserRow::Read(user) => Shown::Attributes(self.user(user, groups)),
            UserRow::Unread(user) if asked.is_empty() => {
                Shown::Text(self.user_text(user.as_ref(), groups)?)
            }
            UserRow::Unread(user) => Shown::Attributes(self.user(&user.read()?, groups)),
        })
    }

    /// A group as a client sees it; without `members` where none are given.
    pub(crate) fn group(&self, group: &StoredGroup, members: &[Membership]) -> Map<String, Value> {
        let common = Common {
            id: &group.id.to_string(),
            created: group.created,
            last_modified: group.last_modified,
            tag: group.version.into(),
        };
        let document = group.document.clone();
        let mut attributes = envelope(&self.model.groups, &self.shared.base_url, common, document);
        let members: Vec<Value> = members
            .iter()
            .filter(|membership| membership.group == group.id)
            .map(|one| self.member(one.kind, one.member, &one.display))
            .collect();
        if !members.is_empty() {
            attributes.insert("members".into(), Value::Array(members));
        }
        attributes
    }

    /// A member of a group (RFC 7643 section 4.2).
    pub(crate) fn member(&self, kind: ResourceKind, id: ResourceId, display: &str) -> Value {
        json!({
            "value": id.to_string(),
            "$ref": self.location(kind, id),
            "type": kind.as_str(),
            "display": display,
        })
    }
}

/// A manager who is a user of the configuration gets the reference (RFC 7643 section 4.3);
/// one whom it cannot read gets none, whatever it sent.
pub(crate) fn complete_manager(
    attributes: &mut Map<String, Value>,
    seen: Option<ResourceId>,
    location: impl FnOnce(ResourceId) -> String,
) {
    let manager = attributes
        .get_mut(uri::ENTERPRISE_USER)
        .and_then(|extension| extension.get_mut("manager"))
        .and_then(Value::as_object_mut);
    let Some(manager) = manager else {
        return;
    };
    manager.shift_remove("$ref");
    let named = manager.get("value").and_then(Value::as_str);
    if let (Some(named), Some(seen)) = (named.and_then(ResourceId::parse), seen)
        && named == seen
    {
        manager.insert("$ref".into(), location(seen).into());
    }
}

/// The entity tag of a user who is shown with groups. A change of memberships or of a group's name
/// writes nothing to the users, whose number has no bound; the groups tell that it was.
pub(crate) fn user_tag<'g>(
    user: ResourceId,
    version: Version,
    groups: impl Iterator<Item = &'g Membership> + Clone,
) -> EntityTag {
    let shown = groups.filter(|group| group.member == user);
    let changed = shown.clone().map(|group| group.group_modified).max();
    EntityTag {
        version,
        beside: changed.map(|changed| (shown.count(), changed.timestamp_millis())),
    }
}
