//! Lists and searches (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use std::collections::HashMap;

use scim_protocol::filter::{Condition, SortKey};
use scim_protocol::path::same_name;
use scim_protocol::query::{ListResponse, Page, Projection, Query};
use scim_protocol::resource::Projector;
use scim_protocol::{AttributePath, Error, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Map, Value};

use super::{Answer, Failure, written};
use crate::cursor::Position;
use crate::directory::{DirectoryView, From, Keyset, Place, Selection, Sort, Stored};
use crate::id::{ResourceId, ResourceKind};
use crate::service::{Context, ServiceProvider};

/// How long a cursor is valid.
pub(crate) const CURSOR_SECONDS: u64 = 3_600;

/// How many bytes of resources a page has at most; one resource it always has. RFC 7644 section
/// 3.4.2.4 lets a page hold fewer resources than were asked for.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// How many bytes and rows are read at once: as values they take many times as much.
const CHUNK: u64 = 256 * 1024;
const CHUNK_ROWS: usize = 250;

/// A GET on an endpoint, or on the base URL for every resource type.
pub(crate) fn list(
    provider: &ServiceProvider,
    context: &Context,
    kind: Option<ResourceKind>,
    raw: &str,
) -> Result<Answer, Failure> {
    let mut tolerance = context.tolerance();
    let query = Query::from_query_string(raw, &context.shared.limits, &mut tolerance)?;
    run(provider, context, kind, &query, &mut tolerance)
}

/// A POST on `.search`.
pub(crate) fn search(
    provider: &ServiceProvider,
    context: &Context,
    kind: Option<ResourceKind>,
    body: Value,
) -> Result<Answer, Failure> {
    let mut tolerance = context.tolerance();
    let query = Query::from_search_request(body, &context.shared.limits, &mut tolerance)?;
    run(provider, context, kind, &query, &mut tolerance)
}

/// The `attributes` and `excludedAttributes` of a request that is no query.
pub(crate) fn projection(context: &Context, raw: &str) -> Result<Projection, Error> {
    if raw.is_empty() {
        return Ok(Projection::default());
    }
    let limits = &context.shared.limits;
    Query::from_query_string(raw, limits, &mut context.tolerance()).map(|query| query.projection)
}

/// Whether an answer holds an attribute that costs a query of its own.
pub(super) fn includes(
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
struct Part {
    kind: ResourceKind,
    condition: Option<Condition>,
    sort: Option<Sort>,
}

fn run(
    provider: &ServiceProvider,
    context: &Context,
    kind: Option<ResourceKind>,
    query: &Query,
    tolerance: &mut Tolerance,
) -> Result<Answer, Failure> {
    let parts = parts(context, kind, query, tolerance)?;
    let count = query.page_size(&context.shared.limits)?;
    let (start, start_index) = match &query.page {
        Page::Index { start_index } => (Start::Index(start_index - 1), Some(*start_index)),
        Page::Cursor { cursor: None } => (Start::Index(0), None),
        Page::Cursor {
            cursor: Some(cursor),
        } => {
            let position = provider.open_cursor(context, kind, query, cursor)?;
            (Start::Behind(position), None)
        }
    };
    provider.directory.read(&mut |view| {
        let mut walk = Walk {
            context,
            view,
            query,
            left: count,
            total: 0,
            count: 0,
            written: String::new(),
            full: false,
            next: None,
        };
        walk.run(&parts, &start)?;
        let next_cursor = match (start_index, &walk.next) {
            (None, Some(position)) if count > 0 => {
                Some(provider.seal_cursor(context, kind, query, position))
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

/// Where a page begins in the sequence of all resource types.
enum Start {
    Index(u64),
    Behind(Position),
}

/// Binds the query to each resource type that it covers, in the order in which they are answered.
/// What one type alone knows has no value in the others (RFC 7644 section 3.4.2.1).
fn parts(
    context: &Context,
    kind: Option<ResourceKind>,
    query: &Query,
    tolerance: &mut Tolerance,
) -> Result<Vec<Part>, Error> {
    let kinds: Vec<_> = match kind {
        Some(kind) => vec![kind],
        None => [ResourceKind::User, ResourceKind::Group]
            .into_iter()
            .filter(|kind| context.provisions(*kind))
            .collect(),
    };
    let definitions: Vec<_> = kinds.iter().map(|kind| context.definition(*kind)).collect();
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

/// A resource as clients see it, and where it stands in the order.
type Placed = (Keyset, Map<String, Value>);

struct Walk<'a> {
    context: &'a Context,
    view: &'a mut dyn DirectoryView,
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
    next: Option<Position>,
}

impl Walk<'_> {
    /// One resource type after another.
    fn run(&mut self, parts: &[Part], start: &Start) -> Result<(), Failure> {
        let (mut skip, begun) = match start {
            Start::Index(skip) => (*skip, 0),
            Start::Behind(position) => {
                let begun = parts.iter().position(|part| part.kind == position.kind);
                (0, begun.unwrap_or(parts.len()))
            }
        };
        for (at, part) in parts.iter().enumerate() {
            let counted_only = at < begun;
            let from = match start {
                Start::Behind(position) if at == begun => {
                    let keyset = position.keyset.clone();
                    keyset.map_or(From::Offset(0), From::After)
                }
                _ => From::Offset(skip),
            };
            let total = self.part(part, from, counted_only)?;
            skip = skip.saturating_sub(total);
        }
        Ok(())
    }

    fn part(&mut self, part: &Part, from: From, counted_only: bool) -> Result<u64, Failure> {
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
        let (context, scope) = (self.context, self.context.scope());
        let beside = match part.kind {
            ResourceKind::User => "groups",
            ResourceKind::Group => "members",
        };
        let projection = &self.query.projection;
        let beside = includes(context.definition(part.kind), projection, beside);
        let page = self.view.places(part.kind, scope, &selection, beside)?;
        let projector = context.projector(part.kind, projection);
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
            // A group that is read alone may have any number of members.
            let alone = beside && part.kind == ResourceKind::Group && chunk.len() == 1;
            for (keyset, resource) in self.read(part.kind, chunk, beside && !alone)? {
                let members_of = alone.then_some(keyset.id);
                if !self.push(&projector, &resource, members_of)? {
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

    /// Resources as clients see them, of a chunk of a page.
    fn read(
        &mut self,
        kind: ResourceKind,
        chunk: Vec<Place>,
        beside: bool,
    ) -> Result<Vec<Placed>, Failure> {
        let scope = self.context.scope();
        let ids: Vec<ResourceId> = chunk.iter().map(|place| place.keyset.id).collect();
        let unread = chunk.iter().filter(|place| place.resource.is_none());
        let unread: Vec<ResourceId> = unread.map(|place| place.keyset.id).collect();
        let mut read: HashMap<ResourceId, Stored> = HashMap::new();
        if !unread.is_empty() {
            let found = self.view.among(kind, scope, &unread)?;
            read.extend(found.into_iter().map(|stored| (stored.id(), stored)));
        }
        let memberships = match (beside, kind) {
            (false, _) => Vec::new(),
            (true, ResourceKind::User) => self.view.groups_of(scope, &ids)?,
            (true, ResourceKind::Group) => self.view.members_of(scope, &ids)?,
        };
        let mut shown = Vec::with_capacity(chunk.len());
        for place in chunk {
            let stored = place.resource.or_else(|| read.remove(&place.keyset.id));
            let attributes = match stored {
                Some(Stored::User(user)) => self.context.user(&user, &memberships),
                Some(Stored::Group(group)) => self.context.group(&group, &memberships),
                // It went between two statements.
                None => continue,
            };
            shown.push((place.keyset, attributes));
        }
        Ok(shown)
    }

    /// Takes a resource into the page, with the members of a group where they are still to be read;
    /// answers whether there was room for it. One there always is.
    fn push(
        &mut self,
        projector: &Projector<'_>,
        resource: &Map<String, Value>,
        members_of: Option<ResourceId>,
    ) -> Result<bool, Failure> {
        let end = self.written.len();
        let limit = match self.count {
            0 => usize::MAX,
            // With the comma.
            _ => PAGE_BYTES + 1,
        };
        if self.count > 0 {
            self.written.push(',');
        }
        match members_of {
            None => written::resource(projector, resource, &mut self.written),
            Some(id) => written::group(
                self.context,
                self.view,
                projector,
                (id, resource),
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
    fn follow(&mut self, kind: ResourceKind, next: Option<Keyset>, more_types: bool) {
        if let Some(keyset) = next {
            let keyset = Some(keyset);
            self.next = Some(Position { kind, keyset });
        } else if more_types && self.next.is_none() {
            // The page ended with the type before; this one is still to come.
            self.next = Some(Position { kind, keyset: None });
        }
    }
}

impl ServiceProvider {
    fn open_cursor(
        &self,
        context: &Context,
        kind: Option<ResourceKind>,
        query: &Query,
        cursor: &str,
    ) -> Result<Position, Error> {
        let invalid = || {
            Error::new(
                ScimType::InvalidCursor,
                "The cursor is not one that this query was answered with.",
            )
        };
        let about = about(context, kind, query);
        let (position, issued, count) =
            Position::open(self.cursors.as_ref(), &about, cursor).ok_or_else(invalid)?;
        // RFC 9865 section 2.1: the count must be that of the first page.
        if count != query.count {
            return Err(Error::new(
                ScimType::InvalidCount,
                "The count must be the same for every page of a query.",
            ));
        }
        let age = context.now.timestamp() - issued;
        if !(0..=i64::try_from(CURSOR_SECONDS).unwrap_or(i64::MAX)).contains(&age) {
            return Err(Error::new(
                ScimType::ExpiredCursor,
                format!("A cursor is valid for {CURSOR_SECONDS} seconds."),
            ));
        }
        Ok(position)
    }

    fn seal_cursor(
        &self,
        context: &Context,
        kind: Option<ResourceKind>,
        query: &Query,
        position: &Position,
    ) -> String {
        position.seal(
            self.cursors.as_ref(),
            &about(context, kind, query),
            context.now.timestamp(),
            query.count,
        )
    }
}

/// What a cursor is bound to: configuration, endpoint, filter and order.
fn about(context: &Context, kind: Option<ResourceKind>, query: &Query) -> String {
    let kind = kind.map_or("", ResourceKind::as_str);
    let filter = query.filter.as_ref().map(ToString::to_string);
    let sort = query.sort_by.as_ref().map(ToString::to_string);
    format!(
        "{}\n{kind}\n{}\n{}\n{}",
        context.configuration().id,
        filter.unwrap_or_default(),
        sort.unwrap_or_default(),
        query.descending
    )
}
