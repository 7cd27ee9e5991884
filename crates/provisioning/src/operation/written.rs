//! Resources written out as text, without a list of members held as values.

use scim_protocol::resource::Projector;
use serde_json::{Map, Value};

use super::Failure;
use crate::directory::DirectoryView;
use crate::id::ResourceId;
use crate::service::Context;

/// How many members are read at once; as values they take many times as much as in the answer.
pub(super) const CHUNK: usize = 500;

/// Appends what a request asked for of a resource that is held whole.
pub(super) fn resource(
    projector: &Projector<'_>,
    attributes: &Map<String, Value>,
    text: &mut String,
) {
    let shown = Value::Object(projector.project(attributes));
    text.push_str(&shown.to_string());
}

/// Appends what a request asked for of a group that has no members yet, and after it all members
/// that the directory has of it, chunk by chunk. It ends early when the text has become longer
/// than `limit`.
pub(super) fn group(
    context: &Context,
    view: &mut dyn DirectoryView,
    projector: &Projector<'_>,
    (id, attributes): (ResourceId, &Map<String, Value>),
    text: &mut String,
    limit: usize,
) -> Result<(), Failure> {
    let begun = text.len();
    resource(projector, attributes, text);
    // The end of the object.
    text.pop();
    let mut before = match text.len() - begun {
        1 => "\"members\":[",
        _ => ",\"members\":[",
    };
    let mut any = false;
    let mut after = None;
    while text.len() <= limit {
        let chunk = view.members_behind(context.scope(), id, after, CHUNK)?;
        for member in &chunk.members {
            let member = context.member(member.kind, member.id, &member.display);
            if let Some(shown) = projector.element("members", &member) {
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
