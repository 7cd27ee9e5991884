//! Lists and searches (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use scim_protocol::filter::{Condition, SortKey};
use scim_protocol::path::same_name;
use scim_protocol::query::{ListResponse, Page, Projection, Query};
use scim_protocol::{AttributePath, Error, ResourceDefinition, ScimType, Tolerance};
use serde_json::Value;

use super::{Answer, Failure};
use crate::cursor::Position;
use crate::directory::{DirectoryView, From, Keyset, Selection, Sort};
use crate::id::{ResourceId, ResourceKind};
use crate::service::{Context, ServiceProvider};

/// How long a cursor is valid.
pub(crate) const CURSOR_SECONDS: u64 = 3_600;

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
            resources: Vec::new(),
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
            total_results: walk.total,
            start_index,
            resources: walk.resources,
            next_cursor,
        };
        Ok(Answer::json(200, response.to_json()))
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
    let sorts = sorts(&definitions, query)?;
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
fn sorts(definitions: &[&ResourceDefinition], query: &Query) -> Result<Vec<Option<Sort>>, Error> {
    let Some(path) = &query.sort_by else {
        return Ok(definitions.iter().map(|_| None).collect());
    };
    let mut refused = None;
    let mut sorts = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let key = SortKey::new(definition, path).map_err(|error| refused = Some(error));
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

struct Walk<'a> {
    context: &'a Context,
    view: &'a mut dyn DirectoryView,
    query: &'a Query,
    /// How many resources the page still has room for.
    left: usize,
    total: u64,
    resources: Vec<Value>,
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
        let full = self.left == 0 && !self.resources.is_empty();
        let selection = Selection {
            condition: part.condition.clone(),
            sort: part.sort.clone(),
            from,
            count: if counted_only { 0 } else { self.left },
        };
        let scope = self.context.scope();
        let context = self.context;
        let definition = context.definition(part.kind);
        let projector = context.projector(part.kind, &self.query.projection);
        let before = self.resources.len();
        let (total, next) = match part.kind {
            ResourceKind::User => {
                let page = self.view.users(scope, &selection)?;
                let ids: Vec<ResourceId> = page.items.iter().map(|user| user.id).collect();
                let groups =
                    if includes(definition, &self.query.projection, "groups") && !ids.is_empty() {
                        self.view.groups_of(scope, &ids)?
                    } else {
                        Vec::new()
                    };
                for user in &page.items {
                    let attributes = self.context.user(user, &groups);
                    self.resources
                        .push(Value::Object(projector.project(&attributes)));
                }
                (page.total, page.next)
            }
            ResourceKind::Group => {
                let page = self.view.groups(scope, &selection)?;
                let ids: Vec<ResourceId> = page.items.iter().map(|group| group.id).collect();
                let members =
                    if includes(definition, &self.query.projection, "members") && !ids.is_empty() {
                        self.view.members_of(scope, &ids)?
                    } else {
                        Vec::new()
                    };
                for group in &page.items {
                    let attributes = self.context.group(group, &members);
                    self.resources
                        .push(Value::Object(projector.project(&attributes)));
                }
                (page.total, page.next)
            }
        };
        self.total += total;
        self.left = self.left.saturating_sub(self.resources.len() - before);
        self.follow(part.kind, next, full && total > 0 && !counted_only);
        Ok(total)
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
