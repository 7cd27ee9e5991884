//! The rules of a set together: which of them are for the same field, and which read what others
//! give.

use scim_protocol::AttributePath;
use serde_json::{Map, Value};

use crate::compile::{CompiledMapping, CompiledRule};
use crate::error::{Fault, RuleErrorKind, RulePart};
use crate::record::FieldValue;
use crate::rule::OnError;
use crate::source::Reading;
use crate::target::TargetField;
use crate::transform::Given;

/// The rules for one field.
#[derive(Debug, Clone)]
pub(crate) struct FieldRules<F> {
    pub(crate) target: F,
    /// Their places among the rules, in order.
    pub(crate) rules: Vec<usize>,
    /// The places of the fields that they read.
    reads: Vec<usize>,
    /// Whether another field's rules read what these give.
    read: bool,
}

/// The rules by field, so that one who reads a field comes behind those who give it.
#[derive(Debug, Clone)]
pub(crate) struct Arrangement<F> {
    pub(crate) fields: Vec<FieldRules<F>>,
    /// Whether a rule has a condition, or a field several rules.
    pub(crate) chooses: bool,
    /// Whether a rule reads a field.
    pub(crate) reads: bool,
}

impl<F: TargetField> Arrangement<F> {
    /// Puts rules together; the error names the place of the rule that reads what it may not.
    pub(crate) fn of(rules: &mut [CompiledRule<F>]) -> Result<Self, (usize, Fault)> {
        let mut fields: Vec<FieldRules<F>> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            match fields.iter_mut().find(|f| f.target == rule.rule.target) {
                Some(known) => known.rules.push(place),
                None => fields.push(FieldRules {
                    target: rule.rule.target.clone(),
                    rules: vec![place],
                    reads: Vec::new(),
                    read: false,
                }),
            }
        }
        let reads: Vec<Vec<F>> = rules.iter().map(|rule| rule.source.fields()).collect();
        for (place, read) in reads.iter().enumerate() {
            for field in read {
                check_order(&fields, &reads, place, field)
                    .map_err(|kind| (place, kind.at(RulePart::Source)))?;
            }
        }
        // Whoever reads a field stands behind the last rule for it, and so does its own last rule.
        fields.sort_by_key(|field| field.rules.last().copied());
        let place_of = |wanted: &F| fields.iter().position(|f| f.target == *wanted);
        let mut read_by_others = vec![false; fields.len()];
        let mut reading: Vec<Vec<usize>> = Vec::with_capacity(fields.len());
        for field in &fields {
            let mut places: Vec<usize> = field
                .rules
                .iter()
                .filter_map(|place| reads.get(*place))
                .flatten()
                .filter_map(place_of)
                .collect();
            places.sort_unstable();
            places.dedup();
            for place in &places {
                if let Some(read) = read_by_others.get_mut(*place) {
                    *read = true;
                }
            }
            reading.push(places);
        }
        for rule in rules.iter_mut() {
            rule.field = place_of(&rule.rule.target).unwrap_or(usize::MAX);
            rule.source.place(&place_of);
        }
        for ((field, places), read) in fields.iter_mut().zip(reading).zip(read_by_others) {
            field.reads = places;
            field.read = read;
        }
        Ok(Self {
            chooses: fields.iter().any(|field| field.rules.len() > 1)
                || rules.iter().any(|rule| rule.when.is_some()),
            reads: fields.iter().any(|field| field.read),
            fields,
        })
    }
}

/// A rule reads what rules before it give, and what those give may not come from its own field.
fn check_order<F: TargetField>(
    fields: &[FieldRules<F>],
    reads: &[Vec<F>],
    place: usize,
    read: &F,
) -> Result<(), RuleErrorKind> {
    let of = |wanted: &F| fields.iter().find(|field| field.target == *wanted);
    let target = fields.iter().find(|field| field.rules.contains(&place));
    let Some(given) = of(read) else {
        return Err(RuleErrorKind::ReadsNothing(read.to_string()));
    };
    // Everything from which the field comes, each once.
    let mut met: Vec<&F> = vec![read];
    let mut at = 0;
    while let Some(next) = met.get(at).copied() {
        at += 1;
        if target.is_some_and(|target| target.target == *next) {
            return Err(RuleErrorKind::ReadsItself(read.to_string()));
        }
        let rules = of(next).into_iter().flat_map(|field| &field.rules);
        for further in rules.filter_map(|rule| reads.get(*rule)).flatten() {
            if !met.contains(&further) {
                met.push(further);
            }
        }
    }
    match given.rules.iter().all(|rule| *rule < place) {
        true => Ok(()),
        false => Err(RuleErrorKind::ReadsLater(read.to_string())),
    }
}

impl<F: TargetField> CompiledMapping<F> {
    /// Which of the rules for a field counts: the first whose condition holds.
    pub(crate) fn counting(
        &self,
        field: &FieldRules<F>,
        attributes: &Map<String, Value>,
    ) -> Option<usize> {
        let holds = |place: &&usize| {
            let rule = self.rules.get(**place);
            rule.is_some_and(|rule| rule.holds(attributes))
        };
        field.rules.iter().find(holds).copied()
    }

    /// What rules give the fields that others read, by the place of the field.
    ///
    /// It is what a resource gives a new record, whatever the event, so that what is read depends
    /// on the resource alone and the same resource always gives the same.
    pub(crate) fn given(&self, attributes: &Map<String, Value>) -> Vec<Given> {
        if !self.arrangement.reads {
            return Vec::new();
        }
        let mut given: Vec<Given> = Vec::with_capacity(self.arrangement.fields.len());
        for field in &self.arrangement.fields {
            let value = match field.read {
                false => Ok(None),
                true => {
                    let reading = Reading {
                        attributes,
                        given: &given,
                    };
                    let counting = self.counting(field, attributes);
                    let rule = counting.and_then(|place| self.rules.get(place));
                    rule.map_or(Ok(None), |rule| rule.gives(reading))
                }
            };
            given.push(value);
        }
        given
    }

    /// Which fields have rules that read one of the attributes, themselves or by way of other
    /// fields.
    pub(crate) fn touched(&self, paths: &[AttributePath]) -> Vec<bool> {
        let mut touched: Vec<bool> = Vec::with_capacity(self.arrangement.fields.len());
        for field in &self.arrangement.fields {
            let mut rules = field
                .rules
                .iter()
                .filter_map(|place| self.rules.get(*place));
            let by_others = |place: &usize| touched.get(*place).copied().unwrap_or_default();
            let is = rules.any(|rule| paths.iter().any(|path| rule.reads(path)))
                || field.reads.iter().any(by_others);
            touched.push(is);
        }
        touched
    }
}

impl<F: TargetField> CompiledRule<F> {
    /// Whether the rule is for a resource.
    pub(crate) fn holds(&self, attributes: &Map<String, Value>) -> bool {
        let when = self.when.as_ref();
        when.is_none_or(|condition| condition.holds(attributes))
    }

    /// What the rule gives a new record. What it cannot read or take is nothing that another rule
    /// could read either, so that the field of that one stays as well.
    fn gives(&self, reading: Reading<'_>) -> Given {
        let default = || Ok(self.default.as_ref().map(FieldValue::to_json));
        match self.converted(reading) {
            Ok(Some(value)) => Ok(Some(value.to_json())),
            Ok(None) => default(),
            Err(_) if self.rule.on_error == OnError::UseDefault => default(),
            Err(reason) => Err(reason),
        }
    }
}
