//! The access tokens of a configuration.

use chrono::{DateTime, Utc};
use scim_admin::AccessToken;
use scim_provisioning::ConfigurationId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::{Administrator, Caller, Tokens};
use super::answer::{Computed, Created, Done, One, Page, tag};
use super::extract::{IfMatch, Json, MaybeJson, Path};
use super::operation::{Operation, operations};
use super::parameters::ConfigurationPath;
use super::{Problem, input};
use crate::documents::{self, IssuedTokenDocument, Made, Token};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_tokens,
        add_token,
        reveal_token,
        show_token,
        edit_token,
        revoke_token,
        revoke_older_tokens,
    ]
}

/// The token that a path is about.
#[derive(Deserialize, IntoParams)]
struct TokenPath {
    /// The id or the name
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    configuration: String,
    /// The id
    #[param(pattern = "^[0-9A-Za-z-]{1,64}$")]
    token: String,
}

/// List tokens.
#[utoipa::path(get, path = "/configurations/{configuration}/tokens")]
fn list_tokens(
    by: Administrator<Tokens>,
    Path(path): Path<ConfigurationPath>,
) -> Result<Page<Token>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let (found, now) = (by.admin.tokens(id)?, by.admin.now());
    let found = found.iter().map(|one| documents::token(one, now));
    Ok(Page::whole(found.collect()))
}

/// Add a token.
#[utoipa::path(post, path = "/configurations/{configuration}/tokens")]
fn add_token(
    by: Administrator<Tokens>,
    Path(path): Path<ConfigurationPath>,
    given: MaybeJson<input::TokenInput>,
) -> Result<Created<IssuedTokenDocument>, Problem> {
    let id = by.configuration_id(&path.configuration)?;
    let given = given.read()?;
    let issued = by
        .admin
        .add_token(&by.actor, id, given.overlap_hours, given.days)?;
    let location = format!("/configurations/{id}/tokens/{}", issued.token.id);
    Ok(Created::secret(documents::issued_token(&issued), location))
}

/// Show a live token again.
#[utoipa::path(post, path = "/configurations/{configuration}/tokens/{token}/reveal")]
fn reveal_token(
    by: Administrator<Tokens>,
    Path(path): Path<TokenPath>,
) -> Result<Computed<IssuedTokenDocument>, Problem> {
    let (id, found) = by.found_token(&path)?;
    let shown = by.admin.reveal_token(&by.actor, id, Some(&found.id))?;
    Ok(Computed(documents::issued_token(&shown)))
}

/// Read a token, without its value.
#[utoipa::path(get, path = "/configurations/{configuration}/tokens/{token}")]
fn show_token(
    by: Administrator<Tokens>,
    Path(path): Path<TokenPath>,
) -> Result<One<Token>, Problem> {
    let (_, found) = by.found_token(&path)?;
    Ok(token_document(found, by.admin.now()))
}

/// Set when a live token ends.
#[utoipa::path(patch, path = "/configurations/{configuration}/tokens/{token}")]
fn edit_token(
    by: Administrator<Tokens>,
    Path(path): Path<TokenPath>,
    if_match: IfMatch,
    end: Json<input::TokenEnd>,
) -> Result<One<Token>, Problem> {
    let (id, found) = by.found_token(&path)?;
    if_match.check(&tag_unused(found, by.admin.now()))?;
    let end = end.read()?;
    by.admin
        .set_token_end(&by.actor, id, &path.token, end.expires_at)?;
    Ok(token_document(by.token(id, &path.token)?, by.admin.now()))
}

/// Revoke a token.
#[utoipa::path(delete, path = "/configurations/{configuration}/tokens/{token}")]
fn revoke_token(
    by: Administrator<Tokens>,
    Path(path): Path<TokenPath>,
    if_match: IfMatch,
) -> Result<Done, Problem> {
    let (id, found) = by.found_token(&path)?;
    if_match.check(&tag_unused(found, by.admin.now()))?;
    by.admin.revoke_tokens(&by.actor, id, Some(&path.token))?;
    Ok(Done)
}

/// Revoke the live tokens of every configuration that were issued before a time.
#[utoipa::path(post, path = "/tokens/revoke")]
fn revoke_older_tokens(
    by: Administrator<Tokens>,
    given: Json<input::RevokedTokens>,
) -> Result<Page<Made>, Problem> {
    let given = given.read()?;
    let of = given.configuration.as_deref();
    let of = of.map(|name| by.configuration_id(name)).transpose()?;
    let admin = &by.admin;
    let revoked = admin.revoke_tokens_before(&by.actor, of, given.issued_before)?;
    let revoked = revoked.iter();
    let revoked = revoked.map(|(token, configuration)| documents::made(token, configuration));
    Ok(Page::whole(revoked.collect()))
}

impl Caller {
    /// The id of the configuration, and the token.
    fn found_token(&self, path: &TokenPath) -> Result<(ConfigurationId, AccessToken), Problem> {
        let id = self.configuration_id(&path.configuration)?;
        Ok((id, self.token(id, &path.token)?))
    }

    fn token(&self, id: ConfigurationId, token: &str) -> Result<AccessToken, Problem> {
        let mut found = self.admin.tokens(id)?.into_iter();
        let found = found.find(|one| one.id == token);
        found.ok_or_else(|| Problem::not_found("There is no such token."))
    }
}

fn token_document(found: AccessToken, now: DateTime<Utc>) -> One<Token> {
    One::tagged(documents::token(&found, now), tag_unused(found, now))
}

/// The tag of a token: its use changes it all the time, and is no change of it.
fn tag_unused(found: AccessToken, now: DateTime<Utc>) -> actix_web::http::header::EntityTag {
    let unused = AccessToken {
        first_used: None,
        last_used: None,
        last_used_from: None,
        last_used_by: None,
        ..found
    };
    tag(&documents::token(&unused, now))
}
