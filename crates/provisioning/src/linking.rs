//! What linking a user to a person who is there would make of the person. Nothing is written.

use scim_mapping::{Field, FieldChange, FieldValue, field_changes};
use scim_protocol::Resource;
use serde_json::Value;

use crate::caller::Caller;
use crate::configuration::Configuration;
use crate::context::Context;
use crate::directory::{DirectoryExt, StoredUser};
use crate::failure::Failure;
use crate::id::{ResourceId, ResourceKind};
use crate::operation::user;
use crate::service::ServiceProvider;

/// A person beside the user as whom an identity provider sends them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// The fields that would change, in the order of their keys.
    pub changes: Vec<FieldChange>,
    /// The fields that stay as they are, with their values.
    pub same: Vec<(String, Value)>,
    /// Why the two cannot be linked, as far as the user alone says.
    pub refused: Option<String>,
}

impl ServiceProvider {
    /// Compares people with the users who wait to be linked to them, in the same order: their fields
    /// now, and what the mapping makes of what the identity provider sent. References that ServiceOps
    /// does not have are told when it is done. A person who is gone, or managed by now, is compared
    /// with nobody.
    ///
    /// # Errors
    /// What the store fails with.
    pub fn compare(
        &self,
        configuration: &Configuration,
        pairs: &[(ResourceId, &Value)],
    ) -> Result<Vec<Comparison>, Failure> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let context = self.context(&Caller::silent(configuration, self.environment()))?;
        let people = self.directory.view(|view| {
            let people = pairs.iter().map(|(person, _)| view.by_hand(*person));
            people.collect::<Result<Vec<_>, _>>().map_err(Failure::from)
        })?;
        let compared = people.iter().zip(pairs);
        compared
            .map(|(person, (_, document))| match person {
                Some(person) => compare(&context, person, (*document).clone()),
                None => Ok(Comparison::default()),
            })
            .collect()
    }
}

fn compare(context: &Context, person: &StoredUser, document: Value) -> Result<Comparison, Failure> {
    let then = match linked(context, person, document) {
        Ok(then) => then,
        Err(failure @ (Failure::Contended | Failure::Store(_))) => return Err(failure),
        Err(Failure::Scim(error)) => return Ok(Comparison::refused(error.detail())),
        Err(Failure::Refused { reason, .. }) => return Ok(Comparison::refused(&reason)),
    };
    let (now, then) = (person.fields(), then.fields());
    let changes = field_changes(&now, &then);
    let same = now
        .iter()
        .filter(|(field, value)| !unsaid(field, value))
        .map(|(field, value)| (field.key(), value.to_json()))
        .filter(|(key, _)| changes.iter().all(|change| change.field != *key))
        .collect();
    Ok(Comparison {
        changes,
        same,
        refused: None,
    })
}

/// The person as linking would leave them.
fn linked(context: &Context, person: &StoredUser, document: Value) -> Result<StoredUser, Failure> {
    let definition = context.definition(ResourceKind::User);
    let resource = Resource::read(definition, document, &mut context.tolerance())?;
    let mut user = user::prepare(context, resource, None, None)?;
    // Of whom no rule says what they are, that is what the store makes of them.
    let requester = || FieldValue::Text("requester".to_owned());
    let record = &mut user.write.record;
    record.entry(Field::UserType).or_insert_with(requester);
    Ok(StoredUser {
        // Who was blocked by hand stays so, unless the identity provider says otherwise.
        status: match user.active {
            Some(_) => user.write.status,
            None => person.status,
        },
        record: user.write.record,
        document: user.write.document,
        ..person.clone()
    })
}

/// Who is no VIP is so without saying it.
fn unsaid(field: &Field, value: &FieldValue) -> bool {
    *field == Field::Vip && *value == FieldValue::Boolean(false)
}

impl Comparison {
    fn refused(reason: &str) -> Self {
        Self {
            refused: Some(reason.to_owned()),
            ..Self::default()
        }
    }
}
