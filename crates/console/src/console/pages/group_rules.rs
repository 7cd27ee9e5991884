//! Groups & roles: what a group of the identity provider is in ServiceOps, and what it gives.

use askama::Template;
use scim_admin::AdminError;
use scim_admin::people::{GroupSummary, GroupsQuery, ManagedBy};
use scim_mapping::{Grants, GroupKind, GroupLink, GroupMatch, GroupRule};

use super::super::form_field::form_field;
use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Form, Visit, sentence};
use super::configuration::Tabs;
use super::mappings::Edited;
use super::rule::{meant, plain, shift};
use super::{LIST, Shell};

struct Row {
    rank: usize,
    key: String,
    /// What its buttons are about.
    named: String,
    when: String,
    kind: &'static str,
    link: &'static str,
    grants: String,
    paused: bool,
}

#[derive(Template)]
#[template(path = "group_rules.html")]
struct Page {
    shell: Shell,
    tabs: Tabs,
    here: String,
    mapping: String,
    base: String,
    drafted: bool,
    rows: Vec<Row>,
    groups: Vec<GroupSummary>,
    /// Where all groups are, when there may be more than are shown.
    more: String,
    error: String,
}

impl Page {
    fn new(visit: &Visit<'_>, edited: &Edited) -> Result<Self, Failed> {
        let groups = visit.console.admin.groups(&GroupsQuery {
            managed_by: ManagedBy::Configuration(edited.shown.configuration.id),
            limit: RECEIVED,
            ..GroupsQuery::default()
        })?;
        let full = i64::try_from(groups.len()).is_ok_and(|count| count == RECEIVED);
        let more = format!("/admin/groups?managed={}", edited.shown.configuration.id);
        let rules = edited.base().rules.group_rules.iter().zip(1..);
        Ok(Self {
            shell: edited.shown.shell(visit, "Groups & roles")?,
            tabs: edited.shown.tabs(visit, "groups"),
            here: format!("{LIST}/{}/groups", edited.shown.id),
            mapping: format!("{LIST}/{}/mappings/group", edited.shown.id),
            base: edited.base().checksum.clone(),
            drafted: edited.draft.is_some(),
            rows: rules
                .map(|(rule, rank)| Row {
                    rank,
                    named: format!("rule {rank}"),
                    key: rule.key.clone(),
                    when: when(&rule.when),
                    kind: kind(rule.kind),
                    link: match rule.link {
                        GroupLink::Create => "a new group",
                        GroupLink::ExistingByName => "the group of the same name",
                    },
                    grants: granted(&rule.grants),
                    paused: rule.paused,
                })
                .collect(),
            groups,
            more: if full { more } else { String::new() },
            error: String::new(),
        })
    }
}

/// How many groups are shown.
const RECEIVED: i64 = 50;

fn when(rule: &GroupMatch) -> String {
    match rule {
        GroupMatch::Any => "every group".to_owned(),
        GroupMatch::Name(text) => format!("name is {text}"),
        GroupMatch::NameStartsWith(text) => format!("name begins with {text}"),
        GroupMatch::NameEndsWith(text) => format!("name ends with {text}"),
        GroupMatch::NameContains(text) => format!("name contains {text}"),
        GroupMatch::NameIn(texts) => format!("name is one of {}", texts.join(", ")),
        GroupMatch::NameMatches(text) => format!("name matches {text}"),
        GroupMatch::ExternalId(text) => format!("externalId is {text}"),
        GroupMatch::ExternalIdIn(texts) => format!("externalId is one of {}", texts.join(", ")),
    }
}

fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::RequesterGroup => "requester group",
        GroupKind::TechnicianGroup => "technician group",
        GroupKind::Ignore => "no group",
    }
}

fn granted(grants: &Grants) -> String {
    let entries = grants.entries().into_iter();
    let said = entries.map(|(field, value)| format!("{field}: {value}"));
    said.collect::<Vec<_>>().join(", ")
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "group")?;
    ConsoleAnswer::page(200, &Page::new(visit, &edited)?)
}

/// A rule in the words of a form.
#[derive(Default)]
struct Fields {
    key: String,
    when: &'static str,
    text: String,
    kind: &'static str,
    by_name: bool,
    roles: String,
    user_type: String,
    department: String,
    /// Other fields, one in a line: its key, an equals sign, and the value.
    fields: String,
    vip: bool,
    paused: bool,
}

impl Fields {
    fn of(rule: &GroupRule) -> Self {
        let (when, text) = match &rule.when {
            GroupMatch::Any => ("any", String::new()),
            GroupMatch::Name(text) => ("name", text.clone()),
            GroupMatch::NameStartsWith(text) => ("starts", text.clone()),
            GroupMatch::NameEndsWith(text) => ("ends", text.clone()),
            GroupMatch::NameContains(text) => ("contains", text.clone()),
            GroupMatch::NameIn(texts) => ("names", texts.join("\n")),
            GroupMatch::NameMatches(text) => ("matches", text.clone()),
            GroupMatch::ExternalId(text) => ("externalId", text.clone()),
            GroupMatch::ExternalIdIn(texts) => ("externalIds", texts.join("\n")),
        };
        Self {
            key: rule.key.clone(),
            when,
            text,
            kind: rule.kind.as_str(),
            by_name: rule.link == GroupLink::ExistingByName,
            roles: rule.grants.roles.join("\n"),
            user_type: rule.grants.user_type.clone().unwrap_or_default(),
            department: rule.grants.department.clone().unwrap_or_default(),
            fields: {
                let fields = rule.grants.fields.iter();
                let lines = fields.map(|(key, value)| format!("{key} = {}", plain(value)));
                lines.collect::<Vec<_>>().join("\n")
            },
            vip: rule.grants.vip == Some(true),
            paused: rule.paused,
        }
    }

    /// The rule that somebody entered, over the one that is there.
    fn entered(form: &Form, before: Option<&GroupRule>, others: &[GroupRule]) -> GroupRule {
        let text = form.text("text").trim().to_owned();
        let given =
            |name: &str| Some(form.text(name).trim().to_owned()).filter(|text| !text.is_empty());
        let roles = form.text("roles").lines().map(str::trim);
        let lines = || {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        let fields = form.text("fields").lines().map(str::trim);
        let fields = fields.filter(|line| !line.is_empty()).map(|line| {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            (key.trim().to_owned(), meant(value.trim()))
        });
        let key = (1..)
            .map(|number| format!("rule_{number}"))
            .find(|key| others.iter().all(|rule| rule.key != *key));
        GroupRule {
            key: before.map_or_else(|| key.unwrap_or_default(), |rule| rule.key.clone()),
            when: match form.text("when") {
                "names" => GroupMatch::NameIn(lines()),
                "externalIds" => GroupMatch::ExternalIdIn(lines()),
                "matches" => GroupMatch::NameMatches(text),
                "name" => GroupMatch::Name(text),
                "starts" => GroupMatch::NameStartsWith(text),
                "ends" => GroupMatch::NameEndsWith(text),
                "contains" => GroupMatch::NameContains(text),
                "externalId" => GroupMatch::ExternalId(text),
                _ => GroupMatch::Any,
            },
            kind: match form.text("kind") {
                "technician_group" => GroupKind::TechnicianGroup,
                "ignored" => GroupKind::Ignore,
                _ => GroupKind::RequesterGroup,
            },
            link: match form.checked("by_name") {
                true => GroupLink::ExistingByName,
                false => GroupLink::Create,
            },
            name_transforms: before
                .map(|rule| rule.name_transforms.clone())
                .unwrap_or_default(),
            grants: Grants {
                roles: roles
                    .filter(|role| !role.is_empty())
                    .map(str::to_owned)
                    .collect(),
                user_type: given("user_type"),
                department: given("department"),
                vip: form.checked("vip").then_some(true),
                fields: fields.collect(),
            },
            paused: form.checked("paused"),
        }
    }
}

#[derive(Template)]
#[template(path = "group_rule.html")]
struct RulePage {
    shell: Shell,
    here: String,
    base: String,
    error: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: &'static str,
    fields: Fields,
}

impl RulePage {
    fn new(visit: &Visit<'_>, edited: &Edited, fields: Fields) -> Result<Self, Failed> {
        let title = match fields.key.is_empty() {
            true => "New group rule",
            false => "Group rule",
        };
        Ok(Self {
            shell: edited.shown.shell(visit, title)?,
            here: format!("{LIST}/{}/groups", edited.shown.id),
            base: edited.base().checksum.clone(),
            error: String::new(),
            wrong: "",
            fields,
        })
    }
}

pub(in super::super) fn new(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "group")?;
    let fields = Fields {
        when: "name",
        text: visit.query.text("name").to_owned(),
        ..Fields::default()
    };
    ConsoleAnswer::page(200, &RulePage::new(visit, &edited, fields)?)
}

pub(in super::super) fn edit(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "group")?;
    let mut rules = edited.base().rules.group_rules.iter();
    let rule = rules.find(|rule| rule.key == visit.part("rule"));
    let fields = Fields::of(rule.ok_or(Failed::NotFound)?);
    ConsoleAnswer::page(200, &RulePage::new(visit, &edited, fields)?)
}

pub(in super::super) fn save(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "group")?;
    let mut set = edited.base().rules.clone();
    let key = visit.form.text("key");
    let before = set.group_rules.iter().find(|rule| rule.key == key);
    let rule = Fields::entered(&visit.form, before, &set.group_rules);
    let mut fields = Fields::of(&rule);
    let saved = rule.key.clone();
    fields.key = key.to_owned();
    match set.group_rules.iter_mut().find(|known| known.key == key) {
        Some(known) => *known = rule,
        None => set.group_rules.push(rule),
    }
    match edited.keep(visit, &set, "") {
        Ok(()) => Ok(back(&edited, &saved)),
        Err(error @ AdminError::Invalid(_)) => {
            let page = RulePage {
                wrong: form_field(&error),
                error: sentence(&error),
                ..RulePage::new(visit, &edited, fields)?
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Back to the list, at a rule.
fn back(edited: &Edited, key: &str) -> ConsoleAnswer {
    ConsoleAnswer::redirect(format!(
        "{LIST}/{}/groups?done=drafted#rule-{}",
        edited.shown.id,
        encoded(key)
    ))
}

/// Changes the rules and shows them again.
fn change(
    visit: &Visit<'_>,
    with: impl FnOnce(&mut Vec<GroupRule>, usize),
) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "group")?;
    let mut set = edited.base().rules.clone();
    let key = visit.form.text("key");
    let at = set.group_rules.iter().position(|rule| rule.key == key);
    let at = at.ok_or(Failed::NotFound)?;
    with(&mut set.group_rules, at);
    let kept = set.group_rules.iter().find(|rule| rule.key == key);
    let kept = kept.or_else(|| {
        set.group_rules
            .get(at.min(set.group_rules.len().saturating_sub(1)))
    });
    let kept = kept.map(|rule| rule.key.clone()).unwrap_or_default();
    match edited.keep(visit, &set, "") {
        Ok(()) => Ok(back(&edited, &kept)),
        Err(error @ AdminError::Invalid(_)) => {
            let page = Page {
                error: sentence(&error),
                ..Page::new(visit, &edited)?
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

pub(in super::super) fn reorder(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let up = visit.form.text("direction") == "up";
    change(visit, |rules, at| shift(rules, at, up))
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    change(visit, |rules, at| {
        rules.remove(at);
    })
}
