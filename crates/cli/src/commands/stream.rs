//! `stream`: add, list, show, pause, resume, replay, secret, delete.

use anyhow::{Context, bail};
use chrono::DateTime;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use scim_admin::{IssuedStream, StreamInput};
use scim_feed::{Feed, Position, Stream, StreamKind, Topic};

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
    /// Give a stream a new secret, which is shown this once; the one before is refused from then on.
    Secret(Name),
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
    /// The receiver asks for what changed, with the secret as a bearer token.
    #[arg(long, required = true)]
    read: bool,
    /// What the receiver is told of; everything without it.
    #[arg(long, value_name = "TOPIC,...", value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Topic::ALL.iter().map(|topic| topic.as_str())))]
    topics: Option<Vec<String>>,
}

/// Options of `stream replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The name or id.
    stream: String,
    /// A position, or a time such as 2026-11-26T12:00:00Z.
    #[arg(long, value_name = "POSITION|TIME")]
    from: String,
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let (admin, feed) = (instance.admin(), &instance.services.feed);
    match action {
        Action::Add(options) => {
            let topics = options.topics.map(|words| {
                let topics = words.iter().filter_map(|word| Topic::parse(word));
                topics.collect()
            });
            let input = StreamInput {
                name: options.name,
                kind: StreamKind::Read,
                topics,
            };
            issued(common, &admin.add_stream(&actor(), input, feed.head()?)?)
        }
        Action::Secret(name) => {
            let stream = admin.stream(&name.stream)?;
            issued(common, &admin.renew_stream_key(&actor(), stream)?)
        }
        Action::List => list(common, &admin.streams()?, feed.head()?),
        Action::Show(name) => show(common, &admin.stream(&name.stream)?, feed),
        Action::Pause(name) => {
            let stream = admin.stream(&name.stream)?;
            show(common, &admin.pause_stream(&actor(), stream)?, feed)
        }
        Action::Resume(name) => {
            let stream = admin.stream(&name.stream)?;
            show(common, &admin.resume_stream(&actor(), stream)?, feed)
        }
        Action::Replay(options) => {
            let position = position(feed, &options.from)?;
            let stream = admin.replay_stream(&actor(), admin.stream(&options.stream)?, position)?;
            show(common, &stream, feed)
        }
        Action::Delete(name) => {
            let stream = admin.delete_stream(&actor(), admin.stream(&name.stream)?)?;
            match common.json {
                true => output::json(&documents::stream(&stream, feed.head()?)),
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
fn position(feed: &Feed, from: &str) -> anyhow::Result<Position> {
    if let Ok(position) = from.parse() {
        return feed
            .check(position)
            .context("the stream cannot begin there");
    }
    match DateTime::parse_from_rfc3339(from) {
        Ok(time) => Ok(feed.position_at(time.to_utc())?),
        Err(_) => bail!("--from is a position, or a time such as 2026-11-26T12:00:00Z"),
    }
}

fn list(common: &Common, streams: &[Stream], head: Position) -> anyhow::Result<()> {
    if common.json {
        let documents = streams.iter().map(|one| documents::stream(one, head));
        return output::items(documents);
    }
    let mut table = Table::titled(["name", "kind", "state", "lag", "last delivery", "id"]);
    for stream in streams {
        table.row([
            stream.name.clone(),
            stream.kind.as_str().to_owned(),
            stream.state.as_str().to_owned(),
            (head - stream.position).max(0).to_string(),
            maybe_instant(stream.delivered).unwrap_or_else(|| "never".to_owned()),
            stream.id.clone(),
        ]);
    }
    table.print()
}

fn show(common: &Common, stream: &Stream, feed: &Feed) -> anyhow::Result<()> {
    let head = feed.head()?;
    if common.json {
        return output::json(&documents::stream(stream, head));
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
    table.print()
}
