//! Lists and searches (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use scim_protocol::filter::{Condition, SortKey};
use scim_protocol::path::same_name;
use scim_protocol::query::{ListResponse, Page, Projection, Query};
use scim_protocol::{AttributePath, Error, ResourceDefinition, ScimType, Tolerance};
use serde_json::Value;

use crate::answer::Answer;
use crate::cursor::{self, CURSOR_SECONDS, CursorKey, Position};
use crate::policy::{Apart, FailureOf, KindOf, Policy, Session};
use crate::render::Shown;
use crate::select::{Keyset, Selection, Sort, Start};
use crate::written;

/// How many bytes of resources a page has at most; one resource it always has. RFC 7644 section
/// 3.4.2.4 lets a page hold fewer resources than were asked for.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// How many bytes and rows are read at once: as values they take many times as much.
const CHUNK: u64 = 256 * 1024;
const CHUNK_ROWS: usize = 250;

/// A GET on an endpoint, or on the base URL for every resource type.
pub(crate) fn list<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: Option<KindOf<P>>,
    raw: &str,
) -> Result<Answer, FailureOf<P>> {
    let mut tolerance = session.tolerance();
    let query = Query::from_query_string(raw, session.limits(), &mut tolerance)?;
    run(policy, session, kind, &query, &mut tolerance)
}

/// A POST on `.search`.
pub(crate) fn search<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: Option<KindOf<P>>,
    body: Value,
) -> Result<Answer, FailureOf<P>> {
    let mut tolerance = session.tolerance();
    let query = Query::from_search_request(body, session.limits(), &mut tolerance)?;
    run(policy, session, kind, &query, &mut tolerance)
}

/// The `attributes` and `excludedAttributes` of a request that is no query.
pub(crate) fn projection<S: Session>(session: &S, raw: &str) -> Result<Projection, Error> {
    if raw.is_empty() {
        return Ok(Projection::default());
    }
    let query = Query::from_query_string(raw, session.limits(), &mut session.tolerance());
    query.map(|query| query.projection)
}

/// Whether an answer holds an attribute that costs a query of its own.
pub(crate) fn includes(
    definition: &ResourceDefinition,
    projection: &Projection,
    name: &str,
) -> bool {
    let core = &definition.core().id;
    let names = |p: &&AttributePath| same_name(&p.attribute, name) || p.is_schema(core);
    let wanted = projection.attributes.iter();
    let mut excluded = projection.excluded_attributes.iter().filter(names);
    let excluded = excluded.any(|p| p.sub_attribute.is_none() || p.is_schema(core));
    !excluded && (projection.attributes.is_empty() || wanted.filter(names).count() > 0)
}

/// What is asked of one resource type.
struct Part<K> {
    kind: K,
    condition: Option<Condition>,
    sort: Option<Sort>,
}

/// Where a page begins in the sequence of all resource types.
enum Begin<K, I> {
    Index(u64),
    Behind(Position<K, I>),
}

fn run<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: Option<KindOf<P>>,
    query: &Query,
    tolerance: &mut Tolerance,
) -> Result<Answer, FailureOf<P>> {
    let parts = parts(session, kind, query, tolerance)?;
    let count = query.page_size(session.limits())?;
    let key = policy.cursor_key();
    let (begin, start_index) = match &query.page {
        Page::Index { start_index } => (Begin::Index(start_index - 1), Some(*start_index)),
        Page::Cursor { cursor: None } => (Begin::Index(0), None),
        Page::Cursor {
            cursor: Some(cursor),
        } => {
            let position = open_cursor(session, key, kind, query, cursor)?;
            (Begin::Behind(position), None)
        }
    };
    policy.read(|view| {
        let mut walk = Walk {
            session,
            view,
            query,
            left: count,
            total: 0,
            count: 0,
            written: String::new(),
            full: false,
            next: None,
        };
        walk.run(&parts, &begin)?;
        let next_cursor = match (start_index, &walk.next) {
            (None, Some(position)) if count > 0 => {
                Some(seal_cursor(session, key, kind, query, position))
            }
            _ => None,
        };
        let response = ListResponse {
            total_results: Some(walk.total),
            start_index,
            resources: Vec::new(),
            next_cursor,
            previous_cursor: None,
        };
        Ok(Answer {
            written: Some(response.around(walk.count, walk.written)),
            ..Answer::empty(200)
        })
    })
}

/// Binds the query to each resource type that it covers, in the order in which they are answered.
/// What one type alone knows has no value in the others (RFC 7644 section 3.4.2.1).
fn parts<S: Session>(
    session: &S,
    kind: Option<S::Kind>,
    query: &Query,
    tolerance: &mut Tolerance,
) -> Result<Vec<Part<S::Kind>>, Error> {
    let kinds = kind.map_or_else(|| session.kinds(), |kind| vec![kind]);
    let definitions: Vec<_> = kinds.iter().map(|kind| session.definition(*kind)).collect();
    let sorts = sorts(&definitions, query, tolerance)?;
    let mut parts = Vec::with_capacity(kinds.len());
    for ((kind, definition), sort) in kinds.into_iter().zip(&definitions).zip(sorts) {
        let condition = match &query.filter {
            Some(filter) => Some(filter.bind_among(definition, &definitions, tolerance)?),
            None => None,
        };
        parts.push(Part {
            kind,
            condition,
            sort,
        });
    }
    // Where a type has no such attribute, its resources lack the value: last ascending, first
    // descending.
    let by_value = query.sort_by.is_some();
    parts.sort_by_key(|part| by_value && part.sort.is_none() != query.descending);
    Ok(parts)
}

/// The order in each resource type, `None` where it has no such attribute; one of them must.
fn sorts(
    definitions: &[&ResourceDefinition],
    query: &Query,
    tolerance: &mut Tolerance,
) -> Result<Vec<Option<Sort>>, Error> {
    let Some(path) = &query.sort_by else {
        return Ok(definitions.iter().map(|_| None).collect());
    };
    let mut refused = None;
    let mut sorts = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let key = SortKey::new(definition, path, tolerance);
        let key = key.map_err(|error| refused = Some(error));
        sorts.push(key.ok().map(|key| Sort {
            key,
            descending: query.descending,
        }));
    }
    match refused {
        Some(error) if sorts.iter().all(Option::is_none) => Err(error),
        _ => Ok(sorts),
    }
}

struct Walk<'a, 'v, S: Session> {
    session: &'a S,
    view: &'a mut S::View<'v>,
    query: &'a Query,
    /// How many resources the page still has room for.
    left: usize,
    total: u64,
    /// How many resources the page has.
    count: usize,
    /// The resources of the page as they are sent, with commas between them.
    written: String,
    /// Whether the page has as many bytes as it may.
    full: bool,
    /// The position of the last resource, when more follow.
    next: Option<Position<S::Kind, S::Id>>,
}

impl<S: Session> Walk<'_, '_, S> {
    /// One resource type after another.
    fn run(
        &mut self,
        parts: &[Part<S::Kind>],
        begin: &Begin<S::Kind, S::Id>,
    ) -> Result<(), S::Failure> {
        let (mut skip, begun) = match begin {
            Begin::Index(skip) => (*skip, 0),
            Begin::Behind(position) => {
                let begun = parts.iter().position(|part| part.kind == position.kind);
                (0, begun.unwrap_or(parts.len()))
            }
        };
        for (at, part) in parts.iter().enumerate() {
            let counted_only = at < begun;
            let from = match begin {
                Begin::Behind(position) if at == begun => {
                    let keyset = position.keyset.clone();
                    keyset.map_or(Start::Offset(0), Start::After)
                }
                _ => Start::Offset(skip),
            };
            let total = self.part(part, from, counted_only)?;
            skip = skip.saturating_sub(total);
        }
        Ok(())
    }

    fn part(
        &mut self,
        part: &Part<S::Kind>,
        from: Start<S::Id>,
        counted_only: bool,
    ) -> Result<u64, S::Failure> {
        let full = self.full || self.left == 0 && self.count > 0;
        let selection = Selection {
            condition: part.condition.clone(),
            sort: part.sort.clone(),
            from,
            count: if counted_only || self.full {
                0
            } else {
                self.left
            },
        };
        let session = self.session;
        let definition = session.definition(part.kind);
        let apart = session.apart(part.kind);
        let projection = &self.query.projection;
        let beside = apart.is_some_and(|apart| includes(definition, projection, apart.attribute()));
        let page = session.places(self.view, part.kind, &selection, beside)?;
        let of = written::Wanted::new(definition, projection);
        let (before, mut last, mut next) = (self.count, None, page.next);
        let mut places = page.items.into_iter().peekable();
        while places.peek().is_some() && !self.full {
            let mut chunk = Vec::new();
            let mut bytes = 0;
            while let Some(place) = places.next_if(|place| {
                chunk.is_empty() || bytes + place.bytes <= CHUNK && chunk.len() < CHUNK_ROWS
            }) {
                bytes += place.bytes;
                chunk.push(place);
            }
            // A resource that is read alone may have any number of values.
            let paged = matches!(apart, Some(Apart::Paged(_)));
            let alone = (beside && paged && chunk.len() == 1).then_some(part.kind);
            let asked = (projection, beside && alone.is_none());
            for (keyset, resource) in session.load(self.view, part.kind, chunk, asked)? {
                let values_of = alone.map(|kind| (kind, &keyset.id));
                if !self.push(&of, resource, values_of)? {
                    // The page ends before this one, and the next page begins with it.
                    next = last.take();
                    break;
                }
                last = Some(keyset);
            }
        }
        self.total += page.total;
        self.left = self.left.saturating_sub(self.count - before);
        if self.full && !full && self.count == before {
            // The page ended with the type before, by its bytes.
            self.follow(part.kind, None, page.total > 0);
        } else {
            self.follow(part.kind, next, full && page.total > 0 && !counted_only);
        }
        Ok(page.total)
    }

    /// Takes a resource into the page, with the values kept apart where they are still to be read;
    /// answers whether there was room for it. One there always is.
    fn push(
        &mut self,
        of: &written::Wanted<'_>,
        resource: Shown,
        values_of: Option<(S::Kind, &S::Id)>,
    ) -> Result<bool, S::Failure> {
        let end = self.written.len();
        let limit = match self.count {
            0 => usize::MAX,
            // With the comma.
            _ => PAGE_BYTES + 1,
        };
        if self.count > 0 {
            self.written.push(',');
        }
        match values_of {
            None => written::resource(of, resource, &mut self.written),
            Some((kind, id)) => written::with_values(
                self.session,
                self.view,
                of,
                (kind, id, resource),
                &mut self.written,
                limit,
            )?,
        }
        if self.written.len() > limit {
            self.written.truncate(end);
            self.full = true;
            return Ok(false);
        }
        self.count += 1;
        Ok(true)
    }

    /// Notes where the next page begins.
    fn follow(&mut self, kind: S::Kind, next: Option<Keyset<S::Id>>, more_types: bool) {
        if let Some(keyset) = next {
            let keyset = Some(keyset);
            self.next = Some(Position { kind, keyset });
        } else if more_types && self.next.is_none() {
            // The page ended with the type before; this one is still to come.
            self.next = Some(Position { kind, keyset: None });
        }
    }
}

fn open_cursor<S: Session>(
    session: &S,
    key: &dyn CursorKey,
    kind: Option<S::Kind>,
    query: &Query,
    cursor: &str,
) -> Result<Position<S::Kind, S::Id>, Error> {
    let invalid = || {
        Error::new(
            ScimType::InvalidCursor,
            "The cursor is not one that this query was answered with.",
        )
    };
    let opened = cursor::open(key, &about(session, kind, query), cursor).ok_or_else(invalid)?;
    let kinds = session.kinds();
    let mut kinds = kinds.into_iter();
    let kind = kinds
        .find(|kind| session.definition(*kind).name() == opened.kind)
        .ok_or_else(invalid)?;
    let keyset = match opened.keyset {
        None => None,
        Some((id, key)) => Some(Keyset {
            key,
            id: session.parse_id(&id).ok_or_else(invalid)?,
        }),
    };
    // RFC 9865 section 2.1: the count must be that of the first page.
    if opened.count != query.count {
        return Err(Error::new(
            ScimType::InvalidCount,
            "The count must be the same for every page of a query.",
        ));
    }
    let age = session.now().timestamp() - opened.issued;
    if !(0..=i64::try_from(CURSOR_SECONDS).unwrap_or(i64::MAX)).contains(&age) {
        return Err(Error::new(
            ScimType::ExpiredCursor,
            format!("A cursor is valid for {CURSOR_SECONDS} seconds."),
        ));
    }
    Ok(Position { kind, keyset })
}

fn seal_cursor<S: Session>(
    session: &S,
    key: &dyn CursorKey,
    kind: Option<S::Kind>,
    query: &Query,
    position: &Position<S::Kind, S::Id>,
) -> String {
    let keyset = position.keyset.as_ref();
    let keyset = keyset.map(|keyset| (keyset.id.to_string(), &keyset.key));
    cursor::seal(
        key,
        &about(session, kind, query),
        (session.definition(position.kind).name(), keyset),
        session.now().timestamp(),
        query.count,
    )
}

/// What a cursor is bound to: scope, endpoint, filter and order.
fn about<S: Session>(session: &S, kind: Option<S::Kind>, query: &Query) -> String {
    let kind = kind.map_or("", |kind| session.definition(kind).name());
    let filter = query.filter.as_ref().map(ToString::to_string);
    let sort = query.sort_by.as_ref().map(ToString::to_string);
    format!(
        "{}\n{kind}\n{}\n{}\n{}",
        session.scope_name(),
        filter.unwrap_or_default(),
        sort.unwrap_or_default(),
        query.descending
    )
}
