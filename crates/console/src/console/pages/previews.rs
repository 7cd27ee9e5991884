//! What rules would make of a resource, and of the users who are there.

use askama::Template;
use scim_admin::people::{ManagedBy, PeopleQuery};
use scim_admin::survey::SurveyKind;
use scim_admin::{Problem, VersionChoice};
use scim_mapping::{Catalog, Preview};
use scim_provisioning::ResourceKind;
use scim_provisioning::reapply::{Impact, Job};
use serde_json::{Value, json};

use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::configuration::{Tabs, result_of, uncounted, waits};
use super::mappings::Edited;
use super::rule::{called, plain, shown_value};
use super::{Shell, ago, instant};

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage {
    shell: Shell,
    tabs: Tabs,
    here: String,
    drafted: bool,
    draft_chosen: bool,
    people: Vec<(String, String)>,
    document: String,
    error: String,
    preview: Option<Preview>,
    catalog: Catalog,
    /// The rules that did nothing: number, source and field.
    idle: Vec<(usize, String, String)>,
    sent_back: String,
}

fn preview_page(
    visit: &Visit<'_>,
    edited: &Edited,
    document: String,
) -> Result<PreviewPage, Failed> {
    let admin = &visit.console.admin;
    let people = match edited.resource {
        ResourceKind::User => admin.people(&PeopleQuery {
            managed_by: ManagedBy::Configuration(edited.shown.configuration.id),
            limit: 20,
            ..PeopleQuery::default()
        })?,
        ResourceKind::Group => Vec::new(),
    };
    Ok(PreviewPage {
        shell: edited.shown.shell(visit, "Preview")?,
        tabs: edited.shown.tabs(visit, "mapping"),
        here: edited.link(""),
        drafted: edited.draft.is_some(),
        draft_chosen: edited.draft.is_some(),
        people: people
            .into_iter()
            .map(|one| (one.id, one.user_name))
            .collect(),
        document,
        error: String::new(),
        preview: None,
        catalog: admin.catalog()?,
        idle: Vec::new(),
        sent_back: String::new(),
    })
}

pub(in super::super) fn preview_form(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let document = match visit.query.given("user") {
        Some(id) => visit.console.admin.person(id)?.document,
        None => sample(edited.resource),
    };
    let document = serde_json::to_string_pretty(&document).unwrap_or_default();
    ConsoleAnswer::page(200, &preview_page(visit, &edited, document)?)
}

pub(in super::super) fn preview(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, visit.part("resource"))?;
    let entered = visit.form.text("document").to_owned();
    let draft = visit.form.text("version") == "draft" && edited.draft.is_some();
    let choice = match draft {
        true => VersionChoice::Draft,
        false => VersionChoice::Active,
    };
    let kind = edited.resource;
    let admin = &visit.console.admin;
    let source = admin.model(edited.shown.id, edited.resource, choice)?;
    let configuration = edited.shown.configuration.to_provisioning();
    let limits = scim_protocol::Limits::default();
    let previewed = scim_protocol::resource::parse(entered.as_bytes(), &limits)
        .map_err(|error| Failed::Refused(Problem::entry(error.detail().to_owned()).refused()))
        .and_then(|document| {
            let provider = &visit.console.provider;
            Ok(provider.preview(&configuration, &source, kind, document)?)
        });
    let page = preview_page(visit, &edited, entered)?;
    let page = PreviewPage {
        draft_chosen: draft,
        ..page
    };
    match previewed {
        Ok(preview) => {
            let sent_back = serde_json::to_string_pretty(&preview.sent_back).unwrap_or_default();
            let idle = preview.rules.iter().filter(|rule| !worked(rule));
            let page = PreviewPage {
                idle: idle
                    .map(|rule| {
                        let target = called(&page.catalog, &rule.target);
                        (rule.number, rule.source.clone(), target)
                    })
                    .collect(),
                preview: Some(preview),
                sent_back,
                ..page
            };
            ConsoleAnswer::page(200, &page)
        }
        Err(Failed::Refused(error)) => {
            let page = PreviewPage {
                error: sentence(&error),
                ..page
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(other) => Err(other),
    }
}

fn sample(resource: ResourceKind) -> Value {
    match resource {
        ResourceKind::User => json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ava.stone@corp.example",
            "name": { "givenName": "Ava", "familyName": "Stone" },
            "displayName": "Ava Stone",
            "active": true,
            "title": "Engineer",
            "emails": [{ "type": "work", "value": "Ava.Stone@Corp.example", "primary": true }],
        }),
        ResourceKind::Group => json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Service Desk",
        }),
    }
}

#[derive(Template)]
#[template(path = "impact.html")]
struct ImpactPage {
    shell: Shell,
    tabs: Tabs,
    here: String,
    catalog: Catalog,
    drafted: bool,
    active: i64,
    /// Whether it is being counted.
    waiting: bool,
    /// Why there is nothing to show.
    uncounted: &'static str,
    /// When it was counted last.
    done: String,
    impact: Option<Impact>,
    jobs: Vec<Job>,
}

/// What the draft would change of the users who are there, and the active rules being applied to
/// them.
pub(in super::super) fn impact(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "user")?;
    let admin = &visit.console.admin;
    let survey = admin.survey(&edited.shown.configuration, SurveyKind::Impact)?;
    let mut jobs = admin.jobs(edited.shown.id)?;
    jobs.truncate(5);
    let page = ImpactPage {
        shell: edited.shown.shell(visit, "Impact")?,
        tabs: edited.shown.tabs(visit, "mapping"),
        here: edited.link(""),
        drafted: edited.draft.is_some(),
        catalog: admin.catalog()?,
        active: edited.active.version,
        waiting: waits(survey.as_ref()),
        uncounted: uncounted(survey.as_ref()),
        done: ago(
            survey.as_ref().and_then(|survey| survey.done),
            edited.shown.now,
        ),
        impact: result_of(survey),
        jobs,
    };
    ConsoleAnswer::page(200, &page)
}

/// Has it counted what the rules would change.
pub(in super::super) fn count_impact(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "user")?;
    let (admin, provider) = (&visit.console.admin, &visit.console.provider);
    let (actor, id) = (visit.actor()?, edited.shown.id);
    admin.ask_survey(&actor, provider, id, SurveyKind::Impact)?;
    Ok(ConsoleAnswer::redirect(edited.link("/impact")))
}

pub(in super::super) fn reapply(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let edited = Edited::find(visit, "user")?;
    let admin = &visit.console.admin;
    admin.begin_reapply(&visit.actor()?, edited.shown.id)?;
    Ok(ConsoleAnswer::redirect(edited.link("/impact?done=begun")))
}

/// Whether a rule did anything in a preview.
fn worked(rule: &scim_mapping::RulePreview) -> bool {
    let empty = |value: &Option<Value>| value.as_ref().is_none_or(Value::is_null);
    rule.message.is_some() || !empty(&rule.source_value) || !empty(&rule.value)
}
