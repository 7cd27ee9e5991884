//! By which words people and attempts are found, and what of an attempt names somebody.

use std::collections::BTreeSet;

use scim_protocol::path::same_name;
use scim_protocol::text::{fold, storable};
use serde_json::Value;

use crate::event::Event;
use crate::id::ResourceKind;

/// What stands between the words of a name.
const BETWEEN: [char; 6] = [' ', '.', '_', '-', '+', '@'];
/// The longest word, in characters; what is longer is cut, and found by how it begins.
const LONGEST: usize = 200;
/// How many words an entry has at most.
const MOST: usize = 60;

/// A text as it is looked for: folded and cut.
pub fn term_of(text: &str) -> String {
    fold(text.trim()).chars().take(LONGEST).collect()
}

/// The words of a text, folded; of an address none of its domain.
pub fn words_of(text: &str) -> Vec<String> {
    let folded = fold(text);
    let named = match folded.contains(char::is_whitespace) {
        true => folded.as_str(),
        false => folded.split('@').next().unwrap_or_default(),
    };
    let words = named.split(|c: char| BETWEEN.contains(&c) || c.is_whitespace());
    words
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST).collect())
        .collect()
}

/// By which words the entry of an attempt is found: of one that no resource stands for everything
/// that names the user who was asked for, of any other the names that the user had before.
pub fn terms_of(event: &Event) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    if event.kind != Some(ResourceKind::User) {
        return terms;
    }
    let mut add = |text: &str| {
        if terms.len() < MOST && storable(text) && !text.trim().is_empty() {
            terms.insert(term_of(text));
            terms.extend(words_of(text));
        }
    };
    match event.resource_id {
        None => {
            if let Some(name) = &event.resource_name {
                add(name);
            }
            let body = event.request.as_ref().and_then(|said| said.get("body"));
            for text in body.map(names_in).unwrap_or_default() {
                add(text);
            }
        }
        Some(_) => {
            for change in event.changes.as_array().into_iter().flatten() {
                let path = change.get("path").and_then(Value::as_str);
                if path.is_some_and(names)
                    && let Some(old) = change.get("old")
                {
                    texts(old).into_iter().for_each(&mut add);
                }
            }
        }
    }
    terms
}

/// Whether what a path leads to names somebody.
fn names(path: &str) -> bool {
    let attribute = path.split(['.', '[']).next().unwrap_or_default();
    NAMES.iter().any(|name| same_name(attribute, name))
}

/// Everything in the document of a user that names somebody.
fn names_in(document: &Value) -> Vec<&str> {
    let members = document.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| {
            let bare = name.rsplit(':').next().unwrap_or_default();
            NAMES.iter().any(|known| same_name(bare, known))
        })
        .flat_map(|(_, value)| texts(value))
        .collect()
}

/// The texts of a value, of a complex one all but what says of which kind it is.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().take(MOST).flat_map(texts).collect(),
        Value::Object(members) => {
            let said = members
                .iter()
                .filter(|(name, _)| !same_name(name, "type") && !same_name(name, "$ref"));
            said.flat_map(|(_, value)| texts(value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The attributes that name a user.
const NAMES: [&str; 6] = [
    "userName",
    "externalId",
    "displayName",
    "nickName",
    "name",
    "emails",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_each_of_its_words_and_an_address_by_none_of_its_domain() {
        assert_eq!(
            words_of("Ada.Lovelace-King@corp.example"),
            ["ada", "lovelace", "king"]
        );
        assert_eq!(words_of("  Éva  Østby "), [fold("éva"), fold("østby")]);
        assert!(words_of("@").is_empty());
        assert_eq!(term_of(" AVA@X "), "ava@x");
    }

    #[test]
    fn a_document_names_by_its_names_alone() {
        let document = serde_json::json!({
            "userName": "ava", "externalId": "E-1", "title": "Boss",
            "name": {"givenName": "Ada", "familyName": "Stone"},
            "emails": [{"value": "ava@x", "type": "work"}],
            "urn:ietf:params:scim:schemas:core:2.0:User:displayName": "A. Stone",
        });
        let mut found = names_in(&document);
        found.sort_unstable();
        assert_eq!(found, ["A. Stone", "Ada", "E-1", "Stone", "ava", "ava@x"]);
    }
}
