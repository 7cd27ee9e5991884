//! All configurations at a glance.

use askama::Template;
use chrono::{Duration, Utc};
use scim_admin::event::{Activity, EventQuery, EventState};

use super::super::{ConsoleAnswer, Failed, Visit};
use super::charts::Chart;
use super::configuration::{Health, expiring};
use super::{Shell, ago, instant};

struct Card {
    id: String,
    name: String,
    health: Health,
    users: i64,
    groups: i64,
    held: i64,
    links: i64,
    expiring: String,
    last_used: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    shell: Shell,
    cards: Vec<Card>,
    chart: Chart,
    /// What went wrong last and is open: id, time, whose, whom, why.
    failures: Vec<(i64, String, String, String, String)>,
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, now) = (&visit.console.admin, Utc::now());
    let activity = admin.activity(now - Duration::days(7), None)?;
    let mut cards = Vec::new();
    for one in admin.configurations(None)? {
        let id = one.id.to_string();
        let tokens = admin.tokens(&id)?;
        let counts = admin.managed_counts(one.id)?;
        let own: Vec<&Activity> = activity
            .iter()
            .filter(|entry| entry.configuration == id)
            .collect();
        let used = tokens.iter().filter_map(|token| token.last_used).max();
        cards.push(Card {
            health: Health::new(&one, &tokens, &own, now),
            users: counts.active,
            groups: counts.groups,
            held: counts.held,
            links: counts.links,
            expiring: expiring(&tokens, now),
            last_used: ago(used, now),
            name: one.name,
            id,
        });
    }
    let query = EventQuery {
        outcome: Some("failure".to_owned()),
        state: Some(EventState::Open),
        before: Some(i64::MAX),
        limit: 5,
        ..EventQuery::default()
    };
    let failures = admin.events(&query)?.into_iter().map(|event| {
        let name = event.resource_name.unwrap_or_default();
        let reason = event.reason.unwrap_or_default();
        (
            event.id,
            instant(event.at),
            event.configuration_name,
            name,
            reason,
        )
    });
    let all: Vec<&Activity> = activity.iter().collect();
    let page = Overview {
        shell: Shell::new(visit, "overview", "Overview")?,
        cards,
        chart: Chart::new("Requests, 7 days", &all, now, 28, 6),
        failures: failures.collect(),
    };
    ConsoleAnswer::page(200, &page)
}
