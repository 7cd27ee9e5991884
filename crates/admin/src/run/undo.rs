//! What taking a change back makes of a row: what was before it, but for what somebody changed since.

use std::collections::BTreeSet;

use scim_provisioning::event::Action;
use scim_provisioning::{ConfigurationId, ResourceKind};
use serde_json::{Map, Value};

use super::image::{RowChange, is_by_attribute};

/// The row of a person or a group as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentRow {
    /// The version.
    pub version: i64,
    /// The name.
    pub name: String,
    /// Whether it is a protected account, or a group that confers an administrative right.
    pub protected: bool,
    /// The values, by the names that images have.
    pub values: Map<String, Value>,
}

/// What becomes of a resource when a run is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoState {
    /// It becomes what it was, but for fields that are kept.
    Undo,
    /// It stays as it is.
    Kept,
    /// It is not there any more, or cannot be what it was.
    Gone,
}

impl UndoState {
    /// The state as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::Kept => "kept",
            Self::Gone => "gone",
        }
    }
}

/// How a row becomes what it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// Nothing is to be done.
    Nothing,
    /// These values are written.
    Write(Map<String, Value>),
    /// The group is put back with these values.
    Insert(Map<String, Value>),
    /// The person, whom the run created, is archived; the group is deleted.
    Remove,
}

/// What taking back a change of a row comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Undone {
    pub(crate) state: UndoState,
    pub(crate) way: Way,
    /// The names of what somebody changed since, and keeps.
    pub(crate) kept: BTreeSet<String>,
}

impl Undone {
    fn nothing(state: UndoState) -> Self {
        Self {
            state,
            way: Way::Nothing,
            kept: BTreeSet::new(),
        }
    }

    /// Decides. `configurations` are those that there are; with `overwrite` nothing is kept.
    pub(crate) fn of(
        kind: ResourceKind,
        change: &RowChange,
        current: Option<&CurrentRow>,
        configurations: &BTreeSet<ConfigurationId>,
        overwrite: bool,
    ) -> Self {
        if current.is_some_and(|row| row.protected) {
            return Self::nothing(UndoState::Kept);
        }
        let there = |values: &Map<String, Value>| {
            let manager = values.get("managedBy").and_then(Value::as_str);
            let known = |id: &str| {
                ConfigurationId::parse(id).is_some_and(|id| configurations.contains(&id))
            };
            manager.is_none_or(known)
        };
        match (&change.before, current) {
            (Some(before), _) if !there(before) => Self::nothing(UndoState::Gone),
            (None, None) => Self::nothing(UndoState::Undo),
            (None, Some(row)) => match left(kind, row) {
                true => Self::nothing(UndoState::Undo),
                false => Self {
                    way: Way::Remove,
                    ..Self::nothing(UndoState::Undo)
                },
            },
            (Some(before), None) => match (kind, &change.after) {
                // What others deleted since is theirs, and a person is not made anew.
                (ResourceKind::Group, None) => Self {
                    way: Way::Insert(without_absent(before)),
                    ..Self::nothing(UndoState::Undo)
                },
                _ => Self::nothing(UndoState::Gone),
            },
            (Some(before), Some(row)) => {
                let empty = Map::new();
                let after = change.after.as_ref().unwrap_or(&empty);
                Self::merged(before, after, &row.values, overwrite)
            }
        }
    }

    fn merged(
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        now: &Map<String, Value>,
        overwrite: bool,
    ) -> Self {
        let mut kept = BTreeSet::new();
        let mut written = Map::new();
        let allowed = is_allowed_since(before, after, now);
        if allowed {
            kept.insert("status".to_owned());
        }
        for (name, old) in before {
            let (new, current) = (get(after, name), get(now, name));
            let deep = is_by_attribute(name) || name == "customFields";
            let mut merge = Merge {
                kept: &mut kept,
                allowed,
                overwrite,
            };
            let value = match (deep, old, current) {
                (true, Value::Object(old), Value::Object(current)) => {
                    let inner = new.as_object().cloned().unwrap_or_default();
                    merge.objects(name, (old, &inner), current, 2)
                }
                _ => merge.value(name, (old, new), current),
            };
            if value != *current {
                written.insert(name.clone(), value);
            }
        }
        let state = match written.is_empty() && !kept.is_empty() {
            true => UndoState::Kept,
            false => UndoState::Undo,
        };
        let way = match written.is_empty() {
            true => Way::Nothing,
            false => Way::Write(written),
        };
        Self { state, way, kept }
    }
}

/// A merge of what was before a run with what is now.
struct Merge<'k> {
    kept: &'k mut BTreeSet<String>,
    /// Whether what the guard held of the run was allowed since.
    allowed: bool,
    overwrite: bool,
}

impl Merge<'_> {
    fn value(&mut self, name: &str, (old, new): (&Value, &Value), current: &Value) -> Value {
        let decided = self.allowed && DECIDED.contains(&name);
        if !decided && (current == old || current == new || self.overwrite) {
            return old.clone();
        }
        self.kept.insert(name.to_owned());
        current.clone()
    }

    /// Merges member by member, so that who changed one of them keeps that one.
    fn objects(
        &mut self,
        name: &str,
        (old, new): (&Map<String, Value>, &Map<String, Value>),
        current: &Map<String, Value>,
        depth: usize,
    ) -> Value {
        let mut merged = current.clone();
        let members: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for member in members {
            let (was, made, is) = (get(old, member), get(new, member), get(current, member));
            if was == made {
                continue;
            }
            let path = format!("{name}.{member}");
            let value = match (was, made, is) {
                (Value::Object(was), Value::Object(made), Value::Object(is)) if depth > 1 => {
                    self.objects(&path, (was, made), is, depth - 1)
                }
                _ => self.value(&path, (was, made), is),
            };
            match value {
                Value::Null => {
                    merged.remove(member);
                }
                value => {
                    merged.insert(member.clone(), value);
                }
            }
        }
        Value::Object(merged)
    }
}

/// Whether the guard held that somebody leaves, as the run asked for, and an administrator allowed it
/// since: who is out by that decision comes back when the decision is taken back, and not before.
fn is_allowed_since(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    now: &Map<String, Value>,
) -> bool {
    let held = |values: &Map<String, Value>| get(values, "held").as_i64() == Some(1);
    let by_itself = before.contains_key("status");
    !by_itself && held(after) && !held(now) && get(now, "status") != "active"
}

/// What goes with the status of whoever leaves.
const DECIDED: [&str; 4] = ["leftAt", "purgeAt", "document.active", "search.active"];

fn get<'m>(map: &'m Map<String, Value>, name: &str) -> &'m Value {
    map.get(name).unwrap_or(&Value::Null)
}

/// A row without the attributes that are said to be absent.
fn without_absent(row: &Map<String, Value>) -> Map<String, Value> {
    let mut row = row.clone();
    for (_, value) in row.iter_mut().filter(|(name, _)| is_by_attribute(name)) {
        if let Value::Object(attributes) = value {
            attributes.retain(|_, value| !value.is_null());
        }
    }
    row
}

/// Whether whom a run created is out of the way already.
fn left(kind: ResourceKind, row: &CurrentRow) -> bool {
    kind == ResourceKind::User
        && get(&row.values, "status") == "archived"
        && !get(&row.values, "leftAt").is_null()
}

/// What a change of a row is, in the product's words: from what was to what is.
pub(crate) fn action_of(
    before: Option<&Map<String, Value>>,
    after: Option<&Map<String, Value>>,
) -> Action {
    let (Some(before), Some(after)) = (before, after) else {
        return match before {
            None => Action::Create,
            Some(_) => Action::Archive,
        };
    };
    let changed = |name: &str| after.get(name).filter(|new| Some(*new) != before.get(name));
    let status = changed("status").and_then(Value::as_str);
    match status {
        Some("archived") => return Action::Archive,
        Some("blocked") => return Action::Block,
        Some(_) => return Action::Unblock,
        None => {}
    }
    if changed("leftAt").is_some_and(|left| !left.is_null()) {
        return Action::Archive;
    }
    if before.get("managedBy").is_some_and(Value::is_null) && changed("managedBy").is_some() {
        return Action::Link;
    }
    Action::Update
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn row(values: Value) -> CurrentRow {
        CurrentRow {
            version: 3,
            name: "ava".to_owned(),
            protected: false,
            values: map(values),
        }
    }

    fn undone(before: Value, after: Value, now: Value, overwrite: bool) -> Undone {
        let change = RowChange {
            before: before.as_object().cloned(),
            after: after.as_object().cloned(),
        };
        let current = now.is_object().then(|| row(now));
        let none = BTreeSet::new();
        Undone::of(
            ResourceKind::User,
            &change,
            current.as_ref(),
            &none,
            overwrite,
        )
    }

    #[test]
    fn who_changed_something_since_keeps_it() {
        let before = json!({"jobTitle": "a", "email": "x"});
        let after = json!({"jobTitle": "b", "email": "y"});
        let now = json!({"jobTitle": "c", "email": "y", "status": "active"});
        let done = undone(before.clone(), after.clone(), now.clone(), false);
        assert_eq!(done.way, Way::Write(map(json!({"email": "x"}))));
        assert_eq!(done.kept.iter().collect::<Vec<_>>(), ["jobTitle"]);
        assert_eq!(done.state, UndoState::Undo);
        let done = undone(before, after, now, true);
        assert_eq!(
            done.way,
            Way::Write(map(json!({"jobTitle": "a", "email": "x"})))
        );
        assert!(done.kept.is_empty());
    }

    #[test]
    fn documents_are_merged_attribute_by_attribute() {
        let before =
            json!({"document": {"title": "a", "nickName": null, "urn:x": {"a": 1, "b": 1}}});
        let after = json!({"document": {"title": "b", "nickName": "n", "urn:x": {"a": 2, "b": 2}}});
        let now = json!({"document":
            {"title": "b", "nickName": "n", "urn:x": {"a": 3, "b": 2}, "userName": "ava"}});
        let done = undone(before, after, now, false);
        let wanted =
            json!({"document": {"title": "a", "urn:x": {"a": 3, "b": 1}, "userName": "ava"}});
        assert_eq!(done.way, Way::Write(map(wanted)));
        assert_eq!(done.kept.iter().collect::<Vec<_>>(), ["document.urn:x.a"]);
    }

    #[test]
    fn what_all_others_changed_since_is_kept_whole() {
        let done = undone(json!({"a": 1}), json!({"a": 2}), json!({"a": 3}), false);
        assert_eq!((done.state, done.way), (UndoState::Kept, Way::Nothing));
        // What is as it was already needs nothing, and nobody is told of it.
        let done = undone(json!({"a": 1}), json!({"a": 2}), json!({"a": 1}), false);
        assert_eq!((done.state, done.way), (UndoState::Undo, Way::Nothing));
    }

    #[test]
    fn what_was_held_and_allowed_since_stays_with_the_decision() {
        let before =
            json!({"held": 0, "jobTitle": "a", "document": {"active": true, "title": "a"}});
        let after =
            json!({"held": 1, "jobTitle": "b", "document": {"active": false, "title": "b"}});
        let now = |held: i64, status: &str| {
            json!({"held": held, "status": status, "jobTitle": "b",
                "document": {"active": false, "title": "b"}})
        };
        for overwrite in [false, true] {
            let done = undone(before.clone(), after.clone(), now(0, "blocked"), overwrite);
            // The rest is taken back.
            let rest = json!({"jobTitle": "a", "document": {"active": false, "title": "a"}});
            assert_eq!(
                (done.state, done.way),
                (UndoState::Undo, Way::Write(map(rest)))
            );
            let kept: Vec<_> = done.kept.iter().collect();
            assert_eq!(kept, ["document.active", "status"]);
        }
        let left = |held, status| json!({"held": held, "leftAt": 7, "status": status});
        let asked = (
            json!({"held": 0, "leftAt": null}),
            json!({"held": 1, "leftAt": 7}),
        );
        let done = undone(asked.0.clone(), asked.1.clone(), left(0, "archived"), false);
        assert_eq!((done.state, done.way), (UndoState::Kept, Way::Nothing));
        // What still waits, and what was rejected, is taken back whole.
        let done = undone(asked.0, asked.1, left(1, "active"), false);
        assert_eq!(
            done.way,
            Way::Write(map(json!({"held": 0, "leftAt": null})))
        );
        let done = undone(before, after, now(0, "active"), false);
        assert!(
            done.kept.is_empty() && done.state == UndoState::Undo,
            "{done:?}"
        );
    }

    #[test]
    fn whom_the_run_created_goes_and_what_it_deleted_comes() {
        let created = |now| undone(Value::Null, json!({"userName": "a"}), now, false).way;
        assert_eq!(
            created(json!({"status": "active", "leftAt": null})),
            Way::Remove
        );
        assert_eq!(
            created(json!({"status": "archived", "leftAt": 1})),
            Way::Nothing
        );
        let change = RowChange {
            before: Some(map(json!({"name": "g", "document": {"a": null, "b": 1}}))),
            after: None,
        };
        let none = BTreeSet::new();
        let done = Undone::of(ResourceKind::Group, &change, None, &none, false);
        let row = map(json!({"name": "g", "document": {"b": 1}}));
        assert_eq!(done.way, Way::Insert(row));
    }

    #[test]
    fn what_cannot_be_what_it_was_is_gone() {
        let gone = ConfigurationId::new().to_string();
        let done = undone(
            json!({"managedBy": gone}),
            json!({"managedBy": null}),
            json!({"managedBy": null}),
            false,
        );
        assert_eq!((done.state, done.way), (UndoState::Gone, Way::Nothing));
        let done = undone(json!({"a": 1}), json!({"a": 2}), Value::Null, false);
        assert_eq!(done.state, UndoState::Gone);
    }

    #[test]
    fn a_protected_account_stays_as_it_is() {
        let change = RowChange {
            before: Some(map(json!({"a": 1}))),
            after: Some(map(json!({"a": 2}))),
        };
        let protected = CurrentRow {
            protected: true,
            ..row(json!({"a": 2}))
        };
        let none = BTreeSet::new();
        let done = Undone::of(ResourceKind::User, &change, Some(&protected), &none, true);
        assert_eq!((done.state, done.way), (UndoState::Kept, Way::Nothing));
    }

    #[test]
    fn a_change_is_named_as_the_log_names_it() {
        let action = |before: Value, after: Value| action_of(before.as_object(), after.as_object());
        for (before, after, wanted) in [
            (Value::Null, json!({}), Action::Create),
            (json!({}), Value::Null, Action::Archive),
            (
                json!({"status": "active"}),
                json!({"status": "blocked"}),
                Action::Block,
            ),
            (
                json!({"status": "blocked"}),
                json!({"status": "active"}),
                Action::Unblock,
            ),
            (
                json!({"status": "active"}),
                json!({"status": "archived"}),
                Action::Archive,
            ),
            (
                json!({"leftAt": null}),
                json!({"leftAt": 1}),
                Action::Archive,
            ),
            (
                json!({"managedBy": null}),
                json!({"managedBy": "x"}),
                Action::Link,
            ),
            (json!({"email": "x"}), json!({"email": "y"}), Action::Update),
        ] {
            assert_eq!(action(before, after), wanted);
        }
    }
}
