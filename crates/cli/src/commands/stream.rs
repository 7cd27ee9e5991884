//! `stream`: who follows the feed, and what was sent to them.

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use scim_admin::{AdminService, IssuedStream, StreamInput};
use scim_feed::{
    Delivery, DeliveryProblem, Feed, Position, Stream, StreamKind, StreamProblem, Topic, WebhookUrl,
};

use super::value::{actor, maybe_instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with streams.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a stream, whose secret is shown this once.
    Add(Add),
    /// List the streams, and how far behind each is.
    List,
    /// Show a stream.
    Show(Name),
    /// Tell the receiver nothing until the stream is resumed; what changes meanwhile waits.
    Pause(Name),
    /// Resume a stream that is paused.
    Resume(Name),
    /// Have a stream begin again behind a position or a time.
    Replay(Replay),
    /// Give a stream a new secret, which is shown this once; the one before is refused from then on,
    /// and a webhook is signed with both for a day.
    Secret(Name),
    /// List what was sent to the receiver of a stream, the newest first; of one that asks for security
    /// events, what it could not take.
    Deliveries(Deliveries),
    /// Have something be sent to a receiver that has no changes in it.
    Test(Name),
    /// Have something be sent once more; the stream stays where it is.
    Again(Again),
    /// Delete a stream.
    Delete(Name),
}

/// Which stream.
#[derive(Debug, Args)]
pub(crate) struct Name {
    /// The name or id.
    stream: String,
}

/// Options of `stream add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name.
    name: String,
    #[command(flatten)]
    way: Way,
    /// What the receiver is told of; everything without it. Security events tell of people, groups and
    /// memberships.
    #[arg(long, value_name = "TOPIC,...", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Topic::ALL.iter().map(|topic| topic.as_str())))]
    topics: Option<Vec<String>>,
}

/// How what changed comes to the receiver.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Way {
    /// The receiver asks for what changed, with the secret as a bearer token.
    #[arg(long)]
    read: bool,
    /// What changed is sent to this address, signed with the secret as Standard Webhooks says.
    #[arg(long, value_name = "URL", value_parser = WebhookUrl::parse)]
    webhook: Option<WebhookUrl>,
    /// The receiver asks for security events (RFC 8936), with the secret as a bearer token.
    #[arg(long)]
    poll: bool,
    /// Security events are sent to this address (RFC 8935), with the secret as a bearer token.
    #[arg(long, value_name = "URL", value_parser = WebhookUrl::parse)]
    push: Option<WebhookUrl>,
}

/// Options of `stream deliveries`.
#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    /// The name or id.
    stream: String,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Those behind this one, the last of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// Options of `stream again`.
#[derive(Debug, Args)]
pub(crate) struct Again {
    /// The name or id.
    stream: String,
    /// The id of what was sent.
    #[arg(value_name = "DELIVERY")]
    delivery: String,
}

/// Options of `stream replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The name or id.
    stream: String,
    /// A position, or a time such as 2026-11-26T12:00:00Z.
    #[arg(long, value_name = "POSITION|TIME", value_parser = beginning)]
    from: Beginning,
}

/// Behind what a stream begins again.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    Position(Position),
    Time(DateTime<Utc>),
}

fn beginning(text: &str) -> Result<Beginning, &'static str> {
    let position = text.parse().map(Beginning::Position);
    let time = || DateTime::parse_from_rfc3339(text).map(|time| Beginning::Time(time.to_utc()));
    position
        .or_else(|_none| time())
        .map_err(|_neither| "it is a position, or a time such as 2026-11-26T12:00:00Z")
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let (admin, feed) = (&*instance.admin(), &instance.services.feed);
    match action {
        Action::Add(options) => {
            let topics = options.topics.map(|words| {
                let topics = words.iter().filter_map(|word| Topic::parse(word));
                topics.collect()
            });
            let (kind, url) = match options.way {
                Way { read: true, .. } => (StreamKind::Read, None),
                Way { poll: true, .. } => (StreamKind::Poll, None),
                Way {
                    push: Some(url), ..
                } => (StreamKind::Push, Some(url)),
                Way { webhook, .. } => (StreamKind::Webhook, webhook),
            };
            let input = StreamInput {
                name: options.name,
                kind,
                url,
                topics,
            };
            issued(common, &admin.add_stream(&actor(), input, feed.head()?)?)
        }
        Action::Secret(name) => {
            let stream = admin.stream(&name.stream)?;
            issued(common, &admin.renew_stream_key(&actor(), stream)?)
        }
        Action::List => list(common, admin, feed.head()?),
        Action::Show(name) => show(common, admin, &admin.stream(&name.stream)?, feed),
        Action::Pause(name) => {
            let stream = admin.stream(&name.stream)?;
            show(common, admin, &admin.pause_stream(&actor(), stream)?, feed)
        }
        Action::Resume(name) => {
            let stream = admin.stream(&name.stream)?;
            show(common, admin, &admin.resume_stream(&actor(), stream)?, feed)
        }
        Action::Replay(options) => {
            let position = position(feed, options.from)?;
            let stream = admin.replay_stream(&actor(), admin.stream(&options.stream)?, position)?;
            show(common, admin, &stream, feed)
        }
        Action::Deliveries(options) => deliveries(common, admin, &options),
        Action::Test(name) => {
            let wanted = admin.test_webhook(&actor(), &admin.stream(&name.stream)?)?;
            told(common, &wanted)
        }
        Action::Again(options) => {
            let stream = admin.stream(&options.stream)?;
            told(
                common,
                &admin.send_again(&actor(), &stream, &options.delivery)?,
            )
        }
        Action::Delete(name) => {
            let stream = admin.stream(&name.stream)?;
            let webhook = admin.webhook(&stream)?;
            let stream = admin.delete_stream(&actor(), stream)?;
            match common.json {
                true => {
                    let document = documents::stream(&stream, webhook.as_ref(), feed.head()?);
                    output::deleted(&document, "state")
                }
                false => output::line(&format!("Deleted {}", output::printable(&stream.name))),
            }
        }
    }
}

fn issued(common: &Common, issued: &IssuedStream) -> anyhow::Result<()> {
    match common.json {
        true => output::json(&documents::issued_stream(issued)),
        // The secret alone, so that a script can take it as it is.
        false => output::line(issued.key.reveal()),
    }
}

/// A position, or that before the changes since a time.
fn position(feed: &Feed, from: Beginning) -> anyhow::Result<Position> {
    match from {
        Beginning::Position(position) => feed
            .check(position)
            .context("the stream cannot begin there"),
        Beginning::Time(time) => Ok(feed.position_at(time)?),
    }
}

/// What is to be sent by hand.
fn told(common: &Common, wanted: &Delivery) -> anyhow::Result<()> {
    match common.json {
        true => output::json(&documents::delivery(wanted)),
        false => output::line(&format!(
            "{} is sent by the server; \"stream deliveries\" says what comes of it",
            wanted.id
        )),
    }
}

fn deliveries(common: &Common, admin: &AdminService, options: &Deliveries) -> anyhow::Result<()> {
    let stream = admin.stream(&options.stream)?;
    let found = admin.deliveries(&stream, options.after.as_deref(), options.limit)?;
    if common.json {
        let full = i64::try_from(found.len()).is_ok_and(|count| count == options.limit);
        let last = found.last().filter(|_| full);
        let next = last.map(|delivery| delivery.id.clone());
        return output::page(found.iter().map(documents::delivery), next);
    }
    let mut table = Table::titled(["at", "what", "changes", "state", "status", "problem", "id"]);
    for delivery in found {
        table.row([
            documents::instant(delivery.at),
            delivery.kind.as_str().to_owned(),
            delivery.changes.to_string(),
            delivery.state.as_str().to_owned(),
            delivery
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            delivery
                .problem
                .map(DeliveryProblem::as_str)
                .unwrap_or_default()
                .to_owned(),
            delivery.id,
        ]);
    }
    table.print()
}

fn list(common: &Common, admin: &AdminService, head: Position) -> anyhow::Result<()> {
    let streams = admin.streams()?;
    if common.json {
        let mut documents = Vec::new();
        for stream in &streams {
            let webhook = admin.webhook(stream)?;
            documents.push(documents::stream(stream, webhook.as_ref(), head));
        }
        return output::items(documents);
    }
    let mut table = Table::titled([
        "name",
        "kind",
        "state",
        "problem",
        "lag",
        "last delivery",
        "id",
    ]);
    for stream in &streams {
        let problem = stream.problem(admin.webhook(stream)?.as_ref());
        table.row([
            stream.name.clone(),
            stream.kind.as_str().to_owned(),
            stream.state.as_str().to_owned(),
            problem
                .map(StreamProblem::as_str)
                .unwrap_or_default()
                .to_owned(),
            (head - stream.position).max(0).to_string(),
            maybe_instant(stream.delivered).unwrap_or_else(|| "never".to_owned()),
            stream.id.clone(),
        ]);
    }
    table.print()
}

fn show(common: &Common, admin: &AdminService, stream: &Stream, feed: &Feed) -> anyhow::Result<()> {
    let (head, webhook) = (feed.head()?, admin.webhook(stream)?);
    if common.json {
        return output::json(&documents::stream(stream, webhook.as_ref(), head));
    }
    let topics = match &stream.topics {
        None => "all".to_owned(),
        Some(topics) => {
            let words: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
            words.join(", ")
        }
    };
    let mut table = Table::of_fields();
    for (field, value) in [
        ("name", stream.name.clone()),
        ("id", stream.id.clone()),
        ("kind", stream.kind.as_str().to_owned()),
        ("topics", topics),
        ("state", stream.state.as_str().to_owned()),
        ("position", stream.position.to_string()),
        ("lag", (head - stream.position).max(0).to_string()),
        (
            "last delivery",
            maybe_instant(stream.delivered).unwrap_or_else(|| "never".to_owned()),
        ),
    ] {
        table.row([field.to_owned(), value]);
    }
    if let Some(url) = &stream.url {
        table.row(["sent to".to_owned(), url.to_string()]);
    }
    if stream.kind.has_events() {
        table.row(["audience".to_owned(), stream.audience()]);
    }
    if let Some(problem) = stream.problem(webhook.as_ref()) {
        table.row(["problem".to_owned(), problem.advice(stream.kind).to_owned()]);
    }
    if let Some(failing) = webhook.and_then(|webhook| webhook.failing) {
        let said = format!(
            "since {}, {} attempts, the next at {}",
            documents::instant(failing.since),
            failing.attempts,
            documents::instant(failing.next)
        );
        table.row(["failing".to_owned(), said]);
    }
    table.print()
}
