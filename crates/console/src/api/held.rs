//! What the guards of a configuration hold.

use actix_web::http::header::EntityTag;
use scim_admin::AdminError;
use scim_admin::policy::Which;
use scim_provisioning::ConfigurationId;

use super::access::{Administrator, Auditor, Caller, Operate};
use super::answer::{Page, tag};
use super::extract::{IfMatch, Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{ConfigurationPath, PageQuery};
use super::{Problem, input};
use crate::documents::{self, Held};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_held, allow_held, reject_held]
}

/// List what the guard holds.
#[utoipa::path(get, path = "/configurations/{configuration}/held")]
fn list_held(
    by: Auditor,
    Path(path): Path<ConfigurationPath>,
    Query(query): Query<PageQuery>,
) -> Result<Page<Held>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let (cursor, limit) = (query.cursor.map(|cursor| cursor.0), query.limit.0);
    let found = by.admin.held(id, cursor.as_deref(), limit)?;
    let last = found.last().map(|change| change.id.clone());
    let items = documents::compared(&by.admin, id, &found)?;
    Ok(Page::up_to(items, limit, last).with_tag(by.tag_of_held(id)?))
}

/// Carry out what the guard holds.
#[utoipa::path(post, path = "/configurations/{configuration}/held/allow")]
fn allow_held(
    by: Administrator<Operate>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    chosen: Json<input::HeldInput>,
) -> Result<Page<Held>, Problem> {
    by.decide_held(&path, &if_match, chosen, true)
}

/// Drop what the guard holds.
#[utoipa::path(post, path = "/configurations/{configuration}/held/reject")]
fn reject_held(
    by: Administrator<Operate>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    chosen: Json<input::HeldInput>,
) -> Result<Page<Held>, Problem> {
    by.decide_held(&path, &if_match, chosen, false)
}

impl Caller {
    /// The tag of the held changes, however many pages they have.
    fn tag_of_held(&self, id: ConfigurationId) -> Result<EntityTag, Problem> {
        Ok(tag(&self.admin.held_end(id)?))
    }

    fn decide_held(
        &self,
        path: &ConfigurationPath,
        if_match: &IfMatch,
        chosen: Json<input::HeldInput>,
        allow: bool,
    ) -> Result<Page<Held>, Problem> {
        let id = self.configuration_id(&path.configuration)?;
        if_match.check(&self.tag_of_held(id)?)?;
        let chosen = chosen.read()?;
        let which = match (chosen.all, chosen.users.is_empty()) {
            (true, true) => Which::All,
            (false, false) => Which::Users(chosen.users),
            _ => return Err(Problem::new(422, "Name \"users\", or say \"all\": true.")),
        };
        if which == Which::All && self.admin.held_end(id)?.0 == 0 {
            return Ok(Page::whole(Vec::new()));
        }
        let decided = self.admin.decide_held(&self.actor, id, which, allow);
        let decided = decided.map_err(|error| match error {
            // The configuration is there: it is the body that names what is not held.
            AdminError::NotFound { .. } => Problem::new(422, format!("{error}.")),
            other => other.into(),
        })?;
        Ok(Page::whole(decided.iter().map(documents::held).collect()))
    }
}
