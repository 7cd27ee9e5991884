//! The streams of the feed.

use actix_web::http::header::EntityTag;
use scim_admin::{AdminError, StreamInput};
use scim_feed::{FeedError, Position, Stream as StoredStream, StreamKind, Topic};
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Operate, Read, Tokens};
use super::answer::{Computed, Created, Done, One, Page, tag};
use super::extract::{IfMatch, Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{IdCursor, Limit};
use super::{Problem, input};
use crate::documents::{self, Delivery, IssuedStream, Stream};
use crate::positions::{PositionError, position_of};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_streams,
        add_stream,
        show_stream,
        pause_stream,
        resume_stream,
        replay_stream,
        renew_secret,
        delete_stream,
        list_deliveries,
        test_stream,
        send_again
    ]
}

/// The stream that a path is about.
#[derive(Deserialize, IntoParams)]
struct StreamPath {
    /// The id or the name
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    stream: String,
}

/// Something that was sent, or is to be.
#[derive(Deserialize, IntoParams)]
struct DeliveryPath {
    /// The id or the name of the stream
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    stream: String,
    /// The id
    #[param(pattern = "^[0-9A-Za-z-]{1,64}$")]
    delivery: String,
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<IdCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// List the streams of the feed.
#[utoipa::path(get, path = "/streams")]
fn list_streams(by: Auditor) -> Result<Page<Stream>, Problem> {
    let head = by.feed_head()?;
    let streams = by.admin.streams()?;
    let documents = streams.iter().map(|one| {
        let webhook = by.admin.webhook(one)?;
        Ok(documents::stream(one, webhook.as_ref(), head))
    });
    Ok(Page::whole(documents.collect::<Result<_, AdminError>>()?))
}

/// Add a stream, whose receiver asks for what changed, or to which it is sent, as it is or as security
/// events. It ends with the key
/// that makes it.
#[utoipa::path(post, path = "/streams")]
fn add_stream(
    by: Administrator<(Read, Tokens)>,
    new: Json<input::NewStream>,
) -> Result<Created<IssuedStream>, Problem> {
    let new = new.read()?;
    let unknown = || Problem::new(422, "The kind of a stream is read, webhook, poll or push.");
    let kind = StreamKind::parse(&new.kind).ok_or_else(unknown)?;
    let url = StreamInput::read_url(kind, new.url.as_deref())?;
    let topic = |word: &String| {
        let unknown = || Problem::new(422, format!("There is no topic \"{word}\"."));
        Topic::parse(word).ok_or_else(unknown)
    };
    let topics = new.topics.as_ref();
    let topics = topics.map(|words| words.iter().map(topic).collect::<Result<Vec<_>, _>>());
    let input = StreamInput {
        name: new.name,
        kind,
        url,
        topics: topics.transpose()?,
    };
    let issued = by.admin.add_stream(&by.actor, input, by.feed_head()?)?;
    let location = format!("/streams/{}", issued.stream.id);
    Ok(Created::secret(documents::issued_stream(&issued), location))
}

/// Read a stream.
#[utoipa::path(get, path = "/streams/{stream}")]
fn show_stream(by: Auditor, Path(path): Path<StreamPath>) -> Result<One<Stream>, Problem> {
    by.stream_document(&by.found_stream(&path)?)
}

/// Tell the receiver of a stream nothing until it is resumed.
#[utoipa::path(post, path = "/streams/{stream}/pause")]
fn pause_stream(
    by: Administrator<Operate>,
    Path(path): Path<StreamPath>,
    if_match: IfMatch,
) -> Result<One<Stream>, Problem> {
    let stream = by.found_stream(&path)?;
    if_match.check(&settled(&stream))?;
    by.stream_document(&by.admin.pause_stream(&by.actor, stream)?)
}

/// Resume a stream that is paused.
#[utoipa::path(post, path = "/streams/{stream}/resume")]
fn resume_stream(
    by: Administrator<Operate>,
    Path(path): Path<StreamPath>,
    if_match: IfMatch,
) -> Result<One<Stream>, Problem> {
    let stream = by.found_stream(&path)?;
    if_match.check(&settled(&stream))?;
    by.stream_document(&by.admin.resume_stream(&by.actor, stream)?)
}

/// Have a stream begin again behind a position or a time.
#[utoipa::path(post, path = "/streams/{stream}/replay")]
fn replay_stream(
    by: Administrator<Operate>,
    Path(path): Path<StreamPath>,
    if_match: IfMatch,
    from: Json<input::ReplayInput>,
) -> Result<One<Stream>, Problem> {
    let stream = by.found_stream(&path)?;
    if_match.check(&settled(&stream))?;
    let position = position_of(&by.feed, &from.read()?.from)?;
    let admin = &by.admin;
    by.stream_document(&admin.replay_stream(&by.actor, stream, position)?)
}

/// Give a stream a new secret; the one before is refused from then on, and a webhook is signed with
/// both for a day. It ends with the key that makes it.
#[utoipa::path(post, path = "/streams/{stream}/secret")]
fn renew_secret(
    by: Administrator<(Read, Tokens)>,
    Path(path): Path<StreamPath>,
    if_match: IfMatch,
) -> Result<Computed<IssuedStream>, Problem> {
    let stream = by.found_stream(&path)?;
    if_match.check(&settled(&stream))?;
    let issued = by.admin.renew_stream_key(&by.actor, stream)?;
    Ok(Computed(documents::issued_stream(&issued)))
}

/// List what was sent to the receiver of a stream, or is to be, the newest first; of one that asks for
/// security events, what it could not take.
#[utoipa::path(get, path = "/streams/{stream}/deliveries")]
fn list_deliveries(
    by: Auditor,
    Path(path): Path<StreamPath>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Page<Delivery>, Problem> {
    let stream = by.found_stream(&path)?;
    let (before, limit) = (query.cursor.map(|cursor| cursor.0), query.limit.0);
    let found = by.admin.deliveries(&stream, before.as_deref(), limit)?;
    let last = found.last().map(|delivery| delivery.id.clone());
    let items = found.iter().map(documents::delivery).collect();
    Ok(Page::up_to(items, limit, last))
}

/// Have something be sent that has no changes in it, to see whether it arrives; a receiver of security
/// events is sent a verification event.
#[utoipa::path(post, path = "/streams/{stream}/test")]
fn test_stream(
    by: Administrator<Operate>,
    Path(path): Path<StreamPath>,
) -> Result<One<Delivery>, Problem> {
    let stream = by.found_stream(&path)?;
    let wanted = by.admin.test_webhook(&by.actor, &stream)?;
    Ok(One::new(documents::delivery(&wanted)))
}

/// Have something be sent once more; the stream stays where it is.
#[utoipa::path(post, path = "/streams/{stream}/deliveries/{delivery}/again")]
fn send_again(
    by: Administrator<Operate>,
    Path(path): Path<DeliveryPath>,
) -> Result<One<Delivery>, Problem> {
    let stream = by.admin.stream(&path.stream)?;
    let wanted = by.admin.send_again(&by.actor, &stream, &path.delivery)?;
    Ok(One::new(documents::delivery(&wanted)))
}

/// Delete a stream. Nothing waits for it any more.
#[utoipa::path(delete, path = "/streams/{stream}")]
fn delete_stream(
    by: Administrator<Tokens>,
    Path(path): Path<StreamPath>,
    if_match: IfMatch,
) -> Result<Done, Problem> {
    let stream = by.found_stream(&path)?;
    if_match.check(&settled(&stream))?;
    by.admin.delete_stream(&by.actor, stream)?;
    Ok(Done)
}

impl Caller {
    fn found_stream(&self, path: &StreamPath) -> Result<StoredStream, Problem> {
        Ok(self.admin.stream(&path.stream)?)
    }

    fn stream_document(&self, stream: &StoredStream) -> Result<One<Stream>, Problem> {
        let webhook = self.admin.webhook(stream)?;
        let document = documents::stream(stream, webhook.as_ref(), self.feed_head()?);
        Ok(One::tagged(document, settled(stream)))
    }

    pub(super) fn feed_head(&self) -> Result<Position, Problem> {
        let head = self.feed.head();
        head.map_err(|fault| AdminError::from(fault).into())
    }
}

/// The tag of what administrators settled: what a receiver does meanwhile is none of it.
fn settled(stream: &StoredStream) -> EntityTag {
    tag(&(&stream.id, stream.version, stream.state))
}

impl From<PositionError> for Problem {
    fn from(error: PositionError) -> Self {
        match error {
            PositionError::Feed(error) => error.into(),
            PositionError::Store(fault) => AdminError::from(fault).into(),
            malformed @ PositionError::Malformed(_) => Self::new(422, format!("{malformed}.")),
        }
    }
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Store(fault) => AdminError::from(fault).into(),
            other => Self::new(422, format!("That is not possible: {other}.")),
        }
    }
}
