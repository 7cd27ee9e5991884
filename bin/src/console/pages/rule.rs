//! A rule of a mapping as people edit it: fields of a form, and back.

use scim_admin::AdminError;
use scim_mapping::{
    Apply, Catalog, Direction, Field, JoinPart, MappedResource, OnAbsent, OnError, OnUnknown, Rule,
    Source, Transform,
};
use serde_json::{Value, json};

use super::super::Form;

/// A rule in the words of a form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleForm {
    /// The key, which does not change; empty for a new rule.
    pub(super) key: String,
    pub(super) kind: String,
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
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| match part {
                        JoinPart::Path(path) => path.clone(),
                        JoinPart::Literal(text) => json!(text).to_string(),
                    })
                    .collect();
                ("join", parts.join("\n"), separator.as_str())
            }
            Source::All(path) => ("all", path.clone(), ""),
        };
        let transforms: Vec<String> = rule.transforms.iter().map(written).collect();
        let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            key: rule.key.clone(),
            kind: kind.to_owned(),
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
        Self {
            key: text("key"),
            kind: text("kind"),
            source: text("source"),
            separator: form.text("separator").to_owned(),
            transforms: text("transforms"),
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

    /// The rule; whether it fits is the engine's to say.
    pub(super) fn rule(&self, others: &[Rule]) -> Result<Rule, AdminError> {
        let target = Field::from_key(&self.target)
            .ok_or_else(|| AdminError::Invalid("choose the ServiceOps field".to_owned()))?;
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
                    .map(|line| match serde_json::from_str::<String>(line) {
                        Ok(text) => JoinPart::Literal(text),
                        Err(_) => JoinPart::Path(line.to_owned()),
                    })
                    .collect(),
            },
            "all" => Source::All(self.source.clone()),
            _ => Source::Path(self.source.clone()),
        };
        let transforms = self.transforms.lines().map(str::trim);
        let transforms: Result<Vec<_>, _> = transforms
            .filter(|line| !line.is_empty())
            .map(transform)
            .collect();
        let rank = match self.rank.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_number| {
                AdminError::Invalid("the rank is a number from 1 to 9".to_owned())
            })?),
        };
        let default = Some(&self.default).filter(|text| !text.is_empty());
        Ok(Rule {
            key: match self.key.as_str() {
                "" => new_key(&target.key(), others),
                key => key.to_owned(),
            },
            enabled: self.enabled,
            transforms: transforms?,
            default: default.map(|text| meant(text)),
            required: self.required,
            apply: word::<Apply>(&self.apply)?,
            direction: word::<Direction>(&self.direction)?,
            on_error: word::<OnError>(&self.on_error)?,
            on_absent: word::<OnAbsent>(&self.on_absent)?,
            on_unknown: match self.on_unknown.as_str() {
                "" => None,
                chosen => Some(word::<OnUnknown>(chosen)?),
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

/// The fields that rules of a resource can write: key, label, and whether it is the chosen one.
pub(super) fn targets(
    catalog: &Catalog,
    resource: MappedResource,
    chosen: &str,
) -> Vec<(String, String, bool)> {
    let fields = catalog.fields(resource).into_iter();
    fields
        .map(|field| {
            let label = match &field {
                Field::Custom(_) => format!("{} (custom)", catalog.label(&field)),
                field => catalog.label(field),
            };
            let key = field.key();
            let is_chosen = key == chosen;
            (key, label, is_chosen)
        })
        .collect()
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
fn meant(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_text| json!(text))
}

/// A transform in a line: its name, and what it needs as JSON behind a colon.
pub(super) fn written(transform: &Transform) -> String {
    match json!(transform) {
        Value::String(name) => name,
        Value::Object(members) => {
            let parts = members
                .iter()
                .map(|(name, needs)| format!("{name}: {needs}"));
            parts.collect()
        }
        other => other.to_string(),
    }
}

fn transform(line: &str) -> Result<Transform, AdminError> {
    let document = match line.split_once(':') {
        None => json!(line),
        Some((name, needs)) => {
            let needs = needs.trim();
            json!({ name.trim(): meant(needs) })
        }
    };
    serde_json::from_value(document).map_err(|error| {
        let line: String = line.chars().take(64).collect();
        AdminError::Invalid(format!("the transform \"{line}\" cannot be read: {error}"))
    })
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, AdminError> {
    serde_json::from_value(json!(text))
        .map_err(|error| AdminError::Invalid(format!("\"{text}\" is no choice: {error}")))
}

/// A key that no other rule has.
fn new_key(wanted: &str, others: &[Rule]) -> String {
    let free = |key: &String| others.iter().all(|rule| rule.key != *key);
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    let mut keys = std::iter::once(wanted.to_owned()).chain(numbered);
    keys.find(free).unwrap_or_default()
}

/// Every transform with an example, for the page that explains them.
pub(super) const TRANSFORMS: [(&str, &str); 36] = [
    ("trim", "white space at both ends is gone"),
    ("collapseSpaces", "single spaces inside, none at the ends"),
    ("stripSpaces", "no white space at all"),
    ("lower", "lower case"),
    ("upper", "upper case"),
    ("titleCase", "every word begins in upper case"),
    ("stripDiacritics", "no accents and other marks"),
    ("prefix: \"EXT-\"", "a text in front"),
    ("suffix: \"@corp.example\"", "a text behind"),
    (
        "replace: {\"find\": \"-\", \"with\": \"\"}",
        "every occurrence replaced",
    ),
    (
        "substring: {\"start\": 0, \"length\": 3}",
        "a part, counted from 0",
    ),
    ("left: 3", "so many characters from the beginning"),
    ("right: 4", "so many characters from the end"),
    ("truncate: 100", "so many characters at most"),
    (
        "padLeft: {\"length\": 6, \"with\": \"0\"}",
        "filled up in front",
    ),
    ("digitsOnly", "the digits alone"),
    (
        "word: {\"number\": 0, \"separators\": \" \"}",
        "one word, counted from 0",
    ),
    ("before: \"@\"", "what stands before a text"),
    ("after: \"\\\\\"", "what stands behind a text"),
    (
        "valueMap: {\"entries\": {\"FTE\": \"technician\"}, \"otherwise\": \"keep\"}",
        "other values for known ones",
    ),
    ("ifEmpty", "no value where the text is blank"),
    ("default: \"unknown\"", "a value where there is none"),
    ("split: \",\"", "a list of the parts"),
    ("item: 1", "one value of a list, counted from 0"),
    ("first", "the first value of a list"),
    ("last", "the last value of a list"),
    ("dedupe", "every value of a list once"),
    ("count", "how many values there are"),
    ("join: \", \"", "a text of the values of a list"),
    (
        "toBool: [\"on\"]",
        "a boolean; these words, true, yes and 1 are true",
    ),
    ("toInt", "a whole number"),
    ("toNumber", "a number"),
    (
        "jsonField: \"name\"",
        "a member of a JSON object that is sent as text",
    ),
    (
        "regexExtract: {\"pattern\": \"CN=([^,]+)\", \"group\": 1}",
        "what a pattern finds",
    ),
    (
        "regexReplace: {\"pattern\": \"\\\\s+\", \"with\": \" \"}",
        "what a pattern finds, replaced",
    ),
    (
        "date: [\"%d.%m.%Y\"]",
        "an instant, read in one of these formats",
    ),
];

#[cfg(test)]
mod tests {
    use scim_mapping::MappingSet;

    use super::*;

    #[test]
    fn a_rule_comes_back_from_its_form_as_it_was() {
        let sets = [MappingSet::default_user(), MappingSet::default_group()];
        for rule in sets.iter().flat_map(|set| &set.rules) {
            assert_eq!(RuleForm::of(rule).rule(&[]).unwrap(), *rule);
        }
        let joined = Rule {
            default: Some(json!("7")),
            on_unknown: Some(OnUnknown::Create),
            ..Rule::new(
                Source::Join {
                    separator: " ".to_owned(),
                    parts: vec![
                        JoinPart::Path("name.givenName".to_owned()),
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
    fn every_transform_that_is_explained_can_be_entered() {
        let mut names = Vec::new();
        for (line, _) in TRANSFORMS {
            let read = transform(line).unwrap();
            assert_eq!(transform(&written(&read)).unwrap(), read, "{line}");
            names.push(line.split(':').next().unwrap());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 36);
        assert!(transform("nonsense").is_err());
        assert!(transform("prefix: 7").is_err());
    }

    #[test]
    fn a_new_rule_gets_a_key_of_its_own() {
        let taken = Rule::new(Source::Path("title".to_owned()), Field::JobTitle);
        let form = RuleForm {
            target: "job_title".to_owned(),
            ..RuleForm::fresh("nickName")
        };
        assert_eq!(form.rule(&[taken]).unwrap().key, "job_title_2");
        assert!(RuleForm::fresh("nickName").rule(&[]).is_err());
    }
}
