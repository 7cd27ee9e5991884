//! What does not fit of what somebody entered: which field, and what is wrong with it.

use std::borrow::Cow;
use std::fmt;

use scim_mapping::{FieldError, FieldPart, MappingError, TransformParseError};
use scim_provisioning::Failure;
use scim_provisioning::replay::NotKept;
use validator::ValidationErrors;

use crate::account::Role;
use crate::configuration::ConfigurationStatus;
use crate::error::AdminError;
use crate::keyring::KeyRingError;
use crate::scope::Scopes;

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
    /// The note of a mapping.
    Note,
    /// The rules of a mapping; the problem says which part of them.
    Mapping,
    /// A part of the definition of a custom field.
    CustomField(FieldPart),
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
            Self::DeleteAfterDays => "/policy/deleteAfterDays",
            Self::GuardCount => "/policy/guard/count",
            Self::GuardPercent => "/policy/guard/percent",
            Self::GuardMinutes => "/policy/guard/minutes",
            Self::MemberGuardCount => "/policy/memberGuard/count",
            Self::MemberGuardPercent => "/policy/memberGuard/percent",
            Self::Days => "/days",
            Self::TokenDays => "/tokenDays",
            Self::ExpiresAt => "/expiresAt",
            Self::OverlapHours => "/overlapHours",
            Self::Password => "/password",
            Self::Role => "/role",
            Self::Scopes => "/scopes",
            Self::Note => "/note",
            Self::Mapping => "/mapping",
            Self::CustomField(FieldPart::Key) => "/key",
            Self::CustomField(FieldPart::Label) => "/label",
            Self::CustomField(_) => "/type",
            Self::UserName => "/userName",
            Self::Email => "/email",
            Self::UserType => "/userType",
            Self::Status => "/status",
            Self::Link => "/link",
        }
    }
}

/// What is wrong with a value, or with what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value is not what its field takes.
    #[error("{field} {rule}")]
    Rule {
        /// The field, as people read it.
        field: Cow<'static, str>,
        /// What is wrong, said of the field.
        rule: Cow<'static, str>,
    },
    /// The name of an account or API key is empty, too long or invisible.
    #[error("a name has 1 to 100 characters, and none that nobody sees")]
    NameLength,
    /// The audit uses the name for somebody else.
    #[error("this name stands for somebody else in the audit")]
    NameReserved,
    /// A text is no network.
    #[error("\"{text}\" is no network such as 192.0.2.0/24 or 2001:db8::/32")]
    Network {
        /// The text.
        text: String,
    },
    /// A text is no scope.
    #[error("\"{text}\" is no scope; read, configure, tokens and operate are")]
    UnknownScope {
        /// The text.
        text: String,
    },
    /// An API key has no scope.
    #[error("an API key has one scope at least")]
    NoScope,
    /// An API key asks for scopes that its role has not.
    #[error("a key of the role {} has no scope but {scopes}", .role.as_str())]
    ScopeBeyondRole {
        /// The role.
        role: Role,
        /// What it has.
        scopes: Scopes,
    },
    /// An API key lives too short or too long.
    #[error("an API key lives 1 to {most} days")]
    KeyLife {
        /// Days at most.
        most: i64,
    },
    /// A password does not do.
    #[error("the password {0}")]
    Password(PasswordProblem),
    /// The account signs in elsewhere.
    #[error("this account signs in by its OpenID provider and has no password")]
    NoPassword,
    /// A token ends too soon or too late.
    #[error("a token ends in the future, and within two years")]
    TokenLife,
    /// The old token goes on for too long.
    #[error("an old token goes on for 30 days at most once the new one was used")]
    Overlap,
    /// A token cannot be made.
    #[error("no token can be made: {0}")]
    Token(TokenProblem),
    /// A sealed value cannot be opened.
    #[error(transparent)]
    KeyRing(KeyRingError),
    /// There is no key to seal with.
    #[error("no key")]
    NoKey,
    /// The machine gives no random numbers.
    #[error("no random numbers")]
    NoRandomNumbers,
    /// The rules of a mapping do not fit.
    #[error(transparent)]
    Mapping(MappingError),
    /// The rules of a mapping that is active would not fit any more.
    #[error("the mapping of \"{configuration}\" would not fit: {error}")]
    ActiveMapping {
        /// Of which configuration.
        configuration: String,
        /// Why.
        error: MappingError,
    },
    /// A line is no transform.
    #[error(transparent)]
    Transform(TransformParseError),
    /// A note is too long, or holds control characters.
    #[error("a note has {most} characters at most, and no control characters")]
    Note {
        /// Characters at most.
        most: usize,
    },
    /// A custom field cannot be defined so.
    #[error(transparent)]
    CustomField(FieldError),
    /// There are as many custom fields as there can be.
    #[error("there can be {most} custom fields")]
    TooManyFields {
        /// How many.
        most: usize,
    },
    /// A custom field would get another type.
    #[error("a field keeps its type; add another field and map it")]
    TypeChanged,
    /// A rule writes the custom field.
    #[error(
        "the field is written by rule \"{rule}\" of \"{configuration}\"; change the mapping first"
    )]
    FieldInUse {
        /// The key of the rule.
        rule: String,
        /// The name of the configuration.
        configuration: String,
    },
    /// The entry of the log is neither a failure nor a warning.
    #[error("only a failure or a warning can be resolved")]
    NotResolvable,
    /// The entry of the log cannot be carried out again.
    #[error(transparent)]
    Replay(ReplayProblem),
    /// Several users wait for the person.
    #[error("several users wait for this person; say which one")]
    SeveralLinks,
    /// A link cannot be compared.
    #[error(transparent)]
    Comparison(Failure),
    /// A person cannot be linked.
    #[error("\"{person}\" cannot be linked: {reason}")]
    NotLinked {
        /// The logon name of the person.
        person: String,
        /// Why.
        reason: String,
    },
    /// A group gives the person what was to be changed.
    #[error("what \"{person}\" is comes from the group \"{group}\"")]
    FromGroup {
        /// The logon name of the person.
        person: String,
        /// The name of the group.
        group: String,
    },
    /// A person or group cannot become this.
    #[error("this is not possible for \"{name}\" as things are")]
    NotPossible {
        /// Its name.
        name: String,
    },
    /// No configuration manages the person or group.
    #[error("no configuration manages \"{name}\"")]
    Unmanaged {
        /// Its name.
        name: String,
    },
    /// ServiceOps has no such role.
    #[error("the role \"{role}\" is no role of ServiceOps")]
    UnknownRole {
        /// Its name.
        role: String,
    },
    /// The person is a member already.
    #[error("\"{person}\" is in \"{group}\" already")]
    MemberAlready {
        /// The logon name of the person.
        person: String,
        /// The name of the group.
        group: String,
    },
    /// The person to whom an account is to be bound is not active.
    #[error("the user \"{name}\" is not active")]
    NotActive {
        /// The logon name.
        name: String,
    },
    /// The account is bound to nobody.
    #[error("the account \"{name}\" is bound to nobody")]
    NotBound {
        /// Its name.
        name: String,
    },
    /// No administrator would be left who is bound to nobody.
    #[error("this is the last administrator who is bound to nobody; make another one first")]
    LastAdministrator,
    /// An interface could not read what was entered, and says so in its own words.
    #[error("{0}")]
    Entry(Cow<'static, str>),
}

/// Why a password does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// It has too few characters.
    #[error("has fewer than 15 characters")]
    TooShort,
    /// It has too many bytes.
    #[error("is longer than 256 bytes")]
    TooLong,
    /// It is easy to guess.
    #[error("is easy to guess")]
    Common,
    /// The machine failed.
    #[error("could not be hashed")]
    NotHashed,
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenProblem {
    /// The machine gives no random numbers.
    #[error("no random numbers")]
    NoRandomNumbers,
    /// The key ring is empty.
    #[error("no key")]
    NoKey,
    /// It cannot be signed.
    #[error(transparent)]
    Signing(jsonwebtoken::errors::Error),
    /// It cannot be sealed.
    #[error(transparent)]
    Sealing(KeyRingError),
}

/// Why an entry of the log cannot be carried out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayProblem {
    /// It was no failure.
    #[error("only a failure can be replayed")]
    NoFailure,
    /// It is resolved.
    #[error("it is resolved; reopen it first")]
    Resolved,
    /// The log has nothing of the request.
    #[error("the log does not keep the request")]
    NoRequest,
    /// The log does not have enough of the request.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// Its configuration was deleted.
    #[error("its configuration is not there any more")]
    NoConfiguration,
    /// Its configuration is paused or disabled.
    #[error("its configuration is {}", .0.as_str())]
    Configuration(ConfigurationStatus),
    /// Another entry of the log changed the same resource later.
    #[error("entry {0} of the log changed it later, and an old request must not undo that")]
    ChangedLater(i64),
    /// Somebody changed the same resource later by hand.
    #[error(
        "it was changed later by hand, or one of its members was, and an old request must not undo \
         that"
    )]
    ChangedByHand,
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
        let pointers = invalid.iter().map(|invalid| invalid.pointer());
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
        let expected = ["/description", "/name", "/policy/guard/percent"];
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
            ["/policy/deleteAfterDays"]
        );
        assert_eq!(
            wrong(|policies| policies.guard.minutes = 1441),
            ["/policy/guard/minutes"]
        );
        assert_eq!(
            wrong(|policies| policies.member_guard.percent = 101),
            ["/policy/memberGuard/percent"]
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
