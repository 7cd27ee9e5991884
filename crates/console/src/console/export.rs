//! Lists as files that spreadsheets open.

/// Lines of a file, of which the last ones come first: lists are read from their end, in blocks, so
/// that no more than the file itself is kept.
#[derive(Default)]
pub(super) struct Lines(Vec<String>);

impl Lines {
    /// Puts a line before those that are there.
    pub(super) fn before(&mut self, line: String) {
        self.0.push(line);
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The lines below a heading, which may be empty.
    pub(super) fn text(self, heading: &str) -> String {
        let length: usize = self.0.iter().map(String::len).sum();
        let mut text = String::with_capacity(heading.len() + length);
        text.push_str(heading);
        for line in self.0.into_iter().rev() {
            text.push_str(&line);
        }
        text
    }
}

/// Comma-separated values (RFC 4180). A value that a spreadsheet would take for a formula gets an
/// apostrophe in front.
pub(super) fn row<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(values.into_iter().map(|value| harmless(value.as_ref())));
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// A value in which nothing is a formula, whatever a spreadsheet takes for the end of a cell: there
/// stands an apostrophe before the sign that would begin one.
fn harmless(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 1);
    if value.starts_with(['\t', '\r']) {
        text.push('\'');
    }
    let mut begins = true;
    for character in value.chars() {
        if begins && FORMULA.contains(&character) && !text.ends_with('\'') {
            text.push('\'');
        }
        let ends = SEPARATORS.contains(&character);
        begins = ends || (begins && (character.is_whitespace() || character == '"'));
        text.push(character);
    }
    text
}

/// What begins a formula, in its full width too.
const FORMULA: [char; 9] = [
    '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{2212}',
];
/// What ends a cell, where the separator is another one than the comma.
const SEPARATORS: [char; 7] = [';', ',', '\t', '\n', '\r', '|', '\u{2028}'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_behind_another_separator_is_a_formula() {
        for (value, said) in [
            ("a;=1+1", "a;'=1+1"),
            ("a; \"=1+1", "a; \"'=1+1"),
            ("a\t+1", "a\t'+1"),
            ("a\r\n@x", "a\r\n'@x"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("a;\u{ff20}x", "a;'\u{ff20}x"),
            (" =1", " '=1"),
            ("a|-1", "a|'-1"),
            ("well-known+a@b=c", "well-known+a@b=c"),
        ] {
            assert_eq!(harmless(value), said, "{value:?}");
        }
    }

    #[test]
    fn values_are_quoted_and_never_formulas() {
        let mut lines = Lines::default();
        for value in ["plain", "a\nb", "a,\"b\"", "\tx", "@x", "-1", "+1", "=1+1"] {
            lines.before(row([value, ""]));
        }
        assert_eq!(
            lines.text(&row(["name", "said"])),
            "name,said\r\n'=1+1,\r\n'+1,\r\n'-1,\r\n'@x,\r\n'\tx,\r\n\"a,\"\"b\"\"\",\r\n\"a\nb\",\r\nplain,\r\n"
        );
    }
}
