//! Users who are sent as they are stored.
//!
//! A document of which nothing has to be corrected or left out need not be read to be shown. Whether
//! it is one is found out once, by comparing: where what is made of the user that was read is the same,
//! byte for byte, as what is made of the text, the model notes a digest of all that it was made of.
//! Whatever changes one of these, on whichever way, changes the digest, and other rules or fields are
//! another model.

use scim_protocol::query::Projection;
use scim_protocol::resource::Projector;
use scim_protocol::schema::uri;
use scim_service::render::{self, Common};
use scim_service::splice::{Inner, Splice, push_text, splice};

use crate::context::Context;
use crate::directory::{Membership, StoreError, UnreadUser};
use crate::id::ResourceKind;
use crate::render::user_tag;

impl Context {
    /// A user as text, as a client sees it who asks for nothing particular.
    pub(crate) fn user_text(
        &self,
        user: &dyn UnreadUser,
        groups: &[Membership],
    ) -> Result<String, StoreError> {
        let groups: Vec<&Membership> = groups
            .iter()
            .filter(|membership| membership.member == *user.id())
            .collect();
        let content = self.model.plain.content(user, groups.is_empty());
        let known = self.model.plain.has(&content);
        let spliced = match (known, self.spliced(user, &groups)) {
            (true, Some(spliced)) => return Ok(spliced),
            (_, spliced) => spliced,
        };
        let read = user.read()?;
        let groups: Vec<Membership> = groups.into_iter().cloned().collect();
        let attributes = self.user(&read, &groups);
        let projector = Projector::new(&self.model.users, &Projection::default());
        let text = render::text(&projector, &attributes);
        if spliced.as_ref() == Some(&text) {
            self.model.plain.note(content);
        }
        Ok(text)
    }

    /// The user, if nothing of the document has to be corrected or left out.
    fn spliced(&self, user: &dyn UnreadUser, groups: &[&Membership]) -> Option<String> {
        let manager = user.manager();
        let reference = manager.map(|manager| self.location(ResourceKind::User, manager));
        let manager = manager.map_or_else(String::new, |manager| manager.to_string());
        let mut beside = String::new();
        for membership in groups {
            beside.push_str(match beside.is_empty() {
                true => ",\"groups\":[{\"value\":",
                false => ",{\"value\":",
            });
            push_text(&mut beside, &membership.group.to_string());
            beside.push_str(",\"$ref\":");
            let reference = self.location(ResourceKind::Group, membership.group);
            push_text(&mut beside, &reference);
            beside.push_str(",\"display\":");
            push_text(&mut beside, &membership.group_name);
            beside.push_str(",\"type\":\"direct\"}");
        }
        if !groups.is_empty() {
            beside.push(']');
        }
        let id = user.id().to_string();
        let with = Splice {
            common: Common {
                id: &id,
                created: user.created(),
                last_modified: user.last_modified(),
                tag: user_tag(*user.id(), user.version(), groups.iter().copied()),
            },
            resource_type: self.model.users.name(),
            location: &self.location(ResourceKind::User, &id),
            beside: &beside,
            inner: Some(Inner {
                path: [uri::ENTERPRISE_USER, "manager"],
                name: "$ref",
                value: reference.as_deref(),
                given: ("value", &manager),
            }),
        };
        splice(user.document(), &with)
    }
}
