//! Resources written out: what is big is written piece by piece.

use scim_protocol::resource::Projector;
use serde_json::{Map, Value};

use crate::policy::{Apart, Session};

/// How many values kept apart are read at once; as values they take many times as much as in the
/// answer.
const CHUNK: usize = 500;

/// Appends what a request asked for of a resource that is held whole.
pub(crate) fn resource(
    projector: &Projector<'_>,
    attributes: &Map<String, Value>,
    text: &mut String,
) {
    let written = serde_json::to_string(&projector.view(attributes));
    // What is a map of JSON can be written.
    let written =
        written.unwrap_or_else(|_| Value::Object(projector.project(attributes)).to_string());
    match text.is_empty() {
        true => *text = written,
        false => text.push_str(&written),
    }
}

/// Appends what a request asked for of a resource without the values that are kept apart, and after
/// it all of those, chunk by chunk. It ends early when the text has become longer than `limit`.
pub(crate) fn with_values<S: Session>(
    session: &S,
    view: &mut S::View<'_>,
    projector: &Projector<'_>,
    (kind, id, attributes): (S::Kind, &S::Id, &Map<String, Value>),
    text: &mut String,
    limit: usize,
) -> Result<(), S::Failure> {
    let begun = text.len();
    resource(projector, attributes, text);
    let Some(Apart::Paged(name)) = session.apart(kind) else {
        return Ok(());
    };
    // The end of the object.
    text.pop();
    let opening = match text.len() - begun {
        1 => format!("\"{name}\":["),
        _ => format!(",\"{name}\":["),
    };
    let mut before = opening.as_str();
    let mut any = false;
    let mut after = None;
    while text.len() <= limit {
        let chunk = session.values_behind(view, kind, id, after, CHUNK)?;
        for value in &chunk.values {
            if let Some(shown) = projector.element(name, value) {
                text.push_str(before);
                text.push_str(&shown.to_string());
                (any, before) = (true, ",");
            }
        }
        after = chunk.next;
        if after.is_none() {
            break;
        }
    }
    text.push_str(if any { "]}" } else { "}" });
    Ok(())
}
