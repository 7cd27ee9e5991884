//! Names of which only one may have each, when a run is taken back.
//!
//! A resource gets a name back that nobody has, or that somebody has who gives it away in the same
//! undo. Those who wait for one another are written together, or none of them is: a name is never
//! taken from somebody who does not get another one in the same transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, ResourceKind, RunId, StoreError};
use serde_json::{Map, Value};

use super::undo::{CurrentRow, Undone, Way};
use super::{Chosen, RowChange};
use crate::store::ReadRuns;

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
                folded: fold(name),
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
    fn names_now(&self) -> BTreeSet<OwnName> {
        let row = self.current.as_ref();
        row.map(|row| OwnName::of(self.kind, &row.values))
            .unwrap_or_default()
    }

    /// The names that it will have.
    fn names_then(&self) -> BTreeSet<OwnName> {
        match &self.undone.way {
            Way::Nothing => self.names_now(),
            Way::Write(values) => {
                let mut row = self.current.as_ref().map_or_else(Map::new, |row| row.values.clone());
                row.extend(values.clone());
                OwnName::of(self.kind, &row)
            }
            Way::Insert(row) => OwnName::of(self.kind, row),
            Way::Remove => BTreeSet::new(),
        }
    }
}

/// What of which run is taken back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) run: RunId,
    pub(crate) chosen: &'a Chosen,
    /// Those that there are.
    pub(crate) configurations: &'a BTreeSet<ConfigurationId>,
}

impl Scope<'_> {
    /// A resource and everybody who has to give a name away for it, in turn; `None` when one of the
    /// names stays with somebody else. `read` reads a row as it is now.
    pub(crate) fn together<R: ReadRuns + ?Sized>(
        &self,
        rows: &mut R,
        first: Taking,
        read: impl Fn(&mut R, ResourceKind, &str) -> Result<Option<CurrentRow>, StoreError>,
    ) -> Result<Option<Vec<Taking>>, StoreError> {
        let kind = first.kind;
        let mut then = BTreeMap::from([(first.id.clone(), first.names_then())]);
        let mut waiting = VecDeque::from([first]);
        let mut together = Vec::new();
        while let Some(one) = waiting.pop_front() {
            let now = one.names_now();
            let wanted = then.get(&one.id).cloned().unwrap_or_default();
            for name in wanted.difference(&now) {
                let Some(holder) = rows.holder_of(name, &one.id)? else {
                    continue;
                };
                if !then.contains_key(&holder) {
                    let Some(current) = read(rows, kind, &holder)? else {
                        continue;
                    };
                    let Some(giving) = self.taking(rows, kind, holder.clone(), current)? else {
                        return Ok(None);
                    };
                    then.insert(giving.id.clone(), giving.names_then());
                    waiting.push_back(giving);
                }
                if then.get(&holder).is_some_and(|names| names.contains(name)) {
                    return Ok(None);
                }
            }
            together.push(one);
        }
        Ok(Some(together))
    }

    /// Who has a name, if that is somebody to whom this undo does something.
    fn taking<R: ReadRuns + ?Sized>(
        &self,
        rows: &mut R,
        kind: ResourceKind,
        id: String,
        current: CurrentRow,
    ) -> Result<Option<Taking>, StoreError> {
        let images = rows.images_of(self.run, self.chosen, std::slice::from_ref(&id))?;
        let images = images.iter().filter(|image| image.subject.is_resource());
        let Some(change) = RowChange::of(images) else {
            return Ok(None);
        };
        let (configurations, overwrite) = (self.configurations, self.chosen.overwrite);
        let undone = Undone::of(kind, &change, Some(&current), configurations, overwrite);
        Ok(match undone.way {
            Way::Nothing => None,
            _ => Some(Taking {
                kind,
                id,
                current: Some(current),
                undone,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(kind: ResourceKind, row: &Value) -> Vec<(NameScope, String)> {
        let own = OwnName::of(kind, row.as_object().unwrap());
        own.into_iter().map(|name| (name.scope, name.folded)).collect()
    }

    #[test]
    fn who_is_archived_or_left_has_no_name_for_their_own() {
        let row = |status: &str, left: Value, manager: Value| {
            json!({"userName": "Ava", "status": status, "leftAt": left, "managedBy": manager,
                "document": {"userName": "AVA@corp"}})
        };
        let user = (NameScope::UserName, "ava".to_owned());
        let scim = (NameScope::ScimUserName, "ava@corp".to_owned());
        let of = |row: Value| names(ResourceKind::User, &row);
        assert_eq!(of(row("active", Value::Null, json!("c"))), [user.clone(), scim.clone()]);
        assert_eq!(of(row("active", json!(1), json!("c"))), [user.clone()]);
        assert_eq!(of(row("active", Value::Null, Value::Null)), [user]);
        assert_eq!(of(row("archived", Value::Null, json!("c"))), [scim]);
        assert_eq!(of(row("archived", json!(1), json!("c"))), []);
    }

    #[test]
    fn a_group_by_hand_has_no_name_for_its_own() {
        let row = |manager: Value| {
            json!({"name": "One", "managedBy": manager, "document": {"displayName": "First"}})
        };
        let own = [
            (NameScope::GroupName, "one".to_owned()),
            (NameScope::ScimDisplayName, "first".to_owned()),
        ];
        assert_eq!(names(ResourceKind::Group, &row(json!("c"))), own);
        assert_eq!(names(ResourceKind::Group, &row(Value::Null)), []);
    }
}
