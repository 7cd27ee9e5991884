//! What does not fit of what somebody entered: which field, and what is wrong with it.

mod problem;

use std::borrow::Cow;
use std::fmt;

use scim_mapping::{FieldError, FieldPart, MappingError, RulePart};
use validator::ValidationErrors;

pub use self::problem::{PasswordProblem, Problem, ReplayProblem, TokenProblem};
use crate::error::AdminError;

/// What does not fit of what somebody entered; one or several values at once.
#[derive(Debug)]
pub struct InvalidInput(Vec<Invalid>);

/// A value that does not fit.
#[derive(Debug)]
pub struct Invalid {
    /// Which one; `None` where it is no single one that was entered.
    pub field: Option<InputField>,
    /// What is wrong with it.
    pub problem: Problem,
}

/// A value that an administrator enters, whether in a form, in a document or in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputField {
    /// The name of a configuration, an account, an API key or a group.
    Name,
    /// What a configuration is for.
    Description,
    /// From where tokens are accepted.
    Networks,
    /// After how many days who was deleted is forgotten.
    DeleteAfterDays,
    /// How many may leave before the guard looks at the share.
    GuardCount,
    /// Which share may leave.
    GuardPercent,
    /// Within which time.
    GuardMinutes,
    /// How many members may leave a group before its guard looks at the share.
    MemberGuardCount,
    /// Which share of a group may leave.
    MemberGuardPercent,
    /// How many days a token or an API key lives.
    Days,
    /// How many days the first token of a configuration lives.
    TokenDays,
    /// When a token ends.
    ExpiresAt,
    /// How many hours the old token goes on.
    OverlapHours,
    /// A password.
    Password,
    /// A role.
    Role,
    /// The scopes of an API key.
    Scopes,
    /// The topics of a stream.
    Topics,
    /// Where what changes is sent to.
    Url,
    /// The note of a mapping.
    Note,
    /// The rules of a mapping; the problem says which part of them.
    Mapping,
    /// A part of the one rule that is edited.
    Rule(RulePart),
    /// A part of the definition of a custom field.
    CustomField(FieldPart),
    /// The columns and rows of a lookup table.
    TableRows,
    /// The logon name of a person.
    UserName,
    /// The e-mail address of a person.
    Email,
    /// Whether a person is a technician.
    UserType,
    /// Whether a person is active.
    Status,
    /// Which of the links that wait.
    Link,
}

impl InputField {
    /// Where the value stands in the document that the admin API reads, as a JSON pointer (RFC
    /// 6901).
    pub fn pointer(self) -> &'static str {
        match self {
            Self::Name => "/name",
            Self::Description => "/description",
            Self::Networks => "/allowedNetworks",
            Self::DeleteAfterDays => "/deletion/delete/afterDays",
            Self::GuardCount => "/guard/count",
            Self::GuardPercent => "/guard/percent",
            Self::GuardMinutes => "/guard/minutes",
            Self::MemberGuardCount => "/memberGuard/count",
            Self::MemberGuardPercent => "/memberGuard/percent",
            Self::Days => "/days",
            Self::TokenDays => "/tokenDays",
            Self::ExpiresAt => "/expiresAt",
            Self::OverlapHours => "/overlapHours",
            Self::Password => "/password",
            Self::Role => "/role",
            Self::Scopes => "/scopes",
            Self::Topics => "/topics",
            Self::Url => "/url",
            Self::Note => "/note",
            Self::Mapping | Self::Rule(_) => "/mapping",
            Self::CustomField(FieldPart::Key) => "/key",
            Self::CustomField(FieldPart::Label) => "/label",
            Self::CustomField(_) => "/type",
            Self::TableRows => "/rows",
            Self::UserName => "/userName",
            Self::Email => "/email",
            Self::UserType => "/userType",
            Self::Status => "/status",
            Self::Link => "/link",
        }
    }
}

impl Problem {
    /// What was asked for is refused for this, with no value at fault.
    pub fn refused(self) -> AdminError {
        AdminError::Invalid(InvalidInput(vec![Invalid {
            field: None,
            problem: self,
        }]))
    }

    /// A value is refused for this.
    pub fn at(self, field: InputField) -> AdminError {
        AdminError::Invalid(InvalidInput(vec![Invalid {
            field: Some(field),
            problem: self,
        }]))
    }

    /// What an interface says of what it could not read.
    pub fn entry(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Entry(text.into())
    }
}

impl InvalidInput {
    /// The values that do not fit.
    pub fn iter(&self) -> impl Iterator<Item = &Invalid> {
        self.0.iter()
    }

    /// The first value that does not fit.
    pub fn first(&self) -> Option<&Invalid> {
        self.0.first()
    }

    /// The first field that is at fault.
    pub fn field(&self) -> Option<InputField> {
        self.0.iter().find_map(|invalid| invalid.field)
    }

    /// Whether the only problem is this one.
    pub fn is(&self, problem: impl Fn(&Problem) -> bool) -> bool {
        matches!(self.0.as_slice(), [invalid] if problem(&invalid.problem))
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, invalid) in self.0.iter().enumerate() {
            if at > 0 {
                formatter.write_str("; ")?;
            }
            invalid.problem.fmt(formatter)?;
        }
        Ok(())
    }
}

impl Invalid {
    /// Where the value stands in the document that the admin API reads, as a JSON pointer (RFC
    /// 6901); `None` where no single value is at fault.
    pub fn pointer(&self) -> Option<String> {
        let field = self.field?.pointer();
        Some(match &self.problem {
            Problem::Mapping(error) => format!("{field}{}", error.pointer()),
            _ => field.to_owned(),
        })
    }
}

impl From<MappingError> for AdminError {
    fn from(error: MappingError) -> Self {
        Problem::Mapping(error).at(InputField::Mapping)
    }
}

impl From<FieldError> for AdminError {
    fn from(error: FieldError) -> Self {
        let part = error.kind.part();
        Problem::CustomField(error).at(InputField::CustomField(part))
    }
}

impl From<ReplayProblem> for AdminError {
    fn from(problem: ReplayProblem) -> Self {
        Problem::Replay(problem).refused()
    }
}

impl From<PasswordProblem> for AdminError {
    fn from(problem: PasswordProblem) -> Self {
        Problem::Password(problem).at(InputField::Password)
    }
}

impl From<TokenProblem> for AdminError {
    fn from(problem: TokenProblem) -> Self {
        Problem::Token(problem).refused()
    }
}

/// The code of a validation error names the field, where the field of the struct is made of several.
impl From<ValidationErrors> for AdminError {
    fn from(errors: ValidationErrors) -> Self {
        let mut invalid: Vec<Invalid> = Vec::new();
        for (name, errors) in errors.field_errors() {
            for error in errors {
                let rule = error.message.clone().unwrap_or("is not valid".into());
                invalid.push(Invalid {
                    field: validated(&error.code).or_else(|| validated(&name)),
                    problem: Problem::Rule {
                        field: name.clone(),
                        rule,
                    },
                });
            }
        }
        invalid.sort_by_cached_key(|invalid| invalid.problem.to_string());
        Self::Invalid(InvalidInput(invalid))
    }
}

/// The field that a validation names, by its name in the struct or by the code of the rule.
fn validated(name: &str) -> Option<InputField> {
    Some(match name {
        "name" => InputField::Name,
        "description" => InputField::Description,
        "networks" => InputField::Networks,
        "delete_after_days" => InputField::DeleteAfterDays,
        "guard_percent" => InputField::GuardPercent,
        "guard_minutes" => InputField::GuardMinutes,
        "member_guard_percent" => InputField::MemberGuardPercent,
        "user_name" => InputField::UserName,
        "email" => InputField::Email,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{ConfigurationInput, parse_networks};
    use validator::Validate;

    fn pointers(error: AdminError) -> Vec<String> {
        let AdminError::Invalid(invalid) = error else {
            panic!("{error}");
        };
        let pointers = invalid.iter().map(Invalid::pointer);
        pointers.map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn a_validation_names_the_value_that_is_wrong_and_not_the_one_that_is_quoted() {
        let mut input = ConfigurationInput::fresh();
        input.name = String::new();
        input.description = "x".repeat(501);
        input.policies.guard.percent = 0;
        let error = AdminError::from(input.validate().unwrap_err());
        assert_eq!(
            error.to_string(),
            "description is longer than 500 characters; name is empty; policies guard a share of 1 \
             to 100 percent"
        );
        let expected = ["/description", "/name", "/guard/percent"];
        assert_eq!(pointers(error), expected);
        let network = parse_networks("name-or-description").unwrap_err();
        assert_eq!(pointers(network), ["/allowedNetworks"]);
    }

    #[test]
    fn each_policy_has_its_own_place() {
        let wrong = |change: fn(&mut scim_provisioning::Policies)| {
            let mut input = ConfigurationInput::fresh();
            input.name = "guard days percent".to_owned();
            change(&mut input.policies);
            pointers(input.validate().unwrap_err().into())
        };
        use scim_provisioning::policy::Deletion;
        assert_eq!(
            wrong(|policies| policies.deletion = Deletion::Delete { after_days: 0 }),
            ["/deletion/delete/afterDays"]
        );
        assert_eq!(
            wrong(|policies| policies.guard.minutes = 1441),
            ["/guard/minutes"]
        );
        assert_eq!(
            wrong(|policies| policies.member_guard.percent = 101),
            ["/memberGuard/percent"]
        );
    }

    #[test]
    fn the_rules_of_a_mapping_are_pointed_into() {
        let document = serde_json::json!({"resource": "user", "rules": [{
            "key": "default", "source": {"path": "title"}, "target": "email",
            "transforms": ["trim", {"before": ""}],
        }]});
        let set = scim_mapping::MappingSet::from_json(&document).unwrap();
        let users = scim_protocol::ResourceDefinition::user();
        let error = set.compile(&users, &scim_mapping::Catalog::default());
        let pointers = pointers(error.unwrap_err().into());
        assert_eq!(pointers, ["/mapping/rules/0/transforms/1"]);
    }
}
