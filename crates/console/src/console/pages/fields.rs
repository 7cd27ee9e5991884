//! The user form: fields that administrators define, beside those of the product.

use askama::Template;
use scim_admin::{AdminError, InputField, Problem};
use scim_mapping::{CustomField, FieldKind, FieldPart};
use serde_json::json;

use super::super::form_field::form_field;
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
struct Drawer {
    shell: Shell,
    /// Whether the field is a new one.
    new: bool,
    error: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: &'static str,
    key: String,
    label: String,
    kinds: Vec<(&'static str, &'static str, bool)>,
    options: String,
    /// Characters at most, of a text.
    max: String,
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
            let known = KINDS.iter().find(|(key, _)| *key == written(other).0);
            known
                .map(|(_, label)| (*label).to_owned())
                .unwrap_or_default()
        }
    }
}

fn read(kind: &str, options: &str, max: &str) -> Option<FieldKind> {
    let options: Vec<&str> = options
        .lines()
        .map(str::trim)
        .filter(|option| !option.is_empty())
        .collect();
    let document = match kind {
        "text" => json!({ "text": { "max": max.trim().parse::<u32>().ok()? } }),
        "integer" => json!({ "number": { "integer": true } }),
        "number" => json!({ "number": {} }),
        "singleChoice" | "multiChoice" => json!({ kind: { "options": options } }),
        other => json!(other),
    };
    serde_json::from_value(document).ok()
}

impl Drawer {
    fn new(visit: &Visit<'_>, form: &Form) -> Result<Self, Failed> {
        let chosen = form.text("kind");
        Ok(Self {
            shell: Shell::new(visit, "fields", "New field")?,
            new: true,
            error: String::new(),
            wrong: "",
            key: form.text("key").trim().to_owned(),
            label: form.text("label").trim().to_owned(),
            kinds: KINDS
                .map(|(key, label)| (key, label, key == chosen))
                .to_vec(),
            options: form.text("options").to_owned(),
            max: form.given("max").unwrap_or("255").to_owned(),
            required: form.checked("required"),
        })
    }

    /// The drawer of a field that is there.
    fn of(visit: &Visit<'_>, field: &CustomField) -> Result<Self, Failed> {
        let (kind, options) = written(&field.kind);
        let max = match &field.kind {
            FieldKind::Text { max } => max.to_string(),
            _ => String::new(),
        };
        Ok(Self {
            shell: Shell::new(visit, "fields", "Edit field")?,
            new: false,
            error: String::new(),
            wrong: "",
            key: field.key.clone(),
            label: field.label.clone(),
            // The type stays.
            kinds: KINDS
                .into_iter()
                .filter(|(key, _)| *key == kind)
                .map(|(key, label)| (key, label, true))
                .collect(),
            options,
            max,
            required: field.required,
        })
    }

    /// The drawer again, with what was wrong.
    fn again(self, error: AdminError) -> Result<ConsoleAnswer, Failed> {
        match error {
            AdminError::Invalid(_) | AdminError::NameTaken(_) => {
                let wrong = match error {
                    // The key names a field.
                    AdminError::NameTaken(_) => "key",
                    _ => form_field(&error),
                };
                let page = Self {
                    wrong,
                    error: sentence(&error),
                    ..self
                };
                ConsoleAnswer::page(422, &page)
            }
            error => Err(error.into()),
        }
    }
}

/// A kind as it is chosen, and its options.
fn written(kind: &FieldKind) -> (&'static str, String) {
    match kind {
        FieldKind::SingleChoice { options } => ("singleChoice", options.join("\n")),
        FieldKind::MultiChoice { options } => ("multiChoice", options.join("\n")),
        FieldKind::Text { .. } => ("text", String::new()),
        FieldKind::Number { integer: true, .. } => ("integer", String::new()),
        FieldKind::Number { .. } => ("number", String::new()),
        other => {
            let mut known = KINDS.iter().filter(|(key, _)| *key != "text");
            let found = known.find(|(key, _)| read(key, "", "").as_ref() == Some(other));
            (
                found.map(|(key, _)| *key).unwrap_or_default(),
                String::new(),
            )
        }
    }
}

pub(in super::super) fn new(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &Drawer::new(visit, &Form::default())?)
}

/// What was entered of a field.
fn entered(form: &Form) -> Result<CustomField, AdminError> {
    let kind = read(form.text("kind"), form.text("options"), form.text("max"));
    let unclear = || {
        let part = match form.text("kind") {
            "text" => FieldPart::TextLength,
            _ => FieldPart::Type,
        };
        Problem::entry("say what the field holds, and of a text how long it may be")
            .at(InputField::CustomField(part))
    };
    Ok(CustomField {
        key: form.text("key").trim().to_owned(),
        label: form.text("label").trim().to_owned(),
        kind: kind.ok_or_else(unclear)?,
        required: form.checked("required"),
    })
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let added = entered(&visit.form).and_then(|field| admin.add_custom_field(&actor, &field));
    match added {
        Ok(()) => Ok(ConsoleAnswer::redirect("/admin/users/user-form?done=added")),
        Err(error) => Drawer::new(visit, &visit.form)?.again(error),
    }
}

fn found(visit: &Visit<'_>, key: &str) -> Result<CustomField, Failed> {
    let fields = visit.console.admin.custom_fields()?;
    let found = fields.into_iter().find(|field| field.key == key);
    found.ok_or(Failed::NotFound)
}

pub(in super::super) fn edit(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let field = found(visit, visit.query.text("key"))?;
    ConsoleAnswer::page(200, &Drawer::of(visit, &field)?)
}

pub(in super::super) fn save(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let form = &visit.form;
    let before = found(visit, form.text("key"))?;
    let (admin, actor) = (&visit.console.admin, visit.actor()?);
    let saved = entered(form).and_then(|mut field| {
        // The limits of a number are not on the page.
        if let (FieldKind::Number { .. }, true) = (&before.kind, before.kind.same_type(&field.kind))
        {
            field.kind = before.kind.clone();
        }
        admin.edit_custom_field(&actor, &field)
    });
    match saved {
        Ok(()) => Ok(ConsoleAnswer::redirect("/admin/users/user-form?done=saved")),
        Err(error) => {
            let entered = Drawer::new(visit, form)?;
            let page = Drawer {
                label: entered.label,
                options: entered.options,
                max: entered.max,
                required: entered.required,
                ..Drawer::of(visit, &before)?
            };
            page.again(error)
        }
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
            let kind = read(key, "red\nblue", "40").unwrap();
            assert_eq!(written(&kind).0, key);
            assert!(!said(&kind).is_empty(), "{label}");
        }
        assert!(read("nonsense", "", "").is_none());
        assert!(read("text", "", "long").is_none());
    }
}
