//! Fields that name other records: what becomes of names that nobody knows.

use scim_mapping::{Field, FieldValue, OnUnknown, ReferenceKind};
use scim_protocol::text::fold;
use scim_protocol::{Error, ScimType};

use super::user::{PreparedUser, Warning};
use crate::context::Context;
use crate::directory::{DirectoryTransaction, GroupWrite, StoredUser};
use crate::failure::Failure;
use crate::refusal::Cause;

/// Finds the records that the fields of a user name, and makes, ignores or refuses the others as
/// the rules say.
///
/// # Errors
/// `invalidValue` where a rule refuses.
pub(crate) fn resolve(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    stored: Option<&StoredUser>,
    prepared: &mut PreparedUser,
) -> Result<(), Failure> {
    for (field, kind) in REFERENCES {
        let Some(value) = prepared.write.record.get(&field).cloned() else {
            continue;
        };
        // What is there already was found before; a role may have become one that is not given.
        if kind != ReferenceKind::Role
            && stored.is_some_and(|stored| stored.record.get(&field) == Some(&value))
        {
            continue;
        }
        let mapping = &context.model.user_mapping;
        let on_unknown = mapping.on_unknown(&field, &prepared.write.document);
        let create = kind != ReferenceKind::Role && on_unknown == OnUnknown::Create;
        let mut unknown = Vec::new();
        let mut find = |name: &str| -> Result<Option<String>, Failure> {
            let found = transaction.reference(kind, name, create)?;
            if found.is_none() {
                unknown.push(name.to_owned());
            }
            // A name stays as it was written; an id becomes the name.
            Ok(found.map(|found| match fold(&found) == fold(name) {
                true => name.to_owned(),
                false => found,
            }))
        };
        let known = match &value {
            FieldValue::Texts(names) => {
                let names: Result<Vec<_>, Failure> = names.iter().map(|name| find(name)).collect();
                let names: Vec<String> = names?.into_iter().flatten().collect();
                (!names.is_empty()).then_some(FieldValue::Texts(names))
            }
            FieldValue::Text(name) => find(name)?.map(FieldValue::Text),
            other => Some(other.clone()),
        };
        match known {
            Some(known) => prepared.write.record.insert(field.clone(), known),
            None => prepared.write.record.remove(&field),
        };
        if unknown.is_empty() {
            continue;
        }
        let said = format!(
            "there is no {} \"{}\" (ServiceOps field \"{}\")",
            word(kind),
            unknown.join("\", \""),
            field.label()
        );
        if on_unknown == OnUnknown::Reject {
            let error = Error::new(ScimType::InvalidValue, format!("{said}."));
            return Err(Failure::because(Cause::ReferenceUnknown, error));
        }
        prepared.warnings.push(said.into());
    }
    Ok(())
}

/// Finds the roles that a group gives, and takes out those that ServiceOps does not have or that
/// nobody can be given; answers what was taken out.
pub(crate) fn grants(
    transaction: &mut dyn DirectoryTransaction,
    group: &mut GroupWrite,
) -> Result<Vec<Warning>, Failure> {
    let mut warnings = Vec::new();
    let mut kept = Vec::with_capacity(group.grants.len());
    for (field, value) in std::mem::take(&mut group.grants) {
        if field != "roles" {
            kept.push((field, value));
            continue;
        }
        match transaction.reference(ReferenceKind::Role, &value, false)? {
            Some(role) => kept.push((field, role)),
            None => {
                let said = format!("there is no role \"{value}\" that a group can give");
                warnings.push(said.into());
            }
        }
    }
    group.grants = kept;
    Ok(warnings)
}

fn word(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Department => "department",
        ReferenceKind::Location => "location",
        ReferenceKind::Company => "company",
        ReferenceKind::Role => "role",
        ReferenceKind::Manager => "user",
    }
}

/// Managers are linked by the store, whenever they arrive.
const REFERENCES: [(Field, ReferenceKind); 4] = [
    (Field::Department, ReferenceKind::Department),
    (Field::Location, ReferenceKind::Location),
    (Field::Company, ReferenceKind::Company),
    (Field::Roles, ReferenceKind::Role),
];
