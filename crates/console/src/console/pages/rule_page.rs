//! The page of a rule: what it is, and what it makes of people.

use askama::Template;
use scim_admin::AdminError;
use scim_admin::mapping::ReceivedAttribute;
use scim_admin::people::{ManagedBy, PeopleQuery};
use scim_mapping::{Transform, TransformExample};
use scim_provisioning::ResourceKind;

use super::super::form_field::form_field;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::Shell;
use super::mappings::Edited;
use super::rule::{RuleForm, called, targets};
use super::tried::Tried;

#[derive(Template)]
#[template(path = "rule.html")]
pub(super) struct RulePage {
    shell: Shell,
    here: String,
    base: String,
    error: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: &'static str,
    /// What it makes of some who are there, where that was asked.
    tried: Option<Vec<Tried>>,
    /// What the form showed when it was opened, of one that was tried.
    was: String,
    form: RuleForm,
    fields: Vec<(String, String, bool)>,
    seen: Vec<ReceivedAttribute>,
    /// What a source can be, with what is said of it: attributes seen, and fields of rules before.
    paths: Vec<(String, String)>,
    transforms: &'static [TransformExample],
    /// Whether it can be tried on people.
    of_people: bool,
    /// Some on whom it can be tried: logon name and name.
    people: Vec<(String, String)>,
    /// On whom it is tried; empty for the first few.
    person: String,
}

impl RulePage {
    pub(super) fn new(visit: &Visit<'_>, edited: &Edited, form: RuleForm) -> Result<Self, Failed> {
        let admin = &visit.console.admin;
        let title = match form.key.is_empty() {
            true => "New rule",
            false => "Rule",
        };
        let catalog = admin.catalog()?;
        let seen = admin.received_attributes(edited.shown.id, edited.resource)?;
        let sent = seen.iter().take(OFFERED);
        let mut paths: Vec<(String, String)> = sent
            .map(|one| (one.path.clone(), format!("{}× {}", one.count, one.sample)))
            .collect();
        // A rule reads what the rules before it give.
        let rules = &edited.base().rules.rules;
        for rule in rules.iter().take_while(|rule| rule.key != form.key) {
            let (key, target) = (rule.target.key(), called(&catalog, &rule.target.key()));
            let field = (format!("field({key})"), format!("{target} as given before"));
            if !paths.contains(&field) {
                paths.push(field);
            }
        }
        let of_people = edited.resource == ResourceKind::User;
        let people = match of_people {
            true => admin.people(&PeopleQuery {
                managed_by: ManagedBy::Configuration(edited.shown.id),
                limit: PEOPLE,
                ..PeopleQuery::default()
            })?,
            false => Vec::new(),
        };
        let people = people
            .into_iter()
            .map(|one| (one.user_name, one.display_name.unwrap_or_default()));
        Ok(Self {
            shell: edited.shown.shell(visit, title)?,
            here: edited.link(""),
            base: edited.base().checksum.clone(),
            error: String::new(),
            wrong: "",
            tried: None,
            was: String::new(),
            fields: targets(&catalog, edited.resource, &form.target),
            seen,
            paths,
            transforms: Transform::EXAMPLES,
            of_people,
            people: people.collect(),
            person: visit.form.text("person").trim().to_owned(),
            form,
        })
    }

    /// The same with what was wrong.
    pub(super) fn refused(self, error: &AdminError) -> Self {
        Self {
            wrong: form_field(error),
            error: sentence(error),
            ..self
        }
    }

    /// The same with what the rule makes of some, and what the form showed when it was opened.
    pub(super) fn tried(self, tried: Option<Vec<Tried>>, was: &str) -> Self {
        Self {
            tried,
            was: was.to_owned(),
            ..self
        }
    }
}

pub(in super::super) fn new_rule(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let form = RuleForm {
        target: visit.query.text("target").to_owned(),
        ..RuleForm::fresh(visit.query.text("path"))
    };
    ConsoleAnswer::page(200, &RulePage::new(visit, &edited, form)?)
}

pub(in super::super) fn edit_rule(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let rules = &edited.base().rules.rules;
    let rule = rules.iter().find(|rule| rule.key == visit.part("rule"));
    let form = RuleForm::of(rule.ok_or(Failed::NotFound)?);
    ConsoleAnswer::page(200, &RulePage::new(visit, &edited, form)?)
}

pub(in super::super) fn save_rule(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let form = RuleForm::entered(&visit.form);
    let mut set = edited.base().rules.clone();
    let saved = form.rule(&set.rules).and_then(|rule| {
        match set.rules.iter_mut().find(|known| known.key == form.key) {
            Some(known) => *known = rule,
            None => set.rules.push(rule),
        }
        edited.keep(visit, &set, "")
    });
    match saved {
        Ok(()) => Ok(ConsoleAnswer::redirect(edited.link("?done=drafted"))),
        Err(error @ AdminError::Invalid(_)) => {
            let page = RulePage::new(visit, &edited, form)?.refused(&error);
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// How many attributes that were received are offered, those that are sent most often.
const OFFERED: usize = 60;
/// How many people are offered to try a rule on; any other is found by name.
const PEOPLE: i64 = 20;
