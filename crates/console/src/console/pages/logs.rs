//! Provisioning Status & Logs.

use askama::Template;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use scim_admin::event::{EventQuery, EventState, LoggedEvent, Word};
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{ConfigurationId, ResourceKind};
use serde_json::json;

use super::super::export::{Lines, row};
use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Form, Visit};
use super::columns::{Column, Columns};
use super::configuration::{Shown, Tabs};
use super::event::changes;
use super::moment::Moment;
use super::{LIST, Shell, instant, rows, sizes};

pub(super) struct Row {
    pub(super) id: i64,
    pub(super) at: String,
    pub(super) configuration: String,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) outcome: String,
    pub(super) status: i32,
    pub(super) took: String,
    pub(super) reason: String,
    scim_type: String,
    cause: String,
    changed: String,
    scim_id: String,
    source: String,
    client: String,
    /// The administrator who did it; empty for what the identity provider asked for.
    pub(super) actor: String,
    request_id: String,
    mapping_version: String,
    resolved: bool,
}

impl Row {
    pub(super) fn new(event: &LoggedEvent) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let changed: Vec<String> = changes(&event.changes)
            .into_iter()
            .map(|(field, ..)| field)
            .collect();
        Self {
            id: event.id,
            at: instant(event.at),
            configuration: event.configuration_name.clone(),
            action: event.action.as_str().to_owned(),
            resource: [
                event.kind.as_ref().map(Word::as_str),
                event.resource_name.as_deref(),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
            outcome: event.outcome.as_str().to_owned(),
            status: event.status,
            took: format!("{:.1}\u{a0}ms", millis(event.duration_micros)),
            reason: text(&event.reason),
            scim_type: text(&event.scim_type),
            cause: event.cause.as_ref().map_or("", Word::as_str).to_owned(),
            changed: changed.join(", "),
            scim_id: text(&event.resource_id),
            source: text(&event.source),
            client: text(&event.user_agent),
            actor: text(&event.actor),
            request_id: event.request_id.clone(),
            mapping_version: event
                .mapping_version
                .map(|version| version.to_string())
                .unwrap_or_default(),
            resolved: event.resolved_at.is_some(),
        }
    }

    fn cell(&self, column: Column) -> String {
        match column {
            Column::Configuration => self.configuration.clone(),
            Column::Action => self.action.clone(),
            Column::Resource => self.resource.clone(),
            Column::Outcome => self.outcome.clone(),
            Column::Status => self.status.to_string(),
            Column::ScimType => self.scim_type.clone(),
            Column::Took => self.took.clone(),
            Column::Cause => self.cause.clone(),
            Column::Reason => self.reason.clone(),
            Column::Changed => self.changed.clone(),
            Column::ScimId => self.scim_id.clone(),
            Column::Source => self.source.clone(),
            Column::Client => self.client.clone(),
            Column::Actor => self.actor.clone(),
            Column::RequestId => self.request_id.clone(),
            Column::MappingVersion => self.mapping_version.clone(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a request takes no centuries")]
fn millis(micros: i64) -> f64 {
    micros as f64 / 1_000.0
}

/// What is looked for, as it stands in the address.
#[derive(Default)]
struct Filter {
    configuration: String,
    outcome: String,
    action: String,
    resource: String,
    time: String,
    from: String,
    to: String,
    /// By which clock the two are, as an IANA zone; empty for UTC.
    zone: String,
    state: String,
    search: String,
    columns: Columns,
}

impl Filter {
    fn of(form: &Form, configuration: Option<ConfigurationId>) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            configuration: configuration.map_or_else(|| text("configuration"), |id| id.to_string()),
            outcome: text("outcome"),
            action: text("action"),
            resource: text("resource"),
            time: text("time"),
            from: text("from"),
            to: text("to"),
            zone: text("zone"),
            state: text("state"),
            search: text("q"),
            columns: Columns::of(form),
        }
    }

    fn is_set(&self) -> bool {
        let Self {
            outcome,
            action,
            resource,
            time,
            from,
            to,
            state,
            search,
            ..
        } = self;
        [outcome, action, resource, time, from, to, state, search]
            .iter()
            .any(|text| !text.is_empty())
    }

    /// Whether one of the dates is none, or a word is none that its filter knows.
    fn is_wrong(&self) -> bool {
        is_no_time(&self.from) || is_no_time(&self.to) || !self.unknown().is_empty()
    }

    /// The words that their filters do not know, each with what it is none of.
    fn unknown(&self) -> Vec<(&str, &'static str)> {
        let hours = TIMES.iter().any(|(key, ..)| *key == self.time);
        let words = [
            (
                "configuration",
                &self.configuration,
                ConfigurationId::parse(&self.configuration).is_some(),
            ),
            ("time", &self.time, hours),
            ("time zone", &self.zone, self.clock().is_some()),
            (
                "outcome",
                &self.outcome,
                Outcome::parse(&self.outcome).is_some(),
            ),
            (
                "state",
                &self.state,
                EventState::parse(&self.state).is_some(),
            ),
            (
                "action",
                &self.action,
                Action::parse(&self.action).is_some(),
            ),
            (
                "resource",
                &self.resource,
                ResourceKind::parse(&self.resource).is_some(),
            ),
        ];
        let unknown = words
            .into_iter()
            .filter(|(_, word, known)| !known && !word.is_empty());
        unknown
            .map(|(filter, word, _)| (word.as_str(), filter))
            .collect()
    }

    fn query(&self, now: DateTime<Utc>) -> EventQuery {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let hours = TIMES.iter().find(|(key, ..)| *key == self.time);
        let latest = hours.map(|(.., hours)| now - Duration::hours(*hours));
        let clock = self.clock().unwrap_or(Tz::UTC);
        let from = Moment::read(&self.from).map(|from| from.begins(clock));
        EventQuery {
            configuration: ConfigurationId::parse(&self.configuration),
            outcome: Outcome::parse(&self.outcome),
            action: Action::parse(&self.action),
            kind: ResourceKind::parse(&self.resource),
            search: given(&self.search),
            state: EventState::parse(&self.state),
            since: latest.max(from),
            until: Moment::read(&self.to).and_then(|to| to.ends(clock)),
            ..EventQuery::default()
        }
    }

    /// By which clock its times are.
    fn clock(&self) -> Option<Tz> {
        match self.zone.as_str() {
            "" => Some(Tz::UTC),
            name => name.parse().ok(),
        }
    }

    /// A time as a field of a form shows it, which has hours.
    fn field(&self, text: &str, end: bool) -> String {
        match Moment::read(text) {
            Some(moment) => moment.field(end),
            None => text.to_owned(),
        }
    }

    /// What is looked for and which columns show it, by the names of the form.
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let pairs = [
            ("configuration", &self.configuration),
            ("outcome", &self.outcome),
            ("action", &self.action),
            ("resource", &self.resource),
            ("time", &self.time),
            ("from", &self.from),
            ("to", &self.to),
            ("zone", &self.zone),
            ("state", &self.state),
            ("q", &self.search),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let given = given.map(|(name, value)| (name, value.as_str()));
        let columns = self.columns.keys().into_iter();
        given.chain(columns.map(|key| ("column", key))).collect()
    }

    /// The filter as it stands in an address.
    fn written(&self) -> String {
        let pairs = self.pairs().into_iter();
        let written = pairs.map(|(name, value)| format!("{name}={}", encoded(value)));
        written.collect::<Vec<_>>().join("&")
    }
}

fn is_no_time(text: &str) -> bool {
    !text.is_empty() && Moment::read(text).is_none()
}

#[derive(Template)]
#[template(path = "logs.html")]
struct Logs {
    shell: Shell,
    /// The tabs of the configuration, where the log is of one alone.
    tabs: Option<Tabs>,
    here: String,
    filter: Filter,
    configurations: Vec<(String, String)>,
    rows: Vec<Row>,
    /// The columns to choose from.
    offered: Vec<Column>,
    /// Those that are shown.
    columns: Vec<Column>,
    states: [&'static str; 2],
    outcomes: [&'static str; 5],
    actions: [&'static str; 9],
    sizes: Vec<(i64, bool)>,
    older: String,
    /// Where the first page is, for whoever went on.
    first: String,
    newest: bool,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shell = Shell::new(visit, "logs", "Provisioning Status & Logs")?;
    let filter = Filter::of(&visit.query, None);
    page(visit, shell, None, format!("{LIST}/logs"), filter)
}

/// The log of one configuration.
pub(in super::super) fn list_of(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let shell = shown.shell(visit, "Logs")?;
    let tabs = shown.tabs(visit, "logs");
    let filter = Filter::of(&visit.query, Some(shown.id));
    let here = format!("{LIST}/{}/logs", shown.id);
    page(visit, shell, Some(tabs), here, filter)
}

fn page(
    visit: &Visit<'_>,
    shell: Shell,
    tabs: Option<Tabs>,
    here: String,
    filter: Filter,
) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let limit = rows(visit);
    let before = visit.query.given("before");
    let query = EventQuery {
        before: Some(before.and_then(|id| id.parse().ok()).unwrap_or(i64::MAX)),
        limit,
        ..filter.query(visit.console.admin.now())
    };
    let events = match filter.is_wrong() {
        true => Vec::new(),
        false => admin.events(&query)?,
    };
    let full = i64::try_from(events.len()).is_ok_and(|count| count == limit);
    let older = events
        .last()
        .filter(|_| full)
        .map(|last| format!("?{}&rows={limit}&before={}", filter.written(), last.id));
    let configurations = admin.configurations(None)?.into_iter();
    let mut offered = Column::ALL.to_vec();
    // The log of one configuration need not say whose it is.
    offered.retain(|column| tabs.is_none() || *column != Column::Configuration);
    let columns = offered.iter().copied();
    let page = Logs {
        shell,
        tabs,
        columns: columns.filter(|one| filter.columns.has(*one)).collect(),
        offered,
        here,
        configurations: configurations
            .map(|one| (one.id.to_string(), one.name))
            .collect(),
        rows: events.iter().map(Row::new).collect(),
        states: EventState::ALL.map(EventState::as_str),
        outcomes: Outcome::ALL.map(Outcome::as_str),
        actions: Action::ALL.map(Action::as_str),
        sizes: sizes(visit),
        older: older.unwrap_or_default(),
        first: match before {
            Some(_) => format!("?{}&rows={limit}", filter.written()),
            None => String::new(),
        },
        newest: before.is_none() && !filter.is_wrong(),
        filter,
    };
    ConsoleAnswer::page(if page.filter.is_wrong() { 422 } else { 200 }, &page)
}

/// The log as a file, in the order of time.
pub(in super::super) fn export(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let filter = Filter::of(&visit.form, None);
    if filter.is_wrong() {
        // The page says what is wrong.
        let page = format!("{LIST}/logs?{}", filter.written());
        return Ok(ConsoleAnswer::redirect(page));
    }
    let admin = &visit.console.admin;
    let format = visit.form.text("format");
    let mut query = EventQuery {
        before: Some(i64::MAX),
        limit: BLOCK,
        ..filter.query(visit.console.admin.now())
    };
    let mut lines = Lines::default();
    while lines.len() < EXPORTED {
        let events = admin.events(&query)?;
        for event in &events {
            lines.before(match format {
                "ndjson" => format!("{}\n", serde_json::json!(crate::documents::event(event))),
                _ => row(cells(event)),
            });
        }
        match events.last() {
            Some(last) if i64::try_from(events.len()).is_ok_and(|count| count == BLOCK) => {
                query.before = Some(last.id);
            }
            _ => break,
        }
    }
    let details = json!({
        "format": format,
        "filter": filter.written(),
        "rows": lines.len(),
    });
    admin.exported(&visit.actor()?, "provisioning log", details)?;
    let (name, media_type, heading) = match format {
        "ndjson" => (
            "provisioning-log.ndjson",
            "application/x-ndjson",
            String::new(),
        ),
        _ => (
            "provisioning-log.csv",
            "text/csv; charset=utf-8",
            row(COLUMNS),
        ),
    };
    Ok(ConsoleAnswer::file(name, media_type, lines.text(&heading)))
}

/// An entry in a row of the file.
fn cells(event: &LoggedEvent) -> [String; 21] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        event.id.to_string(),
        instant(event.at),
        event.configuration_name.clone(),
        event.request_id.clone(),
        event.action.as_str().to_owned(),
        event.kind.as_ref().map_or("", Word::as_str).to_owned(),
        text(&event.resource_id),
        text(&event.resource_name),
        event.outcome.as_str().to_owned(),
        event.status.to_string(),
        text(&event.scim_type),
        text(&event.reason),
        event.duration_micros.to_string(),
        text(&event.source),
        text(&event.user_agent),
        event.resolved_at.map(instant).unwrap_or_default(),
        text(&event.resolved_by),
        event.stage.as_ref().map_or("", Word::as_str).to_owned(),
        event.cause.as_ref().map_or("", Word::as_str).to_owned(),
        text(&event.actor),
        event.occurrences.to_string(),
    ]
}

const TIMES: [(&str, &str, i64); 4] = [
    ("1h", "Last hour", 1),
    ("24h", "Last 24 hours", 24),
    ("7d", "Last 7 days", 24 * 7),
    ("30d", "Last 30 days", 24 * 30),
];
const COLUMNS: [&str; 21] = [
    "id",
    "time",
    "configuration",
    "requestId",
    "action",
    "resourceType",
    "resourceId",
    "resourceName",
    "outcome",
    "status",
    "scimType",
    "reason",
    "durationMicros",
    "source",
    "userAgent",
    "resolvedAt",
    "resolvedBy",
    "stage",
    "cause",
    "actor",
    "occurrences",
];
/// How many entries a file has at most.
const EXPORTED: usize = 50_000;
/// How many of them are read at once.
const BLOCK: i64 = 1_000;
