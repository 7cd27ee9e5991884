//! What needs somebody, and what did.

use askama::Template;
use chrono::{DateTime, Utc};
use scim_admin::AdminError;
use scim_admin::alert::{Alert, AlertState, AlertsQuery};

use super::super::{ConsoleAnswer, Failed, Visit};
use super::{Shell, ago, instant};

/// An alert as it is shown.
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) message: String,
    pub(super) advice: &'static str,
    /// The page that mends it; empty where none does.
    pub(super) page: String,
    pub(super) since: String,
    pub(super) ago: String,
    over: String,
}

impl Row {
    fn of(alert: &Alert, now: DateTime<Utc>) -> Self {
        Self {
            title: alert.kind.title(),
            message: alert.message(),
            advice: alert.kind.advice(),
            page: Some(alert.page())
                .filter(|page| page != HERE)
                .unwrap_or_default(),
            since: instant(alert.since),
            ago: ago(Some(alert.since), now),
            over: alert.over.map(instant).unwrap_or_default(),
        }
    }
}

/// The alerts that are open, the newest first, and whether there are more.
pub(super) fn open(visit: &Visit<'_>, most: usize) -> Result<(Vec<Row>, bool), AdminError> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let query = AlertsQuery {
        state: AlertState::Open,
        before: None,
        limit,
    };
    let (mut found, now) = (
        visit.console.admin.alerts(&query)?,
        visit.console.admin.now(),
    );
    let more = found.len() > most;
    found.truncate(most);
    Ok((
        found.iter().map(|alert| Row::of(alert, now)).collect(),
        more,
    ))
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Alerts {
    shell: Shell,
    open: Vec<Row>,
    over: Vec<Row>,
    /// Where older ones are that are over.
    older: String,
    /// Where the newest ones are, on a page that has others.
    first: String,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let now = visit.console.admin.now();
    let before = visit.query.given("before").map(str::to_owned);
    let first = before.as_ref().map(|_| HERE.to_owned());
    let (open, _) = match before {
        None => open(visit, OPEN)?,
        Some(_) => (Vec::new(), false),
    };
    let over = visit.console.admin.alerts(&AlertsQuery {
        state: AlertState::Over,
        before,
        limit: ROWS,
    })?;
    let full = i64::try_from(over.len()).is_ok_and(|count| count == ROWS);
    let last = over.last().filter(|_| full);
    let page = Alerts {
        shell: Shell::new(visit, "alerts", "Alerts")?,
        open,
        older: last.map_or_else(String::new, |last| format!("{HERE}?before={}", last.id)),
        over: over.iter().map(|alert| Row::of(alert, now)).collect(),
        first: first.unwrap_or_default(),
    };
    ConsoleAnswer::page(200, &page)
}

/// Where the page is.
const HERE: &str = "/admin/alerts";
/// How many are shown at most that are open.
const OPEN: usize = 500;
/// How many are shown at once that are over.
const ROWS: i64 = 50;
