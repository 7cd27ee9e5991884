//! What a rule that is being edited makes of people who are there.

use scim_admin::people::{ManagedBy, PeopleQuery, Person};
use scim_admin::{AdminError, AdminService, Problem};
use scim_mapping::{MappingSet, RulePreview};
use scim_provisioning::ResourceKind;

use super::super::entered::WAS;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::mappings::Edited;
use super::rule::{RuleForm, plain, shown_value};
use super::rule_page::RulePage;

/// What a rule makes of somebody.
pub(super) struct Tried {
    pub(super) name: String,
    /// The value of the source, and after each transform.
    pub(super) steps: Vec<String>,
    /// What the field gets.
    pub(super) value: String,
    /// How it went, as a pill is coloured, and in words.
    pub(super) kind: &'static str,
    pub(super) said: String,
}

impl Tried {
    fn of(name: String, rule: &RulePreview) -> Self {
        let mut steps = vec![shown_value(rule.source_value.as_ref())];
        let after = rule.steps.iter();
        steps.extend(after.map(|step| shown_value(step.value.as_ref())));
        Self {
            name,
            steps,
            value: rule.value.as_ref().map(plain).unwrap_or_default(),
            kind: match rule.status {
                "ok" | "defaulted" => "good",
                "error" => "bad",
                "warning" => "warning",
                _ => "",
            },
            said: rule
                .message
                .clone()
                .unwrap_or_else(|| rule.status.to_owned()),
        }
    }

    fn refused(name: String, said: String) -> Self {
        Self {
            name,
            steps: Vec::new(),
            value: String::new(),
            kind: "bad",
            said,
        }
    }
}

/// Tries the rule that a form has on some who are there. Nothing is kept.
pub(in super::super) fn try_rule(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let form = RuleForm::entered(&visit.form);
    let was = visit.form.text(WAS);
    let tried = changed(&edited, &form).and_then(|(set, key)| {
        let source = visit.console.admin.model_with(edited.shown.id, &set)?;
        tried(visit, &edited, &source, &key)
    });
    let page = RulePage::new(visit, &edited, form)?;
    match tried {
        Ok(tried) => ConsoleAnswer::page(200, &page.tried(Some(tried), was)),
        Err(error @ AdminError::Invalid(_)) => {
            ConsoleAnswer::page(422, &page.refused(&error).tried(None, was))
        }
        Err(error) => Err(error.into()),
    }
}

/// The rules with that of a form, and its key.
fn changed(edited: &Edited, form: &RuleForm) -> Result<(MappingSet, String), AdminError> {
    let mut set = edited.base().rules.clone();
    let rule = form.rule(&set.rules)?;
    let key = rule.key.clone();
    match set.rules.iter_mut().find(|known| known.key == form.key) {
        Some(known) => *known = rule,
        None => set.rules.push(rule),
    }
    Ok((set, key))
}

fn tried(
    visit: &Visit<'_>,
    edited: &Edited,
    source: &scim_provisioning::model::ModelSource,
    key: &str,
) -> Result<Vec<Tried>, AdminError> {
    let (admin, provider) = (&visit.console.admin, &visit.console.provider);
    let configuration = edited.shown.configuration.to_provisioning();
    let found = match (edited.resource, visit.form.given("person")) {
        (ResourceKind::User, person) => chosen(admin, edited, person)?,
        (ResourceKind::Group, _) => Vec::new(),
    };
    let mut tried = Vec::new();
    for one in found {
        let document = admin.person(&one.id)?.document;
        let previewed = provider.preview(&configuration, source, edited.resource, document);
        tried.push(match previewed {
            Ok(preview) => {
                let rule = preview.rules.iter().find(|rule| rule.key == key);
                let off = || Tried::refused(one.user_name.clone(), "the rule is off".to_owned());
                rule.map_or_else(off, |rule| Tried::of(one.user_name.clone(), rule))
            }
            Err(failure) => match Failed::from(failure) {
                Failed::Refused(error) => Tried::refused(one.user_name, error.to_string()),
                _ => return Err(Problem::entry("the rule cannot be tried now").refused()),
            },
        });
    }
    Ok(tried)
}

/// The person of a logon name, else the first whom a text finds, or the first few of all.
fn chosen(
    admin: &AdminService,
    edited: &Edited,
    person: Option<&str>,
) -> Result<Vec<Person>, AdminError> {
    let text = person.map(str::trim).filter(|text| !text.is_empty());
    let mut found = admin.people(&PeopleQuery {
        search: text.map(str::to_owned),
        managed_by: ManagedBy::Configuration(edited.shown.id),
        limit: if text.is_some() { FOUND } else { PEOPLE },
        ..PeopleQuery::default()
    })?;
    if let Some(text) = text {
        let same = |one: &Person| one.user_name.to_lowercase() == text.to_lowercase();
        let at = found.iter().position(same).unwrap_or_default();
        found = found.into_iter().skip(at).take(1).collect();
    }
    Ok(found)
}

/// On how many it is tried.
const PEOPLE: i64 = 3;
/// Among how many a logon name is looked for before one that holds it is taken.
const FOUND: i64 = 50;
