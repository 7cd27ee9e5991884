//! How a handler becomes an operation of the admin API: a route, and what the OpenAPI document says
//! of it.
//!
//! Method, path and summary stand at the handler (`#[utoipa::path]`). Everything else is told by the
//! types of its arguments and of its answer, which do what they say.

use actix_web::dev::Payload;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Route, web};
use scim_http::body;
use scim_http::deadline::{self, Unfinished};
use scim_http::request::id_of;
use utoipa::Path;
use utoipa::openapi::path::HttpMethod;

use super::answer::{Answer, ApiAnswer};
use super::description::{Describe, Description};
use super::problem::Problem;
use crate::Administration;

/// The operations of handlers that have a `#[utoipa::path]`.
macro_rules! operations {
    ($($handler:ident),* $(,)?) => {
        pastey::paste! {
            vec![$($crate::api::operation::Operation::of::<[<__path_ $handler>], _, _>($handler)),*]
        }
    };
}
pub(super) use operations;

/// An operation of the admin API.
pub(super) struct Operation {
    pub(super) method: Method,
    /// The path below the admin API, with names in braces for the parts that vary.
    pub(super) path: String,
    route: Box<dyn Fn() -> Route>,
    describe: fn() -> Description,
}

/// What carries out an operation, on a thread that may block.
pub(super) trait Handler<Arguments>: Copy + Send + 'static {
    /// What it answers.
    type Answer: Answer;

    /// Carries it out.
    ///
    /// # Errors
    /// Why it cannot be carried out.
    fn run(self, arguments: Arguments) -> Result<Self::Answer, Problem>;
}

macro_rules! arguments {
    ($($argument:ident)+) => {
        impl<H, A, $($argument),+> Handler<($($argument,)+)> for H
        where
            H: Fn($($argument),+) -> Result<A, Problem> + Copy + Send + 'static,
            A: Answer,
        {
            type Answer = A;

            #[allow(non_snake_case)]
            fn run(self, ($($argument,)+): ($($argument,)+)) -> Result<A, Problem> {
                self($($argument),+)
            }
        }

        impl<$($argument: Describe),+> Describe for ($($argument,)+) {
            fn describe(description: &mut Description) {
                $($argument::describe(description);)+
            }
        }
    };
}

arguments! { A1 }
arguments! { A1 A2 }
arguments! { A1 A2 A3 }
arguments! { A1 A2 A3 A4 }

impl Operation {
    /// The operation of a handler, with what `#[utoipa::path]` says of it.
    pub(super) fn of<P, H, Arguments>(handler: H) -> Self
    where
        P: Path,
        H: Handler<Arguments>,
        Arguments: FromRequest + Describe + Send + 'static,
    {
        Self {
            method: method_of::<P>(),
            path: P::path(),
            route: Box::new(move || {
                web::to(move |request, payload, shared| {
                    carry_out::<H, Arguments>(handler, request, payload, shared)
                })
            }),
            describe: describe::<P, H, Arguments>,
        }
    }

    /// The route, below the resource of the path.
    pub(super) fn route(&self) -> Route {
        let route = (self.route)();
        match self.method {
            // HEAD is GET without the body.
            Method::GET => route.guard(guard::Any(guard::Get()).or(guard::Head())),
            ref method => route.method(method.clone()),
        }
    }

    /// What the OpenAPI document says of it.
    pub(super) fn description(&self) -> Description {
        (self.describe)()
    }
}

/// The method that stands above the handler.
#[expect(
    clippy::expect_used,
    reason = "`#[utoipa::path]` takes no path without a method"
)]
fn method_of<P: Path>() -> Method {
    let declared = P::methods().into_iter().next();
    match declared.expect("a method") {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// Reads what the handler takes, in the order of its arguments, and hands it over to a thread that
/// may block.
async fn carry_out<H, Arguments>(
    handler: H,
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Administration>,
) -> HttpResponse
where
    H: Handler<Arguments>,
    Arguments: FromRequest + Send + 'static,
{
    let arguments =
        read::<Arguments>(&request, &mut payload.into_inner(), shared.limits.body).await;
    let answer = match arguments {
        Ok(arguments) => {
            let id = id_of(&request);
            let work = deadline::for_request(&id, move || handler.run(arguments));
            let done = deadline::within(shared.patience, work).await;
            done.unwrap_or_else(|why| Err(unfinished(why, &id)))
                .map(Answer::into_answer)
        }
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(ApiAnswer::from).respond(&request)
}

async fn read<Arguments: FromRequest>(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Arguments, Problem> {
    let arguments = Arguments::from_request(request, payload).await;
    let arguments = arguments.map_err(|error| {
        let error: actix_web::Error = error.into();
        let problem = error.as_error::<Problem>();
        problem.cloned().unwrap_or_else(|| Problem::failed(&error))
    })?;
    // A body that means nothing is read all the same: nothing is done for a request whose end cannot
    // be read.
    if !matches!(payload, Payload::None) {
        let rest = web::Payload::from_request(request, payload).await;
        let rest = rest.map_err(|error| Problem::failed(&error))?;
        body::within(request, rest, limit).await?;
    }
    Ok(arguments)
}

/// What is answered where there is no result.
pub(super) fn unfinished(why: Unfinished, request_id: &str) -> Problem {
    match why {
        Unfinished::Late => {
            tracing::error!(request_id, "the database does not answer in time");
            Problem::late(
                deadline::RETRY_AFTER,
                "The database does not answer in time; try again later.",
            )
        }
        Unfinished::Failed => {
            tracing::error!(request_id, "the request ended in an internal error");
            Problem::internal()
        }
    }
}

// What the document says.

fn describe<P: Path, H: Handler<Arguments>, Arguments: Describe>() -> Description {
    let (method, path) = (method_of::<P>(), P::path());
    let mut operation = P::operation();
    operation.operation_id = Some(operation_id(method.as_str(), &path));
    operation.tags = path.split('/').nth(1).map(|tag| vec![tag.to_owned()]);
    operation.parameters = Some(Vec::new());
    // A comment is a sentence, and a summary is none.
    let summary = operation.summary.take();
    operation.summary = summary.map(|summary| summary.trim_end_matches('.').to_owned());
    let mut description = Description {
        operation,
        schemas: Vec::new(),
    };
    H::Answer::describe(&mut description);
    for (status, said) in PROBLEMS {
        description.problem(status, said);
    }
    if method != Method::GET {
        description.problem(
            "409",
            "A name is in use, there are two live tokens, it is under way, or a rehearsal is in the way",
        );
        description.problem("422", "A value does not fit");
    }
    Arguments::describe(&mut description);
    description
}

/// The method and the words of the path; of one of several things, and of all of them.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split('/').filter(|part| !part.starts_with('{'));
    let words = words.filter(|part| !part.is_empty());
    let id: Vec<&str> = std::iter::once(method).chain(words).collect();
    let one = if path.ends_with('}') { "_one" } else { "" };
    format!(
        "{}{one}",
        id.join("_").to_lowercase().replace(['-', '.'], "_")
    )
}

const PROBLEMS: [(&str, &str); 7] = [
    ("400", "The request cannot be read"),
    ("401", "No live API key was shown"),
    ("403", "The role or the scopes of the key do not allow it"),
    ("404", "There is no such thing"),
    ("413", "The body is too long"),
    ("429", "Authentication failed too often"),
    (
        "503",
        "Too much is going on at once, or the database cannot be used; `Retry-After` says when to try again",
    ),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn whoever_is_answered_too_late_is_told_when_to_come_again() {
        let request = TestRequest::default().to_http_request();
        let late = ApiAnswer::from(unfinished(Unfinished::Late, "1")).respond(&request);
        assert_eq!(late.status(), 503);
        assert_eq!(late.headers().get("retry-after").unwrap(), "5");
        let failed = ApiAnswer::from(unfinished(Unfinished::Failed, "1")).respond(&request);
        assert_eq!(failed.status(), 500);
        assert!(!failed.headers().contains_key("retry-after"));
    }
}
