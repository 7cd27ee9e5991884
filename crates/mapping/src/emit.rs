//! From a record back to a resource: what was changed by hand becomes visible.

use scim_protocol::schema::AttributeType;
use serde_json::{Map, Value};

use crate::compile::{CompiledMapping, CompiledRule};
use crate::convert::convert;
use crate::path::{Selector, SourcePath};
use crate::record::{FieldValue, Record};
use crate::rule::{Apply, Direction, OnAbsent, OnError, OnUnknown};
use crate::source::{CompiledPath, CompiledSource, Reading};
use crate::target::{OwnKind, TargetField};
use crate::transform::{CompiledTransform, Transform, apply_all, plain_text};
use crate::value_kind::FieldKind;

impl<F: TargetField> CompiledMapping<F> {
    /// The stored document, with the current value where the record says otherwise.
    ///
    /// No transform is inverted but a value map with one source for the value: the field's value
    /// stands in the attribute as it is. Constants and joined texts stay; of several paths the one
    /// that had a value is written, else the first; of several values those that the field does not
    /// have any more go, and those come that it has beside them.
    ///
    /// ```
    /// use scim_mapping::{Catalog, Event, Field, FieldValue, MappingSet};
    /// use scim_protocol::ResourceDefinition;
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let mapping = MappingSet::default_user().compile(&users, &Catalog::default())?;
    /// let user = json!({"userName": "ava", "title": "Lead"});
    /// let user = user.as_object().unwrap();
    /// let mut record = mapping.project(user, Event::Create).record;
    /// assert_eq!(mapping.emit(user, &record), *user);
    ///
    /// // Somebody edits the record by hand: the identity provider reads what they wrote.
    /// record.insert(Field::JobTitle, FieldValue::Text("Head".into()));
    /// assert_eq!(mapping.drift(user, &record), [Field::JobTitle]);
    /// assert_eq!(mapping.emit(user, &record)["title"], "Head");
    /// # Ok::<(), scim_mapping::MappingError>(())
    /// ```
    pub fn emit(&self, document: &Map<String, Value>, record: &Record<F>) -> Map<String, Value> {
        let mut emitted = document.clone();
        for rule in self.drifted(document, record) {
            let current = rule.current(record);
            if let CompiledSource::All(path) = &rule.source {
                if let Some(path) = path.attribute() {
                    rule.write_all(path, current, &mut emitted);
                }
                continue;
            }
            let Some(path) = rule.written_path(document) else {
                continue;
            };
            match current {
                None => path.write(None, &mut emitted),
                Some(current) => {
                    if let Some(value) = rule.inverted(current).and_then(|v| path.typed(v)) {
                        path.write(Some(value), &mut emitted);
                    }
                }
            }
        }
        emitted
    }

    /// The fields whose value is not the one that the document gives them; [`emit`](Self::emit) shows
    /// them. Those of rules that are `inbound` or `onCreate` are none.
    pub fn drift(&self, document: &Map<String, Value>, record: &Record<F>) -> Vec<F> {
        self.drifted(document, record)
            .into_iter()
            .map(|rule| rule.rule.target.clone())
            .collect()
    }

    /// The rules that count and whose field is not what they give. A field for which none counts
    /// stands in no attribute.
    fn drifted(&self, document: &Map<String, Value>, record: &Record<F>) -> Vec<&CompiledRule<F>> {
        let given = self.given(document);
        let reading = Reading {
            attributes: document,
            given: &given,
        };
        let counts = |place: usize, rule: &CompiledRule<F>| {
            let field = self.arrangement.fields.get(rule.field);
            let alone = !self.arrangement.chooses;
            alone || field.is_some_and(|field| self.counting(field, document) == Some(place))
        };
        let rules = self.rules.iter().enumerate().filter(|(place, rule)| {
            rule.follows_document()
                && counts(*place, rule)
                && rule.differs(reading, rule.current(record))
        });
        rules.map(|(_, rule)| rule).collect()
    }
}

impl<F: TargetField> CompiledRule<F> {
    /// A field that is written on creation alone belongs to ServiceOps from then on.
    fn follows_document(&self) -> bool {
        self.rule.direction == Direction::Both && self.rule.apply == Apply::Always
    }

    /// The value of the field.
    fn current<'r>(&self, record: &'r Record<F>) -> Option<&'r FieldValue> {
        let value = record.get(&self.rule.target);
        value.or_else(|| self.rule.target.unset())
    }

    /// Whether the field is not what the document makes of it.
    fn differs(&self, reading: Reading<'_>, current: Option<&FieldValue>) -> bool {
        let differs = || {
            let expected = self.expected(reading);
            expected.is_some_and(|expected| !self.same(expected.as_ref(), current))
        };
        if let (Some(text), Some(FieldValue::Text(current))) = (self.plain(reading), current)
            && text == current
        {
            debug_assert!(!differs(), "what is the same in plain sight differs");
            return false;
        }
        differs()
    }

    /// The text that the field gets as it stands in the document, without a copy of it; `None` where
    /// more has to be done to know. A text that does not fit is never written.
    fn plain<'v>(&self, reading: Reading<'v>) -> Option<&'v str> {
        let CompiledSource::FirstOf(paths) = &self.source else {
            return None;
        };
        if !self.transforms.is_empty() || self.rule.on_error == OnError::UseDefault {
            return None;
        }
        let mut given = None;
        for path in paths {
            let path = path.attribute().filter(|path| path.part.is_none())?;
            given = path.first(reading.attributes);
            if given.is_some() {
                break;
            }
        }
        let text = given?.as_str()?;
        let whole = || text.trim().len() == text.len();
        let stays = match &self.kind {
            FieldKind::Text { .. } | FieldKind::LongText => true,
            FieldKind::Reference(own) => own.keeps(text),
            // The domain is written in lower case.
            FieldKind::Email => {
                text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase()) && whole()
            }
            // In front of a number may be `tel:`.
            FieldKind::Phone => !text.starts_with(['t', 'T']) && whole(),
            _ => false,
        };
        stays.then_some(text)
    }

    /// What the document makes of the field; `None` when it says nothing about it.
    fn expected(&self, reading: Reading<'_>) -> Option<Option<FieldValue>> {
        let converted = match self.value(reading) {
            Ok(None) => {
                return (self.rule.on_absent != OnAbsent::Keep).then(|| self.default.clone());
            }
            Ok(Some(value)) => convert(&self.kind, &value),
            Err(reason) => Err(reason),
        };
        match converted {
            Ok(value) => Some(Some(value)),
            Err(_) if self.rule.on_error == OnError::UseDefault => Some(self.default.clone()),
            // A value that cannot be read or does not fit was never written.
            Err(_) => None,
        }
    }

    /// Whether the field has the value that the document gives it.
    ///
    /// Instants and their text are the same: a record that was stored no longer tells them apart.
    fn same(&self, expected: Option<&FieldValue>, current: Option<&FieldValue>) -> bool {
        let json = |value: Option<&FieldValue>| value.map(FieldValue::to_json);
        if expected == current || json(expected) == json(current) {
            return true;
        }
        match (expected, current) {
            (None, Some(_)) if current == self.rule.target.unset() => return true,
            // Options have no order.
            (Some(FieldValue::Texts(one)), Some(FieldValue::Texts(other)))
                if one.len() == other.len() && one.iter().all(|text| other.contains(text)) =>
            {
                return true;
            }
            _ => {}
        }
        match &self.kind {
            FieldKind::Reference(own) => {
                let ignored = self.rule.on_unknown == Some(OnUnknown::Ignore);
                own.is_same(expected, current, ignored)
            }
            _ => false,
        }
    }

    fn written_path(&self, document: &Map<String, Value>) -> Option<&SourcePath> {
        let CompiledSource::FirstOf(paths) = &self.source else {
            return None;
        };
        // A part of a name cannot be written, but what it stands in for can.
        let paths = paths.iter().filter_map(CompiledPath::attribute);
        let mut whole = paths.filter(|path| path.part.is_none());
        let had = whole.clone().find(|path| path.first(document).is_some());
        // What nobody sent is not said to be the primary value.
        let modest = || whole.clone().find(|path| !path.chooses("primary"));
        had.or_else(modest).or_else(|| whole.next())
    }

    /// The attribute's value for a field's; `None` when it cannot be known.
    fn inverted(&self, current: &FieldValue) -> Option<Value> {
        let json = current.to_json();
        let transforms = self.transforms.as_slice();
        let mapped = |compiled: &CompiledTransform| {
            let transform = &compiled.transform;
            matches!(
                transform,
                Transform::ValueMap { .. } | Transform::Table { .. }
            )
        };
        if let [only] = transforms
            && mapped(only)
        {
            return only.inverse(&json);
        }
        if transforms.iter().any(mapped) {
            return None;
        }
        match (&self.kind, current) {
            (FieldKind::SingleChoice { .. }, _) if !transforms.is_empty() => None,
            (_, FieldValue::Texts(_)) => None,
            _ => Some(json),
        }
    }

    /// Takes those values of the attribute out that the field does not have, and puts in those
    /// that it has beside them.
    fn write_all(
        &self,
        path: &SourcePath,
        current: Option<&FieldValue>,
        document: &mut Map<String, Value>,
    ) {
        let transforms = self.transforms.as_slice();
        if transforms.iter().any(|t| t.transform.reshapes()) {
            return;
        }
        let wanted = match current {
            None => &[],
            Some(FieldValue::Texts(texts)) => texts.as_slice(),
            Some(_) => return,
        };
        let mapped = |value: &Value| -> Vec<String> {
            let list = Some(Value::Array(vec![value.clone()]));
            let value = apply_all(transforms, Ok(list)).ok().flatten();
            match value.and_then(|value| convert(&self.kind, &value).ok()) {
                Some(FieldValue::Texts(texts)) => texts,
                _ => Vec::new(),
            }
        };
        let there: Vec<String> = path.all(document).into_iter().flat_map(mapped).collect();
        let missing = wanted.iter().filter(|text| !there.contains(*text));
        let joining: Option<Vec<Value>> = missing
            .map(|text| {
                let text = FieldValue::Text(text.clone());
                self.inverted(&text).and_then(|value| path.typed(value))
            })
            .collect();
        if let Some(joining) = joining {
            let stays = |value: &Value| mapped(value).iter().any(|text| wanted.contains(text));
            path.write_all(&stays, joining, document);
        }
    }
}

impl SourcePath {
    /// The value in the type of the attribute; `None` when it has none there.
    fn typed(&self, value: Value) -> Option<Value> {
        match (self.traits.kind, &value) {
            (None, _)
            | (Some(AttributeType::Boolean), Value::Bool(_))
            | (Some(AttributeType::Integer | AttributeType::Decimal), Value::Number(_)) => {
                Some(value)
            }
            (Some(AttributeType::Boolean), _) => {
                let text = plain_text(&value)?.to_ascii_lowercase();
                text.parse().ok().map(Value::Bool)
            }
            (Some(AttributeType::Integer), _) => {
                let number: i64 = plain_text(&value)?.trim().parse().ok()?;
                Some(number.into())
            }
            (Some(AttributeType::Decimal), _) => {
                let number: f64 = plain_text(&value)?.trim().parse().ok()?;
                number
                    .is_finite()
                    .then(|| FieldValue::number(number).to_json())
            }
            (Some(_), _) => plain_text(&value).map(Value::String),
        }
    }

    /// Whether the brackets compare the sub-attribute.
    fn chooses(&self, sub_attribute: &str) -> bool {
        match &self.selector {
            Some(Selector::Filter {
                template: Some(members),
                ..
            }) => members.contains_key(sub_attribute),
            _ => false,
        }
    }
}
