//! The tokens of a configuration.

use askama::Template;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use scim_admin::token::{LIVE, Retirement, TokenState, rotation};
use scim_admin::{AccessToken, Problem};

use super::super::{ConsoleAnswer, Failed, Visit};
use super::configuration::{Shown, Tabs};
use super::configurations::{lives, show as show_later, shown};
use super::{LIST, Shell, ago, instant, maybe};

struct Row {
    id: String,
    hint: String,
    /// What its buttons are about.
    named: String,
    live: bool,
    kind: &'static str,
    state: &'static str,
    created: String,
    created_by: String,
    expires: String,
    /// The day on which it ends.
    day: String,
    last_used: String,
    client: String,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    shell: Shell,
    tabs: Tabs,
    id: String,
    rows: Vec<Row>,
    /// Whether another one may be made.
    room: bool,
    lives: Vec<(i64, &'static str, bool)>,
    /// How far a rotation is.
    rotation: Option<Rotation>,
}

/// A token takes the place of another one.
struct Rotation {
    /// What is to be done, and whether it is.
    steps: Vec<(String, bool)>,
    /// The two tokens, the new one first: its end, and when it was last used.
    tokens: Vec<(String, String)>,
}

impl Rotation {
    /// The rotation that is under way, or was until lately.
    fn of(tokens: &[AccessToken], now: DateTime<Utc>) -> Option<Self> {
        let (new, old) = rotation(tokens)?;
        let ended = match (old.revoked, old.is_live(now)) {
            (_, true) => None,
            (revoked, false) => revoked.or(old.ends()),
        };
        if !new.is_live(now) || ended.is_some_and(|at| at < now - Duration::days(1)) {
            return None;
        }
        let last = match (ended, old.ends()) {
            (Some(_), _) => "The old one has ended".to_owned(),
            (None, Some(end)) if new.first_used.is_some() => {
                format!("Revoke the old one, or let it end on {} UTC", instant(end))
            }
            (None, _) => "Revoke the old one, or let it end once the new one was used".to_owned(),
        };
        let used = |token: &AccessToken| (token.hint.clone(), ago(token.last_used, now));
        Some(Self {
            steps: vec![
                ("Generate a new token".to_owned(), true),
                (
                    "Give it to the identity provider".to_owned(),
                    new.first_used.is_some(),
                ),
                (
                    "Wait until the identity provider uses the new one alone".to_owned(),
                    ended.is_some() || is_alone(new, old),
                ),
                (last, ended.is_some()),
            ],
            tokens: vec![used(new), used(old)],
        })
    }
}

/// Whether the new one of two tokens is used, and the old one no more.
fn is_alone(new: &AccessToken, old: &AccessToken) -> bool {
    let (Some(first), Some(last)) = (new.first_used, new.last_used) else {
        return false;
    };
    old.last_used
        .is_none_or(|used| used < first || used < last - Duration::hours(1))
}

/// How a token is, in a colour and in words.
fn state(token: &AccessToken, now: DateTime<Utc>) -> (&'static str, &'static str) {
    let soon = token
        .ends()
        .is_some_and(|ends| ends < now + Duration::days(30));
    match (token.state(now), soon) {
        (TokenState::Active, true) => ("warning", "ends soon"),
        (TokenState::Active, false) => ("good", "active"),
        (state, _) => ("", state.as_str()),
    }
}

/// When a token ends, in words.
fn end(token: &AccessToken) -> String {
    match &token.retirement {
        Some(Retirement {
            at: None, overlap, ..
        }) => match overlap.num_hours() {
            0 => "when the new one is used".to_owned(),
            hours => format!("{hours} h after the new one is used"),
        },
        _ => maybe(token.ends()),
    }
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let found = Shown::find(visit)?;
    let now = found.now;
    let live = found.tokens.iter().filter(|token| token.is_live(now));
    let room = live.count() < LIVE;
    let rows = found.tokens.iter().map(|token| {
        let (kind, state) = state(token, now);
        Row {
            live: token.is_live(now),
            kind,
            state,
            created: instant(token.created),
            expires: end(token),
            day: token
                .ends()
                .map(|end| end.format("%Y-%m-%d").to_string())
                .unwrap_or_default(),
            last_used: ago(token.last_used, now),
            client: [&token.last_used_from, &token.last_used_by]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(" · "),
            id: token.id.clone(),
            named: format!("the token that ends in {}", token.hint),
            hint: token.hint.clone(),
            created_by: token.created_by.clone(),
        }
    });
    let page = Tokens {
        rows: rows.collect(),
        shell: found.shell(visit, "Tokens")?,
        tabs: found.tabs(visit, "tokens"),
        room,
        lives: lives(365),
        rotation: Rotation::of(&found.tokens, now),
        id: found.id.to_string(),
    };
    ConsoleAnswer::page(200, &page)
}

fn back(visit: &Visit<'_>, done: &str) -> ConsoleAnswer {
    ConsoleAnswer::redirect(format!(
        "{LIST}/{}/tokens{done}",
        visit.part("configuration")
    ))
}

/// A token that was made or asked for just now; later its value is asked for with *Show*.
pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let configuration = admin.find_configuration(visit.part("configuration"))?;
    let tokens = admin.tokens(configuration.id)?;
    let mut tokens = tokens.into_iter();
    let token = tokens.find(|token| token.id == visit.part("token"));
    match (token, visit.flash()) {
        (Some(token), Some(flash)) if flash.text.ends_with(&token.hint) => {
            shown(visit, &configuration, token, flash.text)
        }
        _ => Ok(back(visit, "")),
    }
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let configuration = admin.find_configuration(visit.part("configuration"))?;
    let overlap = visit.form.given("overlap");
    let overlap = overlap.map(|hours| hours.parse().unwrap_or_default());
    let days = visit.form.given("days").and_then(|days| days.parse().ok());
    let issued = admin.add_token(&visit.actor()?, configuration.id, overlap, days)?;
    show_later(visit, &issued, "new")
}

/// Sets when a token ends: in some hours, or with a day.
pub(in super::super) fn set_end(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let unclear = || Problem::entry("say on which day the token ends").refused();
    let day = visit.form.text("day").parse::<NaiveDate>();
    let end = match (visit.form.given("hours"), day) {
        (Some("24"), _) => Some(visit.console.admin.now() + Duration::hours(24)),
        (None, Ok(day)) => day.and_hms_opt(23, 59, 59).map(|end| end.and_utc()),
        _ => None,
    };
    let admin = &visit.console.admin;
    let (id, token) = (
        admin.find_configuration(visit.part("configuration"))?.id,
        visit.part("token"),
    );
    admin.set_token_end(&visit.actor()?, id, token, end.ok_or_else(unclear)?)?;
    Ok(back(visit, "?done=expiry"))
}

pub(in super::super) fn reveal(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let configuration = admin.find_configuration(visit.part("configuration"))?;
    let (id, token) = (configuration.id, Some(visit.part("token")));
    let issued = admin.reveal_token(&visit.actor()?, id, token)?;
    show_later(visit, &issued, "again")
}

pub(in super::super) fn revoke(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let id = admin.find_configuration(visit.part("configuration"))?.id;
    let token = Some(visit.part("token"));
    admin.revoke_tokens(&visit.actor()?, id, token)?;
    Ok(back(visit, "?done=revoked"))
}
