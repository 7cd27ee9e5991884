//! Names of which only one may have each, when a run is taken back.

use std::collections::BTreeSet;

use scim_protocol::text::{fold, fold_name};
use scim_provisioning::ResourceKind;
use serde_json::{Map, Value};

use super::undo::{CurrentRow, Undone, Way};

/// Among whom a name is one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameScope {
    /// The user name, among everybody who is not archived.
    UserName,
    /// `userName`, among those of a configuration who are here.
    ScimUserName,
    /// The name of a group, among those of a configuration.
    GroupName,
    /// `displayName`, among the groups of a configuration.
    ScimDisplayName,
}

/// A name of which only one may have each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnName {
    /// Among whom.
    pub scope: NameScope,
    /// The configuration, where that is among whom.
    pub manager: Option<String>,
    /// The name, folded.
    pub folded: String,
}

impl OwnName {
    /// The names that a row has for its own.
    pub(crate) fn of(kind: ResourceKind, row: &Map<String, Value>) -> BTreeSet<Self> {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let told = |name: &str| row.get("document")?.get(name)?.as_str();
        let manager = text("managedBy");
        let mut names = BTreeSet::new();
        let mut own = |scope, manager: Option<&str>, name: Option<&str>| {
            names.extend(name.map(|name| Self {
                scope,
                manager: manager.map(str::to_owned),
                folded: match scope {
                    NameScope::UserName | NameScope::GroupName => fold(name),
                    NameScope::ScimUserName | NameScope::ScimDisplayName => fold_name(name),
                },
            }));
        };
        match kind {
            ResourceKind::User => {
                if text("status") != Some("archived") {
                    own(NameScope::UserName, None, text("userName"));
                }
                let here = row.get("leftAt").is_none_or(Value::is_null);
                if manager.is_some() && here {
                    own(NameScope::ScimUserName, manager, told("userName"));
                }
            }
            ResourceKind::Group if manager.is_some() => {
                own(NameScope::GroupName, manager, text("name"));
                own(NameScope::ScimDisplayName, manager, told("displayName"));
            }
            ResourceKind::Group => {}
        }
        names
    }
}

/// A resource that is taken back, as it is now and as it will be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taking {
    pub(crate) kind: ResourceKind,
    pub(crate) id: String,
    pub(crate) current: Option<CurrentRow>,
    pub(crate) undone: Undone,
}

impl Taking {
    /// The name that it has now, or will have.
    pub(crate) fn name(&self) -> Option<String> {
        match (&self.current, &self.undone.way) {
            (Some(row), _) => Some(row.name.clone()),
            (None, Way::Insert(row)) => row.get("name")?.as_str().map(str::to_owned),
            (None, _) => None,
        }
    }

    /// The names that it has now.
    pub(crate) fn names_now(&self) -> BTreeSet<OwnName> {
        let row = self.current.as_ref();
        row.map(|row| OwnName::of(self.kind, &row.values))
            .unwrap_or_default()
    }

    /// The names that it will have.
    pub(crate) fn names_then(&self) -> BTreeSet<OwnName> {
        match &self.undone.way {
            Way::Nothing => self.names_now(),
            Way::Write(values) => {
                let mut row = self
                    .current
                    .as_ref()
                    .map_or_else(Map::new, |row| row.values.clone());
                row.extend(values.clone());
                OwnName::of(self.kind, &row)
            }
            Way::Insert(row) => OwnName::of(self.kind, row),
            Way::Remove => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(kind: ResourceKind, row: &Value) -> Vec<String> {
        let own = OwnName::of(kind, row.as_object().unwrap());
        let told = |name: &OwnName| format!("{:?} {}", name.scope, name.folded);
        own.iter().map(told).collect()
    }

    #[test]
    fn who_is_archived_or_left_has_no_name_for_their_own() {
        let of = |status: &str, left: Value, manager: Value| {
            let row = json!({"userName": "Ava", "status": status, "leftAt": left,
                "managedBy": manager, "document": {"userName": "AVA@corp"}});
            names(ResourceKind::User, &row)
        };
        let (own, told) = ("UserName ava", "ScimUserName ava@corp");
        assert_eq!(of("active", Value::Null, json!("c")), [own, told]);
        assert_eq!(of("active", json!(1), json!("c")), [own]);
        assert_eq!(of("active", Value::Null, Value::Null), [own]);
        assert_eq!(of("archived", Value::Null, json!("c")), [told]);
        assert!(of("archived", json!(1), json!("c")).is_empty());
    }

    #[test]
    fn a_group_by_hand_has_no_name_for_its_own() {
        let of = |manager: Value| {
            let row = json!({"name": "One", "managedBy": manager,
                "document": {"displayName": "First"}});
            names(ResourceKind::Group, &row)
        };
        assert_eq!(of(json!("c")), ["GroupName one", "ScimDisplayName first"]);
        assert!(of(Value::Null).is_empty());
    }
}
