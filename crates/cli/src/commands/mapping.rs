//! `mapping`: how identity-provider attributes become ServiceOps fields.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use scim_admin::VersionChoice;
use scim_admin::mapping::DraftSeen;
use scim_admin::mapping::MappingVersion;
use scim_mapping::Transform;
use scim_provisioning::ResourceKind;
use scim_provisioning::reapply::Impact;
use serde_json::{Value, json};

use super::value::{actor, instant};
use crate::host::{Host, Instance};
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with mappings.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show the rules and the versions.
    Show(Which),
    /// Print the rules as JSON, to be imported again.
    Export(Which),
    /// Keep rules from a file as the draft; nothing changes until it is activated.
    Import(Import),
    /// Make the default rules the draft.
    Restore(Mapping),
    /// Show what the rules make of a SCIM resource, rule by rule.
    Preview(Preview),
    /// Count what the draft would change of the users that are there; nothing is written.
    Impact(Which),
    /// Show what two versions differ in.
    Diff(Diff),
    /// List the attributes that the identity provider sends, and whether a rule reads them.
    Attributes(Mapping),
    /// Count the users who were edited by hand since the identity provider wrote them.
    Drift {
        /// The name or id of the configuration.
        configuration: String,
    },
    /// Make the draft the active version.
    Activate(Mapping),
    /// Make an older version the active one again.
    Rollback(Rollback),
    /// Apply the active rules to the users that are there.
    Reapply(Reapply),
    /// List the transforms, each with an example.
    Transforms,
}

/// A mapping.
#[derive(Debug, Args)]
pub(crate) struct Mapping {
    /// The name or id of the configuration.
    configuration: String,
    /// The kind of resource that is mapped.
    #[arg(long, value_enum, default_value = "user")]
    resource: Resource,
}

/// A version of a mapping.
#[derive(Debug, Args)]
pub(crate) struct Which {
    #[command(flatten)]
    mapping: Mapping,
    /// The draft instead of the active version.
    #[arg(long, conflicts_with = "version")]
    draft: bool,
    /// The version of this number.
    #[arg(long, value_name = "NUMBER")]
    version: Option<i64>,
}

/// Options of `mapping import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The name or id of the configuration.
    configuration: String,
    /// The file, or - for standard input.
    file: PathBuf,
    /// What changes, for those who read it later.
    #[arg(long, default_value = "")]
    note: String,
    /// Activate it at once.
    #[arg(long)]
    activate: bool,
}

/// Options of `mapping preview`.
#[derive(Debug, Args)]
pub(crate) struct Preview {
    #[command(flatten)]
    which: Which,
    /// The file with a SCIM resource, or - for standard input.
    file: PathBuf,
}

/// Options of `mapping diff`.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    mapping: Mapping,
    /// The older version; without it the active one.
    #[arg(long, value_name = "NUMBER")]
    from: Option<i64>,
    /// The newer version; without it the draft.
    #[arg(long, value_name = "NUMBER")]
    to: Option<i64>,
}

/// Options of `mapping rollback`.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    mapping: Mapping,
    /// The number of the version.
    #[arg(long, value_name = "NUMBER")]
    version: i64,
}

/// Options of `mapping reapply`.
#[derive(Debug, Args)]
pub(crate) struct Reapply {
    /// The name or id of the configuration.
    configuration: String,
    /// Leave the work to the server.
    #[arg(long)]
    background: bool,
    /// Show how far the last one is, and begin none.
    #[arg(long, conflicts_with = "background")]
    status: bool,
}

/// The kind of resource that is mapped.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Resource {
    User,
    Group,
}

impl Resource {
    fn kind(self) -> ResourceKind {
        match self {
            Self::User => ResourceKind::User,
            Self::Group => ResourceKind::Group,
        }
    }
}

impl Which {
    fn choice(&self) -> VersionChoice {
        match (self.draft, self.version) {
            (true, _) => VersionChoice::Draft,
            (false, Some(number)) => VersionChoice::Number(number),
            (false, None) => VersionChoice::Active,
        }
    }

    fn find(&self, instance: &Instance) -> anyhow::Result<MappingVersion> {
        let (admin, mapping) = (instance.admin(), &self.mapping);
        let configuration = admin.find_configuration(&mapping.configuration)?.id;
        Ok(admin.mapping(configuration, mapping.resource.kind(), self.choice())?)
    }
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    if matches!(action, Action::Transforms) {
        return transforms(common);
    }
    let instance = host.open(common)?;
    let admin = instance.admin();
    match action {
        Action::Transforms => transforms(common),
        Action::Show(which) => show(common, &instance, &which),
        Action::Export(which) => output::json(&which.find(&instance)?.document()),
        Action::Import(options) => import(common, &instance, &options),
        Action::Restore(mapping) => {
            let defaults = match mapping.resource {
                Resource::User => scim_mapping::MappingSet::default_user(),
                Resource::Group => scim_mapping::MappingSet::default_group(),
            };
            let rules = serde_json::to_value(defaults)?;
            let found = admin.find_configuration(&mapping.configuration)?.id;
            let note = "The default rules";
            let (draft, _) = admin.draft_mapping(&actor(), found, &rules, note, &DraftSeen::Any)?;
            said(common, &draft, "Drafted", &[])
        }
        Action::Preview(options) => preview(common, &instance, &options),
        Action::Impact(which) => impact(common, &instance, which),
        Action::Diff(options) => diff(common, &instance, &options),
        Action::Attributes(mapping) => attributes(common, &instance, &mapping),
        Action::Drift { configuration } => drift(common, &instance, &configuration),
        Action::Activate(mapping) => {
            let found = admin.find_configuration(&mapping.configuration)?.id;
            let resource = mapping.resource.kind();
            let version = admin.activate_mapping(&actor(), found, resource, &DraftSeen::Any)?;
            said(common, &version, "Activated", &[])
        }
        Action::Rollback(options) => {
            let Mapping {
                configuration,
                resource,
            } = &options.mapping;
            let number = options.version;
            let resource = resource.kind();
            let configuration = admin.find_configuration(configuration)?.id;
            let version = admin.roll_back_mapping(&actor(), configuration, resource, number)?;
            said(common, &version, "Activated", &[])
        }
        Action::Reapply(options) => reapply(common, &instance, &options),
    }
}

/// No database is needed to say which there are.
fn transforms(common: &Common) -> anyhow::Result<()> {
    if common.json {
        let list = Transform::EXAMPLES.iter();
        let list = list.map(|example| json!({"example": example.line, "meaning": example.meaning}));
        return output::items(list);
    }
    let mut table = Table::titled(["for example", "a value becomes"]);
    for example in Transform::EXAMPLES {
        table.row([example.line.to_owned(), example.meaning.to_owned()]);
    }
    table.print()
}

fn show(common: &Common, instance: &Instance, which: &Which) -> anyhow::Result<()> {
    let admin = instance.admin();
    let resource = which.mapping.resource.kind();
    let found = admin.find_configuration(&which.mapping.configuration)?.id;
    let (configuration, versions) = admin.mappings(found, resource)?;
    let active = match resource {
        ResourceKind::User => configuration.model.user,
        ResourceKind::Group => configuration.model.group,
    };
    let chosen = which.find(instance)?;
    if common.json {
        let versions = versions
            .iter()
            .map(|version| documents::version(version, active));
        let mut document = json!(documents::version(&chosen, active));
        if let Some(members) = document.as_object_mut() {
            members.insert("mapping".to_owned(), chosen.document());
            members.insert("versions".to_owned(), json!(versions.collect::<Vec<_>>()));
        }
        return output::json(&document);
    }
    let mut table = Table::titled(["rule", "from", "to", "when", "on error"]);
    for (at, rule) in chosen.rules.rules.iter().enumerate() {
        let document = serde_json::to_value(rule)?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or("");
        let state = if rule.enabled { "" } else { " (off)" };
        table.row([
            format!("{}{state}", at + 1),
            rule.source.to_string(),
            rule.target.key(),
            text("apply").to_owned(),
            text("onError").to_owned(),
        ]);
    }
    table.print()?;
    output::line("")?;
    let mut table = Table::titled(["version", "state", "made", "by", "note"]);
    for version in versions {
        table.row([
            version.version.to_string(),
            version.state(active).to_owned(),
            instant(version.created),
            version.created_by,
            version.note,
        ]);
    }
    table.print()
}

fn import(common: &Common, instance: &Instance, options: &Import) -> anyhow::Result<()> {
    let admin = instance.admin();
    let rules = read(&options.file)?;
    let found = admin.find_configuration(&options.configuration)?.id;
    let note = &options.note;
    let (draft, warnings) = admin.draft_mapping(&actor(), found, &rules, note, &DraftSeen::Any)?;
    if !options.activate {
        return said(common, &draft, "Drafted", &warnings);
    }
    let own = DraftSeen::Checksum(draft.checksum);
    let version = admin.activate_mapping(&actor(), found, draft.rules.resource, &own)?;
    said(common, &version, "Activated", &warnings)
}

fn preview(common: &Common, instance: &Instance, options: &Preview) -> anyhow::Result<()> {
    let Which { mapping, .. } = &options.which;
    let admin = instance.admin();
    let name = &mapping.configuration;
    let configuration = admin.find_configuration(name)?.to_provisioning();
    let source = admin.model(
        configuration.id,
        mapping.resource.kind(),
        options.which.choice(),
    )?;
    let provider = instance.provider();
    let (kind, document) = (mapping.resource.kind(), read(&options.file)?);
    let preview = provider.preview(&configuration, &source, kind, document)?;
    let document = serde_json::to_value(&preview)?;
    if common.json {
        return output::json(&document);
    }
    let rows = |name: &str| document.get(name).and_then(Value::as_array).cloned();
    let mut table = Table::titled(["rule", "from", "value", "to", "field value", "verdict"]);
    for rule in rows("rules").unwrap_or_default() {
        table.row([
            cell(&rule, "number"),
            cell(&rule, "source"),
            cell(&rule, "sourceValue"),
            cell(&rule, "target"),
            cell(&rule, "value"),
            [cell(&rule, "status"), cell(&rule, "message")]
                .join(" ")
                .trim()
                .to_owned(),
        ]);
    }
    table.print()?;
    let changes = rows("changes").unwrap_or_default();
    output::line(&format!("\n{} fields would change", changes.len()))
}

fn impact(common: &Common, instance: &Instance, mut which: Which) -> anyhow::Result<()> {
    // Without a word about the version the draft is meant: what is active has had its impact.
    which.draft |= which.version.is_none();
    let admin = instance.admin();
    let name = &which.mapping.configuration;
    let configuration = admin.find_configuration(name)?.to_provisioning();
    let source = admin.model(
        configuration.id,
        which.mapping.resource.kind(),
        which.choice(),
    )?;
    let impact = instance.provider().impact(&configuration, &source)?;
    if common.json {
        return output::json(&serde_json::to_value(&impact)?);
    }
    let Impact {
        users,
        unchanged,
        changed,
        warnings,
        errors,
        examples,
    } = impact;
    output::line(&format!(
        "{users} users: {unchanged} unchanged, {changed} changed, {warnings} with warnings, \
         {errors} refused"
    ))?;
    let mut table = Table::titled(["user", "field", "old", "new"]);
    for example in examples {
        for change in example.changes {
            table.row([
                example.user_name.clone(),
                change.field,
                plain(change.old.as_ref()),
                plain(change.new.as_ref()),
            ]);
        }
        for message in example.messages {
            table.row([
                example.user_name.clone(),
                String::new(),
                String::new(),
                message,
            ]);
        }
    }
    table.print()
}

fn diff(common: &Common, instance: &Instance, options: &Diff) -> anyhow::Result<()> {
    let resource = options.mapping.resource.kind();
    let from = options
        .from
        .map_or(VersionChoice::Active, VersionChoice::Number);
    let to = options
        .to
        .map_or(VersionChoice::Draft, VersionChoice::Number);
    let admin = instance.admin();
    let configuration = admin.find_configuration(&options.mapping.configuration)?.id;
    let differences = admin.mapping_differences(configuration, resource, from, to)?;
    let document = serde_json::to_value(&differences)?;
    if common.json {
        return output::json(&document);
    }
    for difference in document.as_array().into_iter().flatten() {
        let members = difference.get("members").and_then(Value::as_array);
        let members: Vec<&str> = members
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let line = format!(
            "{} {} {}",
            cell(difference, "change"),
            cell(difference, "key"),
            members.join(", ")
        );
        output::line(line.trim())?;
    }
    Ok(())
}

fn attributes(common: &Common, instance: &Instance, mapping: &Mapping) -> anyhow::Result<()> {
    let resource = mapping.resource.kind();
    let admin = instance.admin();
    let configuration = admin.find_configuration(&mapping.configuration)?.id;
    let received = admin.received_attributes(configuration, resource)?;
    if common.json {
        let rows = received.iter().map(|attribute| {
            json!({
                "path": attribute.path,
                "type": attribute.value_type,
                "count": attribute.count,
                "lastSeenAt": instant(attribute.last_seen),
                "sample": attribute.sample,
                "mapped": attribute.mapped,
            })
        });
        return output::items(rows);
    }
    let mut table = Table::titled(["attribute", "mapped", "times", "type", "last", "sample"]);
    for attribute in received {
        table.row([
            attribute.path,
            super::value::yes(attribute.mapped),
            attribute.count.to_string(),
            attribute.value_type,
            instant(attribute.last_seen),
            attribute.sample,
        ]);
    }
    table.print()
}

fn drift(common: &Common, instance: &Instance, name: &str) -> anyhow::Result<()> {
    let configuration = instance.admin().find_configuration(name)?.to_provisioning();
    let drift = instance.provider().drift(&configuration)?;
    if common.json {
        return output::json(&serde_json::to_value(&drift)?);
    }
    output::line(&format!(
        "{} of {} users were edited by hand",
        drift.drifted, drift.users
    ))?;
    let mut table = Table::titled(["user", "fields", "id"]);
    for user in drift.examples {
        table.row([user.user_name, user.fields.join(", "), user.id]);
    }
    table.print()
}

fn reapply(common: &Common, instance: &Instance, options: &Reapply) -> anyhow::Result<()> {
    let admin = instance.admin();
    let name = &options.configuration;
    let configuration = admin.find_configuration(name)?.to_provisioning();
    let mut job = match options.status {
        true => match admin.jobs(configuration.id)?.into_iter().next() {
            Some(job) => job,
            None => bail!("the mapping of \"{name}\" was never applied again"),
        },
        false => admin.begin_reapply(&actor(), configuration.id)?,
    };
    if !options.status && !options.background {
        let provider = instance.provider();
        while !job.finished {
            let Some(claimed) = admin.claim_job(Some(&job.id))? else {
                bail!("somebody else works on it; see --status");
            };
            job = provider.reapply(&configuration, &claimed)?;
        }
    }
    if common.json {
        return output::json(&json!({
            "id": job.id,
            "users": job.total,
            "done": job.done,
            "changed": job.changed,
            "failed": job.failed,
            "finished": job.finished,
            "startedAt": instant(job.created),
            "updatedAt": instant(job.updated),
        }));
    }
    output::line(&format!(
        "{} of {} users: {} changed, {} failed{}",
        job.done,
        job.total,
        job.changed,
        job.failed,
        if job.finished { "" } else { ", not finished" }
    ))
}

fn said(
    common: &Common,
    version: &MappingVersion,
    word: &str,
    warnings: &[String],
) -> anyhow::Result<()> {
    if common.json {
        let mut document = json!(documents::version(version, version.version));
        if let Some(members) = document.as_object_mut() {
            members.insert("warnings".to_owned(), json!(warnings));
        }
        return output::json(&document);
    }
    for warning in warnings {
        output::line(&format!("Warning: {warning}"))?;
    }
    match version.version {
        scim_admin::mapping::DRAFT => {
            output::line(&format!("{word}; activate it when it is right"))
        }
        number => output::line(&format!("{word} version {number}")),
    }
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .take(LARGEST)
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))
}

fn cell(row: &Value, name: &str) -> String {
    plain(row.get(name))
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Bytes of standard input at most.
const LARGEST: u64 = 16 * 1024 * 1024;
