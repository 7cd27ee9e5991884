//! The admin API: what administrators do, by script.
//!
//! Every route stands in `routes::ROUTES` with who may take it. Errors are
//! `application/problem+json` (RFC 9457). A write of what is there already takes `If-Match`; one
//! without it is answered 428 (RFC 6585), so that nobody overwrites what they have not seen.

mod answer;
pub(crate) mod endpoint;
mod handlers;
mod input;
pub mod openapi;
mod records;
mod routes;
#[cfg(test)]
mod tests;
mod waiting;

use std::cell::OnceCell;
use std::sync::Arc;

use scim_admin::account::Role;
use scim_admin::api_key::ApiKey;
use scim_admin::mapping::DraftSeen;
use scim_admin::{Actor, AdminService, ProvisioningConfiguration, Services};
use scim_provisioning::ServiceProvider;
use serde_json::Value;

pub(crate) use self::answer::{ApiAnswer, Problem};
use self::routes::{Access, Found};

/// Where the admin API is served.
pub const ADMIN: &str = "/api/admin/v1";

/// A request that has left its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ApiRequest<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The path below [`ADMIN`], percent-decoded.
    pub(crate) path: &'a str,
    /// The raw query string.
    pub(crate) query: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
    /// The value of the `Authorization` header.
    pub(crate) authorization: Option<&'a [u8]>,
    /// The `If-Match` header.
    pub(crate) if_match: Option<&'a str>,
    /// Where the request came from.
    pub(crate) source: Option<&'a str>,
}

/// The admin API over the services.
pub(crate) struct Api {
    admin: Arc<AdminService>,
    provider: Arc<ServiceProvider>,
    scim_endpoint: String,
}

/// What a handler is given.
struct Call<'a> {
    api: &'a Api,
    actor: Actor,
    /// The variable parts of the path, in order.
    parts: Vec<&'a str>,
    query: Query,
    body: Value,
    /// The configuration of the path, once it was looked for.
    found: OnceCell<ProvisioningConfiguration>,
    /// Which draft was there then.
    draft: OnceCell<DraftSeen>,
}

impl Api {
    /// The API over these services.
    pub(crate) fn new(services: Services, scim_endpoint: &str) -> Self {
        let Services { admin, provider } = services;
        Self {
            admin,
            provider,
            scim_endpoint: scim_endpoint.to_owned(),
        }
    }

    /// Who sends a request.
    ///
    /// # Errors
    /// 401 for whoever shows no live key.
    pub(crate) fn authenticate(&self, request: &ApiRequest<'_>) -> Result<ApiKey, Problem> {
        let header = request.authorization.unwrap_or_default();
        let header = std::str::from_utf8(header).unwrap_or_default();
        let (scheme, key) = header.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthenticated("An API key is needed."));
        }
        let found = self.admin.authenticate_key(key.trim())?;
        found.ok_or_else(|| Problem::unauthenticated("The API key is not accepted."))
    }

    /// Answers a request.
    pub(crate) fn answer(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        self.run(request).unwrap_or_else(ApiAnswer::from)
    }

    fn run(&self, request: &ApiRequest<'_>) -> Result<ApiAnswer, Problem> {
        let key = self.authenticate(request)?;
        let (route, parts) = match routes::find(request.method, request.path) {
            Found::Route(route, parts) => (route, parts),
            Found::OtherMethods(allowed) => return Err(Problem::method(allowed)),
            Found::Nothing => return Err(Problem::not_found("There is no such resource.")),
        };
        if route.access == Access::Administrator && key.role != Role::Administrator {
            return Err(Problem::new(403, "This needs the role administrator."));
        }
        if let Some(scope) = route.missing(key.scopes) {
            let said = format!("This needs the scope {}.", scope.as_str());
            return Err(Problem::new(403, said));
        }
        let call = Call {
            api: self,
            actor: Actor::of_key(&key, request.source),
            parts,
            query: Query::parse(request.query)?,
            body: body(request.body)?,
            found: OnceCell::new(),
            draft: OnceCell::new(),
        };
        if let Some(current) = route.current {
            let tag = answer::tag(&current(&call)?);
            match request.if_match {
                None => {
                    return Err(Problem::new(
                        428,
                        "Send If-Match with the ETag you have read.",
                    ));
                }
                Some(tags) if !answer::matches(tags, &tag) => {
                    return Err(Problem::new(
                        412,
                        "It was changed meanwhile; read it again.",
                    ));
                }
                Some(_) => {}
            }
        }
        (route.handler)(&call)
    }
}

fn body(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let read = scim_protocol::resource::parse(bytes, &scim_protocol::Limits::default());
    match read {
        Ok(Value::Null) => Err(Problem::new(400, "The body is null.")),
        Ok(body) => Ok(whole(body)),
        Err(error) => {
            // A value that is refused wherever it stands, such as a control character.
            let invalid = error.scim_type() == Some(scim_protocol::ScimType::InvalidValue);
            let status = if invalid { 422 } else { 400 };
            Err(Problem::new(status, error.detail()))
        }
    }
}

/// A document in which whole numbers are written without a fraction: to JSON `7.0` and `7` are the
/// same number (RFC 8259 section 6), to serde they are not.
fn whole(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            members.map(|(name, value)| (name, whole(value))).collect()
        }
        Value::Number(number) => {
            let written = number.to_string();
            let bare = written
                .strip_suffix(".0")
                .and_then(|bare| bare.parse::<i64>().ok());
            bare.map_or(Value::Number(number), Value::from)
        }
        other => other,
    }
}

/// The parameters of a request.
#[derive(Debug, Default)]
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(raw: &str) -> Result<Self, Problem> {
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(raw);
        match pairs {
            Ok(pairs) => Ok(Self(pairs.into_inner())),
            Err(_) => Err(Problem::new(400, "The query cannot be read.")),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// How many items a page has.
    fn limit(&self) -> Result<i64, Problem> {
        match self.text("limit").map(str::parse::<i64>) {
            None => Ok(100),
            Some(Ok(limit @ 1..=1_000)) => Ok(limit),
            Some(_) => Err(Problem::new(400, "\"limit\" is a number from 1 to 1000.")),
        }
    }
}
