//! Rows of `run_images`: what rows were before runs, as triggers wrote it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::dsl::{case_when, exists, not};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Text};
use scim_admin::run::{Chosen, RowImage, RowSubject, Touched};
use scim_provisioning::{RunId, StoreError};
use serde_json::{Map, Value};

use super::RUNNING;
use crate::connection::Connection;
use crate::engine::MultiBackend;
use crate::error::unreadable;
use crate::key::Key;
use crate::nodes::{Among, among, typed, update};
use crate::schema::{groups, users};
use crate::schema_recorded::{run_images, runs};
use crate::time::millis;
use crate::values::{among_numbers, coalesce, one_of};

#[derive(Queryable)]
struct ImageRow {
    id: i64,
    subject: String,
    resource_id: String,
    other_id: Option<String>,
    old: Option<String>,
    new: Option<String>,
    other_name: Option<String>,
    name: Option<String>,
}

/// The name that a person or a group has now.
macro_rules! name_now {
    ($id:expr) => {
        coalesce(
            users::table
                .filter(users::id.nullable().eq($id))
                .select(users::user_name)
                .single_value(),
            groups::table
                .filter(groups::id.nullable().eq($id))
                .select(groups::name)
                .single_value(),
        )
    };
}

/// The columns of an image, with the names that its resource and its member have now.
macro_rules! image {
    () => {
        (
            run_images::id,
            run_images::subject,
            run_images::resource_id,
            run_images::other_id,
            run_images::old,
            run_images::new,
            case_when(
                run_images::other_id.is_not_null(),
                name_now!(run_images::other_id),
            ),
            coalesce(
                run_images::name,
                name_now!(run_images::resource_id.nullable()),
            ),
        )
    };
}

impl TryFrom<ImageRow> for RowImage {
    type Error = StoreError;

    fn try_from(row: ImageRow) -> Result<Self, StoreError> {
        let map = |text: &String| -> Result<Map<String, Value>, StoreError> {
            serde_json::from_str(text).map_err(|_json| unreadable("run_images"))
        };
        Ok(Self {
            id: row.id,
            subject: RowSubject::parse(&row.subject)
                .ok_or_else(|| unreadable("run_images.subject"))?,
            resource: row.resource_id,
            other: row.other_id,
            other_name: row.other_name,
            name: row.name,
            old: row.old.as_ref().map(map).transpose()?,
            new: row.new.as_ref().map(map).transpose()?,
        })
    }
}

/// What of images is chosen, see [`chosen`].
struct ChosenImages<R, O, Q> {
    resources: Option<(Among<R>, Among<O>)>,
    request: Q,
    of_request: Option<String>,
    without_request: bool,
}

/// What of images is chosen, by their columns. Whoever is chosen is so with their memberships.
fn chosen<R, O, Q>(chosen: &Chosen, resource: R, other: O, request: Q) -> ChosenImages<R, O, Q> {
    let resources = chosen.resources.as_ref();
    ChosenImages {
        resources: resources.map(|ids| (among(resource, ids), among(other, ids))),
        request,
        of_request: chosen.request.clone(),
        without_request: chosen.without_request,
    }
}

/// What of the images of a query is chosen.
fn chosen_here(
    of: &Chosen,
) -> ChosenImages<run_images::resource_id, run_images::other_id, run_images::request> {
    chosen(
        of,
        run_images::resource_id,
        run_images::other_id,
        run_images::request,
    )
}

typed!(ChosenImages<R, O, Q>, Bool, by_text);

impl<R, O, Q> QueryFragment<MultiBackend> for ChosenImages<R, O, Q>
where
    Among<R>: QueryFragment<MultiBackend>,
    Among<O>: QueryFragment<MultiBackend>,
    Q: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("(TRUE");
        if let Some((resources, others)) = &self.resources {
            out.push_sql(" AND (");
            resources.walk_ast(out.reborrow())?;
            out.push_sql(" OR ");
            others.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        if let Some(request) = &self.of_request {
            out.push_sql(" AND ");
            self.request.walk_ast(out.reborrow())?;
            out.push_sql(" = ");
            out.push_bind_param::<Text, _>(request)?;
        }
        if self.without_request {
            out.push_sql(" AND ");
            self.request.walk_ast(out.reborrow())?;
            out.push_sql(" IS NULL");
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Whether an image is of a run, and where in it, see [`place`].
struct Place<R, I> {
    run: R,
    id: I,
    of: String,
    behind: i64,
    forward: bool,
}

/// Whether an image is of a run, behind a number or before one. A run is no bound by being equal to
/// one: so no engine takes the numbers of all runs for the order in which it is asked for.
fn place(run: RunId, behind: i64, forward: bool) -> Place<run_images::run, run_images::id> {
    Place {
        run: run_images::run,
        id: run_images::id,
        of: run.to_string(),
        behind,
        forward,
    }
}

typed!(Place<R, I>, Bool, by_text);

impl<R, I> QueryFragment<MultiBackend> for Place<R, I>
where
    R: QueryFragment<MultiBackend>,
    I: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        let (compared, bound) = match self.forward {
            true => (") > (", " <= "),
            false => (") < (", " >= "),
        };
        out.push_sql("(");
        self.run.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.id.walk_ast(out.reborrow())?;
        out.push_sql(compared);
        out.push_bind_param::<Text, _>(&self.of)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.behind)?;
        out.push_sql(") AND ");
        self.run.walk_ast(out.reborrow())?;
        out.push_sql(bound);
        out.push_bind_param::<Text, _>(&self.of)
    }
}

/// The ids of resources that a run changed under a name, or of an id.
pub(crate) fn by_name(
    connection: &mut Connection,
    run: RunId,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let changed = run_images::table
        .filter(run_images::run.eq(run.to_string()))
        .filter(
            run_images::name
                .eq(name)
                .or(run_images::resource_id.eq(name)),
        )
        .select(run_images::resource_id)
        .distinct();
    let found: Vec<String> = connection.load(changed)?;
    match found.is_empty() {
        true => members_by_name(connection, run, name),
        false => Ok(found),
    }
}

/// The ids of people of whom a run changed the memberships alone, by the name that they have now or
/// by id.
fn members_by_name(
    connection: &mut Connection,
    run: RunId,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let key = Key::of(name);
    let named = users::table.filter(users::user_name_key.eq(key.as_str()));
    let mut ids: Vec<String> = connection.load(named.select(users::id))?;
    ids.push(name.to_owned());
    let members = run_images::table
        .filter(run_images::other_id.is_not_null())
        .filter(among(run_images::other_id, ids))
        .filter(run_images::run.eq(run.to_string()))
        .select(run_images::other_id.assume_not_null())
        .distinct();
    connection.load(members)
}

/// Whether anything is kept of what a run did.
pub(crate) fn is_any(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
) -> Result<bool, StoreError> {
    let any = run_images::table
        .filter(run_images::run.eq(run.to_string()))
        .filter(chosen_here(chosen))
        .limit(1)
        .select(run_images::id);
    Ok(connection.first::<i64, _>(any)?.is_some())
}

/// Resources that a run changed, by their first change, behind a number or before one. The images
/// are gone through in their order, and of each it is looked up whether one of the same resource
/// came before it.
pub(crate) fn touched(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    (behind, forward): (i64, bool),
    limit: i64,
) -> Result<Vec<Touched>, StoreError> {
    let earlier = diesel::alias!(run_images as earlier);
    let (resource, other, request) = earlier.fields((
        run_images::resource_id,
        run_images::other_id,
        run_images::request,
    ));
    let first = earlier
        .filter(resource.eq(run_images::resource_id))
        .filter(earlier.field(run_images::run).eq(run.to_string()))
        .filter(self::chosen(chosen, resource, other, request))
        .order(earlier.field(run_images::id))
        .limit(1)
        .select(earlier.field(run_images::id))
        .single_value();
    let touched = run_images::table
        .filter(place(run, behind, forward))
        .filter(chosen_here(chosen))
        .filter(run_images::id.nullable().eq(first))
        .limit(limit)
        .select((run_images::subject, run_images::resource_id, run_images::id));
    let rows: Vec<(String, String, i64)> = match forward {
        true => connection.load(touched.order((run_images::run, run_images::id)))?,
        false => {
            let back = (run_images::run.desc(), run_images::id.desc());
            connection.load(touched.order(back))?
        }
    };
    rows.into_iter()
        .map(|(subject, id, first)| {
            let subject = RowSubject::parse(&subject);
            Ok(Touched {
                kind: subject
                    .ok_or_else(|| unreadable("run_images.subject"))?
                    .kind(),
                id,
                first,
            })
        })
        .collect()
}

/// What a run did to resources, in order.
pub(crate) fn of_resources(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    resources: &[String],
) -> Result<Vec<RowImage>, StoreError> {
    if resources.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever is asked for an order looks through the whole run for it.
    let images = run_images::table
        .filter(run_images::run.eq(run.to_string()))
        .filter(among(run_images::resource_id, resources))
        .filter(chosen_here(chosen))
        .select(image!());
    let mut images = read(connection.load(images)?)?;
    images.sort_unstable_by_key(|image| image.id);
    Ok(images)
}

/// What a run did to what hangs on people and groups, the last first.
pub(crate) fn attached(
    connection: &mut Connection,
    run: RunId,
    chosen: &Chosen,
    before: i64,
    limit: i64,
) -> Result<Vec<RowImage>, StoreError> {
    let images = run_images::table
        .filter(place(run, before, false))
        .filter(not(one_of(run_images::subject, &WHOLE)))
        .filter(chosen_here(chosen))
        .order((run_images::run.desc(), run_images::id.desc()))
        .limit(limit)
        .select(image!());
    read(connection.load(images)?)
}

/// The same in order, behind a number.
pub(crate) fn attached_behind(
    connection: &mut Connection,
    run: RunId,
    after: i64,
    limit: i64,
) -> Result<Vec<RowImage>, StoreError> {
    let images = run_images::table
        .filter(run_images::run.eq(run.to_string()))
        .filter(not(one_of(run_images::subject, &WHOLE)))
        .filter(run_images::id.gt(after))
        .order(run_images::id)
        .limit(limit)
        .select(image!());
    read(connection.load(images)?)
}

/// What nothing hangs on.
const WHOLE: [&str; 2] = ["user", "group"];

fn read(rows: Vec<ImageRow>) -> Result<Vec<RowImage>, StoreError> {
    rows.into_iter().map(RowImage::try_from).collect()
}

/// Forgets the images of runs that ended before a time, the oldest first; answers how many. Of a run
/// of which something is forgotten it is written down in the same transaction.
pub(crate) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let goes_on = runs::table.filter(runs::id.eq(run_images::run)).filter(
        runs::ended_at
            .is_null()
            .or(runs::ended_at.ge(millis(before))),
    );
    let taken_back = runs::table
        .filter(runs::state.eq(RUNNING))
        .filter(runs::of_run.eq(run_images::run.nullable()));
    let old = run_images::table
        .filter(run_images::at.lt(millis(before)))
        .filter(not(exists(goes_on)))
        .filter(not(exists(taken_back)))
        .order(run_images::at)
        .limit(limit)
        .select((run_images::id, run_images::run));
    let old: Vec<(i64, String)> = connection.load(old)?;
    if old.is_empty() {
        return Ok(0);
    }
    let of: BTreeSet<&str> = old.iter().map(|(_, run)| run.as_str()).collect();
    // Whoever begins to take one of them back waits for this, or this for them.
    let whole = runs::forgotten.eq(0).and(among(runs::id, of));
    connection.execute(update(runs::table, whole, runs::forgotten.eq(1)))?;
    let old = among_numbers(run_images::id, old.iter().map(|(id, _)| *id));
    connection.execute(diesel::delete(run_images::table.filter(old)))
}
