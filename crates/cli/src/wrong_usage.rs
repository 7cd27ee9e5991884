//! What tells wrong usage (exit code 2) from what failed (1).

use std::borrow::Cow;

use scim_admin::{AdminError, InputField};

/// What was given does not go together, or is none of what may be given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) Cow<'static, str>);

/// Whether an error is of what was given, and the same command will never succeed.
pub(crate) fn is_wrong_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<WrongUsage>()
            || cause
                .downcast_ref::<AdminError>()
                .is_some_and(|error| match error {
                    AdminError::Invalid(input) => input.field().is_some_and(is_an_option),
                    _ => false,
                })
    })
}

/// Whether a value is an option's of its own: neither of a file or standard input, nor part of a field
/// that fits or does not beside what is there.
fn is_an_option(field: InputField) -> bool {
    !matches!(
        field,
        InputField::Mapping
            | InputField::Rule(_)
            | InputField::TableRows
            | InputField::Password
            | InputField::CustomField(_)
    )
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use scim_admin::configuration::parse_networks;

    use super::*;

    #[test]
    fn what_was_given_wrongly_is_wrong_usage_whatever_is_said_of_it() {
        let values = parse_networks("nowhere").context("cannot add it");
        assert!(is_wrong_usage(&values.unwrap_err()));
        let options = anyhow::Error::new(WrongUsage("--one goes with --other".into()));
        assert!(is_wrong_usage(&options));
        let failed = anyhow::Error::new(AdminError::NameTaken("Entra".to_owned()));
        assert!(!is_wrong_usage(&failed));
    }
}
