//! Errors for the log.

use std::error::Error;

/// An error and its causes as one sentence; a cause that is quoted already is not said again.
pub fn describe_error(error: &(dyn Error + 'static)) -> String {
    let mut said = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        // Some libraries write a cause over several lines, and a log has one line for each entry.
        let text = cause.to_string();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if said.is_empty() {
            said = text;
        } else if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn a_cause_is_said_once_and_on_one_line() {
        let cause = Layer("no\n route", None);
        let middle = Layer("not reached: no route", Some(Box::new(cause)));
        let start = Layer("start", Some(Box::new(middle)));
        assert_eq!(describe_error(&start), "start: not reached: no route");
    }
}
