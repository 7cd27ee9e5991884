//! The forms of our own pages, read back and filled in.
//!
//! What a form shows is written once, by the page that shows it. Whatever has to know what that
//! was (a form that comes back after a sign-in, one that two people had open) reads the page,
//! instead of every page telling it a second time. Only pages of this program are read.

use std::ops::Range;

/// A form of a page.
#[derive(Debug)]
pub(super) struct Markup {
    /// Where the content of the form begins.
    begin: usize,
    pub(super) fields: Vec<Field>,
    /// Whether two people may have it open, and what both entered is brought together.
    pub(super) shared: bool,
}

/// A field of a form, as the page shows it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// What is said beside it.
    pub(super) label: String,
    /// What a browser would send; `None` of a box that is not ticked.
    pub(super) value: Option<String>,
    /// The choices of a list: value, and how it is shown.
    choices: Vec<(String, String)>,
    /// Where it stands, with its content.
    at: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hidden,
    /// A line of text.
    Line,
    /// A box or a switch, which sends its value when it is ticked.
    Tick,
    /// Lines of text.
    Lines,
    Choice,
    /// What is never written into a page.
    Secret,
}

impl Field {
    /// A value as the page shows it.
    pub(super) fn shown(&self, value: Option<&str>) -> String {
        match (self.kind, value) {
            (Kind::Tick, Some(_)) => "on".to_owned(),
            (Kind::Tick, None) => "off".to_owned(),
            (Kind::Choice, Some(value)) => {
                let found = self.choices.iter().find(|(known, _)| known == value);
                found.map_or(value, |(_, shown)| shown).to_owned()
            }
            (_, value) => value.unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn is_filled_in(&self) -> bool {
        !matches!(self.kind, Kind::Hidden | Kind::Secret)
    }
}

/// A tag: its name, its attributes, and where it stands.
struct Tag<'p> {
    name: &'p str,
    attributes: Vec<(&'p str, String)>,
    at: Range<usize>,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The tag that begins behind `from`.
fn next_tag(page: &str, from: usize) -> Option<Tag<'_>> {
    let start = from + page.get(from..)?.find('<')?;
    let mut at = start + 1;
    let word = |at: usize| {
        let rest = page.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '=' | '/'));
        // A closing tag begins with the sign that ends other words.
        let end = match end {
            Some(0) if rest.starts_with('/') => rest.find('>').unwrap_or(rest.len()),
            Some(end) => end,
            None => rest.len(),
        };
        rest.get(..end).unwrap_or_default()
    };
    let name = word(at);
    at += name.len();
    let mut attributes = Vec::new();
    loop {
        let rest = page.get(at..)?;
        let rest_trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        at += rest.len() - rest_trimmed.len();
        if rest_trimmed.is_empty() {
            return None;
        }
        if rest_trimmed.starts_with('>') {
            at += 1;
            break;
        }
        let name = word(at);
        if name.is_empty() {
            // No attribute begins like this in our pages.
            at += rest_trimmed.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        at += name.len();
        let value = match page.get(at..).and_then(|rest| rest.strip_prefix("=\"")) {
            Some(quoted) => {
                let end = quoted.find('"')?;
                at += 2 + end + 1;
                quoted.get(..end).unwrap_or_default()
            }
            None => "",
        };
        attributes.push((name, plain(value)));
    }
    Some(Tag {
        name,
        attributes,
        at: start..at,
    })
}

/// The forms of a page that have something to fill in, each with the address that it is posted to;
/// a form that says none is posted to the page's `own`.
pub(super) fn forms(page: &str, own: &str) -> Vec<(String, Markup)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(tag) = next_tag(page, at) {
        at = tag.at.end;
        if tag.name != "form" || tag.attribute("method") != Some("post") {
            continue;
        }
        let rest = page.get(at..).unwrap_or_default();
        let Some(end) = rest.find("</form>") else {
            break;
        };
        let fields = fields(page, at..at + end);
        if fields.iter().any(Field::is_filled_in) {
            let markup = Markup {
                begin: at,
                fields,
                shared: tag.attribute("data-shared").is_some(),
            };
            found.push((tag.attribute("action").unwrap_or(own).to_owned(), markup));
        }
        at += end;
    }
    found
}

/// The form of a page that is posted to an address, and has something to fill in.
pub(super) fn form(page: &str, own: &str, action: &str) -> Option<Markup> {
    let mut forms = forms(page, own).into_iter();
    forms.find(|(to, _)| to == action).map(|(_, form)| form)
}

fn fields(page: &str, within: Range<usize>) -> Vec<Field> {
    let mut found = Vec::new();
    let mut labels: Vec<(String, String)> = Vec::new();
    let mut at = within.start;
    while let Some(tag) = next_tag(page, at).filter(|tag| tag.at.start < within.end) {
        at = tag.at.end;
        let content = |end: &str| {
            let rest = page.get(at..within.end).unwrap_or_default();
            rest.find(end)
                .and_then(|end| rest.get(..end))
                .unwrap_or_default()
        };
        if tag.name == "label" {
            let of = tag.attribute("for").unwrap_or_default();
            labels.push((of.to_owned(), without_tags(content("</label>"))));
            continue;
        }
        let Some(name) = tag.attribute("name").filter(|name| !name.is_empty()) else {
            continue;
        };
        let mut field = Field {
            name: name.to_owned(),
            kind: Kind::Line,
            label: tag.attribute("id").unwrap_or_default().to_owned(),
            value: Some(tag.attribute("value").unwrap_or_default().to_owned()),
            choices: Vec::new(),
            at: tag.at.clone(),
        };
        match tag.name {
            "input" => match tag.attribute("type") {
                Some("hidden") => field.kind = Kind::Hidden,
                Some("password" | "file") => field.kind = Kind::Secret,
                Some("checkbox" | "radio") => {
                    field.kind = Kind::Tick;
                    field.label = String::new();
                    field.value = field.value.filter(|_| tag.attribute("checked").is_some());
                }
                _ => {}
            },
            "textarea" => {
                let text = content("</textarea>");
                field.kind = Kind::Lines;
                // What the browser drops.
                field.value = Some(plain(text.strip_prefix('\n').unwrap_or(text)));
                field.at.end = at + text.len();
            }
            "select" => {
                let text = content("</select>");
                field.kind = Kind::Choice;
                field.at.end = at + text.len();
                field.value = None;
                for option in options(page, at..field.at.end) {
                    let shown = (option.value.clone(), option.shown);
                    if option.chosen || field.choices.is_empty() {
                        field.value = Some(option.value);
                    }
                    field.choices.push(shown);
                }
            }
            _ => continue,
        }
        at = field.at.end;
        found.push(field);
    }
    for field in &mut found {
        let of = match field.kind {
            // Around the box itself.
            Kind::Tick => labels_around(page, field.at.start),
            _ => labels
                .iter()
                .find(|(of, _)| *of == field.label)
                .map(|(_, text)| text.clone()),
        };
        field.label = of.unwrap_or_else(|| field.name.clone());
    }
    found
}

/// What a label says within which something stands.
fn labels_around(page: &str, at: usize) -> Option<String> {
    let start = page.get(..at)?.rfind("<label")?;
    let text = page.get(start..)?;
    Some(without_tags(text.get(..text.find("</label>")?)?))
}

struct Choice {
    value: String,
    shown: String,
    chosen: bool,
    at: Range<usize>,
}

fn options(page: &str, within: Range<usize>) -> Vec<Choice> {
    let mut found = Vec::new();
    let mut at = within.start;
    while let Some(tag) = next_tag(page, at).filter(|tag| tag.at.start < within.end) {
        at = tag.at.end;
        if tag.name == "option" {
            let rest = page.get(at..within.end).unwrap_or_default();
            let text = rest.split('<').next().unwrap_or_default();
            let shown = plain(text.trim());
            found.push(Choice {
                value: tag
                    .attribute("value")
                    .map_or_else(|| shown.clone(), str::to_owned),
                shown,
                chosen: tag.attribute("selected").is_some(),
                at: tag.at,
            });
        }
    }
    found
}

impl Markup {
    /// The pairs that a browser would send of what is filled in.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let filled = self.fields.iter().filter(|field| field.is_filled_in());
        filled
            .filter_map(|field| Some((field.name.clone(), field.value.clone()?)))
            .collect()
    }

    /// The value of a field that is not shown.
    pub(super) fn hidden(&self, name: &str) -> Option<&str> {
        let mut hidden = self
            .fields
            .iter()
            .filter(|field| field.kind == Kind::Hidden);
        hidden.find(|field| field.name == name)?.value.as_deref()
    }

    /// The page with other values in the fields that are filled in and in the hidden ones, and
    /// `before` in front of them.
    pub(super) fn filled(
        &self,
        page: &str,
        pairs: Option<&[(String, String)]>,
        hidden: &[(&str, &str)],
        before: &str,
    ) -> String {
        let mut out = page.get(..self.begin).unwrap_or_default().to_owned();
        out.push_str(before);
        let mut at = self.begin;
        for field in &self.fields {
            let values: Vec<&str> = match (field.is_filled_in(), pairs) {
                (true, Some(pairs)) => named(pairs, &field.name).collect(),
                (true, None) => continue,
                (false, _) => hidden
                    .iter()
                    .filter(|(name, _)| *name == field.name)
                    .map(|(_, value)| *value)
                    .collect(),
            };
            // What was not sent was not there to be filled in, but for a box that is not ticked.
            if values.is_empty() && field.kind != Kind::Tick {
                continue;
            }
            out.push_str(page.get(at..field.at.start).unwrap_or_default());
            out.push_str(&field.written(page, &values));
            at = field.at.end;
        }
        out.push_str(page.get(at..).unwrap_or_default());
        out
    }
}

/// The values of a name.
pub(super) fn named<'p>(
    pairs: &'p [(String, String)],
    name: &str,
) -> impl Iterator<Item = &'p str> {
    let found = pairs.iter().filter(move |(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

impl Field {
    fn written(&self, page: &str, values: &[&str]) -> String {
        let Some(tag) = next_tag(page, self.at.start) else {
            return String::new();
        };
        let first = values.first().copied().unwrap_or_default();
        match self.kind {
            Kind::Tick => {
                let own = tag.attribute("value").unwrap_or("on");
                with(&tag, "checked", values.contains(&own).then_some(""))
            }
            Kind::Lines => format!("{}\n{}", with(&tag, "", None), escaped(first)),
            Kind::Choice => {
                let mut out = with(&tag, "", None);
                let mut at = tag.at.end;
                for option in options(page, tag.at.end..self.at.end) {
                    out.push_str(page.get(at..option.at.start).unwrap_or_default());
                    if let Some(tag) = next_tag(page, option.at.start) {
                        let chosen = values.contains(&option.value.as_str()).then_some("");
                        out.push_str(&with(&tag, "selected", chosen));
                    }
                    at = option.at.end;
                }
                out + page.get(at..self.at.end).unwrap_or_default()
            }
            _ => with(&tag, "value", Some(first)),
        }
    }
}

/// A tag with another value of an attribute, or without the attribute.
fn with(tag: &Tag<'_>, name: &str, value: Option<&str>) -> String {
    let mut out = format!("<{}", tag.name);
    let kept = tag.attributes.iter().filter(|(known, _)| *known != name);
    let written = kept.map(|(name, value)| (*name, value.as_str()));
    for (name, value) in written.chain(value.map(|value| (name, value))) {
        out.push(' ');
        out.push_str(name);
        if !value.is_empty() || name == "value" {
            out.push_str(&format!("=\"{}\"", escaped(value)));
        }
    }
    out.push('>');
    out
}

/// What a text says that holds tags.
fn without_tags(text: &str) -> String {
    let mut out = String::new();
    for part in text.split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, behind)| behind));
    }
    let plain = plain(&out);
    let words: Vec<&str> = plain
        .split_whitespace()
        .filter(|word| *word != "*")
        .collect();
    words.join(" ")
}

/// A text without its character references.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let referred = part.split_once(';').and_then(|(name, rest)| {
            let character = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?)?,
            };
            Some((character, rest))
        });
        match referred {
            Some((character, rest)) => {
                out.push(character);
                out.push_str(rest);
            }
            None => {
                out.push('&');
                out.push_str(part);
            }
        }
    }
    out
}

pub(super) use super::ui::escaped;

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<h1>x</h1><form method=\"post\" action=\"/a\"><input type=\"hidden\" \
        name=\"key\" value=\"1\"><button>go</button></form>\
        <form method=\"post\" action=\"/a\" data-shared>\
        <input type=\"hidden\" name=\"version\" value=\"7\">\
        <label for=\"name\">Name <span aria-hidden=\"true\">*</span></label>\
        <input id=\"name\" name=\"name\" value=\"a &#34;b&#34; &amp; c\" required>\
        <label for=\"t\">Text</label><textarea id=\"t\" name=\"t\" rows=\"2\">&lt;b&gt;\r\nx</textarea>\
        <label for=\"p\">Kind</label><select id=\"p\" name=\"p\">\n<option value=\"1\">One</option>\
        <option value=\"2\" selected>Two</option></select>\
        <label class=\"switch\"><input type=\"checkbox\" name=\"on\" value=\"on\" checked> On</label>\
        <input type=\"password\" name=\"secret\"></form>";

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let found = form(PAGE, "/own", "/a").unwrap();
        assert!(found.shared && form(PAGE, "/own", "/own").is_none());
        let wanted = [
            pair("name", "a \"b\" & c"),
            pair("t", "<b>\r\nx"),
            pair("p", "2"),
            pair("on", "on"),
        ];
        assert_eq!(found.pairs(), wanted);
        assert_eq!(found.hidden("version"), Some("7"));
        let labels: Vec<&str> = found
            .fields
            .iter()
            .map(|field| field.label.as_str())
            .collect();
        assert_eq!(labels[1..5], ["Name", "Text", "Kind", "On"]);
        assert_eq!(found.fields[3].shown(Some("1")), "One");
    }

    #[test]
    fn a_form_that_is_filled_in_is_read_back_alike() {
        let found = form(PAGE, "/own", "/a").unwrap();
        let entered = [
            pair("name", "\"><script>"),
            pair("t", "\n1\n</textarea>"),
            pair("p", "1"),
        ];
        let page = found.filled(PAGE, Some(&entered), &[("version", "8")], "<p>before</p>");
        let again = form(&page, "/own", "/a").unwrap();
        assert_eq!(again.pairs(), entered);
        assert_eq!(again.hidden("version"), Some("8"));
        assert!(
            !page.contains("<script>") && page.contains("<p>before</p>"),
            "{page}"
        );
        // What is as it was is written as it was.
        let same = found.filled(PAGE, Some(&found.pairs()), &[], "");
        assert_eq!(form(&same, "/own", "/a").unwrap().pairs(), found.pairs());
    }
}
