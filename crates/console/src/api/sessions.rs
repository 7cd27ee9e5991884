//! Who is signed in to the console.

use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::{Administrator, Operate, Read};
use super::answer::{Done, Page};
use super::extract::Path;
use super::operation::{Operation, operations};
use crate::documents::{self, ConsoleSession};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_sessions, end_session]
}

/// The session that a path is about.
#[derive(Deserialize, IntoParams)]
struct SessionPath {
    /// The id, as it is listed
    #[param(pattern = "^[0-9a-f]{16}$")]
    session: String,
}

/// List who is signed in, those who did something last first.
#[utoipa::path(get, path = "/sessions")]
fn list_sessions(by: Administrator<(Read, Operate)>) -> Result<Page<ConsoleSession>, Problem> {
    let found = by.admin.sessions()?.into_iter();
    let shown = found.map(|(session, account)| documents::console_session(&session, account));
    Ok(Page::whole(shown.collect()))
}

/// Sign somebody out.
#[utoipa::path(delete, path = "/sessions/{session}")]
fn end_session(by: Administrator<Operate>, Path(path): Path<SessionPath>) -> Result<Done, Problem> {
    let sessions = by.admin.sessions()?;
    let mut found = sessions.iter().map(|(session, _)| session);
    let found = found.find(|session| documents::session_id(session) == path.session);
    let found = found.ok_or_else(|| Problem::not_found("There is no such session."))?;
    by.admin.revoke_session(&by.actor, &found.hash)?;
    Ok(Done)
}
