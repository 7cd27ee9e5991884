//! What commands print: lines, aligned tables, one JSON document.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::wrong_usage::is_wrong_usage;

/// Prints a line on standard output and flushes it.
///
/// # Errors
/// When standard output cannot be written; a reader that went away is no error.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// Prints one JSON document.
///
/// # Errors
/// As [`line()`].
pub fn json(document: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(document)?)
}

/// Prints a whole list as one JSON document, as the admin API answers it.
///
/// # Errors
/// As [`line()`].
pub fn items<T: Serialize>(items: impl IntoIterator<Item = T>) -> anyhow::Result<()> {
    page(items, None)
}

/// Prints a page of a list as one JSON document; `next` is behind what the next page begins.
///
/// # Errors
/// As [`line()`].
pub fn page<T: Serialize>(
    items: impl IntoIterator<Item = T>,
    next: Option<String>,
) -> anyhow::Result<()> {
    let items: Vec<T> = items.into_iter().collect();
    json(&json!({ "items": items, "next": next }))
}

/// Prints the JSON document of what was deleted; `state` is the member that said how it was.
///
/// # Errors
/// As [`line()`].
pub fn deleted(document: &impl Serialize, state: &str) -> anyhow::Result<()> {
    let mut document = serde_json::to_value(document)?;
    if let Some(members) = document.as_object_mut() {
        members.insert(state.to_owned(), json!("deleted"));
    }
    json(&document)
}

/// Prints one JSON document on one line, for output that goes on.
///
/// # Errors
/// As [`line()`].
pub fn json_line(document: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(document)?)
}

/// An error and its causes as one sentence; a cause that is quoted already is not said again.
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        // Some libraries write a cause over several lines, and a log has one line for each entry.
        let cause = cause.to_string();
        let cause = cause.split_whitespace().collect::<Vec<_>>().join(" ");
        match said.is_empty() {
            true => cause,
            false if said.contains(&cause) => said,
            false => format!("{said}: {cause}"),
        }
    })
}

/// Prints why a command failed as one line on standard error, and answers the exit code: 2 where the
/// same command could never succeed, else 1.
pub fn report(error: &anyhow::Error) -> ExitCode {
    failure(&sentence(error));
    ExitCode::from(if is_wrong_usage(error) { 2 } else { 1 })
}

/// Prints a failure as one line on standard error.
pub fn failure(message: &str) {
    let message: Vec<&str> = message.split_whitespace().collect();
    // Nothing can be said when standard error is closed.
    let _ = writeln!(io::stderr(), "serviceops-scim: {}", message.join(" "));
}

/// Prints as one line on standard error what people should know of something that was done.
pub fn warning(message: &str) {
    failure(&format!("warning: {message}"));
}

/// Says beside the output how far something is that takes long.
pub fn progress(message: &str) {
    failure(message);
}

/// A table whose columns are aligned.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles.
    pub fn titled<S: AsRef<str>>(titles: impl IntoIterator<Item = S>) -> Self {
        let titles = titles
            .into_iter()
            .map(|title| title.as_ref().to_uppercase());
        Self {
            rows: vec![titles.collect()],
        }
    }

    /// A table of names and values, without titles.
    pub fn of_fields() -> Self {
        Self::default()
    }

    /// Adds a row. What could move the terminal's cursor is shown as `\u{..}`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| match cell.is_empty() {
            true => "-".to_owned(),
            false => printable(&cell),
        });
        self.rows.push(cells.collect());
    }

    /// Prints the table.
    ///
    /// # Errors
    /// As [`line()`].
    pub fn print(&self) -> anyhow::Result<()> {
        self.lines().iter().try_for_each(|text| line(text))
    }

    fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let aligned = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, &width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        aligned.collect()
    }
}

/// The text with control characters escaped: names come from identity providers.
pub fn printable(text: &str) -> String {
    let escaped = text.chars().map(|character| {
        if character.is_control() || matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            character.escape_unicode().to_string()
        } else {
            character.to_string()
        }
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_cells_are_a_dash() {
        let mut table = Table::titled(["id", "name"]);
        table.row(["1234".to_owned(), "Zoë".to_owned()]);
        table.row(["5".to_owned(), String::new()]);
        assert_eq!(table.lines(), ["ID    NAME", "1234  Zoë", "5     -"]);
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("no route").context("not reached: no route");
        assert_eq!(
            sentence(&error.context("start")),
            "start: not reached: no route"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}"), "a\\u{1b}[2Jb\\u{202e}");
    }
}
