//! One stream: how far its receiver is, what was sent to it, and what is done about it.

use askama::Template;
use scim_admin::{AdminError, Problem};
use scim_feed::{
    Delivery, DeliveryKind, DeliveryProblem, DeliveryState, Stream, StreamKind, StreamState,
};

use super::super::{ConsoleAnswer, Failed, Visit};
use super::streams::{STREAMS, at, state, way};
use super::{Shell, ago, instant, maybe};
use crate::positions::{PositionError, position_of};

struct Row {
    id: String,
    at: String,
    what: &'static str,
    changes: u32,
    colour: &'static str,
    state: &'static str,
    status: String,
    /// Why the receiver did not take it, and what to do.
    advice: &'static str,
    /// How its answer begins.
    answer: String,
    /// Whether it can be sent once more.
    again: bool,
}

impl Row {
    /// A delivery of a stream that is sent, or of one whose receiver could not take something.
    fn of(delivery: Delivery, sent: bool) -> Self {
        Self {
            at: instant(delivery.at),
            what: match delivery.kind {
                DeliveryKind::Changes => "changes",
                DeliveryKind::Test => "a test",
                DeliveryKind::Again => "once more",
            },
            changes: delivery.changes,
            colour: match delivery.state {
                DeliveryState::Wanted => "",
                DeliveryState::Delivered => "good",
                DeliveryState::Failed => "bad",
            },
            state: match delivery.state {
                DeliveryState::Wanted => "to be sent",
                DeliveryState::Delivered => "delivered",
                DeliveryState::Failed => "failed",
            },
            status: delivery
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            advice: delivery
                .problem
                .map(DeliveryProblem::advice)
                .unwrap_or_default(),
            answer: delivery.answer.unwrap_or_default(),
            again: sent
                && delivery.kind != DeliveryKind::Test
                && delivery.state != DeliveryState::Wanted,
            id: delivery.id,
        }
    }
}

#[derive(Template)]
#[template(path = "stream.html")]
struct Page {
    shell: Shell,
    base: String,
    id: String,
    name: String,
    way: &'static str,
    /// Where what changes is sent to; empty where the receiver asks for it.
    url: String,
    /// Whether deliveries are shown, and for whom security events are meant.
    delivers: bool,
    audience: String,
    topics: String,
    colour: &'static str,
    state: &'static str,
    /// Whether it is told anything, and whether it would be if it were resumed.
    active: bool,
    paused: bool,
    position: i64,
    lag: i64,
    last: String,
    created: String,
    /// Why nothing is told, and what to do.
    problem: &'static str,
    /// How long nothing gets through, and when it is tried again.
    failing: String,
    /// The secret that was just made.
    issued: String,
    rows: Vec<Row>,
    older: String,
    first: String,
}

fn found(visit: &Visit<'_>) -> Result<Stream, Failed> {
    Ok(visit.console.admin.stream(visit.part("stream"))?)
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, now, stream) = (
        &visit.console.admin,
        visit.console.admin.now(),
        found(visit)?,
    );
    let webhook = admin.webhook(&stream)?;
    let head = visit.console.feed.head().map_err(AdminError::from)?;
    let base = at(&stream.id);
    let before = visit.query.given("before");
    let deliveries = admin.deliveries(&stream, before, ROWS)?;
    let full = i64::try_from(deliveries.len()).is_ok_and(|count| count == ROWS);
    let older = deliveries.last().filter(|_| full);
    let older = older.map(|last| format!("{base}?before={}", last.id));
    let failing = webhook.as_ref().and_then(|webhook| webhook.failing);
    let failing = failing.map(|failing| {
        format!(
            "Nothing gets through since {} UTC; it was tried {} times, and is again at {} UTC.",
            instant(failing.since),
            failing.attempts,
            instant(failing.next)
        )
    });
    let flash = visit.flash().filter(|_| visit.query.checked("shown"));
    let issued = flash
        .map(|flash| flash.text)
        .filter(|text| SECRETS.iter().any(|start| text.starts_with(start)));
    let topics = stream.topics.as_ref().map(|topics| {
        let words: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
        words.join(", ")
    });
    let (colour, word) = state(&stream, webhook.as_ref());
    let mut shell = Shell::new(visit, "settings", &stream.name)?;
    let last = shell.crumbs.len().saturating_sub(1);
    let list = ("Streams".to_owned(), STREAMS.to_owned());
    shell.crumbs.insert(last, list);
    let page = Page {
        shell,
        way: way(stream.kind),
        url: stream
            .url
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        delivers: stream.kind != StreamKind::Read,
        audience: match stream.kind.has_events() {
            true => stream.audience(),
            false => String::new(),
        },
        topics: topics.unwrap_or_else(|| "everything".to_owned()),
        colour,
        state: word,
        active: stream.state == StreamState::Active,
        paused: stream.state == StreamState::Paused,
        position: stream.position,
        lag: (head - stream.position).max(0),
        last: match stream.delivered {
            Some(delivered) => {
                format!("{} UTC ({})", instant(delivered), ago(Some(delivered), now))
            }
            None => maybe(None),
        },
        created: instant(stream.created),
        problem: stream
            .problem(webhook.as_ref())
            .map(|problem| problem.advice(stream.kind))
            .unwrap_or_default(),
        failing: failing.unwrap_or_default(),
        issued: issued.unwrap_or_default(),
        rows: deliveries
            .into_iter()
            .map(|delivery| Row::of(delivery, stream.kind.is_sent()))
            .collect(),
        older: older.unwrap_or_default(),
        first: before.map(|_| base.clone()).unwrap_or_default(),
        base,
        id: stream.id,
        name: stream.name,
    };
    ConsoleAnswer::page(200, &page)
}

fn back(stream: &Stream, done: &str) -> ConsoleAnswer {
    ConsoleAnswer::redirect(format!("{}?done={done}", at(&stream.id)))
}

pub(in super::super) fn pause(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let paused = visit
        .console
        .admin
        .pause_stream(&visit.actor()?, found(visit)?)?;
    Ok(back(&paused, "stream-paused"))
}

pub(in super::super) fn resume(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let resumed = visit
        .console
        .admin
        .resume_stream(&visit.actor()?, found(visit)?)?;
    Ok(back(&resumed, "stream-resumed"))
}

pub(in super::super) fn replay(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, stream) = (&visit.console.admin, found(visit)?);
    let from = visit.form.text("from").trim();
    let position = position_of(&visit.console.feed, from).map_err(|error| match error {
        PositionError::Store(fault) => AdminError::from(fault),
        other => Problem::entry(other.to_string()).refused(),
    })?;
    let moved = admin.replay_stream(&visit.actor()?, stream, position)?;
    Ok(back(&moved, "replays"))
}

pub(in super::super) fn renew(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let issued = visit
        .console
        .admin
        .renew_stream_key(&visit.actor()?, found(visit)?)?;
    let page = format!("{}?shown=secret", at(&issued.stream.id));
    visit.shown_at(&page, issued.key.reveal())
}

pub(in super::super) fn test(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let stream = found(visit)?;
    visit.console.admin.test_webhook(&visit.actor()?, &stream)?;
    Ok(back(&stream, "tested"))
}

pub(in super::super) fn again(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let stream = found(visit)?;
    let delivery = visit.part("delivery");
    visit
        .console
        .admin
        .send_again(&visit.actor()?, &stream, delivery)?;
    Ok(back(&stream, "sent-again"))
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    visit
        .console
        .admin
        .delete_stream(&visit.actor()?, found(visit)?)?;
    Ok(ConsoleAnswer::redirect(format!("{STREAMS}?done=deleted")))
}

/// How many deliveries are shown at once.
const ROWS: i64 = 25;
/// What secrets of streams begin with.
const SECRETS: [&str; 3] = ["whsec_", "sopsfeed_", "sopspush_"];
