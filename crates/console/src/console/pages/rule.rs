//! A rule of a mapping as people edit it: fields of a form, and back.

use scim_admin::{AdminError, InputField, Problem};
use scim_mapping::{
    Apply, Catalog, Direction, Field, JoinPart, OnAbsent, OnError, OnUnknown, ResourceKind, Rule,
    RulePart, Source, Transform,
};
use serde_json::{Value, json};

use super::super::Form;

/// A rule in the words of a form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleForm {
    /// The key, which does not change; empty for a new rule.
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) when: String,
    pub(super) source: String,
    pub(super) separator: String,
    pub(super) transforms: String,
    pub(super) target: String,
    pub(super) default: String,
    pub(super) enabled: bool,
    pub(super) required: bool,
    pub(super) warn: bool,
    pub(super) apply: String,
    pub(super) direction: String,
    pub(super) on_error: String,
    pub(super) on_absent: String,
    pub(super) on_unknown: String,
    pub(super) rank: String,
}

impl RuleForm {
    /// The form of a new rule for an attribute.
    pub(super) fn fresh(path: &str) -> Self {
        let rule = Rule::new(Source::Path(path.to_owned()), Field::DisplayName);
        Self {
            key: String::new(),
            target: String::new(),
            ..Self::of(&rule)
        }
    }

    /// The form of a rule.
    pub(super) fn of(rule: &Rule) -> Self {
        let (kind, source, separator) = match &rule.source {
            Source::Path(path) => ("path", path.clone(), ""),
            Source::Constant(value) => ("constant", plain(value), ""),
            Source::FirstOf(paths) => ("firstOf", paths.join("\n"), ""),
            Source::Join { separator, parts } => {
                let parts: Vec<String> = parts.iter().map(JoinPart::to_string).collect();
                ("join", parts.join("\n"), separator.as_str())
            }
            Source::All(path) => ("all", path.clone(), ""),
        };
        let transforms: Vec<String> = rule.transforms.iter().map(Transform::to_string).collect();
        let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            key: rule.key.clone(),
            kind: kind.to_owned(),
            when: rule.when.clone().unwrap_or_default(),
            source,
            separator: separator.to_owned(),
            transforms: transforms.join("\n"),
            target: rule.target.key(),
            default: rule.default.as_ref().map(plain).unwrap_or_default(),
            enabled: rule.enabled,
            required: rule.required,
            warn: rule.warn_if_missing,
            apply: word(json!(rule.apply)),
            direction: word(json!(rule.direction)),
            on_error: word(json!(rule.on_error)),
            on_absent: word(json!(rule.on_absent)),
            on_unknown: word(json!(rule.on_unknown)),
            rank: rule
                .match_rank
                .map(|rank| rank.to_string())
                .unwrap_or_default(),
        }
    }

    /// What somebody entered.
    pub(super) fn entered(form: &Form) -> Self {
        let text = |name: &str| form.text(name).trim().replace("\r\n", "\n");
        // Without a script a line is chosen beside the others.
        let lines = |name: &str, more: &str| {
            let lines = [text(name), text(more)];
            lines.join("\n").trim().to_owned()
        };
        Self {
            key: text("key"),
            kind: text("kind"),
            when: text("when"),
            source: lines("source", "more_source"),
            separator: form.text("separator").to_owned(),
            transforms: lines("transforms", "more_transforms"),
            target: text("target"),
            default: text("default"),
            enabled: form.checked("enabled"),
            required: form.checked("required"),
            warn: form.checked("warn"),
            apply: text("apply"),
            direction: text("direction"),
            on_error: text("on_error"),
            on_absent: text("on_absent"),
            on_unknown: text("on_unknown"),
            rank: text("rank"),
        }
    }

    /// The rule, as far as it can be read; whether it fits is the engine's to say.
    pub(super) fn rule(&self, others: &[Rule]) -> Result<Rule, AdminError> {
        let target = Field::from_key(&self.target).ok_or_else(|| {
            Problem::entry("choose the ServiceOps field").at(InputField::Rule(RulePart::Target))
        })?;
        let lines = || {
            self.source
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
        };
        let source = match self.kind.as_str() {
            "constant" => Source::Constant(meant(&self.source)),
            "firstOf" => Source::FirstOf(lines().map(str::to_owned).collect()),
            "join" => Source::Join {
                separator: self.separator.clone(),
                parts: lines()
                    .map(|line| {
                        let field = InputField::Rule(RulePart::Source);
                        let read = line.parse::<JoinPart>();
                        read.map_err(|error| Problem::Transform(error).at(field))
                    })
                    .collect::<Result<_, AdminError>>()?,
            },
            "all" => Source::All(self.source.clone()),
            _ => Source::Path(self.source.clone()),
        };
        let transforms = self.transforms.lines().map(str::trim);
        let transforms: Result<Vec<Transform>, AdminError> = transforms
            .filter(|line| !line.is_empty())
            .enumerate()
            .map(|(at, line)| {
                let read = line.parse::<Transform>();
                let field = InputField::Rule(RulePart::Transform(Some(at)));
                read.map_err(|error| Problem::Transform(error).at(field))
            })
            .collect();
        let rank = match self.rank.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_number| {
                Problem::entry("the rank is a number from 1 to 9")
                    .at(InputField::Rule(RulePart::MatchRank))
            })?),
        };
        let default = Some(&self.default).filter(|text| !text.is_empty());
        Ok(Rule {
            key: match self.key.as_str() {
                "" => new_key(&target.key(), others),
                key => key.to_owned(),
            },
            enabled: self.enabled,
            when: Some(self.when.clone()).filter(|when| !when.is_empty()),
            transforms: transforms?,
            default: default.map(|text| meant(text)),
            required: self.required,
            apply: word::<Apply>(RulePart::Apply, &self.apply)?,
            direction: word::<Direction>(RulePart::Direction, &self.direction)?,
            on_error: word::<OnError>(RulePart::OnError, &self.on_error)?,
            on_absent: word::<OnAbsent>(RulePart::OnAbsent, &self.on_absent)?,
            on_unknown: match self.on_unknown.as_str() {
                "" => None,
                chosen => Some(word::<OnUnknown>(RulePart::OnUnknown, chosen)?),
            },
            warn_if_missing: self.warn,
            match_rank: rank,
            ..Rule::new(source, target)
        })
    }
}

/// Moves a rule up or down by one place.
pub(super) fn shift<T>(rules: &mut [T], at: usize, up: bool) {
    let to = match up {
        true => at.saturating_sub(1),
        false => (at + 1).min(rules.len().saturating_sub(1)),
    };
    rules.swap(at, to);
}

/// What a field is called. Those of the product are written as the rest of the console is.
pub(super) fn label(catalog: &Catalog, field: &Field) -> String {
    let label = catalog.label(field);
    if matches!(field, Field::Custom(_)) {
        return label;
    }
    let label = label.replace("Email", "E-mail");
    let short = |word: &str| !word.chars().any(char::is_lowercase);
    let words = label.split(' ').enumerate().map(|(at, word)| match at {
        0 => word.to_owned(),
        _ if short(word) => word.to_owned(),
        _ => word.to_lowercase(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What a field is called, by its key.
pub(super) fn called(catalog: &Catalog, key: &str) -> String {
    Field::from_key(key).map_or_else(|| key.to_owned(), |field| label(catalog, &field))
}

/// The fields that rules of a resource can write: key, label, and whether it is the chosen one.
pub(super) fn targets(
    catalog: &Catalog,
    resource: ResourceKind,
    chosen: &str,
) -> Vec<(String, String, bool)> {
    let fields = catalog.fields(resource).into_iter();
    fields
        .map(|field| {
            let named = match &field {
                Field::Custom(_) => format!("{} (custom)", label(catalog, &field)),
                field => label(catalog, field),
            };
            let key = field.key();
            let is_chosen = key == chosen;
            (key, named, is_chosen)
        })
        .collect()
}

/// A value as people read it; a dash where there is none.
pub(super) fn shown_value(value: Option<&Value>) -> String {
    value.map(plain).unwrap_or_else(|| "–".to_owned())
}

/// A value as people write it: a text without quotation marks, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        // A text that reads as something else keeps its quotation marks.
        Value::String(text) if meant(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

/// What a text means: JSON where it is a number, boolean, list or quoted text, else itself.
pub(super) fn meant(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_text| json!(text))
}

fn word<T: serde::de::DeserializeOwned>(part: RulePart, text: &str) -> Result<T, AdminError> {
    let text: String = text.chars().take(64).collect();
    serde_json::from_value(json!(text)).map_err(|_error| {
        Problem::entry(format!("“{text}” is no choice")).at(InputField::Rule(part))
    })
}

/// A transform as it is read in the list: `true → active, false → blocked, else keep`.
pub(super) fn told(transform: &Transform) -> String {
    let Transform::ValueMap { entries, .. } = transform else {
        return transform.to_string();
    };
    let entries = entries.iter();
    let mut told: Vec<String> = entries
        .map(|(from, to)| format!("{from} → {}", plain(to)))
        .collect();
    // What becomes of the rest, in the words of the document.
    let document = json!(transform);
    told.push(match document.pointer("/valueMap/otherwise") {
        Some(Value::String(word)) => format!("else {word}"),
        Some(Value::Object(members)) => {
            let value = members.values().next().map(plain).unwrap_or_default();
            format!("else {value}")
        }
        _ => "else keep".to_owned(),
    });
    told.join(", ")
}

/// A key that no other rule has.
fn new_key(wanted: &str, others: &[Rule]) -> String {
    let free = |key: &String| others.iter().all(|rule| rule.key != *key);
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    let mut keys = std::iter::once(wanted.to_owned()).chain(numbered);
    keys.find(free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use scim_mapping::MappingSet;

    use super::super::super::form_field::form_field;
    use super::*;

    #[test]
    fn a_rule_comes_back_from_its_form_as_it_was() {
        let sets = [MappingSet::default_user(), MappingSet::default_group()];
        for rule in sets.iter().flat_map(|set| &set.rules) {
            assert_eq!(RuleForm::of(rule).rule(&[]).unwrap(), *rule);
        }
        let joined = Rule {
            default: Some(json!("7")),
            when: Some("userType eq \"Contractor\"".to_owned()),
            on_unknown: Some(OnUnknown::Create),
            ..Rule::new(
                Source::Join {
                    separator: " ".to_owned(),
                    parts: vec![
                        JoinPart::path("name.givenName"),
                        JoinPart::Path {
                            path: "field(department)".to_owned(),
                            transforms: vec![Transform::Trim, Transform::Left(1)],
                        },
                        JoinPart::Literal("\"von\" ".to_owned()),
                    ],
                },
                Field::Custom("full".to_owned()),
            )
        };
        let constant = Rule::new(Source::Constant(json!(true)), Field::Vip);
        for rule in [joined, constant] {
            assert_eq!(RuleForm::of(&rule).rule(&[]).unwrap(), rule);
        }
    }

    #[test]
    fn a_new_rule_gets_a_key_of_its_own() {
        let taken = Rule::new(Source::Path("title".to_owned()), Field::JobTitle);
        let form = RuleForm {
            target: "job_title".to_owned(),
            ..RuleForm::fresh("nickName")
        };
        assert_eq!(form.rule(&[taken]).unwrap().key, "job_title_2");
        let error = RuleForm::fresh("nickName").rule(&[]).unwrap_err();
        assert_eq!(form_field(&error), "target");
    }

    #[test]
    fn an_error_is_marked_at_the_field_that_was_entered_and_not_at_one_that_it_quotes() {
        let changed = |change: fn(&mut RuleForm)| {
            let mut form = RuleForm::fresh("title");
            form.target = "job_title".to_owned();
            change(&mut form);
            let mut set = MappingSet::default_user();
            set.rules.retain(|rule| rule.target == Field::UserName);
            let made = form.rule(&set.rules).and_then(|rule| {
                set.rules.push(rule);
                let users = scim_protocol::ResourceDefinition::user();
                set.compile(&users, &Catalog::default())?;
                Ok(())
            });
            let error = made.unwrap_err();
            (form_field(&error), error.to_string())
        };
        type Mistake = fn(&mut RuleForm);
        let cases: [(&str, Mistake); 16] = [
            ("source", |f| {
                f.source = "emails[type eq \"default\"".to_owned()
            }),
            ("source", |f| f.source = "match Code".to_owned()),
            ("source", |f| f.source = "name".to_owned()),
            ("source", |f| f.source = "password".to_owned()),
            ("transforms", |f| {
                f.transforms = "padLeft: {\"length\": 99999, \"with\": \"0\"}".to_owned()
            }),
            ("transforms", |f| {
                f.transforms = "trim\nbefore: \"\"".to_owned()
            }),
            ("transforms", |f| {
                f.transforms = format!("prefix: \"{}\"", "x".repeat(1025))
            }),
            ("transforms", |f| {
                f.transforms = "regexExtract: {\"pattern\": \"(\"}".to_owned()
            }),
            ("transforms", |f| f.transforms = "default value".to_owned()),
            ("when", |f| f.when = "source".to_owned()),
            ("source", |f| f.source = "field(target)".to_owned()),
            ("source", |f| {
                f.kind = "join".to_owned();
                f.source = "title > transforms".to_owned();
            }),
            ("target", |f| f.target = "custom_fields.source".to_owned()),
            ("default", |f| {
                f.target = "status".to_owned();
                f.default = "transform".to_owned();
            }),
            ("default", |f| f.on_absent = "default".to_owned()),
            ("rank", |f| f.rank = "source".to_owned()),
        ];
        for (at, (field, change)) in cases.into_iter().enumerate() {
            let (marked, said) = changed(change);
            assert_eq!(marked, field, "case {at}: {said}");
        }
    }

    #[test]
    fn fields_of_the_product_are_written_as_the_rest_and_custom_ones_as_they_are() {
        let custom = scim_mapping::CustomField {
            key: "team".to_owned(),
            label: "Email Team".to_owned(),
            kind: scim_mapping::FieldKind::Boolean,
            required: false,
        };
        let catalog = Catalog::with_custom(vec![custom]);
        let said = |key: &str| label(&catalog, &Field::from_key(key).unwrap());
        let keys = ["email", "user_name", "employee_id", "custom_fields.team"];
        assert_eq!(
            keys.map(said),
            ["E-mail", "Logon name", "Employee ID", "Email Team"]
        );
    }

    #[test]
    fn a_value_map_is_told_in_words() {
        let map = |otherwise: Value| {
            let entries = json!({"FTE": "technician", "true": false});
            let map = json!({"valueMap": {"entries": entries, "otherwise": otherwise}});
            told(&serde_json::from_value(map).unwrap())
        };
        assert_eq!(
            map(json!("keep")),
            "FTE → technician, true → false, else keep"
        );
        assert!(map(json!("drop")).ends_with("else drop"));
        assert!(map(json!({"value": 7})).ends_with("else 7"));
    }
}
