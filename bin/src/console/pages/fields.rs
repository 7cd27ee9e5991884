//! The user form: fields that administrators define, beside those of the product.

use askama::Template;
use scim_admin::AdminError;
use scim_mapping::{CustomField, FieldKind};
use serde_json::json;

use super::super::{ConsoleAnswer, Failed, Form, Visit, sentence};
use super::Shell;

struct Row {
    key: String,
    label: String,
    kind: String,
    required: bool,
}

#[derive(Template)]
#[template(path = "fields.html")]
struct Fields {
    shell: Shell,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "field.html")]
struct NewField {
    shell: Shell,
    error: String,
    key: String,
    label: String,
    kinds: Vec<(&'static str, &'static str, bool)>,
    options: String,
    required: bool,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let fields = visit.console.admin.custom_fields()?.into_iter();
    let page = Fields {
        shell: Shell::new(visit, "fields", "User form")?,
        rows: fields
            .map(|field| Row {
                kind: said(&field.kind),
                key: field.key,
                label: field.label,
                required: field.required,
            })
            .collect(),
    };
    ConsoleAnswer::page(200, &page)
}

/// What a field holds, in words.
fn said(kind: &FieldKind) -> String {
    match kind {
        FieldKind::SingleChoice { options } => format!("One of: {}", options.join(", ")),
        FieldKind::MultiChoice { options } => format!("Some of: {}", options.join(", ")),
        FieldKind::Text { max } => format!("Text of {max} characters at most"),
        other => {
            let known = KINDS
                .iter()
                .find(|(key, _)| read(key, "") == Some(other.clone()));
            known
                .map(|(_, label)| (*label).to_owned())
                .unwrap_or_default()
        }
    }
}

fn read(kind: &str, options: &str) -> Option<FieldKind> {
    let options: Vec<&str> = options
        .lines()
        .map(str::trim)
        .filter(|option| !option.is_empty())
        .collect();
    let document = match kind {
        "text" => json!({ "text": { "max": 255 } }),
        "integer" => json!({ "number": { "integer": true } }),
        "number" => json!({ "number": {} }),
        "singleChoice" | "multiChoice" => json!({ kind: { "options": options } }),
        other => json!(other),
    };
    serde_json::from_value(document).ok()
}

impl NewField {
    fn new(visit: &Visit<'_>, form: &Form) -> Result<Self, Failed> {
        let chosen = form.text("kind");
        Ok(Self {
            shell: Shell::new(visit, "fields", "New field")?,
            error: String::new(),
            key: form.text("key").trim().to_owned(),
            label: form.text("label").trim().to_owned(),
            kinds: KINDS
                .map(|(key, label)| (key, label, key == chosen))
                .to_vec(),
            options: form.text("options").to_owned(),
            required: form.checked("required"),
        })
    }
}

pub(in super::super) fn new(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &NewField::new(visit, &Form::default())?)
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let page = NewField::new(visit, &visit.form)?;
    let kind = read(visit.form.text("kind"), &page.options);
    let kind = kind.ok_or_else(|| AdminError::Invalid("choose what the field holds".to_owned()));
    let actor = visit.actor()?;
    let added = kind.and_then(|kind| {
        let field = CustomField {
            key: page.key.clone(),
            label: page.label.clone(),
            kind,
            required: page.required,
        };
        visit.console.admin.add_custom_field(&actor, &field)
    });
    match added {
        Ok(()) => Ok(ConsoleAnswer::redirect("/admin/users/user-form?done=added")),
        Err(error @ (AdminError::Invalid(_) | AdminError::NameTaken(_))) => {
            let page = NewField {
                error: sentence(&error),
                ..page
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    admin.delete_custom_field(&visit.actor()?, visit.form.text("key"))?;
    Ok(ConsoleAnswer::redirect(
        "/admin/users/user-form?done=deleted",
    ))
}

const KINDS: [(&str, &str); 10] = [
    ("text", "Text in one line"),
    ("longText", "Text in several lines"),
    ("email", "E-mail address"),
    ("phone", "Phone number"),
    ("integer", "Whole number"),
    ("number", "Number"),
    ("boolean", "Yes or no"),
    ("dateTime", "Date and time"),
    ("singleChoice", "One of several options"),
    ("multiChoice", "Some of several options"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_is_offered_can_be_read_and_told() {
        for (key, label) in KINDS {
            let kind = read(key, "red\nblue").unwrap();
            assert!(!said(&kind).is_empty(), "{label}");
        }
        assert!(read("nonsense", "").is_none());
    }
}
