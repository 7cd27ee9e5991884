//! Why somebody is as they are.

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::event::Outcome;
use scim_provisioning::{ConfigurationId, LookUp, ResourceKind, ServiceProvider, StoreError};
use serde_json::json;

use super::{Actor, AdminService, entry};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::event::EventQuery;
use crate::invalid::Problem;
use crate::store::{About, AdminStoreExt, AdminView};
use crate::why::{
    self, AttemptName, DoorRefusal, Facts, FieldAnswer, Found, FoundPerson, Rank, Setting, Wanted,
    WhyAnswer,
};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct WhyQuery {
    /// Who: any name, part of a name, address or id.
    pub who: String,
    /// For one configuration alone.
    pub configuration: Option<ConfigurationId>,
    /// Where this field of the person has its value from.
    pub field: Option<String>,
}

impl AdminService {
    /// Says why somebody is as they are, and notes in the audit that it was asked.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when nobody is named or there is no such field,
    /// [`AdminError::NotFound`] when a field is asked of nobody who is here.
    pub fn why(
        &self,
        actor: &Actor,
        provider: &ServiceProvider,
        query: &WhyQuery,
    ) -> Result<WhyAnswer, AdminError> {
        let actor = &self.act(actor);
        let wanted = Wanted::parse(&query.who)
            .ok_or_else(|| Problem::entry("say who: a name, an address or an id").refused())?;
        let field = match &query.field {
            Some(field) => Some(self.field_of_user(field)?),
            None => None,
        };
        // What is still in memory is part of the answer.
        self.note_look_ups(provider.take_look_ups())?;
        let (found, chosen, facts) = self
            .store
            .read(|rows| Ok(gather(rows, &wanted, query.configuration)?))?;
        let details = json!({ "field": field, "found": found.len() });
        self.note(entry(actor, "why.asked", wanted.text(), details))?;
        let explanation = match (chosen, found.len()) {
            (false, count @ 2..) => why::Explanation::of(why::WhyCause::Several(count)),
            _ => why::explain(&facts),
        };
        let field = match (field, &facts.person) {
            (None, _) => None,
            (Some(_), None) => return Err(AdminError::not_found("user", wanted.text())),
            (Some(field), Some(_)) => Some(self.origin_of(provider, &facts, &field)?),
        };
        Ok(WhyAnswer {
            who: wanted.text().to_owned(),
            found,
            sentence: why::sentence(&explanation, &facts),
            mend: explanation.mend(&facts),
            cause: explanation.cause,
            field,
            timeline: why::timeline(&facts),
        })
    }

    /// Adds to what was looked for and not found.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn note_look_ups(&self, look_ups: Vec<LookUp>) -> Result<(), AdminError> {
        if look_ups.is_empty() {
            return Ok(());
        }
        self.store
            .upkeep(move |rows| Ok(rows.note_look_ups(&look_ups)?))
    }

    /// Forgets look-ups that are old or too many, at most so many; answers how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_look_ups(&self, limit: i64) -> Result<usize, AdminError> {
        let before = self.now() - Duration::days(LOOK_UP_DAYS);
        self.store
            .upkeep(move |rows| Ok(rows.forget_look_ups(before, LOOK_UPS, limit)?))
    }

    /// Keeps by which words the next people are found who were there before words were kept; answers
    /// whether there may be more.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn fill_terms(&self, limit: i64) -> Result<bool, AdminError> {
        self.store.upkeep(move |rows| Ok(rows.fill_terms(limit)?))
    }

    /// The key of the field of users that somebody names by its key or its label.
    fn field_of_user(&self, name: &str) -> Result<String, AdminError> {
        let catalog = self.catalog()?;
        let fields = catalog.fields(ResourceKind::User);
        let mut keys = fields.iter().map(scim_mapping::Field::key);
        let found = keys.find(|key| key.eq_ignore_ascii_case(name.trim()));
        found.ok_or_else(|| Problem::entry("there is no such field of users").refused())
    }

    fn origin_of(
        &self,
        provider: &ServiceProvider,
        facts: &Facts,
        field: &str,
    ) -> Result<FieldAnswer, AdminError> {
        let Some(found) = &facts.person else {
            return Err(AdminError::not_found("user", &facts.who));
        };
        let person = self.person(&found.id)?.person;
        let managed = match found.managed_by {
            Some(id) => Some(self.configuration(id)?),
            None => None,
        };
        let drifted = match &managed {
            Some(configuration) => {
                let drift = provider.drift_of(&configuration.to_provisioning(), &found.id);
                let drift = drift.map_err(|failure| match failure {
                    scim_provisioning::Failure::Store(error) => AdminError::Store(error),
                    other => AdminError::Store(StoreError::unknown(other)),
                })?;
                drift.iter().any(|key| key == field)
            }
            None => false,
        };
        let versions = match &managed {
            Some(configuration) => self.versions(configuration.id, ResourceKind::User)?,
            None => Vec::new(),
        };
        let rules = |number: i64| {
            let mut versions = versions.iter();
            let version = versions.find(|version| version.version == number)?;
            Some(version.rules.clone())
        };
        let active = managed.map(|configuration| configuration.model.user);
        Ok(why::origin(facts, &person, field, drifted, rules, active))
    }
}

/// Who fits, whether one of them fits better than all others, and what is known of that one.
fn gather(
    rows: &mut dyn AdminView,
    wanted: &Wanted,
    only: Option<ConfigurationId>,
) -> Result<(Vec<Found>, bool, Facts), StoreError> {
    let mut people = rows.people_named(wanted, FOUND)?;
    let attempts = rows.attempts_named(wanted, FOUND)?;
    let former: Vec<String> = attempts
        .iter()
        .filter_map(|one| one.resource.clone())
        .collect();
    for id in former {
        if people.iter().all(|person| person.id != id)
            && let Some(by_id) = Wanted::parse(&id)
        {
            people.extend(rows.people_named(&by_id, 1)?);
        }
    }
    people.sort_by_key(|person| {
        let recent = std::cmp::Reverse(person.created);
        (person.rank(wanted), person.is_past(), recent)
    });
    let names = names_not_here(&attempts, &people);
    let values = [wanted.term().to_owned(), wanted.text().to_owned()];
    let looked_up = rows.look_ups(&values, Some(wanted.term()), FOUND)?;
    let chosen = choose(&people, &names, wanted);
    let found = people
        .iter()
        .map(|person| Found::Person(Box::new(person.clone())))
        .chain(names.iter().map(|(name, _)| Found::Attempt(name.clone())));
    let mut found: Vec<Found> = found.collect();
    if found.is_empty() {
        let mut values: Vec<String> = looked_up.iter().map(|one| one.value.clone()).collect();
        values.dedup();
        found.extend(values.into_iter().map(Found::LookUp));
    }
    let mut facts = Facts {
        who: wanted.text().to_owned(),
        only,
        person: chosen.clone().and_then(|chosen| chosen.person),
        ..Facts::default()
    };
    let is_chosen = chosen.is_some();
    if is_chosen || found.len() < 2 {
        about(rows, wanted, &chosen.unwrap_or_default(), &mut facts)?;
    }
    if !is_chosen && facts.look_ups.is_empty() {
        facts.look_ups = looked_up;
    }
    Ok((found, is_chosen, facts))
}

/// Whom the answer is about.
#[derive(Debug, Clone, Default)]
struct Chosen {
    person: Option<FoundPerson>,
    /// The name of somebody who is not here.
    name: Option<String>,
}

/// The one who fits better than all others, if somebody does.
fn choose(people: &[FoundPerson], names: &[(String, bool)], wanted: &Wanted) -> Option<Chosen> {
    let person = |person: &FoundPerson| Chosen {
        person: Some(person.clone()),
        name: None,
    };
    let named = |(name, _whole): &(String, bool)| Chosen {
        person: None,
        name: Some(name.clone()),
    };
    let exact = names.iter().find(|(name, _)| name == wanted.term());
    let whole: Vec<_> = names.iter().filter(|(_, whole)| *whole).collect();
    match people.first() {
        Some(best) if best.rank(wanted) <= Rank::Name => Some(person(best)),
        _ if exact.is_some() => exact.map(named),
        Some(best) if best.rank(wanted) != Rank::Part => {
            let alike = people.iter().filter(|one| {
                (one.rank(wanted), one.is_past()) == (best.rank(wanted), best.is_past())
            });
            (alike.count() == 1).then(|| person(best))
        }
        Some(one) => (people.len() == 1 && names.is_empty()).then(|| person(one)),
        None => match (whole.as_slice(), names) {
            ([one], _) => Some(named(one)),
            ([], [one]) => Some(named(one)),
            _ => None,
        },
    }
}

/// The names of attempts that are about nobody who is here, and whether a whole word of each fits.
fn names_not_here(attempts: &[AttemptName], people: &[FoundPerson]) -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> = Vec::new();
    for attempt in attempts {
        let here = people.iter().any(|person| {
            Some(&person.id) == attempt.resource.as_ref()
                || attempt
                    .name
                    .as_ref()
                    .is_some_and(|name| person.names().contains(name))
        });
        let name = attempt.name.clone().unwrap_or_default();
        if here || names.iter().any(|(known, _)| *known == name) {
            continue;
        }
        names.push((name, attempt.whole));
    }
    names
}

/// Reads what is known of whom the answer is about.
fn about(
    rows: &mut dyn AdminView,
    wanted: &Wanted,
    chosen: &Chosen,
    facts: &mut Facts,
) -> Result<(), StoreError> {
    let term = || vec![wanted.term().to_owned()];
    let (whose, values) = match (&chosen.person, &chosen.name) {
        (Some(person), _) => {
            let mut terms = person.terms();
            terms.extend(person.external_id.clone());
            let whose = About {
                id: Some(person.id.clone()),
                names: person.names(),
                terms: person.terms(),
            };
            terms.push(person.id.clone());
            (whose, terms)
        }
        (None, name) => {
            let names: Vec<String> = name
                .iter()
                .filter(|name| !name.is_empty())
                .cloned()
                .collect();
            let id = uuid::Uuid::try_parse(wanted.term()).ok();
            let mut values = names.clone();
            values.extend([wanted.term().to_owned(), wanted.text().to_owned()]);
            let whose = About {
                id: id.map(|_| wanted.term().to_owned()),
                names: if names.is_empty() { term() } else { names },
                terms: term(),
            };
            (whose, values)
        }
    };
    facts.entries = rows.entries_about(&whose, ENTRIES)?;
    if let Some(person) = &facts.person {
        let id = Some(person.id.as_str());
        // What others did under the same name is not about this person.
        let own = |other: &Option<String>| other.is_none() || other.as_deref() == id;
        facts.entries.retain(|event| own(&event.resource_id));
        facts.held = rows.held_of(&person.id)?;
        for (configuration, held) in rows.held_memberships_of(&person.id, HELD)? {
            let of_group = About {
                id: Some(held.group.to_string()),
                ..About::default()
            };
            let mut told = rows.entries_about(&of_group, ENTRIES)?.into_iter();
            let told = told.find(|event| event.outcome == Outcome::Held && event.at == held.at);
            facts.held_memberships.push((configuration, held, told));
        }
        facts.audit = rows.audit_about(std::slice::from_ref(&person.user_name), AUDITED)?;
        let of_another = |entry: &crate::event::AuditEntry| {
            let named = entry
                .details
                .get("person")
                .and_then(serde_json::Value::as_str);
            named.is_some() && named != id
        };
        facts
            .audit
            .retain(|(_, entry)| entry.event.starts_with("person.") && !of_another(entry));
    }
    let person = facts.person.as_ref().map(|person| person.id.as_str());
    facts.links = rows.links_about(person, &whose.names)?;
    facts.look_ups = rows.look_ups(&values, None, FOUND)?;
    for configuration in rows.configurations()? {
        let counts = facts.only.is_none_or(|only| only == configuration.id);
        let manages = facts.person.as_ref().and_then(|person| person.managed_by);
        if counts || manages == Some(configuration.id) {
            let asked = manages.is_none_or(|id| id == configuration.id);
            facts.settings.push(setting(rows, &configuration, asked)?);
        }
    }
    Ok(())
}

/// A configuration; `asked` says that what comes through of it counts.
fn setting(
    rows: &mut dyn AdminView,
    configuration: &ProvisioningConfiguration,
    asked: bool,
) -> Result<Setting, StoreError> {
    let mut door = None;
    if asked {
        let newest = EventQuery {
            configuration: Some(configuration.id),
            before: Some(i64::MAX),
            limit: DOOR,
            ..EventQuery::default()
        };
        let newest = rows.events(&newest)?;
        let tokens = rows.tokens(configuration.id)?;
        let used: Option<DateTime<Utc>> = tokens.iter().filter_map(|token| token.last_used).max();
        door = DoorRefusal::of(&newest, used);
    }
    Ok(Setting {
        id: configuration.id,
        name: configuration.name.clone(),
        status: configuration.status,
        users: configuration.users,
        door,
    })
}

/// How many people, names and look-ups are found at most.
const FOUND: i64 = 20;
/// How many entries of the log are read of each way in which they are found.
const ENTRIES: i64 = 50;
/// How many memberships that are held are told.
const HELD: i64 = 5;
/// How many entries of the audit are read.
const AUDITED: i64 = 50;
/// How many entries of a configuration are looked at for whether it is refused at the door.
const DOOR: i64 = 20;
/// How long look-ups are kept, and how many of a configuration.
const LOOK_UP_DAYS: i64 = 7;
const LOOK_UPS: i64 = 100_000;
