//! Small pieces that many pages show.

use askama::filters::Safe;
use chrono::NaiveDateTime;

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

/// A button of a form that asks first: with a script in a dialog, without one by unfolding.
/// `about` says what it is about to whoever does not see the rest of the row, and stands for `{}` in
/// the question; `more` are attributes of the button, in this program's own words.
pub(super) fn sure(word: &str, about: &str, question: &str, more: &str) -> Safe<String> {
    let shown = escaped(word);
    question_behind(&shown, "button quiet", word, about, question, more)
}

/// The same behind an icon.
pub(super) fn sure_icon(name: &str, word: &str, about: &str, question: &str) -> Safe<String> {
    question_behind(
        &icon(name).0,
        "button quiet bare",
        word,
        about,
        question,
        "",
    )
}

/// A button that deletes what has a key, with the form of this id, which stands once on a page for
/// all of them.
pub(super) fn sure_of_form(form: &str, key: &str, about: &str, question: &str) -> Safe<String> {
    let more = format!("form=\"{form}\" name=\"key\" value=\"{}\"", escaped(key));
    let shown = icon("delete").0;
    question_behind(
        &shown,
        "button quiet bare",
        "Delete",
        about,
        question,
        &more,
    )
}

fn question_behind(
    shown: &str,
    class: &str,
    word: &str,
    about: &str,
    question: &str,
    more: &str,
) -> Safe<String> {
    let named = match about {
        "" => String::new(),
        about => format!(" aria-label=\"{} {}\"", escaped(word), escaped(about)),
    };
    let question = escaped(&question.replace("{}", about));
    let word = escaped(word);
    Safe(format!(
        "<details class=\"sure\"><summary class=\"{class}\" title=\"{word}\"{named}>{shown}</summary>\
         <div><p dir=\"auto\">{question}</p><button class=\"danger\" {more}>{word}</button></div></details>"
    ))
}

/// An e-mail address, or a name that may be one; it breaks before its domain rather than anywhere.
pub(super) fn address(text: &str) -> Safe<String> {
    Safe(escaped(text).replace('@', "<wbr>@"))
}

/// A time of UTC as [`instant`](super::pages::instant) writes it. A script shows it by the clock of
/// whoever looks; what is no such time, as "never", stays.
pub(super) fn time(written: &str) -> Safe<String> {
    let shown = escaped(written);
    Safe(match NaiveDateTime::parse_from_str(written, WRITTEN) {
        Ok(at) => format!("<time datetime=\"{}\">{shown}</time>", at.format(MACHINE)),
        Err(_) => shown,
    })
}

/// By which clock times are shown: a script puts another one in its place.
pub(super) fn zone() -> Safe<&'static str> {
    Safe("<span data-zone>UTC</span>")
}

const WRITTEN: &str = "%Y-%m-%d %H:%M:%S";
const MACHINE: &str = "%Y-%m-%dT%H:%M:%SZ";

/// What a field that is wrong says to those who do not see it: where the error stands.
pub(super) fn wrong(wrong: &str, field: &str) -> Safe<&'static str> {
    Safe(match wrong == field {
        true => " aria-describedby=\"error\" aria-invalid=\"true\"",
        false => "",
    })
}

/// An attribute path as people read it: the URN of a schema by its name. The whole stands beside
/// it as a title.
pub(super) fn path(whole: &str) -> String {
    let mut parts = whole.split("urn:ietf:params:scim:schemas:");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let names: Vec<&str> = part.splitn(5, ':').collect();
        match names.as_slice() {
            ["extension", name, _, _, rest] => short += &format!("{name} › {rest}"),
            ["core", _, _, rest] => short += rest,
            _ => short += part,
        }
    }
    short
}

/// A kind of group in words.
pub(super) fn group_kind(kind: &str) -> &str {
    match kind {
        "requester_group" => "requester group",
        "technician_group" => "technician group",
        "ignored" => "no group of ServiceOps",
        other => other,
    }
}

/// A count of things in words.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

pub(super) fn escaped(text: &str) -> String {
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
    fn a_question_names_what_it_is_about() {
        let asked = sure("Delete", "<b>", "Delete {}?", "").0;
        assert!(
            asked.contains("<p dir=\"auto\">Delete &lt;b&gt;?</p>"),
            "{asked}"
        );
        assert!(asked.contains("aria-label=\"Delete &lt;b&gt;\""), "{asked}");
    }

    #[test]
    fn a_time_can_be_read_by_people_and_scripts_and_anything_else_is_text() {
        let shown = "<time datetime=\"2026-03-02T23:59:58Z\">2026-03-02 23:59:58</time>";
        assert_eq!(time("2026-03-02 23:59:58").0, shown);
        assert_eq!(time("never").0, "never");
        assert_eq!(time("<b>").0, "&lt;b&gt;");
    }

    #[test]
    fn an_address_is_text() {
        assert_eq!(address("<b>@x").0, "&lt;b&gt;<wbr>@x");
    }

    #[test]
    fn a_path_is_shown_by_the_name_of_its_schema() {
        let urn = "urn:ietf:params:scim:schemas";
        for (whole, short) in [
            ("name.givenName".to_owned(), "name.givenName"),
            (
                format!("{urn}:extension:enterprise:2.0:User:manager.value"),
                "enterprise › manager.value",
            ),
            (
                format!(
                    "first of title, {urn}:extension:serviceops:2.0:User:a, {urn}:core:2.0:User:b"
                ),
                "first of title, serviceops › a, b",
            ),
            (format!("{urn}:odd"), "odd"),
        ] {
            assert_eq!(path(&whole), short);
        }
    }

    #[test]
    fn what_a_pill_says_is_text() {
        let shown = pill("good", "<b>&\"'").0;
        assert!(
            shown.ends_with("&lt;b&gt;&amp;&quot;&#39;</span>"),
            "{shown}"
        );
    }
}
