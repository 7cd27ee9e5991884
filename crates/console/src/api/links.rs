//! Links that wait for an administrator, and those that were dismissed.

use scim_admin::AdminError;
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_provisioning::ConfigurationId;

use super::access::{Administrator, Auditor, Caller, Operate};
use super::answer::Page;
use super::extract::{IfMatch, Json, Path};
use super::operation::{Operation, operations};
use super::parameters::ConfigurationPath;
use super::{Problem, input};
use crate::documents::{self, Link};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_links,
        approve_link,
        dismiss_link,
        list_dismissed_links,
        restore_link,
    ]
}

/// List the links that wait.
#[utoipa::path(get, path = "/configurations/{configuration}/links")]
fn list_links(by: Auditor, Path(path): Path<ConfigurationPath>) -> Result<Page<Link>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    by.links(id, State::Waiting)
}

/// Put a person under the management of the configuration, as its identity provider sent them.
#[utoipa::path(post, path = "/configurations/{configuration}/links/approve")]
fn approve_link(
    by: Administrator<Operate>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    chosen: Json<input::LinkInput>,
) -> Result<Page<Link>, Problem> {
    let id = by.seen_links(&path, &if_match, State::Waiting)?;
    let link = by.chosen_link(id, chosen)?;
    by.admin.approve_link(&by.actor, &by.provider, id, &link)?;
    by.links(id, State::Waiting)
}

/// Dismiss a link until the identity provider sends other values.
#[utoipa::path(post, path = "/configurations/{configuration}/links/dismiss")]
fn dismiss_link(
    by: Administrator<Operate>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    chosen: Json<input::LinkInput>,
) -> Result<Page<Link>, Problem> {
    let id = by.seen_links(&path, &if_match, State::Waiting)?;
    let link = by.chosen_link(id, chosen)?;
    by.admin.dismiss_link(&by.actor, id, &link)?;
    by.links(id, State::Waiting)
}

/// List the links that were dismissed.
#[utoipa::path(get, path = "/configurations/{configuration}/links/dismissed")]
fn list_dismissed_links(
    by: Auditor,
    Path(path): Path<ConfigurationPath>,
) -> Result<Page<Link>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    by.links(id, State::Dismissed)
}

/// Put a dismissed link back among those that wait.
#[utoipa::path(post, path = "/configurations/{configuration}/links/restore")]
fn restore_link(
    by: Administrator<Operate>,
    Path(path): Path<ConfigurationPath>,
    if_match: IfMatch,
    chosen: Json<input::DismissedLinkInput>,
) -> Result<Page<Link>, Problem> {
    let id = by.seen_links(&path, &if_match, State::Dismissed)?;
    let chosen = chosen.read()?;
    let link = by.admin.dismissed_link(id, &chosen.link);
    let link = link.map_err(|error| match error {
        AdminError::NotFound { .. } => Problem::new(422, "No such link was dismissed."),
        error => error.into(),
    })?;
    by.admin.restore_link(&by.actor, id, &link)?;
    by.links(id, State::Dismissed)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Dismissed,
}

impl Caller {
    /// The links of a configuration; what they would change of the persons is part of their tag.
    fn links(&self, id: ConfigurationId, state: State) -> Result<Page<Link>, Problem> {
        let query = LinksQuery {
            dismissed: state == State::Dismissed,
            ..LinksQuery::default()
        };
        let found = self.admin.link_requests(id, &query)?;
        let found = documents::links(&self.admin, &self.provider, id, &found)?;
        let page = Page::whole(found);
        let tag = page.tag();
        Ok(page.with_tag(tag))
    }

    /// The id of the configuration whose links the client has read as they are.
    fn seen_links(
        &self,
        path: &ConfigurationPath,
        if_match: &IfMatch,
        state: State,
    ) -> Result<ConfigurationId, Problem> {
        let id = self.configuration_id(&path.configuration)?;
        if_match.check(&self.links(id, state)?.tag())?;
        Ok(id)
    }

    fn chosen_link(
        &self,
        id: ConfigurationId,
        chosen: Json<input::LinkInput>,
    ) -> Result<LinkRequest, Problem> {
        let chosen = chosen.read()?;
        let link = self
            .admin
            .chosen_link(id, &chosen.person, chosen.link.as_deref());
        link.map_err(|error| match error {
            AdminError::NotFound { .. } => Problem::new(422, "No such link waits."),
            error => error.into(),
        })
    }
}
