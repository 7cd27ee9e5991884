//! What operations answer: a document, a page of them, or nothing.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use ring::digest::{SHA256, digest};
use scim_http::request::id_of;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Content, RefOr};

use super::ADMIN;
use super::description::Description;

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ApiAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Option<Value>,
    /// The body, where it is CSV.
    pub(crate) csv: Option<String>,
    /// Whether the body is a problem.
    pub(crate) problem: bool,
    /// The `ETag` header.
    pub(crate) tag: Option<EntityTag>,
    /// The `Location` header, below the admin API.
    pub(crate) location: Option<String>,
    /// The `Allow` header.
    pub(crate) allow: Option<String>,
    /// Whether the caller is asked to authenticate.
    pub(crate) challenge: bool,
    /// The `Retry-After` header, in seconds.
    pub(crate) retry_after: Option<u64>,
}

impl ApiAnswer {
    /// The answer to a request.
    pub(super) fn respond(self, request: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status);
        let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        let location = self.location.map(|below| format!("{ADMIN}{below}"));
        let challenge = self.challenge.then(|| "Bearer realm=\"admin\"".to_owned());
        let headers = [
            (header::ETAG, self.tag.map(|tag| tag.to_string())),
            (header::LOCATION, location),
            (header::ALLOW, self.allow),
            (header::WWW_AUTHENTICATE, challenge),
            (
                header::RETRY_AFTER,
                self.retry_after.map(|seconds| seconds.to_string()),
            ),
        ];
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.insert_header((name, value));
            }
        }
        if let Some(csv) = self.csv {
            return response.content_type("text/csv; charset=utf-8").body(csv);
        }
        let Some(mut body) = self.body else {
            return response.finish();
        };
        let media_type = match self.problem {
            true => "application/problem+json",
            false => "application/json",
        };
        if let (true, Some(members)) = (self.problem, body.as_object_mut()) {
            members.insert("requestId".to_owned(), id_of(request).into());
        }
        response.content_type(media_type).body(body.to_string())
    }
}

/// What an operation answers.
pub(super) trait Answer: Send + 'static {
    /// Says what it answers.
    fn describe(description: &mut Description);

    /// The answer, ready to be sent.
    fn into_answer(self) -> ApiAnswer;
}

/// A document, and the tag under which it is changed.
pub(super) struct One<T> {
    document: T,
    tag: EntityTag,
}

impl<T: Serialize> One<T> {
    /// A document that is changed as a whole.
    pub(super) fn new(document: T) -> Self {
        let tag = tag(&document);
        Self { document, tag }
    }

    /// A document of which some parts do not count for its tag.
    pub(super) fn tagged(document: T, tag: EntityTag) -> Self {
        Self { document, tag }
    }
}

/// A document that was computed, or is a secret, and is kept nowhere.
pub(super) struct Computed<T>(pub(super) T);

/// Documents, and where the next ones begin.
pub(super) struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
    tag: Option<EntityTag>,
}

impl<T> Page<T> {
    /// A list that has no second page.
    pub(super) fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next: None,
            tag: None,
        }
    }

    /// A page, and the last thing on it: behind that the next one begins, if the page is full.
    pub(super) fn up_to(items: Vec<T>, limit: i64, last: Option<String>) -> Self {
        let full = i64::try_from(items.len()).is_ok_and(|count| count == limit);
        Self {
            next: last.filter(|_| full),
            ..Self::whole(items)
        }
    }

    /// The same, of a list that is changed as a whole.
    pub(super) fn with_tag(self, tag: EntityTag) -> Self {
        let tag = Some(tag);
        Self { tag, ..self }
    }
}

impl<T: Serialize> Page<T> {
    fn document(&self) -> Value {
        json!({ "items": self.items, "next": self.next })
    }

    /// The tag of a list that is changed as a whole.
    pub(super) fn tag(&self) -> EntityTag {
        tag(&self.document())
    }
}

/// A document that is there now, and where.
pub(super) struct Created<T> {
    document: T,
    tag: Option<EntityTag>,
    location: String,
}

impl<T: Serialize> Created<T> {
    /// A document with a secret, which is not the one that is read later.
    pub(super) fn secret(document: T, location: String) -> Self {
        Self {
            document,
            tag: None,
            location,
        }
    }

    /// A document of which some parts do not count for its tag.
    pub(super) fn tagged(document: T, tag: EntityTag, location: String) -> Self {
        Self {
            document,
            tag: Some(tag),
            location,
        }
    }

    /// A document that is read later as it is.
    pub(super) fn new(document: T, location: String) -> Self {
        let tag = Some(tag(&document));
        Self {
            document,
            tag,
            location,
        }
    }
}

/// Nothing: it is done.
pub(super) struct Done;

/// Nothing, when it is done; or what goes on, as it is meanwhile.
pub(super) enum Ended<T> {
    /// It is done.
    Done,
    /// It goes on.
    GoesOn(One<T>),
}

/// A table for spreadsheets.
pub(super) struct Csv(pub(super) String);

impl Answer for Csv {
    fn describe(description: &mut Description) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = Content::new(Some(RefOr::T(Schema::Object(text.build()))));
        let response = ResponseBuilder::new()
            .description("RFC 4180, with titles in the first line")
            .content("text/csv", text);
        description.response("200", response.build());
    }

    fn into_answer(self) -> ApiAnswer {
        ApiAnswer {
            status: 200,
            csv: Some(self.0),
            ..ApiAnswer::default()
        }
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for One<T> {
    fn describe(description: &mut Description) {
        let response = ResponseBuilder::new()
            .description("It")
            .header("ETag", HeaderBuilder::new().build())
            .content("application/json", content::<T>(description));
        description.response("200", response.build());
    }

    fn into_answer(self) -> ApiAnswer {
        ApiAnswer {
            tag: Some(self.tag),
            ..document(200, &self.document)
        }
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for Computed<T> {
    fn describe(description: &mut Description) {
        let response = ResponseBuilder::new()
            .description("It")
            .content("application/json", content::<T>(description));
        description.response("200", response.build());
    }

    fn into_answer(self) -> ApiAnswer {
        document(200, &self.0)
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for Page<T> {
    fn describe(description: &mut Description) {
        let items = ArrayBuilder::new().items(description.schema::<T>());
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The cursor of the next page"))
            .examples([Value::Null]);
        let page = ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .property("next", next)
            .required("next");
        let page = Content::new(Some(RefOr::T(Schema::Object(page.build()))));
        let response = ResponseBuilder::new()
            .description("A page")
            .content("application/json", page);
        description.response("200", response.build());
    }

    fn into_answer(self) -> ApiAnswer {
        ApiAnswer {
            tag: self.tag.clone(),
            ..document(200, &self.document())
        }
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for Created<T> {
    fn describe(description: &mut Description) {
        let response = ResponseBuilder::new()
            .description("It is there")
            .header("Location", HeaderBuilder::new().build())
            .content("application/json", content::<T>(description));
        description.response("201", response.build());
    }

    fn into_answer(self) -> ApiAnswer {
        ApiAnswer {
            tag: self.tag,
            location: Some(self.location),
            ..document(201, &self.document)
        }
    }
}

impl Answer for Done {
    fn describe(description: &mut Description) {
        description.response("204", Response::new("Done"));
    }

    fn into_answer(self) -> ApiAnswer {
        ApiAnswer {
            status: 204,
            ..ApiAnswer::default()
        }
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for Ended<T> {
    fn describe(description: &mut Description) {
        Done::describe(description);
        let response = ResponseBuilder::new()
            .description("It goes on")
            .header("ETag", HeaderBuilder::new().build())
            .content("application/json", content::<T>(description));
        description.response("202", response.build());
    }

    fn into_answer(self) -> ApiAnswer {
        match self {
            Self::Done => Done.into_answer(),
            Self::GoesOn(one) => ApiAnswer {
                status: 202,
                ..one.into_answer()
            },
        }
    }
}

fn content<T: ToSchema>(description: &mut Description) -> Content {
    Content::new(Some(description.schema::<T>()))
}

fn document(status: u16, document: &impl Serialize) -> ApiAnswer {
    ApiAnswer {
        status,
        body: Some(json!(document)),
        ..ApiAnswer::default()
    }
}

/// The entity tag of a document: what it says, and nothing else, makes it.
pub(super) fn tag(document: &impl Serialize) -> EntityTag {
    let hash = digest(&SHA256, json!(document).to_string().as_bytes());
    let short = hash.as_ref().iter().take(12);
    let hex: String = short.map(|byte| format!("{byte:02x}")).collect();
    EntityTag::new_strong(hex)
}
