//! People in the directory.

use scim_admin::people::{ManagedBy, PeopleQuery, PersonChange, UserType};
use scim_provisioning::ConfigurationId;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Caller, Operate};
use super::answer::{One, Page, tag};
use super::extract::{IfMatch, Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{IdCursor, Limit, words};
use super::{Problem, input};
use crate::documents::{self, User};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_users, show_user, edit_user]
}

/// The person whom a path is about.
#[derive(Deserialize, IntoParams)]
struct UserPath {
    /// The id
    #[param(pattern = "^[0-9A-Za-z-]{1,64}$")]
    user: String,
}

/// Which people.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct UsersQuery {
    /// A text to look for
    q: Option<String>,
    /// How the user is
    #[param(inline)]
    status: Option<PersonStatus>,
    /// What the user is, by the user's own record
    #[param(inline)]
    user_type: Option<KindOfUser>,
    /// The id or the name
    configuration: Option<String>,
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<IdCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

words! {
    /// How people are.
    PersonStatus(&'static str): "status", ["active", "blocked", "archived"], |word| word
}
words! {
    /// What people are.
    KindOfUser(UserType): "userType", [UserType::Requester, UserType::Technician], UserType::as_str
}

/// List users.
#[utoipa::path(get, path = "/users")]
fn list_users(by: Auditor, Query(query): Query<UsersQuery>) -> Result<Page<User>, Problem> {
    let limit = query.limit.0;
    let found = by.admin.people(&PeopleQuery {
        search: query.q,
        status: query.status.map(|word| word.0.to_owned()),
        user_type: query.user_type.map(|word| word.0),
        managed_by: by.managed_by(query.configuration.as_deref())?,
        after: query.cursor.map(|cursor| cursor.0),
        limit,
    })?;
    let last = found.last().map(|person| person.id.clone());
    let items = found.iter().map(documents::user).collect();
    Ok(Page::up_to(items, limit, last))
}

/// Read a user.
#[utoipa::path(get, path = "/users/{user}")]
fn show_user(by: Auditor, Path(path): Path<UserPath>) -> Result<One<User>, Problem> {
    Ok(One::new(by.found_user(&path)?))
}

/// Block, unblock, archive, convert or unlink a user.
#[utoipa::path(patch, path = "/users/{user}")]
fn edit_user(
    by: Administrator<Operate>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    given: Json<input::UserInput>,
) -> Result<One<User>, Problem> {
    if_match.check(&tag(&by.found_user(&path)?))?;
    let change = given.read()?.change()?;
    by.admin.change_person(&by.actor, &path.user, change)?;
    Ok(One::new(by.found_user(&path)?))
}

impl input::UserInput {
    fn change(self) -> Result<PersonChange, Problem> {
        let unclear = || {
            let said = "Say one of \"status\": active, blocked or archived, \"userType\": \
                        requester or technician, and \"managedBy\": null.";
            Problem::new(422, said)
        };
        match (
            self.status.as_deref(),
            self.user_type.as_deref(),
            self.managed_by,
        ) {
            (Some("active"), None, None) => Ok(PersonChange::Unblock),
            (Some("blocked"), None, None) => Ok(PersonChange::Block),
            (Some("archived"), None, None) => Ok(PersonChange::Archive),
            (None, Some(name), None) => {
                let user_type = UserType::parse(name).ok_or_else(unclear)?;
                Ok(PersonChange::Convert(user_type))
            }
            (None, None, Some(Value::Null)) => Ok(PersonChange::Unlink),
            _ => Err(unclear()),
        }
    }
}

impl Caller {
    fn found_user(&self, path: &UserPath) -> Result<User, Problem> {
        Ok(documents::user_detail(&self.admin.person(&path.user)?))
    }

    /// The configuration that a query names.
    pub(super) fn named_configuration(
        &self,
        name: Option<&str>,
    ) -> Result<Option<ConfigurationId>, Problem> {
        match name {
            Some(name) => Ok(Some(self.admin.find_configuration(name)?.id)),
            None => Ok(None),
        }
    }

    /// The configuration that a query of what outlives it names.
    pub(super) fn logged_configuration(
        &self,
        name: Option<&str>,
    ) -> Result<Option<ConfigurationId>, Problem> {
        let found = name.map(|name| self.admin.find_logged_configuration(name));
        Ok(found.transpose()?)
    }

    /// By whom those are managed whom a query asks for.
    pub(super) fn managed_by(&self, name: Option<&str>) -> Result<ManagedBy, Problem> {
        let named = self.named_configuration(name)?;
        Ok(named.map_or(ManagedBy::Anybody, ManagedBy::Configuration))
    }
}
