//! `custom-field`: the fields that administrators define.

use anyhow::bail;
use clap::{Args, Subcommand};
use scim_mapping::{CustomField, FieldKind};
use serde_json::Value;

use super::value::actor;
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;

/// What is done with custom fields.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a field; identity providers find it in the extension schema of User.
    Add(Add),
    /// Change the label, the options or the limits of a field; its type stays.
    Edit(Add),
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

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let admin = host.open(common)?.admin();
    match action {
        Action::Add(options) => {
            let field = options.field()?;
            admin.add_custom_field(&actor(), &field)?;
            match common.json {
                true => output::json(&serde_json::to_value(&field)?),
                false => output::line(&format!("Added {}", field.key)),
            }
        }
        Action::Edit(options) => {
            let field = options.field()?;
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
    fn field(self) -> anyhow::Result<CustomField> {
        let choice = matches!(&*self.kind, "single-choice" | "multi-choice");
        if choice == self.options.is_empty() {
            bail!("--option goes with the types single-choice and multi-choice, which need it");
        }
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
        Ok(CustomField {
            label: self.label.unwrap_or_else(|| self.key.clone()),
            key: self.key,
            kind,
            required: self.required,
        })
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
