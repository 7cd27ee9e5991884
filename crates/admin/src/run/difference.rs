//! What a run changed, field by field, in ServiceOps' words.

use std::collections::BTreeSet;

use scim_provisioning::event::Action;
use scim_provisioning::{Cause, ResourceKind};
use serde_json::{Map, Value, json};

use super::image::{RowChange, RowImage, RowSubject, Touched};
use super::names::Taking;
use super::undo::{CurrentRow, UndoState, action_of};

/// What a run made of a person or a group.
#[derive(Debug, Clone, PartialEq)]
pub struct RowDifference {
    /// User or Group.
    pub kind: ResourceKind,
    /// The id.
    pub id: String,
    /// `userName` or `displayName` at that time.
    pub name: Option<String>,
    /// What was done, in the product's words.
    pub action: Action,
    /// Field by field.
    pub fields: Vec<FieldDifference>,
    /// What becomes of it when that is taken back, where that was asked.
    pub state: Option<UndoState>,
    /// Why it is not, where it is refused.
    pub cause: Option<Cause>,
    /// The number of the first change, behind which a list goes on.
    pub first: i64,
}

/// A field before and after a run.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDifference {
    /// The key of the field.
    pub field: String,
    /// Before; null where there was none.
    pub old: Value,
    /// After.
    pub new: Value,
    /// Whether somebody changed it since and keeps it.
    pub kept: bool,
}

impl RowDifference {
    /// What images of a resource say that was done to it.
    pub(crate) fn of(touched: &Touched, images: &[RowImage]) -> Self {
        let rows = images.iter().filter(|image| image.subject.is_resource());
        let row = RowChange::of(rows);
        let mut fields = row.as_ref().map(differences).unwrap_or_default();
        fields.extend(members(images));
        fields.extend(grants(images));
        let action = match &row {
            Some(row) => action_of(row.before.as_ref(), row.after.as_ref()),
            None if touched.kind == ResourceKind::Group => Action::ChangeMembers,
            None => Action::Update,
        };
        Self {
            kind: touched.kind,
            id: touched.id.clone(),
            name: images.iter().rev().find_map(|image| image.name.clone()),
            action,
            fields,
            state: None,
            cause: None,
            first: touched.first,
        }
    }

    /// The same with what becomes of what hangs on the resource alone: on something that is there
    /// it can be put back.
    pub(crate) fn with_attached(mut self, current: Option<&CurrentRow>) -> Self {
        self.cause = protection(current);
        self.state = Some(match (current, &self.cause) {
            (Some(_), None) => UndoState::Undo,
            (Some(_), Some(_)) => UndoState::Kept,
            (None, _) => UndoState::Gone,
        });
        self
    }

    /// The same with what becomes of it when it is taken back. Where somebody else has a name that
    /// it would get, and keeps it, it stays as it is.
    pub(crate) fn with_undo(mut self, taking: &Taking, free: bool) -> Self {
        let undone = &taking.undone;
        self.cause = match free {
            true => protection(taking.current.as_ref()),
            false => Some(Cause::UniquenessOwn),
        };
        if !free {
            self.state = Some(UndoState::Kept);
            return self;
        }
        self.state = Some(undone.state);
        let shown: BTreeSet<String> = undone.kept.iter().map(|path| shown_name(path)).collect();
        for field in &mut self.fields {
            field.kept = shown.contains(&field.field);
        }
        self
    }
}

/// Why something is not taken back of a protected account or group.
fn protection(current: Option<&CurrentRow>) -> Option<Cause> {
    let protected = current.is_some_and(|row| row.protected);
    protected.then_some(Cause::ResourceProtected)
}

/// The field that a kept value is shown as.
fn shown_name(path: &str) -> String {
    match path.split_once('.') {
        Some(("customFields", name)) => format!("custom_fields.{name}"),
        Some(("document", name)) => name.split('.').next().unwrap_or(name).to_owned(),
        _ => key_of(path),
    }
}

/// The key of the field that has a name in images: `job_title` of `jobTitle`.
fn key_of(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 2);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            key.push('_');
        }
        key.push(character.to_ascii_lowercase());
    }
    key
}

/// The fields of a row that a run changed.
fn differences(change: &RowChange) -> Vec<FieldDifference> {
    let empty = Map::new();
    let before = change.before.as_ref().unwrap_or(&empty);
    let after = change.after.as_ref().unwrap_or(&empty);
    let mut fields = compared(before, after, &|name| !HIDDEN.contains(&name));
    for field in &mut fields {
        field.field = key_of(&field.field);
    }
    let inner = |side: &Map<String, Value>, name: &str| {
        side.get(name)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let custom = (inner(before, "customFields"), inner(after, "customFields"));
    fields.extend(
        compared(&custom.0, &custom.1, &|_| true)
            .into_iter()
            .map(|field| {
                let key = format!("custom_fields.{}", field.field);
                FieldDifference {
                    field: key,
                    ..field
                }
            }),
    );
    if fields.is_empty() {
        // What no rule maps is told in the identity provider's words.
        let documents = (inner(before, "document"), inner(after, "document"));
        fields.extend(compared(&documents.0, &documents.1, &|_| true));
    }
    fields
}

fn compared(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    shown: &dyn Fn(&str) -> bool,
) -> Vec<FieldDifference> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |side: &Map<String, Value>, name: &str| side.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .filter(|name| shown(name))
        .map(|name| (name, value(before, name), value(after, name)))
        .filter(|(_, old, new)| old != new && !(is_unsaid(old) && is_unsaid(new)))
        .map(|(name, old, new)| FieldDifference {
            field: name.clone(),
            old,
            new,
            kept: false,
        })
        .collect()
}

/// Whether a value says no more than that there is none.
fn is_unsaid(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    }
}

/// The names of members who left and joined.
fn members(images: &[RowImage]) -> Option<FieldDifference> {
    let of = |image: &&RowImage| image.subject == RowSubject::Membership;
    let name = |image: &RowImage| image.other_name.clone().or_else(|| image.other.clone());
    let (mut left, mut joined) = (BTreeSet::new(), BTreeSet::new());
    for image in images.iter().filter(of) {
        let Some(name) = name(image) else { continue };
        match (&image.old, &image.new) {
            (None, Some(_)) if !left.remove(&name) => {
                joined.insert(name);
            }
            (Some(_), None) if !joined.remove(&name) => {
                left.insert(name);
            }
            _ => {}
        }
    }
    let changed = !left.is_empty() || !joined.is_empty();
    changed.then(|| FieldDifference {
        field: "members".to_owned(),
        old: json!(left),
        new: json!(joined),
        kept: false,
    })
}

/// What members of a group, or a person, got and lost.
fn grants(images: &[RowImage]) -> Option<FieldDifference> {
    let mut sides = [Vec::new(), Vec::new()];
    for image in images {
        if !matches!(
            image.subject,
            RowSubject::GroupGrant | RowSubject::ManualGrant
        ) {
            continue;
        }
        let [lost, got] = &mut sides;
        for (side, row) in [(lost, &image.old), (got, &image.new)] {
            let value = row.as_ref().and_then(|row| {
                let text = |name: &str| row.get(name).and_then(Value::as_str);
                Some(format!("{}: {}", text("field")?, text("value")?))
            });
            side.extend(value);
        }
    }
    let [lost, got] = sides;
    let changed = !lost.is_empty() || !got.is_empty();
    changed.then(|| FieldDifference {
        field: "grants".to_owned(),
        old: json!(lost),
        new: json!(got),
        kept: false,
    })
}

/// What is told by the action, or elsewhere.
const HIDDEN: [&str; 9] = [
    "document",
    "search",
    "customFields",
    "leftAt",
    "purgeAt",
    "held",
    "managerId",
    "createdAt",
    "version",
];
