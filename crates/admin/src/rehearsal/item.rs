//! What a rehearsal shows: what would happen, resource by resource, and what would be refused.

use scim_provisioning::ResourceKind;
use scim_provisioning::event::Action;

use crate::event::LoggedEvent;
use crate::run::{
    FieldDifference, RowChange, RowDifference, RowImage, RowSubject, RunCounts, Touched,
};
use crate::word::Word;

/// What would happen to a person or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RehearsedAction {
    /// It would be created.
    Create,
    /// A person created by hand would be taken over.
    Link,
    /// It would change.
    Update,
    /// The person would be blocked.
    Block,
    /// The person would be archived; the group would be deleted.
    Archive,
    /// The person would be deleted when the time has come.
    Delete,
    /// The request would be refused.
    Refuse,
}

impl RehearsedAction {
    /// Every action.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Link,
        Self::Update,
        Self::Block,
        Self::Archive,
        Self::Delete,
        Self::Refuse,
    ];

    /// The action as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Link => "link",
            Self::Update => "update",
            Self::Block => "block",
            Self::Archive => "archive",
            Self::Delete => "delete",
            Self::Refuse => "refuse",
        }
    }

    /// The action that a word means.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Link => Self::Link,
            Action::Block => Self::Block,
            Action::Archive => Self::Archive,
            Action::Delete => Self::Delete,
            _ => Self::Update,
        }
    }
}

/// What would happen to a person or a group, or what would be refused.
#[derive(Debug, Clone, PartialEq)]
pub struct RehearsedItem {
    /// What would happen.
    pub action: RehearsedAction,
    /// User or Group, where that is known of what would be refused.
    pub kind: Option<ResourceKind>,
    /// The id, where there is one.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// Field by field.
    pub fields: Vec<FieldDifference>,
    /// Whether the guard would hold it until an administrator decides.
    pub held: bool,
    /// Whether it happened at once: who was there before and leaves does not wait.
    pub at_once: bool,
    /// Why it would be refused: the word of the cause, and a sentence.
    pub refused: Option<(Option<String>, String)>,
    /// Where it stands in the list.
    pub place: RehearsedPlace,
}

impl RehearsedItem {
    /// What images of a resource say.
    pub(crate) fn of(touched: &Touched, images: &[RowImage]) -> Option<Self> {
        let rows = images.iter().filter(|image| image.subject.is_resource());
        let row = RowChange::of(rows);
        let came_and_went = |row: &RowChange| row.before.is_none() && row.after.is_none();
        if row.as_ref().is_some_and(came_and_went) {
            return None;
        }
        let difference = RowDifference::of(touched, images);
        let held = images
            .iter()
            .rev()
            .find(|image| image.subject == RowSubject::HeldChange);
        let held = held.and_then(|image| image.new.as_ref());
        let purged = row
            .as_ref()
            .and_then(|row| row.after.as_ref()?.get("purgeAt").cloned());
        let action = match (difference.action, held) {
            (Action::Update, Some(held)) => {
                let number = |name: &str| held.get(name).is_some_and(|value| !value.is_null());
                let deleted = held.get("deleted").and_then(serde_json::Value::as_i64);
                match (deleted, number("purgeAt")) {
                    (_, true) => RehearsedAction::Delete,
                    (Some(1), false) => RehearsedAction::Archive,
                    _ => RehearsedAction::Block,
                }
            }
            (Action::Archive, _) if purged.is_some_and(|at| !at.is_null()) => {
                RehearsedAction::Delete
            }
            (action, _) => RehearsedAction::of(action),
        };
        Some(Self {
            action,
            kind: Some(difference.kind),
            id: Some(difference.id),
            name: difference.name,
            fields: difference.fields,
            held: held.is_some(),
            at_once: false,
            refused: None,
            place: RehearsedPlace::Change(difference.first),
        })
    }

    /// Whether somebody would leave.
    pub(crate) fn leaves(&self) -> bool {
        use RehearsedAction::{Archive, Block, Delete};
        !self.held
            && self.kind == Some(ResourceKind::User)
            && matches!(self.action, Block | Archive | Delete)
    }

    /// What an entry of the copy's log says that was refused.
    pub(crate) fn refused(event: &LoggedEvent) -> Self {
        let cause = event.cause.as_ref().map(|cause| cause.as_str().to_owned());
        Self {
            action: RehearsedAction::Refuse,
            kind: event.kind.as_ref().and_then(Word::known),
            id: event.resource_id.clone(),
            name: event.resource_name.clone(),
            fields: Vec::new(),
            held: false,
            at_once: false,
            refused: Some((cause, event.reason.clone().unwrap_or_default())),
            place: RehearsedPlace::Refusal(event.id),
        }
    }
}

/// Where something stands in the list of a rehearsal: changes come first, then what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RehearsedPlace {
    /// A change, by the number of its first one.
    Change(i64),
    /// A refusal, by the entry of the log.
    Refusal(i64),
}

impl RehearsedPlace {
    /// Before everything.
    pub const FIRST: Self = Self::Change(0);

    /// The place that a text names.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        match text.strip_prefix('r') {
            Some(refusal) => number(refusal).map(Self::Refusal),
            None => number(text).map(Self::Change),
        }
    }
}

impl std::fmt::Display for RehearsedPlace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Change(number) => write!(formatter, "{number}"),
            Self::Refusal(number) => write!(formatter, "r{number}"),
        }
    }
}

/// A page of what a rehearsal shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RehearsedPage {
    /// How much of what there is in all.
    pub counts: RunCounts,
    /// What would happen.
    pub items: Vec<RehearsedItem>,
    /// Behind what the next page begins.
    pub next: Option<RehearsedPlace>,
}
