//! Streams: who follows the feed, and up to where.

use std::collections::BTreeSet;

use scim_feed::{Position, Stream, StreamKind, StreamState, Topic, WebhookUrl};
use scim_protocol::text::fold;
use scim_provisioning::StoreError;
use serde_json::json;

use super::webhooks::set_webhook_secret;
use super::{Act, Actor, AdminService, check_name, entry, taken};
use crate::api_key::{self, ApiKey};
use crate::declaration::NewStream;
use crate::ending;
use crate::error::AdminError;
use crate::event::{AuditEntry, SERVER};
use crate::invalid::{InputField, Problem};
use crate::store::{AdminStoreExt, AdminTransaction, Written};
use crate::token::PlainToken;

/// A stream to be added.
#[derive(Debug, Clone)]
pub struct StreamInput {
    /// The name.
    pub name: String,
    /// How the receiver gets what changes.
    pub kind: StreamKind,
    /// Where it is sent to; `None` where the receiver asks for it.
    pub url: Option<WebhookUrl>,
    /// What it is told of; `None` for everything.
    pub topics: Option<Vec<Topic>>,
}

impl StreamInput {
    /// Where what changes is sent to, of a kind and an address.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an address that is none, or that the kind does not go with.
    pub fn read_url(kind: StreamKind, url: Option<&str>) -> Result<Option<WebhookUrl>, AdminError> {
        let field = InputField::Url;
        match (kind.is_sent(), url) {
            (false, None) => Ok(None),
            (true, Some(url)) => {
                let url = WebhookUrl::parse(url);
                url.map(Some)
                    .map_err(|error| Problem::WebhookUrl(error).at(field))
            }
            _ => Err(Problem::WebhookHasUrl.at(field)),
        }
    }

    /// That each topic is one that a kind of streams can tell of.
    pub(crate) fn check_topics<'t>(
        kind: StreamKind,
        mut topics: impl Iterator<Item = &'t Topic>,
    ) -> Result<(), AdminError> {
        match topics.find(|topic| !kind.tells(**topic)) {
            None => Ok(()),
            Some(topic) => Err(Problem::NoEventOf(*topic).at(InputField::Topics)),
        }
    }
}

/// A stream just added. Its key cannot be shown again.
#[derive(Debug)]
pub struct IssuedStream {
    /// What is stored of it.
    pub stream: Stream,
    /// The key.
    pub key: PlainToken,
}

impl AdminService {
    /// The streams, in order of name.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn streams(&self) -> Result<Vec<Stream>, AdminError> {
        self.store.read(|rows| Ok(rows.streams()?))
    }

    /// Whether some receiver is told what changes as security events.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn tells_security_events(&self) -> Result<bool, AdminError> {
        Ok(self.streams()?.iter().any(|one| one.kind.has_events()))
    }

    /// The stream of a name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn stream(&self, name_or_id: &str) -> Result<Stream, AdminError> {
        let mut streams = self.streams()?;
        let name = fold(name_or_id.trim());
        let at = streams.iter().position(|stream| stream.id == name_or_id);
        let at = at.or_else(|| streams.iter().position(|stream| fold(&stream.name) == name));
        let found = at.map(|at| streams.swap_remove(at));
        found.ok_or_else(|| AdminError::not_found("stream", name_or_id))
    }

    /// Adds a stream that begins at a position. What changes from then on waits for it. It ends with
    /// the API key that makes it, where it is one.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`]; [`AdminError::Stale`] when the key that
    /// makes it was revoked meanwhile.
    pub fn add_stream(
        &self,
        actor: &Actor,
        input: StreamInput,
        position: Position,
    ) -> Result<IssuedStream, AdminError> {
        let actor = &self.act(actor);
        check_name(&input.name)?;
        let topics = input.topics.map(BTreeSet::from_iter);
        if topics.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(Problem::NoTopic.at(InputField::Topics));
        }
        if input.kind.is_sent() != input.url.is_some() {
            return Err(Problem::WebhookHasUrl.at(InputField::Url));
        }
        StreamInput::check_topics(input.kind, topics.iter().flatten())?;
        let stream = Stream {
            topics: topics.map(Vec::from_iter),
            made_by: actor.key.as_ref().map(|key| key.id.clone()),
            ..begun(actor, &input.name, (input.kind, input.url), position)
        };
        let secret = self.new_secret(&stream)?;
        let (inserted, actor) = (stream.clone(), actor.clone());
        let (hash, sealed) = (secret.hash, secret.sealed);
        self.store.write(move |rows| {
            ending::check_maker(rows, inserted.made_by.as_deref())?;
            let audit = insert_stream(rows, &actor, &inserted, &hash)?;
            set_webhook_secret(rows, &inserted, sealed.as_ref(), actor.at)?;
            Ok(Written::changed((), audit))
        })?;
        Ok(IssuedStream {
            stream,
            key: secret.plain,
        })
    }

    /// Gives a stream, as it was found, a new secret; the one before is refused from then on, and
    /// for a day a webhook is signed with both. It ends with the API key that does it, where it is
    /// one.
    ///
    /// # Errors
    /// [`AdminError::Stale`].
    pub fn renew_stream_key(
        &self,
        actor: &Actor,
        stream: Stream,
    ) -> Result<IssuedStream, AdminError> {
        let actor = &self.act(actor);
        let secret = self.new_secret(&stream)?;
        let (hash, sealed) = (secret.hash, secret.sealed);
        let renewed = Stream {
            made_by: actor.key.as_ref().map(|key| key.id.clone()),
            ..stream
        };
        let audit = entry(actor, "stream.secretRenewed", &renewed.name, json!({}));
        let stream = self.store.write(move |rows| {
            ending::check_maker(rows, renewed.made_by.as_deref())?;
            if !rows.set_stream_key(&renewed, &hash)? {
                return Err(AdminError::Stale);
            }
            set_webhook_secret(rows, &renewed, sealed.as_ref(), audit.at)?;
            let version = renewed.version + 1;
            let written = Stream {
                version,
                ..renewed.clone()
            };
            Ok(Written::changed(written, audit.clone()))
        })?;
        Ok(IssuedStream {
            stream,
            key: secret.plain,
        })
    }

    /// Pauses a stream as it was found: its receiver gets nothing, and what changes meanwhile waits.
    ///
    /// # Errors
    /// [`AdminError::Stale`]; [`AdminError::Invalid`] for one that is not active.
    pub fn pause_stream(&self, actor: &Actor, stream: Stream) -> Result<Stream, AdminError> {
        let actor = &self.act(actor);
        let (from, to) = (StreamState::Active, StreamState::Paused);
        self.turn_stream(actor, stream, from, to, "stream.paused")
    }

    /// Resumes a stream, as it was found, that is paused.
    ///
    /// # Errors
    /// [`AdminError::Stale`]; [`AdminError::Invalid`] for one that is not paused.
    pub fn resume_stream(&self, actor: &Actor, stream: Stream) -> Result<Stream, AdminError> {
        let actor = &self.act(actor);
        let (from, to) = (StreamState::Paused, StreamState::Active);
        self.turn_stream(actor, stream, from, to, "stream.resumed")
    }

    /// Marks a stream, as it was found, as broken: what its receiver is to be told next is not kept.
    ///
    /// # Errors
    /// [`AdminError::Stale`]; [`AdminError::Invalid`] for one that is not active.
    pub(crate) fn break_stream(&self, actor: &Actor, stream: Stream) -> Result<Stream, AdminError> {
        let actor = &self.act(actor);
        let (from, to) = (StreamState::Active, StreamState::Broken);
        self.turn_stream(actor, stream, from, to, "stream.broken")
    }

    fn turn_stream(
        &self,
        actor: &Act,
        stream: Stream,
        from: StreamState,
        to: StreamState,
        event: &'static str,
    ) -> Result<Stream, AdminError> {
        if stream.state != from {
            let name = stream.name;
            return Err(Problem::NotPossible { name }.refused());
        }
        let turned = Stream {
            state: to,
            ..stream
        };
        self.write_stream(actor, turned, event, write_state)
    }

    /// Has a stream, as it was found, begin again behind a position, at which everything is still
    /// kept. A stream that was broken is active again.
    ///
    /// # Errors
    /// [`AdminError::Stale`].
    pub fn replay_stream(
        &self,
        actor: &Actor,
        stream: Stream,
        position: Position,
    ) -> Result<Stream, AdminError> {
        let actor = &self.act(actor);
        let state = match stream.state {
            StreamState::Broken => StreamState::Active,
            state => state,
        };
        let moved = Stream {
            position,
            state,
            ..stream
        };
        let event = "stream.replayed";
        self.write_stream(actor, moved, event, |rows, stream| {
            rows.hurry_webhook(&stream.id)?;
            rows.move_stream(stream)
        })
    }

    fn write_stream(
        &self,
        actor: &Act,
        stream: Stream,
        event: &'static str,
        write: StreamWrite,
    ) -> Result<Stream, AdminError> {
        let actor = actor.clone();
        self.store.write(move |rows| {
            let (written, audit) = change_stream(rows, &actor, &stream, event, write)?;
            Ok(Written::changed(written, audit))
        })
    }

    /// Deletes a stream as it was found. Nothing waits for it any more.
    ///
    /// # Errors
    /// [`AdminError::Stale`].
    pub fn delete_stream(&self, actor: &Actor, stream: Stream) -> Result<Stream, AdminError> {
        let actor = &self.act(actor);
        let actor = actor.clone();
        self.store.write(move |rows| {
            let audit = delete_stream(rows, &actor, &stream)?;
            Ok(Written::changed(stream.clone(), audit))
        })
    }

    /// Lets the feed begin anew: every change is forgotten, positions begin behind all that were ever
    /// given, and every receiver needs a snapshot. For a database that was put back by other means
    /// than `restore`, which would give the positions of what was lost once more. Answers where
    /// positions begin.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn restart_feed(&self, actor: &Actor) -> Result<Position, AdminError> {
        let actor = &self.act(actor);
        let actor = actor.clone();
        self.store.write(move |rows| {
            let position = rows.restart_feed(actor.at)?;
            let details = json!({ "position": position });
            let audit = entry(&actor, "feed.restarted", "feed", details);
            Ok(Written::changed(position, audit))
        })
    }

    /// Deletes the streams whose API key has ended by itself. Their secrets are refused already.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn delete_ended_streams(&self) -> Result<(), AdminError> {
        let (streams, keys) = self
            .store
            .read(|rows| Ok((rows.streams()?, rows.api_keys()?)))?;
        let server = self.act(&Actor::new(SERVER, None));
        for stream in streams {
            let made_it = |key: &&ApiKey| stream.made_by.as_ref() == Some(&key.id);
            let Some(key) = keys
                .iter()
                .find(made_it)
                .filter(|key| !key.is_live(server.at))
            else {
                continue;
            };
            let details = json!({ "withKey": key.name });
            let audit = entry(&server, "stream.deleted", &stream.name, details);
            self.store
                .write(move |rows| match rows.delete_stream(&stream)? {
                    true => Ok(Written::changed((), audit.clone())),
                    false => Ok(Written::Unchanged(())),
                })?;
        }
        Ok(())
    }
}

/// A stream of everything that begins at a position.
fn begun(
    actor: &Act,
    name: &str,
    (kind, url): (StreamKind, Option<WebhookUrl>),
    position: Position,
) -> Stream {
    Stream {
        id: actor.id(),
        name: name.trim().to_owned(),
        kind,
        url,
        topics: None,
        state: StreamState::Active,
        position,
        delivered: None,
        version: 1,
        created: actor.at,
        made_by: None,
    }
}

/// Inserts a declared stream. Nobody knows its secret, and nothing is sent without one; it gets
/// another one before it is of use.
pub(super) fn insert_declared(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    new: &NewStream,
    position: Position,
) -> Result<AuditEntry, AdminError> {
    let stream = Stream {
        topics: new.topics.clone(),
        state: match new.paused {
            true => StreamState::Paused,
            false => StreamState::Active,
        },
        ..begun(actor, &new.name, (new.kind, new.url.clone()), position)
    };
    let unknown = api_key::hash(&api_key::generate_as(api_key::STREAM, actor.environment())?);
    insert_stream(rows, actor, &stream, &unknown)
}

fn insert_stream(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    stream: &Stream,
    hash: &str,
) -> Result<AuditEntry, AdminError> {
    let inserted = rows.insert_stream(stream, hash);
    inserted.map_err(|error| taken(error, &stream.name))?;
    let details = json!({
        "kind": stream.kind,
        "topics": stream.topics,
        "url": stream.url.as_ref().map(WebhookUrl::as_str),
    });
    Ok(entry(actor, "stream.created", &stream.name, details))
}

/// Writes the state of a stream as it is to be, if it is as it was seen.
pub(super) fn turn_stream(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    turned: &Stream,
) -> Result<AuditEntry, AdminError> {
    let event = match turned.state {
        StreamState::Paused => "stream.paused",
        _ => "stream.resumed",
    };
    Ok(change_stream(rows, actor, turned, event, write_state)?.1)
}

/// Writes the state of a stream. Who is resumed does not wait for the next attempt.
fn write_state(rows: &mut dyn AdminTransaction, stream: &Stream) -> Result<bool, StoreError> {
    if stream.state == StreamState::Active {
        rows.hurry_webhook(&stream.id)?;
    }
    rows.update_stream(stream)
}

fn change_stream(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    stream: &Stream,
    event: &'static str,
    write: StreamWrite,
) -> Result<(Stream, AuditEntry), AdminError> {
    if !write(rows, stream)? {
        return Err(AdminError::Stale);
    }
    let details = json!({ "state": stream.state, "position": stream.position });
    let audit = entry(actor, event, &stream.name, details);
    let version = stream.version + 1;
    let written = Stream {
        version,
        ..stream.clone()
    };
    Ok((written, audit))
}

/// Deletes a stream that is as it was seen.
pub(super) fn delete_stream(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    stream: &Stream,
) -> Result<AuditEntry, AdminError> {
    match rows.delete_stream(stream)? {
        true => Ok(entry(actor, "stream.deleted", &stream.name, json!({}))),
        false => Err(AdminError::Stale),
    }
}

type StreamWrite = fn(&mut dyn AdminTransaction, &Stream) -> Result<bool, StoreError>;
