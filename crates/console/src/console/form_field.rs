//! Which field of a form an error is about.

use scim_admin::{AdminError, InputField, Problem};
use scim_mapping::{FieldPart, MappingError, RulePart};

/// The id of the field that an error is about; empty when it is about none that can be entered.
///
/// The ids are the same in every form. Where a page has several forms, it puts the name of the form
/// in front.
pub(super) fn form_field(error: &AdminError) -> &'static str {
    match error {
        AdminError::NameTaken(_) | AdminError::BeingDeleted(_) => "name",
        AdminError::Invalid(invalid) => {
            let mut fields = invalid.iter().filter_map(|invalid| {
                let field = invalid.field?;
                Some(field_id(field, &invalid.problem))
            });
            fields.next().unwrap_or_default()
        }
        _ => "",
    }
}

fn field_id(field: InputField, problem: &Problem) -> &'static str {
    match field {
        InputField::Name => "name",
        InputField::Description => "description",
        InputField::Networks => "networks",
        InputField::Days | InputField::TokenDays | InputField::DeleteAfterDays => "days",
        InputField::GuardCount => "guard_count",
        InputField::GuardPercent => "guard_percent",
        InputField::GuardMinutes => "guard_minutes",
        InputField::MemberGuardCount => "member_guard_count",
        InputField::MemberGuardPercent => "member_guard_percent",
        InputField::Password => "password",
        InputField::Role => "role",
        InputField::Scopes => "scopes",
        InputField::TableRows => "csv",
        InputField::UserName => "user",
        InputField::Url => "url",
        InputField::Topics => "topics",
        InputField::CustomField(part) => match part {
            FieldPart::Key => "key",
            FieldPart::Label => "label",
            FieldPart::TextLength => "max",
            FieldPart::Options => "options",
            _ => "kind",
        },
        InputField::Rule(part) => rule_field(part),
        InputField::Mapping => match problem {
            Problem::Mapping(MappingError::Rule(error)) => rule_field(error.part),
            Problem::Mapping(MappingError::Unnamed(_)) => "target",
            _ => "",
        },
        _ => "",
    }
}

/// The field of the form of a rule, or of a group rule.
fn rule_field(part: RulePart) -> &'static str {
    match part {
        RulePart::Condition => "when",
        RulePart::Source => "source",
        RulePart::Separator => "separator",
        RulePart::Transform(_) => "transforms",
        RulePart::Target => "target",
        RulePart::Default => "default",
        RulePart::Apply => "apply",
        RulePart::Direction => "direction",
        RulePart::OnError => "on_error",
        RulePart::OnAbsent => "on_absent",
        RulePart::OnUnknown => "on_unknown",
        RulePart::MatchRank => "rank",
        RulePart::When => "text",
        RulePart::Roles => "roles",
        RulePart::UserType => "user_type",
        RulePart::Grants => "fields",
        _ => "",
    }
}
