//! Lists as files that spreadsheets open.

/// Comma-separated values (RFC 4180). A value that a spreadsheet would take for a formula gets an
/// apostrophe in front.
pub(super) struct Sheet(csv::Writer<Vec<u8>>);

impl Sheet {
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        // Writing to memory does not fail, and every row has as many values as the first.
        let _ = writer.write_record(columns);
        Self(writer)
    }

    pub(super) fn row(&mut self, values: &[String]) {
        let _ = self
            .0
            .write_record(values.iter().map(|value| harmless(value)));
    }

    pub(super) fn text(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn harmless(value: &str) -> String {
    match value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{value}"),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_and_never_formulas() {
        let mut sheet = Sheet::new(&["name", "said"]);
        for value in ["=1+1", "+1", "-1", "@x", "\tx", "a,\"b\"", "a\nb", "plain"] {
            sheet.row(&[value.to_owned(), String::new()]);
        }
        assert_eq!(
            sheet.text(),
            "name,said\r\n'=1+1,\r\n'+1,\r\n'-1,\r\n'@x,\r\n'\tx,\r\n\"a,\"\"b\"\"\",\r\n\"a\nb\",\r\nplain,\r\n"
        );
    }
}
