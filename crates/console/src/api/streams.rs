//! The streams of the feed.

use actix_web::http::header::EntityTag;
use chrono::DateTime;
use scim_admin::{AdminError, StreamInput};
use scim_feed::{FeedError, Position, Stream as StoredStream, StreamKind, Topic};
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Operate, Read, Tokens};
use super::answer::{Computed, Created, Done, One, Page, tag};
use super::extract::{IfMatch, Json, Path};
use super::operation::{Operation, operations};
use super::{Problem, input};
use crate::documents::{self, IssuedStream, Stream};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_streams,
        add_stream,
        show_stream,
        pause_stream,
        resume_stream,
        replay_stream,
        renew_secret,
        delete_stream
    ]
}

/// The stream that a path is about.
#[derive(Deserialize, IntoParams)]
struct StreamPath {
    /// The id
    #[param(pattern = "^[0-9A-Za-z-]{1,64}$")]
    stream: String,
}

/// List the streams of the feed.
#[utoipa::path(get, path = "/streams")]
fn list_streams(by: Auditor) -> Result<Page<Stream>, Problem> {
    let head = by.feed_head()?;
    let streams = by.admin.streams()?;
    let documents = streams.iter().map(|one| documents::stream(one, head));
    Ok(Page::whole(documents.collect()))
}

/// Add a stream, whose receiver asks for what changed. It ends with the key that makes it.
#[utoipa::path(post, path = "/streams")]
fn add_stream(
    by: Administrator<(Read, Tokens)>,
    new: Json<input::NewStream>,
) -> Result<Created<IssuedStream>, Problem> {
    let new = new.read()?;
    let unknown = || Problem::new(422, "The kind of a stream is read.");
    let kind = StreamKind::parse(&new.kind).ok_or_else(unknown)?;
    let topic = |word: &String| {
        let unknown = || Problem::new(422, format!("There is no topic \"{word}\"."));
        Topic::parse(word).ok_or_else(unknown)
    };
    let topics = new.topics.as_ref();
    let topics = topics.map(|words| words.iter().map(topic).collect::<Result<Vec<_>, _>>());
    let input = StreamInput {
        name: new.name,
        kind,
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
    let position = by.position_of(&from.read()?.from)?;
    let admin = &by.admin;
    by.stream_document(&admin.replay_stream(&by.actor, stream, position)?)
}

/// Give a stream a new secret; the one before is refused from then on. It ends with the key that
/// makes it.
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
        let document = documents::stream(stream, self.feed_head()?);
        Ok(One::tagged(document, settled(stream)))
    }

    pub(super) fn feed_head(&self) -> Result<Position, Problem> {
        let head = self.feed.head();
        head.map_err(|fault| AdminError::from(fault).into())
    }

    /// A position, or that before the changes since a time.
    fn position_of(&self, from: &str) -> Result<Position, Problem> {
        if let Ok(position) = from.parse() {
            return Ok(self.feed.check(position)?);
        }
        let time = DateTime::parse_from_rfc3339(from);
        let time = time.map_err(|why| {
            let detail = format!("\"from\" is a position or a time ({why}).");
            Problem::new(422, detail)
        })?;
        let at = self.feed.position_at(time.to_utc());
        at.map_err(|fault| AdminError::from(fault).into())
    }
}

/// The tag of what administrators settled: what a receiver does meanwhile is none of it.
fn settled(stream: &StoredStream) -> EntityTag {
    tag(&(&stream.id, stream.version, stream.state))
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Store(fault) => AdminError::from(fault).into(),
            other => Self::new(422, format!("That is not possible: {other}.")),
        }
    }
}
