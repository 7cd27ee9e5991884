//! `token`: add, expire, list, show, revoke.

use chrono::{DateTime, Duration, Utc};
use clap::{ArgGroup, Args, Subcommand};
use scim_admin::{AccessToken, AdminService, IssuedToken};
use serde_json::json;

use super::value::{self, actor, instant, maybe_instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Issue a further token, in the place of the one that is there; two are live at most.
    Add {
        /// The name or id of the configuration.
        configuration: String,
        /// How many days the token lives.
        #[arg(long, value_name = "DAYS", default_value_t = 365)]
        days: i64,
        /// How many hours the token that is there goes on once the new one was used: 0 to 720. Until
        /// then it goes on anyway.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: i64,
    },
    /// List the tokens of a configuration, newest first.
    List {
        /// The name or id of the configuration.
        configuration: String,
    },
    /// Let a live token end in so many days.
    Expire {
        /// The name or id of the configuration.
        configuration: String,
        /// The id of the token.
        #[arg(long, value_name = "ID")]
        id: String,
        /// In how many days.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=730))]
        days: i64,
    },
    /// Print a live token again.
    Show(Which),
    /// Refuse a token, or every live one, from the next request on.
    Revoke(Revoke),
}

/// A token.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The name or id of the configuration.
    configuration: String,
    /// The id of the token; without it the newest.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// Which tokens are revoked.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["configuration", "issued_before"]).required(true).multiple(true))]
pub(crate) struct Revoke {
    /// The name or id of the configuration; with --issued-before it may be left out, and the tokens
    /// of every configuration are meant.
    configuration: Option<String>,
    /// The id of the token; without it every live one.
    #[arg(long, value_name = "ID", requires = "configuration")]
    id: Option<String>,
    /// Every live one that was issued before this time, such as 2026-11-26T12:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "id", value_parser = value::time)]
    issued_before: Option<DateTime<Utc>>,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::Add {
            configuration,
            days,
            overlap_hours,
        } => {
            let configuration = admin.find_configuration(&configuration)?.id;
            let issued =
                admin.add_token(&actor(), configuration, Some(overlap_hours), Some(days))?;
            print(common, &issued)
        }
        Action::Expire {
            configuration,
            id,
            days,
        } => {
            let configuration = admin.find_configuration(&configuration)?.id;
            let end = admin.now() + Duration::days(days);
            admin.set_token_end(&actor(), configuration, &id, end)?;
            let tokens = admin.tokens(configuration)?;
            match (common.json, tokens.iter().find(|token| token.id == id)) {
                (true, Some(token)) => output::json(&documents::token(token, admin.now())),
                _ => output::line(&format!("Ends {}", instant(end))),
            }
        }
        Action::Show(which) => {
            let id = which.id.as_deref();
            let configuration = admin.find_configuration(&which.configuration)?.id;
            print(common, &admin.reveal_token(&actor(), configuration, id)?)
        }
        Action::List { configuration } => {
            let configuration = admin.find_configuration(&configuration)?.id;
            list(common, &admin.tokens(configuration)?, admin.now())
        }
        Action::Revoke(which) => revoke(common, &admin, &which),
    }
}

fn revoke(common: &Common, admin: &AdminService, which: &Revoke) -> anyhow::Result<()> {
    let of = which.configuration.as_deref();
    let of = of.map(|name| admin.find_configuration(name)).transpose()?;
    let revoked = match (which.issued_before, &of) {
        (Some(time), of) => {
            let of = of.as_ref().map(|configuration| configuration.id);
            let revoked = admin.revoke_tokens_before(&actor(), of, time)?;
            revoked.into_iter().map(|(token, _)| token).collect()
        }
        (None, Some(of)) => admin.revoke_tokens(&actor(), of.id, which.id.as_deref())?,
        (None, None) => Vec::new(),
    };
    if common.json {
        let ids = revoked.iter().map(|token| json!({"id": token.id}));
        return output::items(ids);
    }
    if revoked.is_empty() {
        return output::line("No live token was issued before that");
    }
    revoked
        .iter()
        .try_for_each(|token| output::line(&format!("Revoked {} (...{})", token.id, token.hint)))
}

fn print(common: &Common, token: &IssuedToken) -> anyhow::Result<()> {
    match common.json {
        true => output::json(&documents::issued_token(token)),
        // The token alone, so that a script can take it as it is.
        false => output::line(token.value.reveal()),
    }
}

fn list(common: &Common, tokens: &[AccessToken], now: DateTime<Utc>) -> anyhow::Result<()> {
    if common.json {
        return output::items(tokens.iter().map(|token| documents::token(token, now)));
    }
    let mut table = Table::titled([
        "id",
        "ends with",
        "state",
        "created",
        "expires",
        "last used",
        "from",
    ]);
    for token in tokens {
        table.row([
            token.id.clone(),
            token.hint.clone(),
            token.state(now).as_str().to_owned(),
            instant(token.created),
            maybe_instant(token.ends()).unwrap_or_default(),
            maybe_instant(token.last_used).unwrap_or_default(),
            token.last_used_from.clone().unwrap_or_default(),
        ]);
    }
    table.print()
}
