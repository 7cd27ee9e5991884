//! What may not change once it has a value (RFC 7643 section 2.2 and RFC 7643 section 7,
//! RFC 7644 section 3.5).

use serde_json::{Map, Value};

use super::entry::{EntryKey, places};
use super::{same, without_value};
use crate::error::{Error, ScimType};
use crate::members::remove_member;
use crate::schema::{Attribute, Mutability, ResourceDefinition};

/// What it means that a write leaves no value of an immutable attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// A PUT that does not name it: the value stays (RFC 7644 section 3.5.1).
    Keeps,
    /// A PATCH that removed it: an error.
    Removes,
}

/// Walks over a resource before and after a write, whatever kind of write it was: what is immutable
/// and has a value has the same one afterwards, sub-attributes and extensions included. The values
/// of a multi-valued attribute may go and come; one that stays keeps what is immutable of it.
pub(crate) fn keep_immutable(
    definition: &ResourceDefinition,
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    absence: Absence,
) -> Result<(), Error> {
    let walk = Walk { absence };
    let core = definition.core().attributes.iter();
    walk.attributes(core, "", old, new)?;
    for extension in definition.extensions() {
        let Some(Value::Object(old)) = old.get(&extension.id) else {
            continue;
        };
        if !extension.attributes.iter().any(concerns) {
            continue;
        }
        let there = new.get_mut(&extension.id).map(Value::take);
        let was_there = there.is_some();
        let mut data = match there {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        let prefix = format!("{}:", extension.id);
        walk.attributes(extension.attributes.iter(), &prefix, old, &mut data)?;
        if !data.is_empty() {
            new.insert(extension.id.clone(), Value::Object(data));
        } else if was_there {
            remove_member(new, &extension.id);
        }
    }
    Ok(())
}

struct Walk {
    absence: Absence,
}

impl Walk {
    // The recursion is as deep as the schema: RFC 7643 has attributes and sub-attributes.
    fn attributes<'a>(
        &self,
        attributes: impl Iterator<Item = &'a Attribute>,
        prefix: &str,
        old: &Map<String, Value>,
        new: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        for attribute in attributes.filter(|attribute| concerns(attribute)) {
            let stored = old.get(&attribute.name);
            let Some(stored) = stored.filter(|value| !without_value(value)) else {
                continue;
            };
            let path = format!("{prefix}{}", attribute.name);
            if attribute.mutability == Mutability::Immutable {
                self.whole(attribute, &path, stored, new)?;
            } else {
                self.parts(attribute, &path, stored, new)?;
            }
        }
        Ok(())
    }

    fn whole(
        &self,
        attribute: &Attribute,
        path: &str,
        stored: &Value,
        new: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        let given = new.get(&attribute.name);
        match given.filter(|value| !without_value(value)) {
            Some(value) if same(attribute, stored, value) => Ok(()),
            None if self.absence == Absence::Keeps => {
                new.insert(attribute.name.clone(), stored.clone());
                Ok(())
            }
            _ => Err(immutable(path)),
        }
    }

    fn parts(
        &self,
        attribute: &Attribute,
        path: &str,
        stored: &Value,
        new: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        let subs = || attribute.sub_attributes.iter();
        let prefix = format!("{path}.");
        match stored {
            Value::Object(old) => {
                let mut members = match new.get_mut(&attribute.name).map(Value::take) {
                    Some(Value::Object(members)) => members,
                    _ => Map::new(),
                };
                self.attributes(subs(), &prefix, old, &mut members)?;
                if members.is_empty() {
                    remove_member(new, &attribute.name);
                } else {
                    new.insert(attribute.name.clone(), Value::Object(members));
                }
            }
            Value::Array(old) => {
                let Some(Value::Array(elements)) = new.get_mut(&attribute.name) else {
                    return Ok(());
                };
                let places = places(attribute, elements);
                let at = old.iter().map(|old| {
                    let at = places.get(&EntryKey::of(attribute, old));
                    at.copied()
                });
                let at: Vec<Option<usize>> = at.collect();
                for (old, at) in old.iter().zip(at) {
                    let element = at.and_then(|at| elements.get_mut(at));
                    if let (Some(Value::Object(element)), Value::Object(old)) = (element, old) {
                        self.attributes(subs(), &prefix, old, element)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether anything of an attribute is immutable.
fn concerns(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::Immutable || attribute.sub_attributes.iter().any(concerns)
}

/// The error for a change of an immutable attribute that has a value.
pub(crate) fn immutable(path: &str) -> Error {
    Error::new(
        ScimType::Mutability,
        format!("\"{path}\" is immutable and has a value."),
    )
}
