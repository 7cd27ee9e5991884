//! How strings are compared and what may stand in them.

use std::borrow::Cow;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// The form in which two strings are compared where an attribute is not `caseExact`.
///
/// Width mapping, case folding, NFC: the mapping of PRECIS `UsernameCaseMapped` (RFC 8265
/// section 3.3), which RFC 7644 section 5 and RFC 7644 section 7.8 ask for before a `userName` is compared, with the full
/// case folding of Unicode in the place of lower case, so that a final sigma and a sharp s are the
/// letters that they are in capitals. The one function serves every attribute, so that an
/// evaluated filter and a stored key agree.
///
/// ```
/// use scim_protocol::text::fold;
///
/// assert_eq!(fold("BJensen"), "bjensen");
/// assert_eq!(fold("ＢＪensen"), "bjensen");
/// assert_eq!(fold("E\u{301}va"), fold("éva"));
/// assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("Σίσυφος"));
/// assert_eq!(fold("Straße"), fold("STRASSE"));
/// ```
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .flat_map(width_mapped)
        // A mark may be part of what is folded (Unicode section 3.13, D145).
        .nfd()
        .default_case_fold()
        .nfc()
        .collect()
}

/// The form in which two names are compared: [`fold`]ed, and without white space at either end.
///
/// Whoever looks at two names that differ in nothing but a blank behind them sees one, so that
/// neither may be given beside the other, and each finds the other.
///
/// ```
/// use scim_protocol::text::fold_name;
///
/// assert_eq!(fold_name(" Ava\u{a0}"), "ava");
/// assert_eq!(fold_name("\u{3000}ava lee "), fold_name("Ava Lee"));
/// ```
pub fn fold_name(text: &str) -> String {
    let folded = fold(text);
    let bytes = folded.as_bytes();
    // Most names begin and end in ASCII, and need no look at what else is white space.
    if [bytes.first(), bytes.last()]
        .iter()
        .all(|end| end.is_some_and(u8::is_ascii_graphic))
    {
        return folded;
    }
    match folded.trim() {
        name if name.len() == folded.len() => folded,
        name => name.to_owned(),
    }
}

/// The same as [`fold`], without a copy of a text that is folded already.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    let is_folded = text
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    match is_folded {
        true => Cow::Borrowed(text),
        false => Cow::Owned(fold(text)),
    }
}

/// The boolean that a text spells, as providers write it: `true` or `false` in any case.
pub(crate) fn boolean_word(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match (is("true"), is("false")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn width_mapped(character: char) -> impl Iterator<Item = char> {
    let wide = matches!(character, '\u{3000}' | '\u{FF00}'..='\u{FFEF}');
    let mapped = wide.then(|| std::iter::once(character).nfkc());
    let kept = (!wide).then_some(character);
    mapped.into_iter().flatten().chain(kept)
}

/// Whether a string may be stored: no U+0000 and no control character but tab and line breaks.
///
/// RFC 7643 section 2.3.1 allows any Unicode string; databases cannot store U+0000 and no
/// attribute has a use for the other control characters.
///
/// ```
/// use scim_protocol::text::storable;
///
/// assert!(storable("1 Main St\nLyon") && !storable("a\u{0}"));
/// ```
pub fn storable(text: &str) -> bool {
    !text
        .chars()
        .any(|c| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || c == '\u{FFFE}')
}

/// Whether a string may be a `userName`: not empty, nothing invisible, no control characters.
///
/// Zero-width and bidirectional controls are refused because two names that look alike must
/// not be two people (RFC 8264 section 9.13 lists them as disallowed).
///
/// ```
/// use scim_protocol::text::valid_user_name;
///
/// assert!(valid_user_name("ava@corp.example"));
/// assert!(!valid_user_name("a\u{200B}va"));
/// ```
pub fn valid_user_name(text: &str) -> bool {
    !text.trim().is_empty()
        && !text.chars().any(|c| {
            c.is_control()
                || matches!(c,
                    '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}'
                    | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
                    | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                    | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
                    | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
                    | '\u{E0000}'..='\u{E0FFF}')
                || has_no_meaning(c)
        })
}

/// Whether a code point is none of Unicode's characters, or means what two parties agree on: PRECIS
/// disallows both (RFC 8264 sections 9.10 and 9.12), since nobody can tell two of them apart.
fn has_no_meaning(character: char) -> bool {
    let code = u32::from(character);
    matches!(character,
        '\u{FDD0}'..='\u{FDEF}' | '\u{E000}'..='\u{F8FF}'
        | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
        || code & 0xFFFE == 0xFFFE
}

/// Whether a text may be a URI or a reference to one (RFC 3986 section 4.1): without blanks and what
/// else must be escaped, with whole escapes. Letters beyond ASCII are as RFC 3987 has them.
///
/// ```
/// use scim_protocol::text::is_uri_reference;
///
/// assert!(is_uri_reference("https://photos.example/ava.png?size=2#top"));
/// assert!(is_uri_reference("../Users/26118915"));
/// assert!(!is_uri_reference("no picture yet"));
/// assert!(!is_uri_reference("https://photos.example/50%"));
/// ```
pub fn is_uri_reference(text: &str) -> bool {
    let written = !text.is_empty()
        && text.chars().all(|c| match c.is_ascii() {
            true => {
                let escaped = matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
                c.is_ascii_graphic() && !escaped
            }
            false => !c.is_whitespace() && !c.is_control() && !has_no_meaning(c),
        });
    let escaped = text.split('%').skip(1).all(|behind| {
        let digits = behind.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    // What stands before the first colon is a scheme, unless a path or more begins before.
    let scheme = text
        .split(['/', '?', '#'])
        .next()
        .and_then(|start| start.split_once(':'));
    let named = scheme.is_none_or(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    written && escaped && named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_is_idempotent() {
        for text in [
            "BORIS",
            "Straße",
            "ΣΊΣΥΦΟΣ",
            "ｱｲ",
            "İstanbul",
            "テスト 😀",
            "",
        ] {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }

    #[test]
    fn invisible_characters_are_no_user_name() {
        for text in [
            "",
            "  ",
            "a\u{200B}b",
            "a\u{202E}b",
            "a\u{0}",
            "\u{FEFF}a",
            "a\nb",
            "a\u{E000}",
            "a\u{FDD0}b",
            "\u{10FFFF}",
            "a\u{F0001}",
        ] {
            assert!(!valid_user_name(text), "{text:?}");
        }
        for text in ["ava@corp.example", "Zoë Müller", "テスト"] {
            assert!(valid_user_name(text), "{text:?}");
        }
    }

    #[test]
    fn a_reference_is_a_uri() {
        for text in [
            "https://x.example/\u{fc}",
            "urn:example:1",
            "mailto:ava@x.example",
            "//x.example:8080/a(b)",
            "?q",
            "a/b:c",
            "%20",
        ] {
            assert!(is_uri_reference(text), "{text:?}");
        }
        for text in [
            "",
            " ",
            "x y",
            "a\nb",
            "%2",
            "%zz",
            "<x>",
            "1http://x",
            ":a",
            "a|b",
            "a\u{a0}b",
        ] {
            assert!(!is_uri_reference(text), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_not_storable() {
        assert!(storable("1 rue A\nLyon"));
        assert!(!storable("a\u{0}"));
        assert!(!storable("a\u{1b}[31m"));
    }
}
