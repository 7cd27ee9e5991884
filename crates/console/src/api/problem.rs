//! Why a request is not carried out (RFC 9457).

use std::fmt;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use scim_admin::AdminError;
use scim_http::error::describe_error;
use scim_provisioning::{Failure, StoreError};
use serde_json::json;

use super::answer::ApiAnswer;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: u16,
    /// What kind of problem it is, where that is more than its status says: the type and title of
    /// RFC 9457 section 3.1.
    kind: Option<(&'static str, &'static str)>,
    detail: String,
    /// The values that are wrong: where each stands in the document, and what is wrong with it.
    errors: Vec<(String, String)>,
    allow: Option<String>,
    /// After how many seconds the same may be asked again.
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem of a status.
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        Self {
            status,
            // Parts of what was sent stand in it.
            detail: match detail.char_indices().nth(DETAIL) {
                Some((end, _)) => format!("{}…", detail.get(..end).unwrap_or_default()),
                None => detail,
            },
            kind: None,
            errors: Vec::new(),
            allow: None,
            retry_after: None,
        }
    }

    /// 503, after which the same may be asked again.
    pub(crate) fn late(seconds: u32, detail: &str) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(503, detail)
        }
    }

    /// 503, after which the same may be asked again. The server's log says why.
    fn later(seconds: u32, error: &AdminError) -> Self {
        let reason = describe_error(error);
        tracing::error!(reason, "the admin API failed");
        Self::late(
            seconds,
            "The server is busy or the database cannot be used; try again later.",
        )
    }

    /// 500 for what the server itself did wrong, which its log tells.
    pub(crate) fn failed(why: &impl fmt::Display) -> Self {
        tracing::error!(reason = %why, "the admin API failed");
        Self::internal()
    }

    /// 500; the log says why.
    pub(crate) fn internal() -> Self {
        Self::new(500, "The server failed to carry this out.")
    }

    /// 404
    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(404, detail)
    }

    /// 401
    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Self::new(401, detail)
    }

    /// 405
    pub(crate) fn method(allowed: String) -> Self {
        Self {
            allow: Some(allowed),
            ..Self::new(405, "The method is not possible here.")
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

/// What is read of a request may be a problem; who answers takes it out again.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<scim_protocol::Error> for Problem {
    fn from(error: scim_protocol::Error) -> Self {
        Self::new(error.status(), error.detail())
    }
}

impl From<Problem> for ApiAnswer {
    fn from(problem: Problem) -> Self {
        let title = StatusCode::from_u16(problem.status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let mut body = json!({
            "type": problem.kind.map_or("about:blank", |(kind, _title)| kind),
            "title": problem.kind.map(|(_kind, title)| title).or(title),
            "status": problem.status,
            "detail": problem.detail,
        });
        if !problem.errors.is_empty() {
            let errors = problem.errors.iter();
            let errors = errors.map(|(at, said)| json!({"pointer": at, "detail": said}));
            if let Some(members) = body.as_object_mut() {
                members.insert("errors".to_owned(), errors.collect());
            }
        }
        Self {
            status: problem.status,
            body: Some(body),
            problem: true,
            allow: problem.allow,
            challenge: problem.status == 401,
            retry_after: problem.retry_after.map(u64::from),
            ..Self::default()
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        if let AdminError::Store(fault) = &error
            && let Some(seconds) = fault.retry_after()
        {
            return Self::later(seconds, &error);
        }
        let status = match cause_of(&error) {
            AdminError::NotFound { .. } => 404,
            AdminError::PlanMoved { .. } => 412,
            AdminError::Protected { .. } => 403,
            AdminError::NameTaken(_)
            | AdminError::TooManyTokens(_)
            | AdminError::UndoUnderWay { .. }
            | AdminError::Rehearses(_)
            | AdminError::GoesLive(_)
            | AdminError::BeingDeleted(_)
            | AdminError::NoCopy
            | AdminError::RehearsalMoved { .. } => 409,
            AdminError::Invalid(_) => 422,
            AdminError::Stale => 412,
            AdminError::BeyondKey(_) => 403,
            AdminError::SignIn => 401,
            AdminError::SignInLater(_) => 429,
            AdminError::Store(StoreError::Conflict { .. }) => 409,
            AdminError::Store(StoreError::TooExpensive) => 400,
            AdminError::Store(StoreError::TooLarge) => 422,
            _ => 500,
        };
        if status >= 500 {
            let reason = describe_error(&error);
            tracing::error!(reason, "the admin API failed");
            return Self::new(status, "The server failed to carry this out.");
        }
        let mut detail = match &error {
            AdminError::Store(refused) => refused.to_string(),
            _ => error.to_string(),
        };
        if let Some(first) = detail.get(..1).map(str::to_uppercase) {
            detail.replace_range(..1, &first);
        }
        Self {
            kind: matches!(error, AdminError::Protected { .. }).then_some(PROTECTED),
            errors: match cause_of(&error) {
                AdminError::Invalid(invalid) => invalid
                    .iter()
                    .filter_map(|invalid| Some((invalid.pointer()?, invalid.problem.to_string())))
                    .collect(),
                _ => Vec::new(),
            },
            ..Self::new(status, format!("{detail}."))
        }
    }
}

/// What is wrong with a thing of a document, or else the error itself.
fn cause_of(error: &AdminError) -> &AdminError {
    match error {
        AdminError::Declared { error, .. } => cause_of(error),
        error => error,
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Scim(error) | Failure::Refused { error, .. } => Self::new(422, error.detail()),
            Failure::Store(error) => AdminError::from(error).into(),
            other => {
                let reason = describe_error(&other);
                tracing::error!(reason, "the admin API failed");
                Self::internal()
            }
        }
    }
}

/// What nobody changes from here.
const PROTECTED: (&str, &str) = (
    "urn:serviceops:problem:protected-account",
    "Protected account",
);

/// The longest detail, in characters.
const DETAIL: usize = 500;
