//! What is said of a panic: one line, without values that a request brought.

use std::panic::PanicHookInfo;

/// Makes a panic one line: in the log while the server runs, else on standard error.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let line = describe(info);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(panic = %line, "internal error");
        } else {
            crate::output::failure(&format!("internal error: {line}; please report it"));
        }
    }));
}

/// The place and, where it is fixed text, the message; a formatted message may hold personal data.
fn describe(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    match info.payload().downcast_ref::<&'static str>() {
        Some(message) => format!("{message} at {place}"),
        None => format!("at {place}"),
    }
}
