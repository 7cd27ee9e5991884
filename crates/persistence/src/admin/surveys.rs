//! Rows of `surveys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::survey::{Survey, SurveyKind};
use scim_provisioning::{ConfigurationId, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct SurveyRow {
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    asked_at: i64,
    #[diesel(sql_type = Text)]
    asked_by: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    done_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    result: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
}

const COLUMNS: &str = "configuration_id, kind, asked_at, asked_by, done_at, result";

pub(super) fn work_waits(connection: &mut Connection) -> Result<bool, StoreError> {
    let sql = connection.sql(
        "SELECT (SELECT count(*) FROM jobs WHERE finished = 0) \
         + (SELECT count(*) FROM surveys WHERE done_at IS NULL) AS waiting",
    );
    let row: Option<CountRow> = connection.row(&sql)?;
    Ok(row.is_some_and(|row| row.waiting > 0))
}

pub(super) fn ask(connection: &mut Connection, survey: &Survey) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO surveys (configuration_id, kind, asked_at, asked_by, claimed_until) VALUES (",
    );
    sql.bind(survey.configuration.to_string());
    sql.push(", ").bind(survey.kind.as_str());
    sql.push(", ").bind(millis(survey.asked));
    sql.push(", ").bind(&survey.asked_by);
    sql.push(
        ", 0) ON CONFLICT (configuration_id, kind) DO UPDATE SET asked_at = excluded.asked_at, \
         asked_by = excluded.asked_by, done_at = NULL, claimed_until = 0 \
         WHERE surveys.done_at IS NOT NULL",
    );
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn find(
    connection: &mut Connection,
    configuration: ConfigurationId,
    kind: SurveyKind,
) -> Result<Option<Survey>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS} FROM surveys WHERE configuration_id = "
    ));
    sql.bind(configuration.to_string());
    sql.push(" AND kind = ").bind(kind.as_str());
    connection.row::<SurveyRow>(&sql)?.map(survey).transpose()
}

pub(super) fn claim(
    connection: &mut Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Survey>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS} FROM surveys WHERE done_at IS NULL AND claimed_until <= "
    ));
    sql.bind(millis(now)).push(" ORDER BY asked_at LIMIT 1");
    sql.for_update();
    let Some(row) = connection.row::<SurveyRow>(&sql)? else {
        return Ok(None);
    };
    let found = survey(row)?;
    let mut sql = connection.sql("UPDATE surveys SET claimed_until = ");
    sql.bind(millis(until)).push(" WHERE configuration_id = ");
    sql.bind(found.configuration.to_string());
    sql.push(" AND kind = ").bind(found.kind.as_str());
    connection.execute(&sql)?;
    Ok(Some(found))
}

pub(super) fn save(connection: &mut Connection, survey: &Survey) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE surveys SET claimed_until = 0, done_at = ");
    sql.bind(survey.done.map(millis));
    let result = survey.result.as_ref().map(ToString::to_string);
    sql.push(", result = ").bind(result);
    sql.push(" WHERE configuration_id = ")
        .bind(survey.configuration.to_string());
    sql.push(" AND kind = ").bind(survey.kind.as_str());
    connection.execute(&sql)?;
    Ok(())
}

fn survey(row: SurveyRow) -> Result<Survey, StoreError> {
    let known = || unreadable("surveys");
    Ok(Survey {
        configuration: ConfigurationId::parse(&row.configuration_id).ok_or_else(known)?,
        kind: SurveyKind::parse(&row.kind).ok_or_else(known)?,
        asked: instant(row.asked_at),
        asked_by: row.asked_by,
        done: row.done_at.map(instant),
        result: row.result.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
