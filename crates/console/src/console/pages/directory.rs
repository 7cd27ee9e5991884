//! The Users and Groups pages.

use askama::Template;
use scim_admin::Problem;
use scim_admin::event::EventQuery;
use scim_admin::people::{
    Grant, GroupDetail, GroupSummary, GroupsQuery, ManagedBy, Member, PeopleQuery, Person,
    PersonChange, PersonDetail, UserType,
};
use scim_provisioning::ConfigurationId;
use serde_json::Value;

use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::rule::{label, plain};
use super::{LIST, Shell, instant, rows, sizes, spaced};

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    shell: Shell,
    search: String,
    status: String,
    user_type: String,
    managed: String,
    configurations: Vec<(String, String)>,
    filtered: bool,
    rows: Vec<Person>,
    sizes: Vec<(i64, bool)>,
    next: String,
    /// Where the first page is, for whoever went on.
    first: String,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    shell: Shell,
    search: String,
    managed: String,
    configurations: Vec<(String, String)>,
    filtered: bool,
    rows: Vec<GroupSummary>,
    sizes: Vec<(i64, bool)>,
    next: String,
    /// Where the first page is, for whoever went on.
    first: String,
}

pub(in super::super) fn users(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let text = |name: &str| visit.query.text(name).to_owned();
    let (status, user_type, managed) = (text("status"), text("type"), text("managed"));
    let found = admin.people(&PeopleQuery {
        search: visit.query.given("q").map(str::to_owned),
        status: Some(status.clone()).filter(|status| !status.is_empty()),
        user_type: UserType::parse(&user_type),
        managed_by: managed_by(&managed),
        after: visit.query.given("after").map(str::to_owned),
        limit: rows(visit),
    })?;
    let page = Users {
        shell: Shell::new(visit, "users", "Users")?,
        search: text("q"),
        sizes: sizes(visit),
        next: next(visit, found.len(), found.last().map(|person| &person.id)),
        first: first(visit),
        configurations: named_configurations(visit)?,
        filtered: FILTERS.iter().any(|name| visit.query.checked(name)),
        status,
        user_type,
        managed,
        rows: found,
    };
    ConsoleAnswer::page(200, &page)
}

pub(in super::super) fn groups(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let managed = visit.query.text("managed");
    let found = visit.console.admin.groups(&GroupsQuery {
        search: visit.query.given("q").map(str::to_owned),
        managed_by: managed_by(managed),
        after: visit.query.given("after").map(str::to_owned),
        limit: rows(visit),
    })?;
    let page = Groups {
        shell: Shell::new(visit, "groups", "Groups")?,
        search: visit.query.text("q").to_owned(),
        managed: managed.to_owned(),
        configurations: named_configurations(visit)?,
        filtered: FILTERS.iter().any(|name| visit.query.checked(name)),
        sizes: sizes(visit),
        next: next(visit, found.len(), found.last().map(|group| &group.id)),
        first: first(visit),
        rows: found,
    };
    ConsoleAnswer::page(200, &page)
}

/// Who manages, as a filter says: `nobody`, the id of a configuration, or whoever does.
fn managed_by(text: &str) -> ManagedBy {
    match (text, ConfigurationId::parse(text)) {
        ("nobody", _) => ManagedBy::Nobody,
        (_, Some(id)) => ManagedBy::Configuration(id),
        _ => ManagedBy::Anybody,
    }
}

/// The configurations to choose from: id and name.
fn named_configurations(visit: &Visit<'_>) -> Result<Vec<(String, String)>, Failed> {
    let found = visit.console.admin.configurations(None)?.into_iter();
    Ok(found.map(|one| (one.id.to_string(), one.name)).collect())
}

/// Where the next page is; empty behind the last one.
fn next(visit: &Visit<'_>, count: usize, last: Option<&String>) -> String {
    let full = i64::try_from(count).is_ok_and(|count| count == rows(visit));
    match last.filter(|_| full) {
        Some(last) => format!("{}&after={last}", filters(visit)),
        None => String::new(),
    }
}

/// Where the first page is; empty on it.
fn first(visit: &Visit<'_>) -> String {
    match visit.query.checked("after") {
        true => filters(visit),
        false => String::new(),
    }
}

/// What is looked for, as it stands in an address.
fn filters(visit: &Visit<'_>) -> String {
    let given = FILTERS.iter().filter(|name| visit.query.checked(name));
    let filters: String = given
        .map(|name| format!("{name}={}&", encoded(visit.query.text(name))))
        .collect();
    format!("?{filters}rows={}", rows(visit))
}

struct Field {
    name: String,
    value: String,
    /// Where the value leads, where it is somebody else.
    link: String,
    /// The rule that writes it, where one does.
    rule: String,
    drifted: bool,
}

struct Activity {
    id: i64,
    at: String,
    action: String,
    outcome: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "user.html")]
struct User {
    shell: Shell,
    person: PersonDetail,
    fields: Vec<Field>,
    grants: Vec<Grant>,
    user_type: UserType,
    /// Whether it is the user's own record that says so, and not a group.
    convertible: bool,
    drifted: usize,
    activity: Vec<Activity>,
    configuration: String,
    external: Option<String>,
    record: String,
}

pub(in super::super) fn user(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let mut detail = admin.person(visit.part("person"))?;
    let catalog = admin.catalog()?;
    let managed = match detail.configuration {
        Some(id) => Some(admin.configuration(id)?),
        None => None,
    };
    let (drift, rules) = match &managed {
        Some(configuration) => {
            let provider = &visit.console.provider;
            let drift =
                provider.drift_of(&configuration.to_provisioning(), visit.part("person"))?;
            let model = admin.model(
                configuration.id,
                scim_mapping::ResourceKind::User,
                scim_admin::VersionChoice::Active,
            )?;
            (drift, model.users.rules)
        }
        None => (Vec::new(), Vec::new()),
    };
    let all = catalog.fields(scim_mapping::ResourceKind::User);
    let fields: Vec<Field> = all
        .iter()
        .filter_map(|field| {
            let key = field.key();
            let status = Value::String(detail.person.status.clone());
            let manager = detail.manager_name.clone().map(Value::String);
            let value = match (key.as_str(), manager) {
                ("status", _) => Some(status),
                // The name says more than the id does.
                ("manager", Some(name)) => Some(name),
                (key, _) => detail.person.fields.get(key).cloned(),
            };
            let drifted = drift.contains(&key);
            let rule = rules
                .iter()
                .find(|rule| rule.enabled && rule.target == *field);
            (value.is_some() || drifted).then(|| Field {
                name: label(&catalog, field),
                value: value.as_ref().map_or_else(|| "–".to_owned(), shown),
                link: match (key.as_str(), &detail.person.manager) {
                    ("manager", Some(manager)) => format!("/admin/users/{manager}"),
                    _ => String::new(),
                },
                rule: rule.map(|rule| rule.source.to_string()).unwrap_or_default(),
                drifted,
            })
        })
        .collect();
    // What a rule writes is among the fields already.
    let external = detail.external_id.take();
    let external = external.filter(|_id| !detail.person.fields.contains_key("scim_external_id"));
    let record = match &detail.document {
        Value::Object(members) if members.is_empty() => String::new(),
        document => serde_json::to_string_pretty(document).unwrap_or_default(),
    };
    let title = detail.person.user_name.clone();
    let mut given = detail.person.grants.iter();
    let convertible = !given.any(|one| one.field == "user_type");
    let page = User {
        user_type: detail.person.user_type(),
        convertible,
        shell: Shell::new(visit, "users", &title)?,
        drifted: drift.len(),
        fields,
        grants: std::mem::take(&mut detail.person.grants),
        activity: activity(visit, visit.part("person"))?,
        configuration: managed
            .map(|one| format!("{LIST}/{}", one.id))
            .unwrap_or_default(),
        external,
        record,
        person: detail,
    };
    ConsoleAnswer::page(200, &page)
}

/// A value as it is read, not as it would be entered.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            items.join(", ")
        }
        Value::String(text) => text.clone(),
        other => plain(other),
    }
}

/// What happened to the user or group of an id.
fn activity(visit: &Visit<'_>, id: &str) -> Result<Vec<Activity>, Failed> {
    let query = EventQuery {
        search: Some(id.to_owned()),
        before: Some(i64::MAX),
        limit: 10,
        ..EventQuery::default()
    };
    let events = visit.console.admin.events(&query)?.into_iter();
    let activity = events.map(|event| Activity {
        id: event.id,
        at: instant(event.at),
        action: spaced(event.action.as_str()),
        outcome: event.outcome.as_str().to_owned(),
        reason: event.reason.unwrap_or_default(),
    });
    Ok(activity.collect())
}

#[derive(Template)]
#[template(path = "group.html")]
struct Group {
    shell: Shell,
    detail: GroupDetail,
    members: Vec<Member>,
    next: String,
    first: &'static str,
    activity: Vec<Activity>,
    configuration: String,
    record: String,
}

pub(in super::super) fn group(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, id) = (&visit.console.admin, visit.part("group"));
    let detail = admin.group(id)?;
    let members = admin.members(id, visit.query.given("after"), MEMBERS)?;
    let full = i64::try_from(members.len()).is_ok_and(|count| count == MEMBERS);
    let last = members.last().filter(|_| full);
    let page = Group {
        shell: Shell::new(visit, "groups", &detail.group.name)?,
        next: last
            .map(|last| format!("?after={}", last.id))
            .unwrap_or_default(),
        first: match visit.query.checked("after") {
            true => "?",
            false => "",
        },
        members,
        activity: activity(visit, id)?,
        configuration: detail
            .configuration
            .map(|id| format!("{LIST}/{id}"))
            .unwrap_or_default(),
        record: serde_json::to_string_pretty(&detail.document).unwrap_or_default(),
        detail,
    };
    ConsoleAnswer::page(200, &page)
}

pub(in super::super) fn block(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    change(visit, PersonChange::Block, "blocked")
}

pub(in super::super) fn unblock(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    change(visit, PersonChange::Unblock, "unblocked")
}

pub(in super::super) fn unlink(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    change(visit, PersonChange::Unlink, "unlinked")
}

pub(in super::super) fn archive(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    change(visit, PersonChange::Archive, "archived")
}

pub(in super::super) fn convert(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let into = UserType::parse(visit.form.text("to"));
    let into = into.ok_or_else(|| Problem::entry("choose what the user becomes").refused())?;
    change(visit, PersonChange::Convert(into), into.as_str())
}

pub(in super::super) fn unlink_group(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, id) = (&visit.console.admin, visit.part("group"));
    admin.unlink_group(&visit.actor()?, id)?;
    Ok(ConsoleAnswer::redirect(format!(
        "/admin/groups/{id}?done=unlinked"
    )))
}

fn change(visit: &Visit<'_>, change: PersonChange, done: &str) -> Result<ConsoleAnswer, Failed> {
    let id = visit.part("person");
    let admin = &visit.console.admin;
    admin.change_person(&visit.actor()?, id, change)?;
    Ok(ConsoleAnswer::redirect(format!(
        "/admin/users/{id}?done={done}"
    )))
}

/// The colour of a status.
fn colour(status: &str) -> &'static str {
    match status {
        "active" => "good",
        _ => "",
    }
}

/// By what the lists are filtered.
const FILTERS: [&str; 4] = ["q", "status", "type", "managed"];
/// How many members of a group a page shows.
const MEMBERS: i64 = 50;
