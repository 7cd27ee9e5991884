//! Values written to where a source path points.

use serde_json::{Map, Value};

use crate::path::{Selector, SourcePath, member};

impl SourcePath {
    /// Sets the value, or clears it; what cannot hold the value stays as it is.
    pub(crate) fn write(&self, value: Option<Value>, document: &mut Map<String, Value>) {
        self.in_holder(document, |holder| self.write_attribute(value, holder));
    }

    /// Takes the values out that do not stay, and puts these in beside the others.
    pub(crate) fn write_all(
        &self,
        stays: &dyn Fn(&Value) -> bool,
        joining: Vec<Value>,
        document: &mut Map<String, Value>,
    ) {
        if matches!(self.selector, Some(Selector::Index(_))) {
            return;
        }
        self.in_holder(document, |holder| {
            let name = member(holder, &self.attribute)
                .map_or_else(|| self.attribute.clone(), |(key, _)| key.to_owned());
            let mut elements = match remove_member(holder, &name) {
                None => Vec::new(),
                Some(Value::Array(elements)) => elements,
                Some(single) => vec![single],
            };
            elements.retain(|element| self.selected(element).is_none_or(stays));
            elements.extend(joining.into_iter().filter_map(|value| self.element(value)));
            if !elements.is_empty() {
                holder.insert(name, Value::Array(elements));
            }
        });
    }

    /// Runs an edit on the attributes among which this one is, if it may be written.
    fn in_holder(
        &self,
        document: &mut Map<String, Value>,
        edit: impl FnOnce(&mut Map<String, Value>),
    ) {
        if !self.traits.writable {
            return;
        }
        let Some(uri) = &self.extension else {
            return edit(document);
        };
        let uri = member(document, uri).map_or_else(|| uri.clone(), |(key, _)| key.to_owned());
        match document.get_mut(&uri) {
            Some(Value::Object(extension)) => {
                edit(extension);
                if extension.is_empty() {
                    remove_member(document, &uri);
                }
            }
            Some(_) => {}
            None => {
                let mut extension = Map::new();
                edit(&mut extension);
                if !extension.is_empty() {
                    announce(&uri, document);
                    document.insert(uri, Value::Object(extension));
                }
            }
        }
    }

    fn write_attribute(&self, value: Option<Value>, holder: &mut Map<String, Value>) {
        let name = member(holder, &self.attribute)
            .map_or_else(|| self.attribute.clone(), |(key, _)| key.to_owned());
        let empty = match holder.get_mut(&name) {
            None => {
                if let Some(created) = value.and_then(|value| self.created(value)) {
                    holder.insert(name, created);
                }
                return;
            }
            Some(Value::Array(elements)) => {
                self.write_element(value, elements);
                elements.is_empty()
            }
            Some(single) => !self.write_leaf(value, single),
        };
        if empty {
            remove_member(holder, &name);
        }
    }

    fn write_element(&self, value: Option<Value>, elements: &mut Vec<Value>) {
        let at = self.position(elements);
        match at.and_then(|at| elements.get_mut(at).map(|element| (at, element))) {
            Some((at, element)) => {
                if !self.write_leaf(value, element) {
                    elements.remove(at);
                }
            }
            None => elements.extend(value.and_then(|value| self.element(value))),
        }
    }

    /// Answers whether anything is left.
    fn write_leaf(&self, value: Option<Value>, element: &mut Value) -> bool {
        let sub = self.sub_attribute.as_deref().unwrap_or("value");
        match (element, value) {
            (Value::Object(members), value) => {
                if sub == "value" {
                    // They tell of the old value.
                    for name in ["$ref", "display", "displayName"] {
                        remove_member(members, name);
                    }
                }
                match value {
                    Some(value) => {
                        members.insert(sub.to_owned(), value);
                    }
                    None if sub == "value" => return false,
                    None => {
                        remove_member(members, sub);
                    }
                }
                !members.is_empty()
            }
            (simple, Some(value)) if sub == "value" => {
                *simple = value;
                true
            }
            (_, None) if sub == "value" => false,
            _ => true,
        }
    }

    /// The whole attribute with this one value.
    fn created(&self, value: Value) -> Option<Value> {
        let element = self.element(value)?;
        Some(match self.traits.multi_valued {
            true => Value::Array(vec![element]),
            false => element,
        })
    }

    /// A new value of the attribute, such that the path points to it.
    fn element(&self, value: Value) -> Option<Value> {
        let members = match &self.selector {
            None => None,
            Some(Selector::Filter { template, .. }) => Some(template.clone()?),
            Some(Selector::Index(_)) => return None,
        };
        match (&self.sub_attribute, members) {
            (None, None) => Some(value),
            (None, Some(_)) => None,
            (Some(sub), members) => {
                let mut members = members.unwrap_or_default();
                members.insert(sub.clone(), value);
                Some(Value::Object(members))
            }
        }
    }
}

/// Takes a member out, and leaves the others in their order where they have one.
fn remove_member(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let value = members.get_mut(name).map(Value::take)?;
    members.retain(|other, _| other != name);
    Some(value)
}

/// `schemas` lists every extension of the resource (RFC 7643 section 3).
fn announce(uri: &str, document: &mut Map<String, Value>) {
    if let Some(Value::Array(schemas)) = document.get_mut("schemas")
        && !schemas.iter().any(|schema| schema == uri)
    {
        schemas.push(Value::from(uri));
    }
}
