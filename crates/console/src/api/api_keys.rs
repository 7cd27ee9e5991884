//! The keys of the admin API itself.

use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::scope::Scopes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Caller, Tokens};
use super::answer::{Created, Done, One, Page, tag};
use super::extract::{IfMatch, Json, Path};
use super::operation::{Operation, operations};
use super::{Problem, input};
use crate::documents::{self, ApiKey, IssuedKey, Made};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_keys, add_key, show_key, list_made, revoke_key]
}

/// The key that a path is about.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
struct KeyPath {
    /// The id or the name
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    api_key: String,
}

/// List the API keys.
#[utoipa::path(get, path = "/api-keys")]
fn list_keys(by: Administrator<Tokens>) -> Result<Page<ApiKey>, Problem> {
    let (found, now) = (by.admin.api_keys()?, by.admin.now());
    let found = found.iter().map(|one| documents::api_key(one, now));
    Ok(Page::whole(found.collect()))
}

/// Add an API key.
#[utoipa::path(post, path = "/api-keys")]
fn add_key(
    by: Administrator<Tokens>,
    new: Json<input::NewKey>,
) -> Result<Created<IssuedKey>, Problem> {
    let new = new.read()?;
    let scopes = match &new.scopes {
        Some(names) => Some(Scopes::parse(names.iter().map(String::as_str))?),
        None => None,
    };
    let role = Role::parse(&new.role);
    let role = role.ok_or_else(|| Problem::new(422, "A role is administrator or auditor."))?;
    let input = ApiKeyInput {
        name: &new.name,
        role,
        scopes,
        days: new.days,
    };
    let issued = by.admin.add_api_key(&by.actor, &input)?;
    let location = format!("/api-keys/{}", issued.key.id);
    Ok(Created::secret(documents::issued_key(&issued), location))
}

/// Read an API key.
#[utoipa::path(get, path = "/api-keys/{apiKey}")]
fn show_key(by: Administrator<Tokens>, Path(path): Path<KeyPath>) -> Result<One<ApiKey>, Problem> {
    Ok(One::new(by.found_key(&path)?))
}

/// List the live tokens that end with an API key.
#[utoipa::path(get, path = "/api-keys/{apiKey}/made")]
fn list_made(by: Administrator<Tokens>, Path(path): Path<KeyPath>) -> Result<Page<Made>, Problem> {
    let made = by.admin.made_by_key(&path.api_key)?;
    let tokens = made.tokens.iter();
    let tokens = tokens.map(|(token, configuration)| documents::made(token, configuration));
    Ok(Page::whole(tokens.collect()))
}

/// Revoke an API key, and every key, token and stream that it made.
#[utoipa::path(delete, path = "/api-keys/{apiKey}")]
fn revoke_key(
    by: Administrator<Tokens>,
    Path(path): Path<KeyPath>,
    if_match: IfMatch,
) -> Result<Done, Problem> {
    if_match.check(&tag(&by.found_key(&path)?))?;
    by.admin.revoke_api_key(&by.actor, &path.api_key)?;
    Ok(Done)
}

impl Caller {
    fn found_key(&self, path: &KeyPath) -> Result<ApiKey, Problem> {
        let found = self.admin.api_keys()?;
        let key = found.iter().find(|key| key.id == path.api_key);
        key.map(|key| documents::api_key(key, self.admin.now()))
            .ok_or_else(|| Problem::not_found("There is no such API key."))
    }
}
