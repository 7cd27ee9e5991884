//! All configurations at a glance.

use askama::Template;
use chrono::Duration;
use scim_admin::event::{Activity, EventQuery, EventState};
use scim_provisioning::Outcome;

use super::super::ui::counted;
use super::super::{ConsoleAnswer, Failed, Visit};
use super::charts::{Chart, thousands};
use super::configuration::{Health, NO_TOKEN, expiring};
use super::{LIST, Shell, ago, alerts, instant};

struct Card {
    /// How much it needs somebody: 0 the most.
    rank: u8,
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
    /// The alerts that are open.
    open: Vec<alerts::Row>,
    /// Whether there are more of them.
    more_open: bool,
    /// Who needs somebody most stands first.
    cards: Vec<Card>,
    /// How many more there are.
    more: usize,
    /// What needs somebody, in words, the colour it has, and where it is dealt with.
    needs: Vec<(String, &'static str, String)>,
    chart: Chart,
    /// What went wrong last and is open: id, time, whose, whom, why.
    failures: Vec<(i64, String, String, String, String)>,
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, now) = (&visit.console.admin, visit.console.admin.now());
    let activity = admin.activity(now - Duration::days(7), None)?;
    let requests = admin.requests(now - Duration::days(7), None)?;
    let mut cards = Vec::new();
    for one in admin.configurations(None)? {
        let id = one.id.to_string();
        let tokens = admin.tokens(one.id)?;
        let counts = admin.managed_counts(one.id)?;
        let own: Vec<&Activity> = activity
            .iter()
            .filter(|entry| entry.configuration == one.id)
            .collect();
        let asked: Vec<&Activity> = requests
            .iter()
            .filter(|entry| entry.configuration == one.id)
            .collect();
        let used = tokens.iter().filter_map(|token| token.last_used).max();
        let health = Health::new(&one, &tokens, &own, &asked, now);
        let expiring = expiring(&tokens, now);
        cards.push(Card {
            rank: match (health.kind, counts.held + counts.links, expiring.as_str()) {
                ("bad", ..) => 0,
                (_, 1.., _) => 1,
                ("warning", ..) => 2,
                (_, _, said) if !said.is_empty() => 3,
                _ => 4,
            },
            health,
            users: counts.active,
            groups: counts.groups,
            held: counts.held,
            links: counts.links,
            expiring,
            last_used: ago(used, now),
            name: one.name,
            id,
        });
    }
    let needs = needs(&cards, visit.administers());
    cards.sort_by_key(|card| card.rank);
    let more = cards.len().saturating_sub(CARDS);
    cards.truncate(CARDS);
    let query = EventQuery {
        outcome: Some(Outcome::Failure),
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
    let all: Vec<&Activity> = requests.iter().collect();
    let (open, more_open) = alerts::open(visit, ALERTS)?;
    let page = Overview {
        open,
        more_open,
        shell: Shell::new(visit, "overview", "Overview")?,
        cards,
        more,
        needs,
        chart: Chart::new("Requests, 7 days", format!("{LIST}/logs"), &all, now, 28, 6),
        failures: failures.collect(),
    };
    ConsoleAnswer::page(200, &page)
}

/// What needs somebody, in words, with the colour it has, and where it is dealt with: at the
/// configuration, where it is one alone, else in the list of them.
fn needs(cards: &[Card], administers: bool) -> Vec<(String, &'static str, String)> {
    // Auditors see no tokens.
    let tokens = if administers { "/tokens" } else { "" };
    let unusable = |card: &Card| card.health.kind == "bad" && card.health.text == NO_TOKEN;
    let failing = |card: &Card| card.health.kind == "bad" && card.health.text != NO_TOKEN;
    let failures = |card: &Card| card.health.kind == "warning";
    let ending = |card: &Card| !card.expiring.is_empty();
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let count = |fits: &dyn Fn(&Card) -> bool| cards.iter().filter(|card| fits(card)).count();
    let held = number(cards.iter().map(|card| card.held).sum());
    let links = number(cards.iter().map(|card| card.links).sum());
    let place = |fits: &dyn Fn(&Card) -> bool, page: &str| {
        let mut found = cards.iter().filter(|card| fits(card));
        match (found.next(), found.next()) {
            (Some(one), None) => format!("{LIST}/{}{page}", one.id),
            _ => LIST.to_owned(),
        }
    };
    let (failed, without) = (count(&failing), count(&unusable));
    let (warned, ends) = (count(&failures), count(&ending));
    let said = [
        (
            failed,
            format!("{failed} failing"),
            "bad",
            place(&failing, "/logs?state=open"),
        ),
        (
            without,
            format!("{without} without a live token"),
            "bad",
            place(&unusable, tokens),
        ),
        (
            warned,
            format!("{warned} with failures or warnings"),
            "warning",
            place(&failures, "/logs?state=open"),
        ),
        (
            held,
            counted(held, "held change", "held changes"),
            "held",
            place(&|card| card.held > 0, "/held"),
        ),
        (
            links,
            counted(links, "pending link", "pending links"),
            "held",
            place(&|card| card.links > 0, "/links"),
        ),
        (
            ends,
            counted(ends, "token ends soon", "tokens end soon"),
            "warning",
            place(&ending, tokens),
        ),
    ];
    let said = said.into_iter().filter(|(count, ..)| *count > 0);
    said.map(|(_, said, kind, place)| (said, kind, place))
        .collect()
}

/// How many configurations are shown; the list has them all.
const CARDS: usize = 24;
/// How many alerts are shown; their page has them all.
const ALERTS: usize = 10;
