//! Resources written out: what is big is written piece by piece.

use std::cell::OnceCell;

use scim_protocol::ResourceDefinition;
use scim_protocol::query::Projection;
use scim_protocol::resource::Projector;

use crate::policy::{Apart, Session};
use crate::render::{self, Shown};

/// How many values kept apart are read at once; as values they take many times as much as in the
/// answer.
const CHUNK: usize = 500;

/// What a request asked for of the resources of a type, looked up when one of them is projected.
pub(crate) struct Wanted<'a> {
    definition: &'a ResourceDefinition,
    projection: &'a Projection,
    projector: OnceCell<Projector<'a>>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(definition: &'a ResourceDefinition, projection: &'a Projection) -> Self {
        Self {
            definition,
            projection,
            projector: OnceCell::new(),
        }
    }

    fn projector(&self) -> &Projector<'a> {
        let new = || Projector::new(self.definition, self.projection);
        self.projector.get_or_init(new)
    }
}

/// Appends what a request asked for of a resource that is held whole.
pub(crate) fn resource(wanted: &Wanted<'_>, shown: Shown, text: &mut String) {
    let written = match shown {
        Shown::Attributes(attributes) => render::text(wanted.projector(), &attributes),
        Shown::Text(written) => written,
    };
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
    wanted: &Wanted<'_>,
    (kind, id, shown): (S::Kind, &S::Id, Shown),
    text: &mut String,
    limit: usize,
) -> Result<(), S::Failure> {
    let begun = text.len();
    resource(wanted, shown, text);
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
            if let Some(shown) = wanted.projector().element(name, value) {
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
