//! `custom-field`: the fields that administrators define.

use anyhow::bail;
use clap::{Args, Subcommand};
use scim_admin::AdminError;
use scim_mapping::{CustomField, FieldKind};
use serde_json::Value;

use super::value::actor;
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use crate::wrong_usage::WrongUsage;

/// What is done with custom fields.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a field; identity providers find it in the extension schema of User.
    Add(Add),
    /// Change the label, the options or the limits of a field; its type stays, and what is not named.
    Edit(Edit),
    /// List the fields.
    List,
    /// Delete a field that no rule writes.
    Delete {
        /// The key of the field.
        key: String,
    },
}

/// The definition of a field.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The key: lower-case letters, digits and underscores.
    key: String,
    /// The label that people see; without it the key.
    #[arg(long)]
    label: Option<String>,
    /// The type of the field.
    #[arg(long = "type", value_name = "TYPE", default_value = "text", value_parser = TYPES)]
    kind: String,
    /// An option of a choice; repeated for each.
    #[arg(long = "option", value_name = "OPTION")]
    options: Vec<String>,
    /// The longest text.
    #[arg(long, value_name = "CHARACTERS", default_value_t = 255)]
    max_length: u32,
    /// The smallest number.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    min: Option<f64>,
    /// The largest number.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    max: Option<f64>,
    /// Whole numbers alone.
    #[arg(long)]
    integer: bool,
    /// A user without it is refused.
    #[arg(long)]
    required: bool,
}

/// A field and what changes of it.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Edit {
    /// The key of the field.
    key: String,
    #[command(flatten)]
    changes: Changes,
}

/// Options of `custom-field edit`.
#[derive(Debug, Args)]
#[group(id = "Changes", required = true, multiple = true)]
pub(crate) struct Changes {
    /// The label that people see.
    #[arg(long)]
    label: Option<String>,
    /// The type that the field has; another one is refused.
    #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
    kind: Option<String>,
    /// An option of a choice, repeated for each; those that are not named go.
    #[arg(long = "option", value_name = "OPTION")]
    options: Vec<String>,
    /// The longest text.
    #[arg(long, value_name = "CHARACTERS")]
    max_length: Option<u32>,
    /// The smallest number, or `none`.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = limit)]
    min: Option<Limit>,
    /// The largest number, or `none`.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = limit)]
    max: Option<Limit>,
    /// Whole numbers alone, or with `false` also others.
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    integer: Option<bool>,
    /// A user without it is refused, or with `false` is not.
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    required: Option<bool>,
}

/// A limit of a number, or that there is none.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<f64>);

fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        number => match number.parse::<f64>() {
            Ok(number) => Ok(Limit(Some(number))),
            Err(_no_number) => Err("a number is needed, or \"none\"".to_owned()),
        },
    }
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    if let Action::Add(options) = &action {
        options.check()?;
    }
    let admin = host.open(common)?.admin();
    match action {
        Action::Add(options) => {
            let field = options.field();
            admin.add_custom_field(&actor(), &field)?;
            match common.json {
                true => output::json(&serde_json::to_value(&field)?),
                false => output::line(&format!("Added {}", field.key)),
            }
        }
        Action::Edit(options) => {
            let fields = admin.custom_fields()?;
            let known = fields.into_iter().find(|field| field.key == options.key);
            let known = known.ok_or_else(|| AdminError::NotFound {
                kind: "custom field",
                name: options.key.clone(),
            })?;
            let field = options.changes.changed(known)?;
            admin.edit_custom_field(&actor(), &field)?;
            match common.json {
                true => output::json(&serde_json::to_value(&field)?),
                false => output::line(&format!("Changed {}", field.key)),
            }
        }
        Action::List => list(common, &admin.custom_fields()?),
        Action::Delete { key } => {
            admin.delete_custom_field(&actor(), &key)?;
            match common.json {
                true => output::json(&serde_json::json!({ "key": key })),
                false => output::line(&format!("Deleted {key}")),
            }
        }
    }
}

impl Add {
    /// Checks that a choice has options, and nothing else.
    fn check(&self) -> Result<(), WrongUsage> {
        let Self { key, kind, .. } = self;
        let choice = matches!(&**kind, "single-choice" | "multi-choice");
        match (choice, self.options.is_empty()) {
            (true, true) => Err(WrongUsage(
                format!(
                    "a {kind} needs --option <OPTION>; type: serviceops-scim custom-field add {key} \
                     --type {kind} --option <OPTION> --option <OPTION>"
                )
                .into(),
            )),
            (false, false) => Err(WrongUsage(
                format!(
                    "--option goes with --type single-choice or --type multi-choice; type: \
                     serviceops-scim custom-field add {key} --type single-choice --option <OPTION>"
                )
                .into(),
            )),
            _ => Ok(()),
        }
    }

    fn field(self) -> CustomField {
        let kind = match &*self.kind {
            "long-text" => FieldKind::LongText,
            "email" => FieldKind::Email,
            "phone" => FieldKind::Phone,
            "number" => FieldKind::Number {
                min: self.min,
                max: self.max,
                integer: self.integer,
            },
            "boolean" => FieldKind::Boolean,
            "datetime" => FieldKind::DateTime,
            "single-choice" => FieldKind::SingleChoice {
                options: self.options,
            },
            "multi-choice" => FieldKind::MultiChoice {
                options: self.options,
            },
            _ => FieldKind::Text {
                max: self.max_length,
            },
        };
        CustomField {
            label: self.label.unwrap_or_else(|| self.key.clone()),
            key: self.key,
            kind,
            required: self.required,
        }
    }
}

impl Changes {
    /// The field with what is named changed, and nothing else.
    fn changed(self, field: CustomField) -> anyhow::Result<CustomField> {
        let word = word(&field.kind);
        if let Some(named) = self.kind.filter(|named| *named != word) {
            bail!("the field is of the type {word}, and a field keeps its type: not {named}");
        }
        let stray = |option: &str, named: bool| match named {
            true => bail!("{option} says nothing of a field of the type {word}"),
            false => Ok(()),
        };
        if !matches!(
            field.kind,
            FieldKind::SingleChoice { .. } | FieldKind::MultiChoice { .. }
        ) {
            stray("--option", !self.options.is_empty())?;
        }
        if !matches!(field.kind, FieldKind::Text { .. }) {
            stray("--max-length", self.max_length.is_some())?;
        }
        if !matches!(field.kind, FieldKind::Number { .. }) {
            stray("--min", self.min.is_some())?;
            stray("--max", self.max.is_some())?;
            stray("--integer", self.integer.is_some())?;
        }
        let named = |options: Vec<String>| match self.options.is_empty() {
            true => options,
            false => self.options.clone(),
        };
        let kind = match field.kind {
            FieldKind::Text { max } => FieldKind::Text {
                max: self.max_length.unwrap_or(max),
            },
            FieldKind::Number { min, max, integer } => FieldKind::Number {
                min: self.min.map_or(min, |Limit(named)| named),
                max: self.max.map_or(max, |Limit(named)| named),
                integer: self.integer.unwrap_or(integer),
            },
            FieldKind::SingleChoice { options } => FieldKind::SingleChoice {
                options: named(options),
            },
            FieldKind::MultiChoice { options } => FieldKind::MultiChoice {
                options: named(options),
            },
            other => other,
        };
        Ok(CustomField {
            label: self.label.unwrap_or(field.label),
            required: self.required.unwrap_or(field.required),
            kind,
            ..field
        })
    }
}

/// What `--type` calls a type.
fn word(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::LongText => "long-text",
        FieldKind::Email => "email",
        FieldKind::Phone => "phone",
        FieldKind::Number { .. } => "number",
        FieldKind::Boolean => "boolean",
        FieldKind::DateTime => "datetime",
        FieldKind::SingleChoice { .. } => "single-choice",
        FieldKind::MultiChoice { .. } => "multi-choice",
        _ => "text",
    }
}

fn list(common: &Common, fields: &[CustomField]) -> anyhow::Result<()> {
    if common.json {
        return output::items(fields);
    }
    let mut table = Table::titled(["key", "label", "type", "required"]);
    for field in fields {
        let kind = serde_json::to_value(&field.kind)?;
        let kind = match &kind {
            Value::String(name) => name.clone(),
            Value::Object(members) => members.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        table.row([
            field.key.clone(),
            field.label.clone(),
            kind,
            super::value::yes(field.required),
        ]);
    }
    table.print()
}

const TYPES: [&str; 9] = [
    "text",
    "long-text",
    "email",
    "phone",
    "number",
    "boolean",
    "datetime",
    "single-choice",
    "multi-choice",
];
