//! What the checks write, as the service provider would.

use chrono::{DateTime, TimeDelta, Utc};
use scim_mapping::{Event, Field, FieldValue};
use scim_protocol::filter::index::search_document;
use scim_protocol::{ResourceDefinition, Version};
use serde_json::Value;

use super::subject::{Subject, author, now};
use crate::configuration::Configuration;
use crate::directory::{
    DirectoryExt, DirectoryTransaction, DirectoryView, GroupWrite, Scope, Status, StoreError,
    StoredUser, UserKeys, UserWrite,
};
use crate::id::{ResourceId, ResourceKind};
use crate::model::{Model, ModelSource};

/// The sight of a configuration.
pub(super) fn scope(configuration: &Configuration) -> Scope {
    Scope::of(configuration.id)
}

/// Runs work in a transaction.
pub(super) fn write<T: Send + 'static>(
    subject: &dyn Subject,
    mut work: impl FnMut(&mut dyn DirectoryTransaction) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    subject.directory().transact(move |transaction| {
        transaction.speak_as(&author())?;
        work(transaction)
    })
}

/// Runs work in a transaction that succeeds.
pub(super) fn done<T: Send + 'static>(
    subject: &dyn Subject,
    work: impl FnMut(&mut dyn DirectoryTransaction) -> Result<T, StoreError> + Send + 'static,
) -> T {
    write(subject, work).expect("a write that succeeds")
}

/// Runs work on a view.
pub(super) fn read<T>(
    subject: &dyn Subject,
    work: impl FnMut(&mut dyn DirectoryView) -> Result<T, StoreError>,
) -> T {
    subject.directory().view(work).expect("a view")
}

/// A user as the default rules make it of a document.
pub(super) fn user(document: Value) -> UserWrite {
    let Value::Object(mut document) = document else {
        panic!("no document of a user");
    };
    document.entry("active").or_insert(Value::Bool(true));
    let model = Model::compile(&ModelSource::usual(Vec::new()));
    let model = model.expect("the default rules");
    let mut record = model.user_mapping.project(&document, Event::Create).record;
    record.remove(&Field::Status);
    let external_id = document.get("externalId").and_then(Value::as_str);
    UserWrite {
        status: match document["active"] == Value::Bool(false) {
            true => Status::Blocked,
            false => Status::Active,
        },
        search: search_document(&model.users, &document),
        external_id: external_id.map(str::to_owned),
        record,
        document,
    }
}

/// A user of this name.
pub(super) fn named(name: &str) -> UserWrite {
    user(serde_json::json!({ "userName": name }))
}

/// The values by which a user is recognised.
pub(super) fn keys(user: &UserWrite) -> UserKeys {
    crate::operation::user::keys(&user.document, &user.record)
}

/// A group as the default rules make it of a document.
pub(super) fn group(document: Value) -> GroupWrite {
    let Value::Object(document) = document else {
        panic!("no document of a group");
    };
    let text = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    GroupWrite {
        name: text("displayName").unwrap_or_default(),
        search: search_document(&ResourceDefinition::group(), &document),
        external_id: text("externalId"),
        kind: scim_mapping::GroupKind::default(),
        rule: None,
        grants: Vec::new(),
        adopt: false,
        document,
    }
}

/// A group of this name.
pub(super) fn group_named(name: &str) -> GroupWrite {
    group(serde_json::json!({ "displayName": name }))
}

/// Inserts a user.
pub(super) fn insert(
    subject: &dyn Subject,
    of: &Configuration,
    user: UserWrite,
) -> Result<ResourceId, StoreError> {
    let (scope, id) = (scope(of), ResourceId::new());
    write(subject, move |tx| tx.insert_user(scope, id, &user, now()))?;
    Ok(id)
}

/// Inserts a user whom nothing is in the way of.
pub(super) fn add(subject: &dyn Subject, of: &Configuration, name: &str) -> ResourceId {
    insert(subject, of, named(name)).expect("a free name")
}

/// Inserts a group.
pub(super) fn insert_group(
    subject: &dyn Subject,
    of: &Configuration,
    group: GroupWrite,
) -> Result<ResourceId, StoreError> {
    let (scope, id) = (scope(of), ResourceId::new());
    write(subject, move |tx| tx.insert_group(scope, id, &group, now()))?;
    Ok(id)
}

/// Inserts a group whom nothing is in the way of.
pub(super) fn add_group(subject: &dyn Subject, of: &Configuration, name: &str) -> ResourceId {
    insert_group(subject, of, group_named(name)).expect("a free name")
}

/// Adds users to a group.
pub(super) fn join(subject: &dyn Subject, group: ResourceId, users: &[ResourceId]) -> usize {
    let users: Vec<_> = users.iter().map(|id| (*id, ResourceKind::User)).collect();
    let joined = move |tx: &mut dyn DirectoryTransaction| tx.add_members(group, &users, now());
    done(subject, joined).len()
}

/// A user as a configuration sees it.
pub(super) fn find(
    subject: &dyn Subject,
    of: &Configuration,
    id: ResourceId,
) -> Option<StoredUser> {
    read(subject, |view| view.user(scope(of), id))
}

/// The version of a group that a configuration sees.
pub(super) fn version(
    subject: &dyn Subject,
    of: &Configuration,
    group: ResourceId,
) -> Option<Version> {
    let found = read(subject, |view| view.group(scope(of), group));
    found.map(|group| group.version)
}

/// A text field of a user.
pub(super) fn field(user: &StoredUser, field: &Field) -> Option<String> {
    let value = user.record.get(field).and_then(FieldValue::as_text);
    value.map(str::to_owned)
}

/// A time so many seconds later.
pub(super) fn later(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

/// Whether an answer says that a name is taken.
pub(super) fn is_taken<T>(answer: &Result<T, StoreError>, attribute: &str) -> bool {
    matches!(answer, Err(StoreError::Conflict { attribute: taken }) if *taken == attribute)
}

/// Whether an answer says that what was to be written is not what it was.
pub(super) fn is_stale<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Stale))
}
