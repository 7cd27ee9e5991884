//! Why something is not shown or not done, in sentences for people.

use std::borrow::Cow;

use scim_admin::AdminError;

use super::{ConsoleAnswer, ConsoleRequest, Failed, Visit, cookies, pages};

/// Why a page is not shown: the status, in a word, in a sentence.
pub(super) fn said(failed: &Failed) -> (u16, &'static str, Cow<'static, str>) {
    let (status, title, text) = match failed {
        Failed::NotFound => (404, "Not found", "There is nothing here, or not any more."),
        Failed::Forbidden => (403, "Not allowed", "This needs the role administrator."),
        Failed::Form => (
            403,
            "Not accepted",
            "The form is too old, or came from another site. Go back, reload and try again.",
        ),
        Failed::Method => (
            405,
            "Not possible",
            "Go back and use the page's own buttons.",
        ),
        Failed::Later(1) | Failed::Address(_) => (
            503,
            "Busy",
            "Too much is going on at once; try again in a moment.",
        ),
        Failed::Later(_) => (
            503,
            "The database cannot be used",
            "Nothing was changed. Try again later; the server's log says why.",
        ),
        Failed::Internal => (
            500,
            "The server failed",
            "It could not be done; the server's log says why.",
        ),
        Failed::Refused(error @ AdminError::Protected { .. }) => {
            return (403, "Protected account", sentence(error).into());
        }
        Failed::Refused(error) => return (422, "Not accepted", sentence(error).into()),
    };
    (status, title, text.into())
}

/// A sentence where a page would be; whoever is signed in stays within the console.
pub(super) fn refusal(visit: &Visit<'_>, failed: &Failed) -> ConsoleAnswer {
    let (status, title, text) = said(failed);
    let page = pages::told(visit, status, title, &text)
        .unwrap_or_else(|_failed| message(visit.request, status, title, &text));
    ConsoleAnswer {
        retry_after: match failed {
            Failed::Later(seconds) => Some(*seconds),
            _ => None,
        },
        ..page
    }
}

/// What somebody is told whose address failed to sign in too often.
pub(super) fn too_many(seconds: u32) -> ConsoleAnswer {
    let minutes = seconds.div_ceil(60);
    let text = format!(
        "Signing in failed too often from your address. Try again in {minutes} minutes; from \
         another address it is possible at once."
    );
    ConsoleAnswer {
        retry_after: Some(seconds),
        ..message(&ConsoleRequest::default(), 429, "Too many attempts", &text)
    }
}

pub(super) fn message(
    request: &ConsoleRequest<'_>,
    status: u16,
    title: &str,
    text: &str,
) -> ConsoleAnswer {
    let theme = cookies::theme(request.cookie);
    let page = pages::Message { title, text, theme };
    ConsoleAnswer::page(status, &page).unwrap_or_else(|_failed| ConsoleAnswer {
        status: 500,
        media_type: "text/plain; charset=utf-8",
        body: text.to_owned(),
        ..ConsoleAnswer::redirect("")
    })
}

/// An error as a sentence for people.
pub(super) fn sentence(error: &AdminError) -> String {
    let mut text = match error {
        AdminError::Store(refused) => refused.to_string(),
        other => other.to_string(),
    };
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    format!("{text}.")
}
