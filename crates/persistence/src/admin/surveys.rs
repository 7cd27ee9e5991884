//! Rows of `surveys`.

use chrono::{DateTime, Utc};
use diesel::upsert::excluded;
use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::survey::{Survey, SurveyKind};
use scim_provisioning::{ConfigurationId, StoreError};

use crate::connection::Connection;
use crate::engine::on_backend;
use crate::error::unreadable;
use crate::runs;
use crate::schema::{jobs, surveys};
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = surveys)]
struct SurveyRow {
    configuration_id: String,
    kind: String,
    asked_at: i64,
    asked_by: String,
    done_at: Option<i64>,
    result: Option<String>,
}

impl TryFrom<SurveyRow> for Survey {
    type Error = StoreError;

    fn try_from(row: SurveyRow) -> Result<Self, StoreError> {
        let known = || unreadable("surveys");
        Ok(Self {
            configuration: ConfigurationId::parse(&row.configuration_id).ok_or_else(known)?,
            kind: SurveyKind::parse(&row.kind).ok_or_else(known)?,
            asked: instant(row.asked_at),
            asked_by: row.asked_by,
            done: row.done_at.map(instant),
            result: row.result.and_then(|text| serde_json::from_str(&text).ok()),
        })
    }
}

pub(super) fn work_waits(connection: &mut Connection) -> Result<bool, StoreError> {
    let unfinished = jobs::table
        .filter(jobs::finished.eq(0))
        .select(jobs::id)
        .limit(1);
    let job: Option<String> = connection.first(unfinished)?;
    if job.is_some() {
        return Ok(true);
    }
    if runs::one_waits(connection)?
        || super::rehearsals::one_goes_live(connection)?
        || super::deletion::one_waits(connection)?
    {
        return Ok(true);
    }
    let waiting = surveys::table
        .filter(surveys::done_at.is_null())
        .select(surveys::kind)
        .limit(1);
    let survey: Option<String> = connection.first(waiting)?;
    Ok(survey.is_some())
}

pub(super) fn ask(connection: &mut Connection, survey: &Survey) -> Result<(), StoreError> {
    let row = (
        surveys::configuration_id.eq(survey.configuration.to_string()),
        surveys::kind.eq(survey.kind.as_str()),
        surveys::asked_at.eq(millis(survey.asked)),
        surveys::asked_by.eq(&survey.asked_by),
        surveys::claimed_until.eq(0),
    );
    let again = (
        surveys::asked_at.eq(excluded(surveys::asked_at)),
        surveys::asked_by.eq(excluded(surveys::asked_by)),
        surveys::done_at.eq(None::<i64>),
        surveys::claimed_until.eq(0),
    );
    on_backend!(
        connection,
        execute,
        diesel::query_dsl::methods::FilterDsl::filter(
            diesel::insert_into(surveys::table)
                .values(row)
                .on_conflict((surveys::configuration_id, surveys::kind))
                .do_update()
                .set(again),
            surveys::done_at.is_not_null(),
        )
    )
    .map(drop)
}

pub(super) fn find(
    connection: &mut Connection,
    configuration: ConfigurationId,
    kind: SurveyKind,
) -> Result<Option<Survey>, StoreError> {
    let query = surveys::table
        .find((configuration.to_string(), kind.as_str()))
        .select(SurveyRow::as_select());
    let row: Option<SurveyRow> = connection.first(query)?;
    row.map(Survey::try_from).transpose()
}

pub(super) fn claim(
    connection: &mut Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Survey>, StoreError> {
    let waiting = surveys::table
        .filter(surveys::done_at.is_null())
        .filter(surveys::claimed_until.le(millis(now)))
        .order(surveys::asked_at)
        .limit(1)
        .select(SurveyRow::as_select());
    let Some(row) = connection.first::<SurveyRow, _>(waiting)? else {
        return Ok(None);
    };
    // Of two who found it one takes it up.
    let free = surveys::table
        .find((row.configuration_id.clone(), row.kind.clone()))
        .filter(surveys::done_at.is_null())
        .filter(surveys::claimed_until.le(millis(now)));
    let claim = diesel::update(free).set(surveys::claimed_until.eq(millis(until)));
    match connection.execute(claim)? {
        0 => Ok(None),
        _ => row.try_into().map(Some),
    }
}

pub(super) fn save(connection: &mut Connection, survey: &Survey) -> Result<(), StoreError> {
    let of = (survey.configuration.to_string(), survey.kind.as_str());
    let result = survey.result.as_ref().map(ToString::to_string);
    let update = diesel::update(surveys::table.find(of)).set((
        surveys::claimed_until.eq(0),
        surveys::done_at.eq(survey.done.map(millis)),
        surveys::result.eq(result),
    ));
    connection.execute(update).map(drop)
}
