//! What is there against what a document says.

mod tables;

use std::collections::{BTreeSet, HashSet};

use scim_feed::{Stream, StreamState};
use scim_mapping::{Catalog, CustomField, LookupTables, MappingSet, ResourceKind, Roles};
use scim_protocol::ResourceDefinition;
use scim_protocol::text::fold;
use scim_provisioning::ConfigurationId;
use scim_provisioning::model::{self, ModelSource};
use serde_json::{Value, json};
use validator::Validate;

use super::document::{Declaration, DeclaredConfiguration, DeclaredStream};
use super::export::{self, Configured};
use super::plan::{Change, MemberChange, NewStream, PlanItem, Step, Work};
use super::read;
use crate::configuration::{ConfigurationInput, ConfigurationStatus, ProvisioningConfiguration};
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::item::ItemKind;
use crate::mapping::{DRAFT, FIELDS, check_tests};
use crate::name::check_name;
use crate::store::AdminView;

/// What makes what is there what the document says, and with `prune` nothing else: of each list that
/// the document has, what it does not name is deleted. All of it is checked here.
pub(crate) fn compare(
    rows: &mut dyn AdminView,
    declared: &Declaration,
    prune: bool,
) -> Result<Work, AdminError> {
    let all = rows.configurations()?.into_iter();
    let (going, configurations): (Vec<_>, Vec<_>) = all.partition(|one| one.deletion.is_some());
    let configured = configurations
        .into_iter()
        .map(|one| Configured::read(rows, one))
        .collect::<Result<Vec<_>, _>>()?;
    let mut comparison = Comparison {
        prune,
        fields: rows.custom_fields()?,
        tables: tables::known(rows)?,
        changed_tables: BTreeSet::new(),
        configured,
        going: going.into_iter().map(|one| one.name).collect(),
        streams: rows.streams()?,
        roles: rows.roles()?.into_iter().collect(),
        items: Vec::new(),
        steps: Vec::new(),
        last: Vec::new(),
    };
    let catalog = comparison.fields(declared)?;
    let catalog = catalog.with_tables(comparison.tables(declared)?);
    comparison.configurations(declared, &catalog)?;
    comparison.take_up_tables(&catalog);
    comparison.streams(declared)?;
    let Comparison {
        mut items,
        mut steps,
        last,
        ..
    } = comparison;
    for (item, step) in last {
        items.push(item);
        steps.push(step);
    }
    Ok(Work::new(prune, items, steps))
}

struct Comparison {
    prune: bool,
    fields: Vec<CustomField>,
    tables: LookupTables,
    /// The names of those that are added, changed or deleted.
    changed_tables: BTreeSet<String>,
    configured: Vec<Configured>,
    /// The names of those that are being deleted.
    going: Vec<String>,
    streams: Vec<Stream>,
    roles: Roles,
    items: Vec<PlanItem>,
    steps: Vec<Step>,
    /// What is deleted, after everything else.
    last: Vec<(PlanItem, Step)>,
}

impl Comparison {
    fn note(&mut self, kind: ItemKind, name: &str, change: Change, changes: Vec<MemberChange>) {
        self.items.push(item(kind, name, change, changes));
    }

    /// Compares the custom fields, and answers those that there will be.
    fn fields(&mut self, declared: &Declaration) -> Result<Catalog, AdminError> {
        let mut coming = self.fields.clone();
        let mut named = HashSet::new();
        for document in declared.custom_fields.iter().flatten() {
            let field = read::field(document)?;
            let of = ItemKind::CustomField.named(&*field.key);
            if !named.insert(field.key.clone()) {
                return Err(Problem::DeclaredTwice.refused().of(of));
            }
            match coming.iter_mut().find(|known| known.key == field.key) {
                None => {
                    let changes = differences(&Value::Null, &export::field(&field));
                    self.note(ItemKind::CustomField, &field.key, Change::Create, changes);
                    self.steps.push(Step::AddField(field.clone()));
                    coming.push(field);
                }
                Some(known) if *known == field => {}
                Some(known) => {
                    if !known.kind.same_type(&field.kind) {
                        let part = InputField::CustomField(scim_mapping::FieldPart::Type);
                        return Err(Problem::TypeChanged.at(part).of(of));
                    }
                    let changes = differences(&export::field(known), &export::field(&field));
                    let before = std::mem::replace(known, field.clone());
                    self.note(ItemKind::CustomField, &field.key, Change::Update, changes);
                    let after = field;
                    self.steps.push(Step::EditField { before, after });
                }
            }
        }
        if self.prune && declared.custom_fields.is_some() {
            let (kept, gone): (Vec<_>, Vec<_>) = coming
                .into_iter()
                .partition(|field| named.contains(&field.key));
            for field in gone {
                let changes = differences(&export::field(&field), &Value::Null);
                let item = item(ItemKind::CustomField, &field.key, Change::Delete, changes);
                self.last.push((item, Step::DeleteField(field)));
            }
            coming = kept;
        }
        if coming.len() > FIELDS {
            return Err(Problem::TooManyFields { most: FIELDS }.refused());
        }
        Ok(Catalog::with_custom(coming))
    }

    fn configurations(
        &mut self,
        declared: &Declaration,
        catalog: &Catalog,
    ) -> Result<(), AdminError> {
        let mut named = HashSet::new();
        let known = self.configured.clone();
        for declared in declared.configurations.iter().flatten() {
            let name = declared.name.trim();
            let of = ItemKind::Configuration.named(name);
            if !named.insert(fold(name)) {
                return Err(Problem::DeclaredTwice.refused().of(of));
            }
            let same = |one: &&Configured| fold(&one.configuration.name) == fold(name);
            let done = match known.iter().find(same) {
                Some(known) => self.change(declared, known, catalog),
                None => self.begin(declared, catalog),
            };
            done.map_err(|error| error.of(of))?;
        }
        let prunes = self.prune && declared.configurations.is_some();
        for configured in known {
            let configuration = &configured.configuration;
            let is_named = named.contains(&fold(&configuration.name));
            if prunes && !is_named {
                let before = json!(export::configuration(configuration));
                let changes = differences(&before, &Value::Null);
                let kind = ItemKind::Configuration;
                let item = item(kind, &configuration.name, Change::Delete, changes);
                // Before the fields that their rules write.
                let step = Step::DeleteConfiguration(configuration.clone());
                self.last.insert(0, (item, step));
            } else {
                self.check_stays(&configured, catalog)?;
            }
        }
        Ok(())
    }

    fn begin(
        &mut self,
        declared: &DeclaredConfiguration,
        catalog: &Catalog,
    ) -> Result<(), AdminError> {
        let (fresh, status) = (ConfigurationInput::fresh(), ConfigurationStatus::Enabled);
        let (input, status) = read::configuration(declared, fresh, status)?;
        input.validate()?;
        if let Some(going) = self.going.iter().find(|one| fold(one) == fold(&input.name)) {
            return Err(AdminError::BeingDeleted(going.clone()));
        }
        let after = json!(described(&input, status));
        let name = input.name.clone();
        let changes = differences(&Value::Null, &after);
        self.note(ItemKind::Configuration, &name, Change::Create, changes);
        let rules = read::rules(declared)?;
        for set in &rules {
            self.check_rules(set, catalog)?;
            let usual = match set.resource {
                ResourceKind::User => MappingSet::default_user(),
                ResourceKind::Group => MappingSet::default_group(),
            };
            self.note_rules(&name, &usual, set);
        }
        self.steps.push(Step::AddConfiguration {
            input,
            status,
            rules,
        });
        Ok(())
    }

    fn change(
        &mut self,
        declared: &DeclaredConfiguration,
        known: &Configured,
        catalog: &Catalog,
    ) -> Result<(), AdminError> {
        let before = &known.configuration;
        let was = ConfigurationInput::of(before);
        let (input, status) = read::configuration(declared, was.clone(), before.status)?;
        if (&was, before.status) != (&input, status) {
            input.validate()?;
            let old = json!(export::configuration(before));
            let changes = differences(&old, &json!(described(&input, status)));
            let name = input.name.clone();
            self.note(ItemKind::Configuration, &name, Change::Update, changes);
            self.steps.push(Step::EditConfiguration {
                before: before.clone(),
                input,
                status,
            });
        }
        for rules in read::rules(declared)? {
            let in_use = known.rules(rules.resource)?;
            if *in_use == rules {
                continue;
            }
            self.check_rules(&rules, catalog)?;
            self.note_rules(&before.name, in_use, &rules);
            let configuration = before.clone();
            self.steps.push(Step::PutRules {
                configuration,
                rules,
            });
        }
        Ok(())
    }

    fn note_rules(&mut self, name: &str, before: &MappingSet, after: &MappingSet) {
        let resource = after.resource;
        let mut changes = differences(&by_key(before), &by_key(after));
        changes.extend(test_differences(before, after));
        if !changes.is_empty() {
            let name = format!("{name}/{resource}");
            self.note(ItemKind::Mapping, &name, Change::Update, changes);
        }
    }

    fn check_rules(&self, rules: &MappingSet, catalog: &Catalog) -> Result<(), AdminError> {
        let definition = definition(rules.resource, catalog);
        rules.compile(&definition, catalog)?;
        rules.check_roles(&self.roles)?;
        if rules.tests.is_empty() {
            return Ok(());
        }
        // The tests of one mapping do not look at the other one.
        let source = ModelSource::usual(catalog.custom().to_vec());
        let source = source.with_rules(rules.clone(), catalog.tables().clone());
        Ok(check_tests(&source, rules.resource)?)
    }

    /// Checks that the rules in use of a configuration that stays fit the fields that there will be,
    /// and that no draft writes one that is deleted.
    fn check_stays(&self, stays: &Configured, catalog: &Catalog) -> Result<(), AdminError> {
        for resource in ResourceKind::ALL {
            self.check_tables_stay(stays, resource, catalog)?;
        }
        let configuration = &stays.configuration;
        let replaced = self.replaces(configuration, ResourceKind::User);
        let gone = |key: &str| {
            let was = self.fields.iter().any(|field| field.key == key);
            was && catalog.custom().iter().all(|field| field.key != key)
        };
        let draft = stays
            .users
            .iter()
            .filter(|version| version.version == DRAFT);
        let in_use = (!replaced)
            .then(|| stays.rules(ResourceKind::User))
            .transpose()?;
        let sets = draft.map(|draft| &draft.rules).chain(in_use);
        for rule in sets.flat_map(|set| &set.rules) {
            if let scim_mapping::Field::Custom(key) = &rule.target
                && gone(key)
            {
                let refused = Problem::FieldInUse {
                    rule: rule.key.clone(),
                    configuration: configuration.name.clone(),
                };
                let of = ItemKind::CustomField.named(&**key);
                return Err(refused.refused().of(of));
            }
        }
        let Some(in_use) = in_use.filter(|_| catalog.custom() != self.fields) else {
            return Ok(());
        };
        let definition = definition(ResourceKind::User, catalog);
        in_use
            .compile_in_force(&definition, catalog)
            .map(drop)
            .map_err(|error| {
                let configuration = configuration.name.clone();
                Problem::ActiveMapping {
                    configuration,
                    error,
                }
                .refused()
            })
    }

    fn replaces(&self, configuration: &ProvisioningConfiguration, resource: ResourceKind) -> bool {
        self.steps.iter().any(|step| {
            matches!(step, Step::PutRules { configuration: of, rules }
                if of.id == configuration.id && rules.resource == resource)
        })
    }

    fn streams(&mut self, declared: &Declaration) -> Result<(), AdminError> {
        let mut named = HashSet::new();
        let known = self.streams.clone();
        for declared in declared.streams.iter().flatten() {
            let name = declared.name.trim();
            let of = ItemKind::Stream.named(name);
            if !named.insert(fold(name)) {
                return Err(Problem::DeclaredTwice.refused().of(of));
            }
            let found = known.iter().find(|one| fold(&one.name) == fold(name));
            self.stream(declared, found).map_err(|error| error.of(of))?;
        }
        if !self.prune || declared.streams.is_none() {
            return Ok(());
        }
        for stream in known {
            if !named.contains(&fold(&stream.name)) {
                let before = json!(export::stream(&stream));
                let changes = differences(&before, &Value::Null);
                let item = item(ItemKind::Stream, &stream.name, Change::Delete, changes);
                self.last.push((item, Step::DeleteStream(stream)));
            }
        }
        Ok(())
    }

    fn stream(
        &mut self,
        declared: &DeclaredStream,
        known: Option<&Stream>,
    ) -> Result<(), AdminError> {
        let wish = read::stream(declared)?;
        let name = declared.name.trim();
        if wish.topics.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(Problem::NoTopic.at(InputField::Topics));
        }
        let topics = wish.topics.map(Vec::from_iter);
        let Some(known) = known else {
            check_name(name)?;
            let changes = differences(&Value::Null, &json!(declared));
            self.note(ItemKind::Stream, name, Change::Create, changes);
            self.steps.push(Step::AddStream(NewStream {
                name: name.to_owned(),
                kind: wish.kind,
                url: wish.url,
                topics,
                paused: wish.state == Some(StreamState::Paused),
            }));
            return Ok(());
        };
        // Of an export that says no topics it has them all.
        let same = |known: &Vec<_>| topics.as_ref() == Some(known);
        let kept = known.topics.as_ref().map_or(topics.is_none(), same);
        if (known.kind, &known.url) != (wish.kind, &wish.url) || !kept {
            return Err(Problem::StreamKept.refused());
        }
        match wish.state {
            Some(state) if state != known.state && known.state != StreamState::Broken => {
                let turned = Stream {
                    state,
                    ..known.clone()
                };
                let old = json!(export::stream(known));
                let changes = differences(&old, &json!(export::stream(&turned)));
                self.note(ItemKind::Stream, &known.name, Change::Update, changes);
                self.steps.push(Step::TurnStream(turned));
            }
            _ => {}
        }
        Ok(())
    }
}

fn item(kind: ItemKind, name: &str, change: Change, changes: Vec<MemberChange>) -> PlanItem {
    PlanItem {
        kind,
        name: name.to_owned(),
        change,
        changes,
    }
}

/// What was entered, as a configuration of it is exported.
fn described(input: &ConfigurationInput, status: ConfigurationStatus) -> DeclaredConfiguration {
    export::configuration(&input.clone().begin(
        ConfigurationId::NONE,
        status,
        chrono::DateTime::UNIX_EPOCH,
    ))
}

fn definition(resource: ResourceKind, catalog: &Catalog) -> ResourceDefinition {
    match resource {
        ResourceKind::User => model::users(catalog),
        ResourceKind::Group => ResourceDefinition::group(),
    }
}

/// The rules by their keys.
fn by_key(set: &MappingSet) -> Value {
    let rules = set.rules.iter().map(|rule| (rule.key.clone(), json!(rule)));
    let groups = set.group_rules.iter();
    let groups = groups.map(|rule| (rule.key.clone(), json!(rule)));
    json!({
        "rules": serde_json::Map::from_iter(rules),
        "groupRules": serde_json::Map::from_iter(groups),
        "order": keys(set),
        "testOrder": set.tests.iter().map(|test| &*test.key).collect::<Vec<_>>(),
    })
}

/// The keys of the rules, in order.
fn keys(set: &MappingSet) -> Vec<&str> {
    let rules = set.rules.iter().map(|rule| &*rule.key);
    rules
        .chain(set.group_rules.iter().map(|rule| &*rule.key))
        .collect()
}

/// The tests that differ, each as a whole: the names in a sample are anybody's, and may have dots.
fn test_differences(before: &MappingSet, after: &MappingSet) -> Vec<MemberChange> {
    let test = |set: &MappingSet, key: &str| {
        let found = set.tests.iter().find(|test| test.key == key);
        found.map_or(Value::Null, |test| json!(test))
    };
    let keys = before.tests.iter().chain(&after.tests);
    let keys: BTreeSet<&str> = keys.map(|test| &*test.key).collect();
    let changes = keys.into_iter().map(|key| MemberChange {
        member: format!("tests.{key}"),
        old: test(before, key),
        new: test(after, key),
    });
    changes.filter(|change| change.old != change.new).collect()
}

/// Member by member what differs; objects are gone into.
fn differences(old: &Value, new: &Value) -> Vec<MemberChange> {
    let mut found = Vec::new();
    differ("", old, new, &mut found);
    found
}

fn differ(place: &str, old: &Value, new: &Value, found: &mut Vec<MemberChange>) {
    let nothing = serde_json::Map::new();
    let members = match (old, new) {
        _ if old == new => return,
        (Value::Object(old), Value::Object(new)) => Some((old, new)),
        // Of what is added or deleted each member is told.
        (Value::Object(old), Value::Null) => Some((old, &nothing)),
        (Value::Null, Value::Object(new)) => Some((&nothing, new)),
        _ => None,
    };
    let Some((old, new)) = members else {
        found.push(MemberChange {
            member: place.to_owned(),
            old: old.clone(),
            new: new.clone(),
        });
        return;
    };
    let added = new.keys().filter(|name| !old.contains_key(*name));
    for name in old.keys().chain(added) {
        let place = match place {
            "" => name.clone(),
            place => format!("{place}.{name}"),
        };
        let of = |members: &serde_json::Map<String, Value>| {
            members.get(name).cloned().unwrap_or(Value::Null)
        };
        differ(&place, &of(old), &of(new), found);
    }
}
