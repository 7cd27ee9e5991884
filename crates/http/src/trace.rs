//! Ids that proxies give to requests, so that one request has one id on its whole way.

use actix_web::http::header::{HeaderMap, HeaderName};

/// The id that a proxy forwards: `X-Request-Id`, or else the trace of `traceparent` (W3C Trace
/// Context). One that is odd is none: it would stand in the log and in answers.
pub(crate) fn forwarded_id(headers: &HeaderMap) -> Option<String> {
    let named = text(headers, "x-request-id").filter(|id| is_plain(id));
    named
        .or_else(|| text(headers, "traceparent").and_then(trace_of))
        .map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain)
}

/// The trace id: the second field, of 32 digits that are not all 0, where the others fit as well. A
/// version that is not known yet may have more of them.
fn trace_of(parent: &str) -> Option<&str> {
    let mut fields = parent.split('-');
    let (version, trace, parent, flags) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let digits = |text: &str, length: usize| {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.len() == length && text.bytes().all(digit)
    };
    let id = |text: &str, length| digits(text, length) && text.bytes().any(|byte| byte != b'0');
    let known = digits(version, 2) && version != "ff" && digits(flags, 2);
    let whole = version != "00" || fields.next().is_none();
    (known && whole && id(trace, 32) && id(parent, 16)).then_some(trace)
}

const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn an_id_is_taken_over_that_is_fit_to_be_written_down() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let parent = format!("00-{trace}-b7ad6b7169203331-01");
        let (longer, newer) = (
            format!("{parent}-x"),
            format!("01-{trace}-b7ad6b7169203331-01-x"),
        );
        let nobody = format!("00-{trace}-{}-01", "0".repeat(16));
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let long = "x".repeat(65);
        for (id, parent, expected) in [
            ("a-B_1.2", "", Some("a-B_1.2")),
            ("a-1", &*parent, Some("a-1")),
            ("", &parent, Some(trace)),
            ("a b", &parent, Some(trace)),
            ("a\"b", "", None),
            (&long, "", None),
            ("", &zeros, None),
            ("", &nobody, None),
            ("", &longer, None),
            ("", &newer, Some(trace)),
            ("", "00-short-b7ad6b7169203331-01", None),
            ("", "nonsense", None),
        ] {
            let mut request = TestRequest::default();
            for (name, value) in [("x-request-id", id), ("traceparent", parent)] {
                if !value.is_empty() {
                    request = request.insert_header((name, value));
                }
            }
            let request = request.to_http_request();
            let found = forwarded_id(request.headers());
            assert_eq!(found.as_deref(), expected, "{id} {parent}");
        }
    }
}
