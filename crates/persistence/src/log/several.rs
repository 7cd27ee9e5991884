//! Entries of the log that work tells in several parts, written together.

use scim_provisioning::words::terms_of;
use scim_provisioning::{Event, StoreError};

use super::{EventRow, OPEN_OF_ID, OPEN_OF_NAME, OpenRow, close, closes, record};
use crate::connection::Connection;
use crate::key::Key;
use crate::sql::Bind;

/// Appends entries to the log in their order, those that follow each other and have no words of their
/// own by one statement.
pub(super) fn record_all(connection: &mut Connection, events: &[Event]) -> Result<(), StoreError> {
    for alike in events.chunk_by(|one, other| has_no_terms(one) && has_no_terms(other)) {
        // As few numbers of rows as there can be, so that each of these statements is prepared once.
        let (mut rest, mut count) = (alike, MOST);
        while !rest.is_empty() {
            let Some((some, behind)) = rest.split_at_checked(count) else {
                count /= 2;
                continue;
            };
            rest = behind;
            match some {
                [single] => record(connection, single)?,
                several => record_together(connection, several)?,
            }
        }
    }
    Ok(())
}

fn has_no_terms(event: &Event) -> bool {
    terms_of(event).is_empty()
}

fn record_together(connection: &mut Connection, events: &[Event]) -> Result<(), StoreError> {
    let mut sql = connection.sql("INSERT INTO provisioning_events (");
    let mut rows = events
        .iter()
        .map(|event| EventRow::new(event).cells())
        .peekable();
    let names = rows
        .peek()
        .map(|cells| cells.each_ref().map(|(name, _)| *name));
    sql.push(&names.map(|names| names.join(", ")).unwrap_or_default());
    let mut before = ") VALUES (";
    for cells in rows {
        for (_, value) in cells {
            sql.push(before).bind(value);
            before = ", ";
        }
        before = "), (";
    }
    sql.push(")");
    connection.execute(&sql)?;
    // Nearly always none of them resolves a failure.
    let closing = || events.iter().filter(|event| closes(event));
    let ids: Vec<String> = closing()
        .filter_map(|event| event.resource_id)
        .map(|id| id.to_string())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let names = closing().filter_map(|event| event.resource_name.as_deref());
    let names: Vec<String> = names
        .map(|name| Key::of(name).as_str().to_owned())
        .collect();
    let mut sql = connection.sql("SELECT * FROM (");
    sql.push(OPEN_OF_ID).among(ids).push(" UNION ALL ");
    sql.push(OPEN_OF_NAME).among(names).push(") AS open");
    if connection.rows::<OpenRow>(&sql)?.is_empty() {
        return Ok(());
    }
    closing().try_for_each(|event| close(connection, event))
}

impl EventRow<'_> {
    /// The columns with their values. By name, so that a column which is added is not forgotten.
    fn cells(self) -> [(&'static str, Bind); COLUMNS] {
        let Self {
            at,
            configuration_id,
            configuration_name,
            request_id,
            action,
            resource_type,
            resource_id,
            resource_name,
            mapping_version,
            outcome,
            status,
            scim_type,
            reason,
            changes,
            deviations,
            duration_micros,
            source,
            user_agent,
            request,
            detail,
            resource_key,
            stage,
            cause,
            actor,
            occurrences,
            run,
        } = self;
        [
            ("at", at.into()),
            ("configuration_id", configuration_id.into()),
            ("configuration_name", configuration_name.into()),
            ("request_id", request_id.into()),
            ("action", action.into()),
            ("resource_type", resource_type.into()),
            ("resource_id", resource_id.into()),
            ("resource_name", resource_name.into()),
            ("mapping_version", mapping_version.into()),
            ("outcome", outcome.into()),
            ("status", i64::from(status).into()),
            ("scim_type", scim_type.into()),
            ("reason", reason.into()),
            ("changes", changes.into()),
            ("deviations", deviations.into()),
            ("duration_micros", duration_micros.into()),
            ("source", source.into()),
            ("user_agent", user_agent.into()),
            ("request", request.into()),
            ("detail", detail.into()),
            ("resource_key", resource_key.into()),
            ("stage", stage.into()),
            ("cause", cause.into()),
            ("actor", actor.into()),
            ("occurrences", occurrences.into()),
            ("run", run.into()),
        ]
    }
}

const COLUMNS: usize = 26;
/// Of how many entries a statement is at most, a power of two.
const MOST: usize = 64;
