//! Small pieces that many pages show.

use askama::filters::Safe;

/// An icon beside a word that says the same.
pub(super) fn icon(name: &str) -> Safe<String> {
    Safe(format!(
        "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"/admin/assets/icons.svg#{name}\"/></svg>"
    ))
}

/// A word about how something is, in a colour and with a sign, so that the colour need not be
/// seen. `kind` is one of this program's own words.
pub(super) fn pill(kind: &str, text: &str) -> Safe<String> {
    let sign = match kind {
        "good" | "success" => icon("check").0,
        "bad" | "failure" | "warning" | "held" => icon("warn").0,
        _ => String::new(),
    };
    let text = escaped(text);
    Safe(format!("<span class=\"pill {kind}\">{sign}{text}</span>"))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pill_says_is_text() {
        let shown = pill("good", "<b>&\"'").0;
        assert!(
            shown.ends_with("&lt;b&gt;&amp;&quot;&#39;</span>"),
            "{shown}"
        );
    }
}
