//! `mapping`: how identity-provider attributes become ServiceOps fields.

mod shown;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use scim_admin::VersionChoice;
use scim_admin::mapping::DraftSeen;
use scim_admin::mapping::MappingVersion;
use scim_mapping::{ImportFormat, Transform, WithoutEqual};
use scim_provisioning::ResourceKind;
use serde_json::{Value, json};

use super::value::actor;
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
    /// Run the tests that stand with the rules.
    Test(Which),
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
    /// What the file is: rules as they are exported, or the mapping of an identity provider.
    #[arg(long, value_enum, default_value = "rules")]
    format: Format,
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

/// What is imported.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Rules as `mapping export` prints them.
    Rules,
    /// The schema of a provisioning job of Microsoft Entra ID.
    Entra,
    /// A profile mapping of Okta.
    Okta,
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
        Action::Show(which) => shown::show(common, &instance, &which),
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
        Action::Preview(options) => shown::preview(common, &instance, &options),
        Action::Test(which) => shown::run_tests(common, &instance, &which),
        Action::Impact(which) => shown::impact(common, &instance, which),
        Action::Diff(options) => shown::diff(common, &instance, &options),
        Action::Attributes(mapping) => shown::attributes(common, &instance, &mapping),
        Action::Drift { configuration } => shown::drift(common, &instance, &configuration),
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
        Action::Reapply(options) => shown::reapply(common, &instance, &options),
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

fn import(common: &Common, instance: &Instance, options: &Import) -> anyhow::Result<()> {
    let admin = instance.admin();
    let document = read(&options.file)?;
    let found = admin.find_configuration(&options.configuration)?.id;
    let format = match options.format {
        Format::Rules => None,
        Format::Entra => Some(ImportFormat::Entra),
        Format::Okta => Some(ImportFormat::Okta),
    };
    let (note, seen) = (&options.note, DraftSeen::Any);
    let (draft, warnings, left) = match format {
        None => {
            let drafted = admin.draft_mapping(&actor(), found, &document, note, &seen)?;
            (drafted.0, drafted.1, Vec::new())
        }
        Some(format) => {
            let import = (format, &document);
            let imported = admin.import_mapping(&actor(), found, import, note, &seen);
            let imported = imported
                .with_context(|| format!("{} cannot be imported", options.file.display()))?;
            (imported.draft, imported.warnings, imported.without_equal)
        }
    };
    if !options.activate {
        return said_imported(common, &draft, "Drafted", &warnings, &left);
    }
    let own = DraftSeen::Checksum(draft.checksum);
    let version = admin.activate_mapping(&actor(), found, draft.rules.resource, &own)?;
    said_imported(common, &version, "Activated", &warnings, &left)
}

fn said(
    common: &Common,
    version: &MappingVersion,
    word: &str,
    warnings: &[String],
) -> anyhow::Result<()> {
    said_imported(common, version, word, warnings, &[])
}

/// What was drafted or activated, and what of an identity provider's mapping was left.
fn said_imported(
    common: &Common,
    version: &MappingVersion,
    word: &str,
    warnings: &[String],
    left: &[WithoutEqual],
) -> anyhow::Result<()> {
    if common.json {
        let mut document = json!(documents::version(version, version.version));
        if let Some(members) = document.as_object_mut() {
            members.insert("warnings".to_owned(), json!(warnings));
            if !left.is_empty() {
                members.insert("withoutEqual".to_owned(), json!(left));
            }
        }
        return output::json(&document);
    }
    for warning in warnings {
        output::line(&format!("Warning: {warning}"))?;
    }
    if !left.is_empty() {
        let mut table = Table::titled(["without an equal", "why", "expression"]);
        for one in left {
            table.row([
                one.target.clone(),
                one.reason.clone(),
                one.expression.clone(),
            ]);
        }
        table.print()?;
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

/// Bytes of standard input at most.
const LARGEST: u64 = 16 * 1024 * 1024;
