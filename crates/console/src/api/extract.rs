//! What handlers take of a request, typed.

use std::collections::HashSet;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::QueryPayloadError;
use actix_web::http::header::{self, EntityTag, Header};
use actix_web::{FromRequest, HttpRequest, web};
use percent_encoding::percent_decode_str;
use scim_http::body;
use scim_http::request::holds_nul;
use scim_protocol::Limits;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Content, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::description::{Describe, Description};
use super::problem::Problem;
use crate::Administration;

/// The parts of the path that vary. What does not fit names nothing.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = web::Path::<T>::from_request(request, payload).into_inner();
        let read = read.map(|path| Self(path.into_inner()));
        ready(read.map_err(|error| {
            tracing::debug!(reason = %error, "a path that fits no resource");
            Problem::not_found("There is no such resource.")
        }))
    }
}

impl<T: IntoParams> Describe for Path<T> {
    fn describe(description: &mut Description) {
        let parameters = T::into_params(|| Some(ParameterIn::Path));
        parameters
            .into_iter()
            .for_each(|parameter| description.parameter(parameter));
    }
}

/// The parameters of the query; of one that is repeated the first counts.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        if holds_nul(request.query_string()) {
            return ready(Err(Problem::new(400, "The query contains U+0000.")));
        }
        let read = web::Query::<T>::from_query(&first_of_each(request.query_string()));
        ready(match read {
            Ok(query) => Ok(Self(query.into_inner())),
            Err(QueryPayloadError::Deserialize(error)) => Err(Problem::new(400, error.to_string())),
            Err(_) => Err(Problem::new(400, "The query cannot be read.")),
        })
    }
}

/// A query without what repeats a parameter.
fn first_of_each(query: &str) -> String {
    let mut seen = HashSet::new();
    let mut is_first = |pair: &&str| {
        let (name, _) = pair.split_once('=').unwrap_or((*pair, ""));
        let name = name.replace('+', " ");
        seen.insert(percent_decode_str(&name).decode_utf8_lossy().into_owned())
    };
    let pairs: Vec<&str> = query.split('&').filter(|pair| is_first(pair)).collect();
    pairs.join("&")
}

impl<T: IntoParams> Describe for Query<T> {
    fn describe(description: &mut Description) {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        parameters
            .into_iter()
            .for_each(|parameter| description.parameter(parameter));
    }
}

/// A body that is JSON. Whether it is of its type is asked by the handler, once what it is about was
/// found.
pub(super) struct Json<T> {
    value: Value,
    kind: PhantomData<fn() -> T>,
}

/// The same where there may be no body.
pub(super) struct MaybeJson<T>(pub(super) Json<T>);

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl<T: 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let payload = payload.await.map_err(|error| Problem::failed(&error))?;
            let shared = request.app_data::<web::Data<Administration>>();
            let limits = shared
                .map(|shared| shared.limits.clone())
                .unwrap_or_default();
            let body = body::read(&request, payload, "", &limits).await?;
            Ok(Self {
                value: parse(&body)?,
                kind: PhantomData,
            })
        })
    }
}

impl<T: 'static> FromRequest for MaybeJson<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = Json::from_request(request, payload);
        Box::pin(async move { reading.await.map(Self) })
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// What it says.
    ///
    /// # Errors
    /// 400 for what is not of the type.
    pub(super) fn read(self) -> Result<T, Problem> {
        if !self.value.is_object() {
            return Err(Problem::new(400, "The body is not a JSON object."));
        }
        serde_json::from_value(self.value)
            .map_err(|error| Problem::new(400, format!("The body does not fit: {error}.")))
    }
}

impl<T> Json<T> {
    /// The document as it was sent; null without a body.
    pub(super) fn into_document(self) -> Value {
        self.value
    }
}

impl<T: DeserializeOwned + Default> MaybeJson<T> {
    /// What it says, or what is usual without a body.
    ///
    /// # Errors
    /// As [`Json::read`].
    pub(super) fn read(self) -> Result<T, Problem> {
        match self.0.value.is_null() {
            true => Ok(T::default()),
            false => self.0.read(),
        }
    }
}

impl<T: ToSchema> Describe for Json<T> {
    fn describe(description: &mut Description) {
        request_body::<T>(description, Required::True);
    }
}

impl<T: ToSchema> Describe for MaybeJson<T> {
    fn describe(description: &mut Description) {
        request_body::<T>(description, Required::False);
    }
}

fn request_body<T: ToSchema>(description: &mut Description, required: Required) {
    let content = Content::new(Some(description.schema::<T>()));
    let body = RequestBodyBuilder::new().content("application/json", content);
    let body = body.required(Some(required)).build();
    description.operation.request_body = Some(RefOr::T(body));
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    match scim_protocol::resource::parse(bytes, &Limits::default()) {
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

/// What a client read before it changes it: a write without is answered 428 (RFC 6585), so that
/// nobody overwrites what they have not seen. It is compared in the handler, once that was found.
pub(super) struct IfMatch(Option<header::IfMatch>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let sent = request.headers().contains_key(header::IF_MATCH);
        // What cannot be read names no tag.
        let read = || header::IfMatch::parse(request);
        let read = sent.then(|| read().unwrap_or_else(|_error| header::IfMatch::Items(Vec::new())));
        ready(Ok(Self(read)))
    }
}

impl IfMatch {
    /// Lets those pass who have read what is there.
    ///
    /// # Errors
    /// 428 without the header, 412 where something else is there by now.
    pub(super) fn check(&self, current: &EntityTag) -> Result<(), Problem> {
        match &self.0 {
            None => Err(Problem::new(
                428,
                "Send If-Match with the ETag you have read.",
            )),
            Some(header::IfMatch::Any) => Ok(()),
            Some(header::IfMatch::Items(tags)) => {
                match tags.iter().any(|tag| tag.strong_eq(current)) {
                    true => Ok(()),
                    false => Err(Problem::new(
                        412,
                        "It was changed meanwhile; read it again.",
                    )),
                }
            }
        }
    }
}

impl Describe for IfMatch {
    fn describe(description: &mut Description) {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("The ETag that was read, or * for whatever is there"))
            .schema(Some(RefOr::T(Schema::Object(text))));
        description.parameter(header.build());
        description.problem("412", "It was changed meanwhile");
        description.problem("428", "If-Match is missing");
    }
}
