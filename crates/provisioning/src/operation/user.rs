//! What of a user is checked, mapped and written.

use scim_mapping::{Event as MappingEvent, Field, Verdict};
use scim_protocol::filter::index::search_document;
use scim_protocol::schema::uri;
use scim_protocol::text::{fold, fold_name, valid_user_name};
use scim_protocol::{AttributePath, Deviation, Error, Resource, ResourceDefinition, ScimType};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::directory::{
    PendingLink, Relation, Status, StoredUser, UserKeys, UserWrite, number_key, phone_key,
};
use crate::event::{Event, Outcome};
use crate::failure::{Failure, taken};
use crate::id::{ResourceId, ResourceKind};
use crate::operation::collision::{EXTERNAL_ID, Occupant};
use crate::policy::{ExistingUsers, RepeatedExternalIds};
use crate::refusal::Cause;

/// A user that is ready to be written, and what the log says of it.
#[derive(Debug, Clone)]
pub(crate) struct PreparedUser {
    pub(crate) write: UserWrite,
    pub(crate) keys: UserKeys,
    pub(crate) warnings: Vec<Warning>,
    /// What the request says of `active`; what it says nothing of stays as it is.
    pub(crate) active: Option<bool>,
}

/// Checks a user's canonical document and maps it to directory fields: those of the attributes
/// that the request touches, or all of them.
pub(crate) fn prepare(
    context: &Context,
    mut resource: Resource,
    stored: Option<&StoredUser>,
    touched: Option<&[AttributePath]>,
) -> Result<PreparedUser, Failure> {
    let definition = &context.model.users;
    // Passwords are accepted and dropped: this server signs nobody in.
    resource.attributes_mut().shift_remove("password");
    drop_reference(&mut resource);
    drop_empty_key(&mut resource);
    resource.check_required(definition)?;
    check_user_name(&resource)?;
    for name in ["userName", "externalId", "displayName"] {
        check_key(context, &resource, name)?;
    }
    let mut document = resource.into_map();
    let active = said_active(&document, touched);
    // RFC 7644 section 3.3 lets the service provider assign what the client leaves out.
    if !document.get("active").is_some_and(Value::is_boolean) {
        let before = stored.and_then(|stored| stored.document.get("active"));
        document.insert("active".into(), before.cloned().unwrap_or(true.into()));
    }
    let event = match stored {
        None => MappingEvent::Create,
        Some(_) => MappingEvent::Change,
    };
    let mapping = &context.model.user_mapping;
    let project = |document: &Map<String, Value>| match touched {
        Some(touched) => mapping.project_touched(document, touched),
        None => mapping.project(document, event),
    };
    let projection = project(&document);
    if let Some(rejected) = projection.rejection() {
        return Err(Failure::because(
            Cause::MappingRejected,
            rejected.to_error(),
        ));
    }
    let mut warnings: Vec<Warning> = projection.warnings().map(Warning::of).collect();
    if let Some(stored) = stored {
        // What was said when it happened is not said again with every change.
        if !warnings.is_empty() {
            let before = project(&stored.document);
            let said: Vec<Warning> = before.warnings().map(Warning::of).collect();
            warnings.retain(|warning| !said.contains(warning));
        }
    }
    let mut record = match stored {
        None => projection.record,
        Some(stored) => projection.onto(&stored.record),
    };
    record.remove(&Field::Status);
    let status = match (active, stored) {
        (Some(false), _) => context.configuration().policies.deactivation.status(),
        (None, Some(stored)) => stored.status,
        _ => Status::Active,
    };
    let keys = keys(&document, &record);
    let external_id = text(&document, "externalId");
    Ok(PreparedUser {
        write: UserWrite {
            record,
            status,
            search: search_document(definition, &document),
            document,
            external_id,
        },
        keys,
        warnings,
        active,
    })
}

/// The reference of a manager is made for whoever looks: one that is sent back as it was shown
/// changes nothing, and another one says nothing that the id does not.
fn drop_reference(resource: &mut Resource) {
    let attributes = resource.attributes_mut();
    let manager = attributes
        .get_mut(uri::ENTERPRISE_USER)
        .and_then(|extension| extension.get_mut("manager"))
        .and_then(Value::as_object_mut);
    if let Some(manager) = manager
        && manager.contains_key("value")
    {
        manager.shift_remove("$ref");
    }
}

/// What a request says of `active`: nothing where it is absent, null or removed, or where a PATCH
/// does not touch it. Silence lets nobody in and keeps nobody out.
fn said_active(document: &Map<String, Value>, touched: Option<&[AttributePath]>) -> Option<bool> {
    let said = |path: &AttributePath| path.schema.is_none() && path.attribute == "active";
    match touched.is_none_or(|paths| paths.iter().any(said)) {
        true => document.get("active").and_then(Value::as_bool),
        false => None,
    }
}

impl PreparedUser {
    /// Says of `active` what the status of a person is who is taken over by a request that says
    /// nothing of it.
    pub(crate) fn keep_status(&mut self, definition: &ResourceDefinition, status: Status) {
        self.write.status = status;
        let active = Value::Bool(status == Status::Active);
        self.write.document.insert("active".into(), active);
        self.write.search = search_document(definition, &self.write.document);
    }

    /// The manager, where the document names one by id.
    pub(crate) fn manager(&self) -> Option<ResourceId> {
        let manager = self
            .write
            .document
            .get(uri::ENTERPRISE_USER)?
            .get("manager")?;
        ResourceId::parse(manager.get("value")?.as_str()?)
    }

    /// The document as the identity provider sent it.
    fn sent(&self) -> Map<String, Value> {
        let mut document = self.write.document.clone();
        if self.active.is_none() {
            document.shift_remove("active");
        }
        document
    }
}

/// A user of the configuration who has the same `externalId`, for the log.
pub(crate) fn repeated(occupants: &[Occupant]) -> Option<ResourceId> {
    let same = |occupant: &&Occupant| occupant.attribute == EXTERNAL_ID;
    occupants.iter().find(same).map(|occupant| occupant.id)
}

/// Says in the log entry that another resource has the `externalId`.
pub(crate) fn tell_repeated(event: &mut Event, other: Option<ResourceId>) {
    let (Some(other), Value::Array(notes)) = (other, &mut event.deviations) else {
        return;
    };
    let text = format!("externalId is also that of {other}");
    notes.push(json!({ "name": "repeatedExternalId", "text": text }));
    if event.outcome == Outcome::Success {
        event.outcome = Outcome::Warning;
    }
}

/// Decides about what a new or changed user collides with.
///
/// Answers the person to link, where the policy says so.
///
/// # Errors
/// 409 in the same words whatever was met; the log knows more.
pub(crate) fn decide(
    context: &Context,
    user: &PreparedUser,
    occupants: &[Occupant],
    creating: bool,
) -> Result<Option<ResourceId>, Failure> {
    let policies = context.configuration().policies;
    let policy = policies.existing_users;
    let accepts = policies.external_ids == RepeatedExternalIds::Accept;
    let occupants: Vec<&Occupant> = occupants
        .iter()
        .filter(|occupant| occupant.attribute != EXTERNAL_ID || !accepts)
        .collect();
    let met = |relation: Relation| occupants.iter().find(|o| o.relation == relation);
    let refused = |met: &Occupant, reason: String, outcome| {
        Err(Failure::Refused {
            cause: met.relation.cause(),
            error: taken(ResourceKind::User),
            reason,
            outcome,
            pending: Vec::new(),
        })
    };
    if let Some(met) = met(Relation::Protected) {
        let reason = format!(
            "{} belongs to a protected account, which is never provisioned.",
            met.attribute
        );
        return refused(met, reason, Outcome::Skipped);
    }
    if let Some(met) = met(Relation::Own) {
        let reason = format!("{} is in use by user {}.", met.attribute, met.id);
        return refused(met, reason, Outcome::Failure);
    }
    if let Some(met) = met(Relation::Foreign) {
        let reason = format!(
            "{} is in use by user {}, whom another configuration manages.",
            met.attribute, met.id
        );
        return refused(met, reason, Outcome::Failure);
    }
    if let Some(left) = met(Relation::Left) {
        // Whom a DELETE blocked is taken up again, if nobody else has one of the values.
        if creating && occupants.iter().all(|o| o.id == left.id) {
            return Ok(Some(left.id));
        }
        let reason = format!(
            "{} is in use by user {}, who was deleted by the identity provider and is blocked.",
            left.attribute, left.id
        );
        return refused(left, reason, Outcome::Failure);
    }
    let by_hand: Vec<_> = occupants
        .iter()
        .filter(|o| creating || o.attribute == "userName")
        .collect();
    let Some(first) = by_hand.first() else {
        return Ok(None);
    };
    let linkable = creating
        && policy == ExistingUsers::Link
        && by_hand
            .iter()
            .all(|o| o.relation == Relation::ByHand && o.id == first.id);
    if linkable {
        return Ok(Some(first.id));
    }
    let who = format!("User \"{}\" ({})", first.name, first.id);
    let by_hand_with = format!("{who} was created by hand and has this {}", first.attribute);
    let reason = match (first.relation, policy) {
        (Relation::Privileged, _) => format!(
            "{who} has this {} and an administrative role or a console sign-in; such accounts \
             are never linked.",
            first.attribute
        ),
        (_, ExistingUsers::Ask) => {
            format!("{by_hand_with}; an administrator can link the two.")
        }
        _ => format!("{by_hand_with}."),
    };
    let mut pending: Vec<PendingLink> = Vec::new();
    if creating && policy == ExistingUsers::Ask && first.relation == Relation::ByHand {
        // Each person once, by the strongest of the values that they share.
        for met in by_hand.iter().filter(|o| o.relation == Relation::ByHand) {
            if pending.len() < PEOPLE && pending.iter().all(|link| link.person != met.id) {
                pending.push(PendingLink {
                    person: met.id,
                    attribute: met.attribute,
                    document: user.sent(),
                    dismissed: format!(
                        "{by_hand_with}; an administrator decided not to link the two as they are."
                    ),
                });
            }
        }
    }
    Err(Failure::Refused {
        cause: first.relation.cause(),
        error: taken(ResourceKind::User),
        reason,
        outcome: Outcome::Failure,
        pending,
    })
}

/// To how many people one user may wait to be linked.
const PEOPLE: usize = 20;

/// What an administrator should know of something that was done all the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Warning {
    text: String,
    /// The rule that dropped a value: its number, the attribute that it reads, and its field.
    rule: Option<(usize, String, String)>,
}

impl Warning {
    fn of(verdict: &Verdict) -> Self {
        Self {
            text: verdict.to_string(),
            rule: Some((verdict.rule, verdict.path.clone(), verdict.field.key())),
        }
    }
}

impl From<String> for Warning {
    fn from(text: String) -> Self {
        Self { text, rule: None }
    }
}

/// Deviations and warnings for the log.
pub(crate) fn notes(deviations: &[Deviation], warnings: &[Warning]) -> Value {
    let deviations = deviations
        .iter()
        .map(|deviation| json!({"name": deviation.name(), "text": deviation.to_string()}));
    let warnings = warnings.iter().map(|warning| match &warning.rule {
        Some((rule, path, field)) => json!({
            "name": "mapping", "text": warning.text, "rule": rule, "path": path, "field": field,
        }),
        None => json!({"name": "mapping", "text": warning.text}),
    });
    Value::Array(deviations.chain(warnings).collect())
}

pub(crate) fn text(document: &Map<String, Value>, name: &str) -> Option<String> {
    document
        .get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// An `externalId` without a character in it names nothing, and collides with nothing.
pub(crate) fn drop_empty_key(resource: &mut Resource) {
    if resource.external_id() == Some("") {
        resource.attributes_mut().shift_remove("externalId");
    }
}

/// Keys are indexed, so that their length is limited.
pub(crate) fn check_key(context: &Context, resource: &Resource, name: &str) -> Result<(), Error> {
    let limit = context.shared.limits.key_characters;
    let long = resource
        .text(name)
        .is_some_and(|text| text.chars().count() > limit);
    if !long {
        return Ok(());
    }
    Err(Error::new(
        ScimType::InvalidValue,
        format!("\"{name}\" is longer than {limit} characters."),
    ))
}

fn check_user_name(resource: &Resource) -> Result<(), Error> {
    if resource.text("userName").is_some_and(valid_user_name) {
        return Ok(());
    }
    Err(Error::new(
        ScimType::InvalidValue,
        "\"userName\" is blank or holds invisible characters.",
    ))
}

/// The values by which a user of this document and these fields is recognised.
pub(crate) fn keys(document: &Map<String, Value>, record: &scim_mapping::Record) -> UserKeys {
    let values = |name: &str| -> Vec<String> {
        let elements = document.get(name).and_then(Value::as_array);
        elements
            .into_iter()
            .flatten()
            .filter_map(|element| element.get("value")?.as_str())
            .filter(|value| !value.is_empty())
            .map(fold)
            .collect()
    };
    let field = |field: &Field| {
        record
            .get(field)
            .and_then(|value| value.as_text())
            .map(fold)
    };
    let mut emails = values("emails");
    emails.extend(field(&Field::Email).filter(|email| !emails.contains(email)));
    let phones = document.get("phoneNumbers").and_then(Value::as_array);
    let phones = phones
        .into_iter()
        .flatten()
        .filter_map(|phone| phone.get("value")?.as_str());
    let of = |field: &Field| record.get(field).and_then(|value| value.as_text());
    let numbers = [Field::ContactNo, Field::AltContactNo1, Field::AltContactNo2];
    let mut recovery: Vec<String> = phones
        .chain(numbers.iter().filter_map(of))
        .filter_map(phone_key)
        .collect();
    recovery.extend(of(&Field::EmployeeId).and_then(number_key));
    recovery.sort_unstable();
    recovery.dedup();
    UserKeys {
        user_name: field(&Field::UserName).unwrap_or_default(),
        scim_user_name: text(document, "userName")
            .as_deref()
            .map_or_else(String::new, fold_name),
        emails,
        recovery,
        external_id: text(document, "externalId"),
    }
}
