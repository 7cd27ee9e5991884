//! What every resource has, put into the text of a stored document without reading it.
//!
//! [`envelope`](crate::render::envelope) does the same to a document that was read. The two are the
//! same where nothing of the document is left out or corrected, and where it was written without
//! spaces; whoever splices has to know that it is so.

use chrono::{DateTime, Utc};

use crate::render::{Common, date_time};

/// What is put into a document.
#[derive(Debug, Clone, Copy)]
pub struct Splice<'a> {
    /// `id`, the times and the version.
    pub common: Common<'a>,
    /// The resource type.
    pub resource_type: &'a str,
    /// The URL of the resource.
    pub location: &'a str,
    /// Members that come last, each with a comma before it.
    pub beside: &'a str,
    /// A text that stands in a member of the document.
    pub inner: Option<Inner<'a>>,
}

/// A member of a member of the document that is not the document's to say.
#[derive(Debug, Clone, Copy)]
pub struct Inner<'a> {
    /// The names of the members that lead to it, as they are written.
    pub path: [&'a str; 2],
    /// Its name.
    pub name: &'a str,
    /// Its text, if it has one; then it comes last.
    pub value: Option<&'a str>,
    /// What the member beside it must say for it to have its text: its name, and a text without
    /// anything in it that JSON escapes.
    pub given: (&'a str, &'a str),
}

/// The text of a document with what every resource has: `schemas` and `id` first, `meta` and what
/// comes beside last. `None` for what is no document as [`serde_json`] writes one.
///
/// ```
/// use chrono::DateTime;
/// use scim_protocol::Version;
/// use scim_service::render::Common;
/// use scim_service::splice::{Splice, splice};
///
/// let at = DateTime::UNIX_EPOCH;
/// let common = Common { id: "7", created: at, last_modified: at, tag: Version(1).into() };
/// let with = Splice {
///     common,
///     resource_type: "User",
///     location: "https://host/Users/7",
///     beside: r#","groups":[]"#,
///     inner: None,
/// };
/// let text = splice(r#"{"userName":"ava","schemas":[]}"#, &with).unwrap();
/// assert!(text.starts_with(r#"{"schemas":[],"id":"7","userName":"ava","meta":{"#));
/// assert!(text.ends_with(r#"},"groups":[]}"#));
/// ```
pub fn splice(document: &str, with: &Splice<'_>) -> Option<String> {
    let common = &with.common;
    let mut text = String::with_capacity(document.len() + with.beside.len() + ENVELOPE);
    text.push('{');
    if let Some(schemas) = find(document, SCHEMAS)? {
        text.push_str("\"schemas\":");
        text.push_str(schemas);
        text.push(',');
    }
    text.push_str("\"id\":");
    push_text(&mut text, common.id);
    for member in Members::of(document)? {
        let member = member?;
        if member.name == SCHEMAS {
            continue;
        }
        text.push(',');
        match with.inner {
            Some(inner) if member.name == inner.path[0] => push_outer(&mut text, member, &inner)?,
            _ => text.push_str(member.whole),
        }
    }
    text.push_str(",\"meta\":{\"resourceType\":");
    push_text(&mut text, with.resource_type);
    push_time(&mut text, ",\"created\":", common.created);
    push_time(&mut text, ",\"lastModified\":", common.last_modified);
    text.push_str(",\"location\":");
    push_text(&mut text, with.location);
    text.push_str(",\"version\":");
    push_text(&mut text, &common.tag.to_string());
    text.push('}');
    text.push_str(with.beside);
    text.push('}');
    Some(text)
}

/// Appends a text as JSON.
///
/// ```
/// let mut text = String::new();
/// scim_service::splice::push_text(&mut text, "say \"hi\"");
/// assert_eq!(text, r#""say \"hi\"""#);
/// ```
pub fn push_text(text: &mut String, value: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if value.bytes().all(plain) {
        text.push('"');
        text.push_str(value);
        text.push('"');
        return;
    }
    text.push_str(&serde_json::Value::from(value).to_string());
}

fn push_time(text: &mut String, before: &str, at: DateTime<Utc>) {
    text.push_str(before);
    push_text(text, &date_time(at));
}

/// Appends the member in which the inner one stands.
fn push_outer(text: &mut String, outer: Member<'_>, inner: &Inner<'_>) -> Option<()> {
    push_name(text, outer.name);
    let mut before = '{';
    for member in Members::of(outer.value)? {
        let member = member?;
        text.push(before);
        match member.name == inner.path[1] {
            true => push_holder(text, member, inner)?,
            false => text.push_str(member.whole),
        }
        before = ',';
    }
    if before == '{' {
        text.push('{');
    }
    text.push('}');
    Some(())
}

/// Appends the member of which the inner one is.
fn push_holder(text: &mut String, holder: Member<'_>, inner: &Inner<'_>) -> Option<()> {
    push_name(text, holder.name);
    let mut before = '{';
    let mut given = false;
    for member in Members::of(holder.value)? {
        let member = member?;
        if member.name == inner.name {
            continue;
        }
        given |= member.name == inner.given.0 && unquoted(member.value) == Some(inner.given.1);
        text.push(before);
        text.push_str(member.whole);
        before = ',';
    }
    if let Some(value) = inner.value.filter(|_| given) {
        text.push(before);
        push_name(text, inner.name);
        push_text(text, value);
        before = ',';
    }
    if before == '{' {
        text.push('{');
    }
    text.push('}');
    Some(())
}

/// What stands between the quotes of a string.
fn unquoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

/// Appends the name of a member, which is written as it stands.
fn push_name(text: &mut String, name: &str) {
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
}

/// The text of the value of a member; the outer `None` for what is no object.
fn find<'d>(object: &'d str, name: &str) -> Option<Option<&'d str>> {
    for member in Members::of(object)? {
        let member = member?;
        if member.name == name {
            return Some(Some(member.value));
        }
    }
    Some(None)
}

/// A member of an object, in the text of it.
#[derive(Debug, Clone, Copy)]
struct Member<'d> {
    /// The name, as it is written between its quotes.
    name: &'d str,
    value: &'d str,
    /// Name and value.
    whole: &'d str,
}

/// The members of an object that was written without spaces; `None` is the last one where there is
/// something else.
#[derive(Debug)]
struct Members<'d> {
    object: &'d str,
    /// Where the next member begins.
    at: usize,
    ended: bool,
}

impl<'d> Members<'d> {
    fn of(object: &'d str) -> Option<Self> {
        let bytes = object.as_bytes();
        (bytes.first() == Some(&b'{')).then_some(Self {
            object,
            at: 1,
            ended: bytes.get(1) == Some(&b'}'),
        })
    }

    fn member(&mut self) -> Option<Member<'d>> {
        let bytes = self.object.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let named = string_end(bytes, self.at + 1)?;
        if bytes.get(named) != Some(&b':') {
            return None;
        }
        let end = value_end(bytes, named + 1)?;
        let member = Member {
            name: self.object.get(self.at + 1..named - 1)?,
            value: self.object.get(named + 1..end)?,
            whole: self.object.get(self.at..end)?,
        };
        match bytes.get(end) {
            Some(b',') => self.at = end + 1,
            Some(b'}') if end + 1 == bytes.len() => self.ended = true,
            _ => return None,
        }
        Some(member)
    }
}

impl<'d> Iterator for Members<'d> {
    type Item = Option<Member<'d>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let member = self.member();
        self.ended |= member.is_none();
        Some(member)
    }
}

/// Where a string ends that begins before `at`: behind its quote.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        at += found + 1;
        if rest.get(found) == Some(&b'"') {
            return Some(at);
        }
        // What is escaped.
        at += 1;
    }
}

/// Where a value ends that begins at `at`.
fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b',' | b':' if depth > 0 => {
                at += 1;
                continue;
            }
            b',' | b':' => return None,
            _ => {
                let rest = bytes.get(at..)?;
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']');
                at += rest.iter().position(ends)?;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

const SCHEMAS: &str = "schemas";
/// About how many bytes are put into a document.
const ENVELOPE: usize = 512;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::string_slice)]

    use chrono::DateTime;
    use scim_protocol::{ResourceDefinition, Version};
    use serde_json::{Map, Value, json};

    use super::{Inner, Splice, splice};
    use crate::render::{Common, envelope, location};

    /// What [`envelope`] makes of a document, and what is made of its text.
    fn both(document: &Value, inner: Option<Inner<'_>>) -> (String, Option<String>) {
        let users = ResourceDefinition::user();
        let common = Common {
            id: "2819\"c223",
            created: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
            last_modified: DateTime::UNIX_EPOCH,
            tag: Version(7).into(),
        };
        let base = "https://scim.example/v2";
        let read: Map<String, Value> = document.as_object().unwrap().clone();
        let whole = Value::Object(envelope(&users, base, common, read));
        let with = Splice {
            common,
            resource_type: users.name(),
            location: &location(&users, base, common.id),
            beside: "",
            inner,
        };
        (whole.to_string(), splice(&document.to_string(), &with))
    }

    #[test]
    fn a_document_is_spliced_as_one_that_was_read() {
        for document in [
            json!({}),
            json!({"schemas": ["a", "b"]}),
            json!({"schemas": [], "userName": "ava"}),
            json!({"userName": "ava", "schemas": ["a]}\"\\"], "active": true}),
            json!({"n": 1, "f": -1.5e30, "null": null, "b": false, "s": "a\\\"b,{}[]\u{1}é😀"}),
            json!({"a": {"b": {"c": [1, [2, {"d": "]"}], "}"]}}, "e": [], "f": {}, "": ""}),
        ] {
            let (whole, spliced) = both(&document, None);
            assert_eq!(spliced.as_deref(), Some(whole.as_str()));
        }
    }

    #[test]
    fn a_member_of_a_member_is_taken_out_and_put_in() {
        let inner = |value| Inner {
            path: ["outer", "holder"],
            name: "$ref",
            value,
            given: ("value", "7"),
        };
        for (holder, without, with) in [
            (json!({}), json!({}), json!({})),
            (json!({"$ref": 1}), json!({}), json!({})),
            (
                json!({"value": "8"}),
                json!({"value": "8"}),
                json!({"value": "8"}),
            ),
            (
                json!({"$ref": "x", "value": "7", "n": {"$ref": 1}}),
                json!({"value": "7", "n": {"$ref": 1}}),
                json!({"value": "7", "n": {"$ref": 1}, "$ref": "r\""}),
            ),
        ] {
            let document = |holder: &Value| json!({"outer": {"a": 1, "holder": holder, "b": 2}});
            for (value, expected) in [(None, &without), (Some("r\""), &with)] {
                let (whole, _) = both(&document(expected), None);
                let (_, spliced) = both(&document(&holder), Some(inner(value)));
                assert_eq!(spliced, Some(whole));
            }
        }
        // Where there is no holder, nothing is put in.
        for document in [
            json!({"outer": {}}),
            json!({"outer": {"a": 1}}),
            json!({"holder": {}}),
        ] {
            let (whole, spliced) = both(&document, Some(inner(Some("r"))));
            assert_eq!(spliced, Some(whole));
        }
    }

    #[test]
    fn what_is_no_document_is_not_spliced() {
        let with = Splice {
            common: Common {
                id: "7",
                created: DateTime::UNIX_EPOCH,
                last_modified: DateTime::UNIX_EPOCH,
                tag: Version(1).into(),
            },
            resource_type: "User",
            location: "",
            beside: "",
            inner: None,
        };
        let whole = r#"{"a":[{"b":"c\\"}],"d":1}"#;
        assert!(splice(whole, &with).is_some());
        for end in 0..whole.len() {
            assert_eq!(splice(&whole[..end], &with), None, "{}", &whole[..end]);
        }
        for text in [
            "[]",
            "{ }",
            "{\"a\" :1}",
            "{\"a\":1}}",
            "{\"a\":1,}",
            "{\"a\":}",
            "{a:1}",
        ] {
            assert_eq!(splice(text, &with), None, "{text}");
        }
    }
}
