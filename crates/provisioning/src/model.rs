//! What the resources of a configuration look like and how they are mapped: schemas and rules,
//! compiled once for every version of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use scim_mapping::{
    Catalog, CompiledMapping, CustomField, Field, LookupTables, MappingError, MappingSet, Rule,
    Source, TestOutcome,
};
use scim_protocol::ResourceDefinition;
use scim_service::StoreError;

use crate::id::{ConfigurationId, ResourceKind};
use crate::plain::Plain;

/// Which versions of rules and fields a configuration uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelVersion {
    /// The version of the user mapping.
    pub user: i64,
    /// The version of the group mapping.
    pub group: i64,
    /// The revision of the custom fields.
    pub fields: i64,
}

impl ModelVersion {
    /// The version of the mapping of a kind of resource.
    pub fn mapping(self, kind: ResourceKind) -> i64 {
        match kind {
            ResourceKind::User => self.user,
            ResourceKind::Group => self.group,
        }
    }
}

/// The rules and fields of a configuration, as they are stored.
#[derive(Debug, Clone)]
pub struct ModelSource {
    /// The rules for users.
    pub users: MappingSet,
    /// The lookup tables that they use.
    pub user_tables: LookupTables,
    /// The rules for groups.
    pub groups: MappingSet,
    /// The lookup tables that they use.
    pub group_tables: LookupTables,
    /// The fields that administrators defined.
    pub custom_fields: Vec<CustomField>,
}

impl ModelSource {
    /// The rules as they are until somebody changes them, over these fields.
    pub fn usual(custom_fields: Vec<CustomField>) -> Self {
        Self {
            users: MappingSet::default_user(),
            user_tables: LookupTables::default(),
            groups: MappingSet::default_group(),
            group_tables: LookupTables::default(),
            custom_fields,
        }
    }

    /// The same with these rules for their kind of resource, and the lookup tables that they use.
    #[must_use]
    pub fn with_rules(self, rules: MappingSet, tables: LookupTables) -> Self {
        match rules.resource {
            ResourceKind::User => Self {
                users: rules,
                user_tables: tables,
                ..self
            },
            ResourceKind::Group => Self {
                groups: rules,
                group_tables: tables,
                ..self
            },
        }
    }
}

/// Schemas and rules, compiled.
#[derive(Debug)]
pub struct Model {
    /// Users, with the extension of the custom fields.
    pub users: ResourceDefinition,
    /// Groups.
    pub groups: ResourceDefinition,
    /// The mapping of users.
    pub user_mapping: CompiledMapping,
    /// The mapping of groups.
    pub group_mapping: CompiledMapping,
    /// Who is sent as stored.
    pub(crate) plain: Plain,
}

impl Model {
    /// Compiles rules and fields.
    ///
    /// A custom field that no rule writes takes its value from the attribute of its own name in
    /// the extension schema.
    ///
    /// # Errors
    /// [`MappingError`] which rule does not fit.
    pub fn compile(source: &ModelSource) -> Result<Self, MappingError> {
        let catalog = Catalog::with_custom(source.custom_fields.clone());
        let users = users(&catalog);
        let groups = ResourceDefinition::group();
        let mut completed = completed(&source.users, &catalog);
        // A field that was deleted while a rule for it was being activated stops nobody's work.
        let known = |rule: &Rule| catalog.kind(&rule.target, ResourceKind::User).is_some();
        completed.rules.retain(known);
        // Tests are for whoever edits the rules.
        completed.tests.clear();
        drop_unfounded(&mut completed.rules);
        let mut grouped = source.groups.clone();
        grouped.tests.clear();
        let known = |key: &str| {
            let field = Field::from_key(key);
            field.is_some_and(|field| catalog.kind(&field, ResourceKind::User).is_some())
        };
        for rule in &mut grouped.group_rules {
            rule.grants.fields.retain(|key, _value| known(key));
        }
        Ok(Self {
            user_mapping: {
                let catalog = catalog.clone().with_tables(source.user_tables.clone());
                completed.compile_in_force(&users, &catalog)?
            },
            group_mapping: {
                let catalog = catalog.with_tables(source.group_tables.clone());
                grouped.compile_in_force(&groups, &catalog)?
            },
            users,
            groups,
            plain: Plain::default(),
        })
    }
}

impl Model {
    /// Runs the tests of the mapping of a kind of resource.
    pub fn run_tests(&self, source: &ModelSource, kind: ResourceKind) -> Vec<TestOutcome> {
        let catalog = Catalog::with_custom(source.custom_fields.clone());
        let (mapping, tests, definition) = match kind {
            ResourceKind::User => (&self.user_mapping, &source.users.tests, &self.users),
            ResourceKind::Group => (&self.group_mapping, &source.groups.tests, &self.groups),
        };
        mapping.run_tests(tests, definition, &catalog, kind)
    }
}

/// Takes out the rules that read a field which no rule gives any more.
fn drop_unfounded(rules: &mut Vec<Rule>) {
    loop {
        let given: Vec<Field> = rules.iter().map(|rule| rule.target.clone()).collect();
        let before = rules.len();
        rules.retain(|rule| rule.source.fields().iter().all(|read| given.contains(read)));
        if rules.len() == before {
            return;
        }
    }
}

/// Users as a catalogue of fields makes them.
pub fn users(catalog: &Catalog) -> ResourceDefinition {
    let users = ResourceDefinition::user();
    match catalog.extension_schema() {
        Some(schema) => users.extended(schema, false),
        None => users,
    }
}

/// The rules with those that the extension schema implies. A field that every user must have is
/// required by its rules, whatever they say, and where none of them is for everybody the attribute
/// of its own name is asked last.
pub fn completed(rules: &MappingSet, catalog: &Catalog) -> MappingSet {
    let mut completed = rules.clone();
    let Some(schema) = catalog.extension_schema() else {
        return completed;
    };
    for (attribute, field) in schema.attributes.iter().zip(catalog.custom()) {
        let target = Field::Custom(field.key.clone());
        let rules = completed.rules.iter_mut();
        let (mut written, mut for_all) = (false, false);
        for rule in rules.filter(|rule| rule.enabled && rule.target == target) {
            rule.required |= field.required;
            written = true;
            for_all |= rule.when.is_none();
        }
        // Every user must have it, those too for whom no condition holds.
        if for_all || written && !field.required {
            continue;
        }
        let path = format!("{}:{}", schema.id, attribute.name);
        let source = match attribute.multi_valued {
            true => Source::All(path),
            false => Source::Path(path),
        };
        completed.rules.push(Rule {
            key: unused(&completed.rules, &target),
            required: field.required,
            ..Rule::new(source, target)
        });
    }
    completed
}

/// A key that no rule has.
fn unused(rules: &[Rule], target: &Field) -> String {
    let mut key = target.key();
    while rules.iter().any(|rule| rule.key == key) {
        key.push('\'');
    }
    key
}

/// The compiled models, one for each configuration.
#[derive(Default)]
pub(crate) struct Models {
    compiled: Mutex<HashMap<ConfigurationId, (ModelVersion, Arc<Model>)>>,
}

impl Models {
    /// The model of a version, which is read and compiled when it is new.
    pub(crate) fn of(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
        read: impl FnOnce() -> Result<ModelSource, StoreError>,
    ) -> Result<Arc<Model>, StoreError> {
        if let Some((compiled, model)) = self.lock().get(&configuration)
            && *compiled == version
        {
            return Ok(Arc::clone(model));
        }
        let source = read()?;
        let model = Model::compile(&source)
            .map_err(|error| StoreError::unreadable(format!("the stored mapping ({error})")))?;
        let model = Arc::new(model);
        let mut compiled = self.lock();
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        compiled.insert(configuration, (version, Arc::clone(&model)));
        Ok(model)
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<ConfigurationId, (ModelVersion, Arc<Model>)>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_that_its_field_never_takes_keeps_nobody_from_being_provisioned() {
        let mut source = ModelSource::usual(Vec::new());
        source.users.rules.push(Rule {
            key: "gym".to_owned(),
            ..Rule::new(Source::Constant("gym".into()), Field::UserType)
        });
        let fresh = (source.users).compile(&ResourceDefinition::user(), &Catalog::default());
        assert!(fresh.is_err(), "as a new rule it is refused");
        assert!(Model::compile(&source).is_ok());
    }
}
