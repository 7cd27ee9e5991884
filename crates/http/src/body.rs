//! Reading a request body within its limits.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::rt::time::timeout;
use actix_web::{HttpRequest, web};
use futures_core::Stream;
use scim_protocol::{Error, Limits, ScimType};
use scim_service::wire::check_media_type;

/// The body of a request to this path below the SCIM endpoint.
///
/// # Errors
/// 413 for a body that is too long, 415 for one that is no JSON, 408 for one that does not come.
pub async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    path: &str,
    limits: &Limits,
) -> Result<web::Bytes, Error> {
    let limit = limit(path, limits);
    if announced(request)? != Some(0) {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        check_media_type(content_type.map(HeaderValue::as_bytes))?;
    }
    within(request, payload, limit).await
}

/// The body of a request whose method gives one a meaning, and nothing for another method. That of
/// another is read as well: nothing is done for a request whose end cannot be read.
///
/// # Errors
/// As [`read`]; of a body without a meaning nobody asks what it is.
pub async fn taken(
    request: &HttpRequest,
    payload: web::Payload,
    takes: bool,
    path: &str,
    limits: &Limits,
) -> Result<web::Bytes, Error> {
    match takes {
        true => read(request, payload, path, limits).await,
        false => within(request, payload, limit(path, limits))
            .await
            .map(|_unheeded| web::Bytes::new()),
    }
}

/// Whether the client says that a body comes.
pub fn comes(request: &HttpRequest) -> bool {
    !matches!(announced(request), Ok(Some(0)))
}

/// How many bytes a body has at most, by what the client says of it and by the limit.
///
/// # Errors
/// 400 for a length that is no number.
pub fn expected(request: &HttpRequest, path: &str, limits: &Limits) -> Result<usize, Error> {
    let limit = limit(path, limits);
    Ok(announced(request)?.unwrap_or(limit).min(limit))
}

fn limit(path: &str, limits: &Limits) -> usize {
    match path.eq_ignore_ascii_case("/Bulk") {
        true => limits.bulk_body,
        false => limits.body,
    }
}

/// A body of any media type, of at most so many bytes.
///
/// # Errors
/// 413 for a body that is too long, 408 for one that does not come.
pub async fn within(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<web::Bytes, Error> {
    let announced = announced(request)?;
    if announced.is_some_and(|length| length > limit) {
        return Err(too_long(limit));
    }
    match timeout(PATIENCE, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_incomplete))) => Err(unreadable()),
        Ok(Err(_limit_exceeded)) => Err(too_long(limit)),
        Err(_elapsed) => Err(late()),
    }
}

/// A body of any media type, of at most `limit` bytes; of at most `more` where what came of it so far
/// is admitted.
///
/// # Errors
/// 413 for a body that is too long, 408 for one that does not come.
pub async fn within_or(
    request: &HttpRequest,
    mut payload: web::Payload,
    limit: usize,
    more: usize,
    admits: impl FnOnce(&[u8]) -> bool,
) -> Result<web::Bytes, Error> {
    if announced(request)?.is_some_and(|length| length > more) {
        return Err(too_long(more));
    }
    let mut body = web::BytesMut::new();
    let (mut most, mut admits) = (limit, Some(admits));
    let whole = async {
        while let Some(part) = poll_fn(|context| Pin::new(&mut payload).poll_next(context)).await {
            let part = part.map_err(|_incomplete| unreadable())?;
            body.extend_from_slice(&part);
            if body.len() > most && admits.take().is_some_and(|admits| admits(&body)) {
                most = more;
            }
            if body.len() > most {
                return Err(too_long(most));
            }
        }
        Ok(())
    };
    match timeout(PATIENCE, whole).await {
        Ok(read) => read.map(|()| body.freeze()),
        Err(_elapsed) => Err(late()),
    }
}

/// How long the client says the body is; 0 where there is none (RFC 7230 section 3.3.3).
fn announced(request: &HttpRequest) -> Result<Option<usize>, Error> {
    if request.headers().contains_key(header::TRANSFER_ENCODING) {
        return Ok(None);
    }
    let Some(value) = request.headers().get(header::CONTENT_LENGTH) else {
        return Ok(Some(0));
    };
    // A number that does not fit is longer than any limit.
    let digits = value.to_str().unwrap_or_default();
    match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(Some(digits.parse().unwrap_or(usize::MAX))),
        false => Err(Error::new(
            ScimType::InvalidSyntax,
            "Content-Length is no number.",
        )),
    }
}

fn unreadable() -> Error {
    Error::new(
        ScimType::InvalidSyntax,
        "The request body could not be read.",
    )
}

fn late() -> Error {
    Error::with_status(408, "The request body did not arrive in time.")
}

fn too_long(limit: usize) -> Error {
    Error::with_status(
        413,
        format!("The request body is longer than {limit} bytes."),
    )
}

const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;

    use super::*;

    /// The body of so many bytes that is read, or the status that it is refused with; and with how
    /// many bytes it was asked whether to read on.
    async fn read(bytes: usize, admitted: bool) -> (Result<usize, u16>, Option<usize>) {
        let request = TestRequest::post().set_payload(vec![b'x'; bytes]);
        let (request, mut payload) = request.to_http_parts();
        let payload = web::Payload::from_request(&request, &mut payload);
        let mut asked = None;
        let body = within_or(&request, payload.await.unwrap(), 10, 20, |begin| {
            asked = Some(begin.len());
            admitted
        });
        let read = body.await.map(|body| body.len());
        (read.map_err(|error| error.status()), asked)
    }

    #[actix_web::test]
    async fn more_of_a_body_is_read_where_its_beginning_is_admitted_alone() {
        assert_eq!(read(10, false).await, (Ok(10), None));
        assert_eq!(read(11, false).await, (Err(413), Some(11)));
        assert_eq!(read(20, true).await, (Ok(20), Some(20)));
        assert_eq!(read(21, true).await, (Err(413), None), "it says so itself");
    }
}
