//! Who follows the feed, and a receiver to be added.

use askama::Template;
use chrono::{DateTime, Utc};
use scim_admin::{AdminError, InputField, Problem, StreamInput};
use scim_feed::{Position, Stream, StreamKind, StreamState, Topic, Webhook};

use super::super::form_field::form_field;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::{Shell, ago};

/// How a stream is, in a colour and in a word.
pub(super) fn state(stream: &Stream, webhook: Option<&Webhook>) -> (&'static str, &'static str) {
    let failing = webhook.is_some_and(|webhook| webhook.failing.is_some());
    match (stream.state, stream.problem(webhook), failing) {
        (StreamState::Broken, ..) => ("bad", "broken"),
        (StreamState::Paused, ..) => ("held", "paused"),
        (StreamState::Active, Some(_), _) => ("bad", "no secret"),
        (StreamState::Active, None, true) => ("warning", "failing"),
        (StreamState::Active, None, false) => ("good", "active"),
    }
}

/// How its receiver gets what changed, in words.
pub(super) fn way(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::Read => "asks for it",
        StreamKind::Webhook => "is sent it",
        StreamKind::Poll => "asks for security events",
        StreamKind::Push => "is sent security events",
    }
}

struct Row {
    id: String,
    name: String,
    way: &'static str,
    colour: &'static str,
    state: &'static str,
    lag: Position,
    last: String,
}

impl Row {
    fn new(stream: Stream, webhook: Option<&Webhook>, head: Position, now: DateTime<Utc>) -> Self {
        let (colour, state) = state(&stream, webhook);
        Self {
            way: way(stream.kind),
            colour,
            state,
            lag: (head - stream.position).max(0),
            last: ago(stream.delivered, now),
            id: stream.id,
            name: stream.name,
        }
    }
}

/// What a form that is shown again holds.
#[derive(Default)]
struct Typed {
    name: String,
    kind: String,
    url: String,
    topics: Vec<String>,
}

#[derive(Template)]
#[template(path = "streams.html")]
struct Streams {
    shell: Shell,
    rows: Vec<Row>,
    error: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: &'static str,
    typed: Typed,
    /// The kinds to choose from, and whether each is chosen.
    kinds: Vec<(&'static str, &'static str, bool)>,
    /// The topics to choose from, and whether each is chosen.
    topics: Vec<(&'static str, bool)>,
}

impl Streams {
    fn new(visit: &Visit<'_>, typed: Typed) -> Result<Self, Failed> {
        let (admin, now) = (&visit.console.admin, visit.console.admin.now());
        let head = visit.console.feed.head().map_err(AdminError::from)?;
        let streams = admin.streams()?.into_iter().map(|stream| {
            let webhook = admin.webhook(&stream)?;
            Ok(Row::new(stream, webhook.as_ref(), head, now))
        });
        let chosen = |topic: &Topic| {
            let word = topic.as_str();
            (word, typed.topics.iter().any(|name| name == word))
        };
        Ok(Self {
            shell: Shell::new(visit, "settings", "Streams")?,
            rows: streams.collect::<Result<_, AdminError>>()?,
            error: String::new(),
            wrong: "",
            kinds: KINDS
                .iter()
                .map(|(kind, said)| (kind.as_str(), *said, kind.as_str() == typed.kind))
                .collect(),
            topics: Topic::ALL.iter().map(chosen).collect(),
            typed,
        })
    }
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &Streams::new(visit, Typed::default())?)
}

/// Adds a stream; its secret is shown once, on its page.
pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let head = visit.console.feed.head().map_err(AdminError::from)?;
    match entered(visit).and_then(|input| admin.add_stream(&actor, input, head)) {
        Ok(issued) => {
            let page = format!("{}?shown=secret", at(&issued.stream.id));
            visit.shown_at(&page, issued.key.reveal())
        }
        Err(error @ (AdminError::Invalid(_) | AdminError::NameTaken(_))) => {
            let text = |name: &str| visit.form.text(name).to_owned();
            let typed = Typed {
                name: text("name"),
                kind: text("kind"),
                url: text("url"),
                topics: visit.form.all("topics"),
            };
            let page = Streams {
                wrong: form_field(&error),
                error: sentence(&error),
                ..Streams::new(visit, typed)?
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

fn entered(visit: &Visit<'_>) -> Result<StreamInput, AdminError> {
    let kind = StreamKind::parse(visit.form.text("kind"));
    let unknown = || Problem::entry("say whether the receiver asks or is sent it");
    let kind = kind.ok_or_else(|| unknown().at(InputField::Url))?;
    let topics = visit.form.all("topics");
    let topics: Vec<Topic> = topics
        .iter()
        .filter_map(|word| Topic::parse(word))
        .collect();
    Ok(StreamInput {
        name: visit.form.text("name").to_owned(),
        kind,
        url: StreamInput::read_url(kind, visit.form.given("url"))?,
        topics: Some(topics).filter(|topics| !topics.is_empty()),
    })
}

/// The page of a stream.
pub(super) fn at(id: &str) -> String {
    format!("{STREAMS}/{id}")
}

/// How what changed may come to a receiver, in words.
const KINDS: [(StreamKind, &str); 4] = [
    (StreamKind::Read, "is asked for by the receiver"),
    (StreamKind::Webhook, "is sent to the receiver"),
    (
        StreamKind::Poll,
        "is asked for by the receiver, as security events (RFC 8936)",
    ),
    (
        StreamKind::Push,
        "is sent to the receiver, as security events (RFC 8935)",
    ),
];
/// Where the list is.
pub(super) const STREAMS: &str = "/admin/settings/streams";
