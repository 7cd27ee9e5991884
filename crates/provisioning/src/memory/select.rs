//! Which resources a query asks for, and in which order: what a database does with conditions.

use scim_protocol::filter::index::search_document;
use scim_protocol::filter::{Condition, SortKey, Target};
use scim_protocol::schema::uri;
use scim_protocol::{EntityTag, ResourceDefinition};
use scim_service::order::{SortValue, Standing, page_among};
use scim_service::render::{Common, envelope};
use serde_json::{Map, Value, json};

use super::rows::{GroupRow, PersonRow};
use super::tables::Tables;
use crate::directory::{Keyset, Membership, Scope, Selected, Selection, StoredUser};
use crate::id::{ResourceId, ResourceKind};
use crate::render::{complete_manager, user_tag};

/// A query of a configuration.
pub(super) struct Query<'t> {
    pub(super) tables: &'t Tables,
    pub(super) base_url: &'t str,
    pub(super) scope: Scope,
}

impl Query<'_> {
    /// The page of the users that a selection asks for.
    pub(super) fn users(&self, selection: &Selection) -> Selected<(Keyset, ResourceId)> {
        let condition = selection.condition.as_ref();
        let beside = condition.is_some_and(|condition| mentions(condition, &["groups", "meta"]));
        let definition = ResourceDefinition::user();
        let people = self.tables.all_people();
        let found = people
            .filter(|row| row.person.is_seen(self.scope))
            .filter(|row| {
                condition.is_none_or(|condition| {
                    condition.matches(&self.user_document(&definition, row, beside))
                })
            })
            .map(|row| {
                let user = &row.person.user;
                let value = selection.sort.as_ref().and_then(|sort| {
                    if is_manager_reference(&sort.key.target) {
                        let shown = self.user_document(&definition, row, false);
                        return SortValue::find(&search_document(&definition, &shown), &sort.key);
                    }
                    let common = Sorted {
                        kind: ResourceKind::User,
                        id: user.id,
                        name: row.keys.scim_user_name.as_deref(),
                        external_id: row.person.external_id(),
                        times: (user.created, user.last_modified),
                        search: &row.person.search,
                    };
                    common.value(&sort.key)
                });
                (Standing::new(value, user.id), user.id)
            });
        page_among(found.collect(), selection)
    }

    /// The page of the groups that a selection asks for.
    pub(super) fn groups(&self, selection: &Selection) -> Selected<(Keyset, ResourceId)> {
        let condition = selection.condition.as_ref();
        let beside = condition.is_some_and(|condition| mentions(condition, &["members"]));
        let definition = ResourceDefinition::group();
        let groups = self.tables.all_groups();
        let found = groups
            .filter(|row| row.group.is_seen(self.scope))
            .filter(|row| {
                condition.is_none_or(|condition| {
                    condition.matches(&self.group_document(&definition, row, beside))
                })
            })
            .map(|row| {
                let group = &row.group.group;
                let value = selection.sort.as_ref().and_then(|sort| {
                    let common = Sorted {
                        kind: ResourceKind::Group,
                        id: group.id,
                        name: row.scim_name.as_deref(),
                        external_id: row.group.external_id.as_deref(),
                        times: (group.created, group.last_modified),
                        search: &row.group.search,
                    };
                    common.value(&sort.key)
                });
                (Standing::new(value, group.id), group.id)
            });
        page_among(found.collect(), selection)
    }

    fn user_document(
        &self,
        definition: &ResourceDefinition,
        row: &PersonRow,
        beside: bool,
    ) -> Map<String, Value> {
        let user = &row.person.user;
        let groups = match beside {
            true => self.tables.groups_of(self.scope, &[user.id]),
            false => Vec::new(),
        };
        let mut document = self.document(
            definition,
            (user, user_tag(user.id, user.version, groups.iter())).into(),
        );
        let manager = self.tables.stored_user(self.scope, &row.person).manager;
        complete_manager(&mut document, manager, |manager| {
            self.location(ResourceKind::User, manager)
        });
        let shown: Vec<Value> = groups.iter().map(|group| self.group_of(group)).collect();
        if !shown.is_empty() {
            document.insert("groups".to_owned(), Value::Array(shown));
        }
        document
    }

    fn group_of(&self, membership: &Membership) -> Value {
        let reference = self.location(ResourceKind::Group, membership.group);
        json!({
            "value": membership.group.to_string(),
            "$ref": reference,
            "display": membership.group_name,
            "type": "direct",
        })
    }

    fn group_document(
        &self,
        definition: &ResourceDefinition,
        row: &GroupRow,
        beside: bool,
    ) -> Map<String, Value> {
        let group = &row.group.group;
        let mut document = self.document(
            definition,
            Whole {
                id: group.id,
                document: &group.document,
                times: (group.created, group.last_modified),
                tag: group.version.into(),
            },
        );
        let members = match beside {
            true => self.tables.members_of(self.scope, &[group.id]),
            false => Vec::new(),
        };
        let shown: Vec<Value> = members
            .iter()
            .map(|member| self.member_of(member))
            .collect();
        if !shown.is_empty() {
            document.insert("members".to_owned(), Value::Array(shown));
        }
        document
    }

    fn member_of(&self, membership: &Membership) -> Value {
        let reference = self.location(membership.kind, membership.member);
        json!({
            "value": membership.member.to_string(),
            "$ref": reference,
            "type": membership.kind.as_str(),
            "display": membership.display,
        })
    }

    fn location(&self, kind: ResourceKind, id: ResourceId) -> String {
        format!("{}{}/{id}", self.base_url, kind.endpoint())
    }

    fn document(&self, definition: &ResourceDefinition, of: Whole<'_>) -> Map<String, Value> {
        let common = Common {
            id: &of.id.to_string(),
            created: of.times.0,
            last_modified: of.times.1,
            tag: of.tag,
        };
        envelope(definition, self.base_url, common, of.document.clone())
    }
}

type Times = (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>);

/// What a resource is filtered by.
struct Whole<'r> {
    id: ResourceId,
    document: &'r Map<String, Value>,
    times: Times,
    tag: EntityTag,
}

impl<'r> From<(&'r StoredUser, EntityTag)> for Whole<'r> {
    fn from((user, tag): (&'r StoredUser, EntityTag)) -> Self {
        Self {
            id: user.id,
            document: &user.document,
            times: (user.created, user.last_modified),
            tag,
        }
    }
}

/// What a resource is sorted by.
struct Sorted<'r> {
    kind: ResourceKind,
    id: ResourceId,
    /// `userName` or `displayName`, folded.
    name: Option<&'r str>,
    external_id: Option<&'r str>,
    /// When it was created, and changed last.
    times: Times,
    search: &'r Value,
}

impl Sorted<'_> {
    fn value(&self, key: &SortKey) -> Option<SortValue> {
        let target = &key.target;
        let sub = target.sub_attribute.as_deref();
        let text = |text: &str| SortValue::Text(text.to_owned());
        if target.extension.is_some() {
            return SortValue::find(self.search, key);
        }
        // Milliseconds have as many digits for centuries, so that their text sorts as they do.
        match (self.kind, &*target.attribute, sub) {
            (_, "id", _) | (_, "meta", Some("location")) => Some(text(&self.id.to_string())),
            (ResourceKind::User, "userName", _) | (ResourceKind::Group, "displayName", _) => {
                self.name.map(text)
            }
            (_, "externalId", _) => self.external_id.map(text),
            (_, "meta", Some("created")) => {
                Some(text(&self.times.0.timestamp_millis().to_string()))
            }
            (_, "meta", Some("lastModified")) => {
                Some(text(&self.times.1.timestamp_millis().to_string()))
            }
            // These have no order of their own.
            (_, "meta" | "groups" | "members", _) => None,
            _ => SortValue::find(self.search, key),
        }
    }
}

/// Whether it is the address of a manager, which is shown as the directory knows it.
fn is_manager_reference(target: &Target) -> bool {
    target.extension.as_deref() == Some(uri::ENTERPRISE_USER)
        && &*target.attribute == "manager"
        && target.sub_attribute.as_deref() == Some("$ref")
}

/// Whether a condition is about one of these attributes.
fn mentions(condition: &Condition, attributes: &[&str]) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().any(|part| mentions(part, attributes))
        }
        Condition::Not(part) => mentions(part, attributes),
        Condition::Value { target, .. } | Condition::Some { target, .. } => {
            attributes.contains(&&*target.attribute)
        }
        Condition::Constant(_) => false,
    }
}
