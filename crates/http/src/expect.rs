//! `Expect: 100-continue` (RFC 9110 section 10.1.1): whoever asks before they send a body is told to
//! send it once somebody wants to read it, and a refusal comes without.
//!
//! The HTTP library asks whether to go on before it calls the service. The service is therefore
//! called while it asks: either it answers without the body, and that is the answer, or it waits for
//! the body, and goes on where it is when the library calls it.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll};

use actix_http::error::PayloadError;
use actix_http::{BoxedPayloadStream, HttpMessage as _, Payload, Request, Response};
use actix_service::Service;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::web::Bytes;
use futures_core::Stream;

/// What comes of a request.
type Answering<R> = Pin<Box<dyn Future<Output = Result<R, Response<BoxBody>>>>>;

/// A request whose sender waits to be told whether to send its body: it begins to be answered.
///
/// # Errors
/// The answer, when that needs no body; it is no error in itself.
pub fn ask<S, B>(
    mut request: Request,
    service: &S,
) -> impl Future<Output = Result<Request, Response<BoxBody>>> + use<S, B>
where
    S: Service<Request, Error = Response<BoxBody>>,
    S::Response: Into<Response<B>> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let wanted = Rc::new(Cell::new(false));
    let body = Body {
        payload: request.take_payload(),
        wanted: Rc::clone(&wanted),
    };
    *request.payload() = Payload::Stream {
        payload: Box::pin(body),
    };
    let answering: Answering<S::Response> = Box::pin(service.call(request));
    let mut answering = Some(answering);
    poll_fn(move |context| {
        if let Some(Poll::Ready(answer)) = answering.as_mut().map(|one| one.as_mut().poll(context))
        {
            answering = None;
            return Poll::Ready(Err(match answer {
                Ok(answer) => answer.into().map_into_boxed_body(),
                Err(answer) => answer,
            }));
        }
        match answering.take_if(|_waits| wanted.get()) {
            Some(waiting) => {
                let request = Request::new();
                request.extensions_mut().insert(waiting);
                Poll::Ready(Ok(request))
            }
            None => Poll::Pending,
        }
    })
}

/// Answers a request, or goes on with one whose sender was just told to send its body.
pub fn answer<S>(request: Request, service: &S) -> Answering<S::Response>
where
    S: Service<Request, Error = Response<BoxBody>>,
    S::Response: 'static,
    S::Future: 'static,
{
    let waiting: Option<Answering<S::Response>> = request.extensions_mut().remove();
    waiting.unwrap_or_else(|| Box::pin(service.call(request)))
}

/// A body that says when somebody waits for it.
struct Body {
    payload: Payload<BoxedPayloadStream>,
    wanted: Rc<Cell<bool>>,
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        let came = Pin::new(&mut self.payload).poll_next(context);
        if came.is_pending() {
            self.wanted.set(true);
        }
        came
    }
}
