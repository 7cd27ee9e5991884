//! What the console answers, and why a page is not shown.

use askama::Template;
use scim_admin::{AdminError, Problem};
use scim_http::error::describe_error;
use scim_provisioning::Failure;

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsoleAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The media type of the body.
    pub(crate) media_type: &'static str,
    /// The body.
    pub(crate) body: String,
    /// The `Location` header.
    pub(crate) location: Option<String>,
    /// The `Set-Cookie` headers.
    pub(crate) cookies: Vec<String>,
    /// Whether browsers may keep the answer.
    pub(crate) lasting: bool,
    /// The name of the file that the body is to be saved as.
    pub(crate) download: Option<&'static str>,
    /// The `Allow` header of a method that is not possible.
    pub(crate) allow: Option<String>,
    /// The `Retry-After` header, in seconds.
    pub(crate) retry_after: Option<u32>,
}

impl ConsoleAnswer {
    pub(super) fn page(status: u16, template: &impl Template) -> Result<Self, Failed> {
        let body = template
            .render()
            .map_err(|error| Failed::internal(&error))?;
        Ok(Self {
            body,
            ..Self::html(status)
        })
    }

    /// A page with nothing on it.
    pub(super) fn html(status: u16) -> Self {
        Self {
            status,
            media_type: "text/html; charset=utf-8",
            location: None,
            ..Self::redirect("")
        }
    }

    /// A file to be saved.
    pub(super) fn file(name: &'static str, media_type: &'static str, body: String) -> Self {
        Self {
            status: 200,
            media_type,
            body,
            location: None,
            cookies: Vec::new(),
            lasting: false,
            download: Some(name),
            allow: None,
            retry_after: None,
        }
    }

    pub(super) fn redirect(location: impl Into<String>) -> Self {
        Self {
            status: 303,
            media_type: "text/plain; charset=utf-8",
            body: String::new(),
            location: Some(location.into()),
            cookies: Vec::new(),
            lasting: false,
            download: None,
            allow: None,
            retry_after: None,
        }
    }
}

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is no such page or object.
    NotFound,
    /// The role does not allow it.
    Forbidden,
    /// The form did not come from a page of this session.
    Form,
    /// The method is not possible here.
    Method,
    /// The address failed to sign in too often; for how many seconds it waits.
    Address(u32),
    /// Too much is done at once, or the database fails: so many seconds later it may work.
    Later(u32),
    /// The server failed.
    Internal,
    /// The service refused.
    Refused(AdminError),
}

impl Failed {
    /// What the server itself did wrong, which its log tells.
    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = describe_error(error);
        tracing::error!(reason, "the console failed");
        Self::Internal
    }
}

impl From<AdminError> for Failed {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound { .. } => Self::NotFound,
            AdminError::Store(ref fault) if fault.is_fault() => {
                let seconds = fault.retry_after();
                let reason = describe_error(&error);
                tracing::error!(reason, "the console failed");
                seconds.map_or(Self::Internal, Self::Later)
            }
            other => Self::Refused(other),
        }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Scim(error) | Failure::Refused { error, .. } => {
                Self::Refused(Problem::entry(error.detail().to_owned()).refused())
            }
            Failure::Store(error) => AdminError::from(error).into(),
            other => Self::internal(&other),
        }
    }
}
