//! Mapping sets checked and compiled against the schemas of a resource type.

use std::collections::HashSet;

use scim_protocol::ResourceDefinition;
use serde_json::{Map, Value};

use crate::arrange::Arrangement;
use crate::check::{check_constant, check_key, compile_transforms};
use crate::condition::RuleCondition;
use crate::convert::convert;
use crate::error::{Fault, MappingError, RuleErrorKind, RuleList, RulePart, ValueError};
use crate::group::CompiledGroupRule;
use crate::kind::ResourceKind;
use crate::record::{Field, FieldValue};
use crate::rule::{Apply, MappingSet, OnAbsent, OnError, OnUnknown, Rule, Source};
use crate::source::{CompiledSource, Reading};
use crate::target::{FieldCatalog, OwnKind, TargetField};
use crate::transform::CompiledTransform;
use crate::value_kind::FieldKind;

/// A mapping set compiled whole, paths, patterns and value maps, so that mapping prepares nothing and
/// fails for nothing but data.
#[derive(Debug, Clone)]
pub struct CompiledMapping<F: TargetField = Field> {
    pub(crate) rules: Vec<CompiledRule<F>>,
    pub(crate) arrangement: Arrangement<F>,
    pub(crate) group_rules: Vec<CompiledGroupRule>,
}

#[derive(Debug, Clone)]
pub(crate) struct CompiledRule<F: TargetField> {
    /// The number of the rule in its set, from 1.
    pub(crate) number: usize,
    pub(crate) rule: Rule<F>,
    pub(crate) when: Option<RuleCondition>,
    /// The place of its field among those that the rules are for.
    pub(crate) field: usize,
    pub(crate) kind: FieldKind<F::Own>,
    /// The name that people see of the field.
    pub(crate) label: String,
    pub(crate) source: CompiledSource<F>,
    pub(crate) transforms: Vec<CompiledTransform>,
    pub(crate) default: Option<FieldValue>,
}

impl<F: TargetField> CompiledMapping<F> {
    /// The first rule that is about a group.
    pub fn group_rule(
        &self,
        display_name: &str,
        external_id: Option<&str>,
    ) -> Option<&CompiledGroupRule> {
        let mut rules = self.group_rules.iter();
        rules.find(|rule| rule.is_about(display_name, external_id))
    }

    /// What happens when a reference field names a record that is not there, as the rule has it
    /// that counts for a resource.
    pub fn on_unknown(&self, field: &F, attributes: &Map<String, Value>) -> OnUnknown {
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| rule.rule.target == *field && rule.holds(attributes));
        let said = rule.and_then(|rule| rule.rule.on_unknown);
        said.unwrap_or(match field.creates_unknown() {
            true => OnUnknown::Create,
            false => OnUnknown::Ignore,
        })
    }
}

impl<F: TargetField> MappingSet<F> {
    /// Checks the limits and compiles the enabled rules.
    ///
    /// Defaults and constants are checked against what their fields hold, those of disabled rules
    /// too. The definition may be of any resource type; [`ResourceKind`] says how another than User
    /// and Group is mapped.
    ///
    /// # Errors
    /// [`MappingError`] for the first rule that cannot be used, and for a set without a required
    /// rule for the field by which records are told apart ([`FieldCatalog::identity`]).
    pub fn compile(
        &self,
        definition: &ResourceDefinition,
        catalog: &impl FieldCatalog<Field = F>,
    ) -> Result<CompiledMapping<F>, MappingError> {
        self.compile_with(definition, catalog, Constants::Fit)
    }

    /// Compiles rules that are in force already: a constant that does not fit its field is a warning
    /// with each resource, and keeps nobody from being provisioned. Fields change after rules were
    /// checked, such as the options of a choice.
    ///
    /// # Errors
    /// As [`compile`](Self::compile) has them, but for such constants.
    pub fn compile_in_force(
        &self,
        definition: &ResourceDefinition,
        catalog: &impl FieldCatalog<Field = F>,
    ) -> Result<CompiledMapping<F>, MappingError> {
        self.compile_with(definition, catalog, Constants::Any)
    }

    fn compile_with(
        &self,
        definition: &ResourceDefinition,
        catalog: &impl FieldCatalog<Field = F>,
        constants: Constants,
    ) -> Result<CompiledMapping<F>, MappingError> {
        if self.rules.len() > RULES {
            return Err(MappingError::TooManyRules {
                list: RuleList::Rules,
                count: self.rules.len(),
                most: RULES,
            });
        }
        let mut keys = HashSet::new();
        let mut rules = Vec::with_capacity(self.rules.len());
        for (number, rule) in (1..).zip(&self.rules) {
            let named = |fault: Fault| fault.of(RuleList::Rules, number, &rule.key);
            if !keys.insert(rule.key.as_str()) {
                return Err(named(RuleErrorKind::KeyTaken.at(RulePart::Key)).into());
            }
            let compiled =
                compile_rule(number, rule, self.resource, definition, catalog).map_err(named)?;
            let misfit = |error| RuleErrorKind::Constant(error).at(RulePart::Source);
            let checked = compiled.check_given(constants);
            checked.map_err(|error| named(misfit(error)))?;
            if rule.enabled {
                rules.push(compiled);
            }
        }
        let arrangement = Arrangement::of(&mut rules).map_err(|(place, fault)| {
            let rule = rules.get(place);
            let (number, key) = rule.map_or((0, ""), |rule| (rule.number, &*rule.rule.key));
            fault.of(RuleList::Rules, number, key)
        })?;
        if let Some(identity) = catalog.identity(self.resource) {
            check_identity(&rules, &identity)?;
        }
        let group_rules = self.compile_groups(catalog)?;
        self.check_tests(catalog)?;
        Ok(CompiledMapping {
            rules,
            arrangement,
            group_rules,
        })
    }

    fn compile_groups(
        &self,
        catalog: &impl FieldCatalog<Field = F>,
    ) -> Result<Vec<CompiledGroupRule>, MappingError> {
        if self.group_rules.len() > RULES {
            return Err(MappingError::TooManyRules {
                list: RuleList::GroupRules,
                count: self.group_rules.len(),
                most: RULES,
            });
        }
        let mut keys = HashSet::new();
        let mut compiled = Vec::with_capacity(self.group_rules.len());
        for (number, rule) in (1..).zip(&self.group_rules) {
            let named = |fault: Fault| fault.of(RuleList::GroupRules, number, &rule.key);
            compiled.push(rule.compile(catalog).map_err(named)?);
            if self.resource == ResourceKind::User {
                return Err(named(RuleErrorKind::NotForUsers.at(RulePart::Whole)).into());
            }
            if !keys.insert(rule.key.as_str()) {
                return Err(named(RuleErrorKind::KeyTaken.at(RulePart::Key)).into());
            }
        }
        Ok(compiled)
    }
}

fn check_identity<F: TargetField>(
    rules: &[CompiledRule<F>],
    identity: &F,
) -> Result<(), MappingError> {
    let rules = rules.iter().map(|compiled| &compiled.rule);
    let mut named = rules.filter(|rule| rule.target == *identity);
    // Whichever of them counts, and one does.
    let mut always = false;
    let each = named.all(|rule| {
        always |= rule.when.is_none();
        rule.required && rule.apply == Apply::Always
    });
    match each && always {
        true => Ok(()),
        false => Err(MappingError::Unnamed(identity.to_string())),
    }
}

fn compile_rule<F: TargetField>(
    number: usize,
    rule: &Rule<F>,
    resource: ResourceKind,
    definition: &ResourceDefinition,
    catalog: &impl FieldCatalog<Field = F>,
) -> Result<CompiledRule<F>, Fault> {
    check_rule(rule)?;
    let transforms = compile_transforms(&rule.transforms, RulePart::Transform, catalog.tables())?;
    let kind = catalog
        .kind(&rule.target, resource)
        .ok_or_else(|| RuleErrorKind::UnknownField(rule.target.to_string()).at(RulePart::Target))?;
    let condition = |text: &String| {
        let compiled = RuleCondition::compile(text, definition);
        compiled.map_err(|kind| kind.at(RulePart::Condition))
    };
    Ok(CompiledRule {
        number,
        when: rule.when.as_ref().map(condition).transpose()?,
        field: usize::MAX,
        source: CompiledSource::compile(&rule.source, definition, catalog.tables())?,
        default: compile_default(&kind, rule.default.as_ref())?,
        label: catalog.label(&rule.target),
        transforms,
        rule: rule.clone(),
        kind,
    })
}

/// Which constants are checked beside those of which the catalogue says so.
#[derive(Clone, Copy, PartialEq)]
enum Constants {
    /// All of them: each fits its field.
    Fit,
    /// None.
    Any,
}

impl<F: TargetField> CompiledRule<F> {
    /// Checks the value of a rule that gives every resource the same.
    fn check_given(&self, constants: Constants) -> Result<(), ValueError> {
        let Source::Constant(value) = &self.rule.source else {
            return Ok(());
        };
        let plain = self.transforms.is_empty();
        match &self.kind {
            FieldKind::Reference(own) if !own.checks_constants() => Ok(()),
            FieldKind::Reference(own) if plain => own.convert(value).map(drop),
            _ if constants == Constants::Any => Ok(()),
            _ => {
                let attributes = &Map::new();
                let given = &[];
                self.converted(Reading { attributes, given }).map(drop)
            }
        }
    }
}

fn check_rule<F: TargetField>(rule: &Rule<F>) -> Result<(), Fault> {
    check_key(&rule.key)?;
    let uses_default = rule.on_absent == OnAbsent::Default || rule.on_error == OnError::UseDefault;
    if uses_default && rule.default.is_none() {
        return Err(RuleErrorKind::NoDefault.at(RulePart::Default));
    }
    Ok(())
}

fn compile_default<R: OwnKind>(
    kind: &FieldKind<R>,
    default: Option<&Value>,
) -> Result<Option<FieldValue>, Fault> {
    let converted = |value: &Value| {
        check_constant(value)?;
        convert(kind, value).map_err(RuleErrorKind::Default)
    };
    default
        .map(|value| converted(value).map_err(|kind| kind.at(RulePart::Default)))
        .transpose()
}

const RULES: usize = 200;
