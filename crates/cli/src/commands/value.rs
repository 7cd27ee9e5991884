//! Values that several commands take or print.

use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use scim_admin::account::Role;
use scim_admin::people::UserType;
use scim_admin::{Actor, IdentityProvider};
pub(crate) use scim_console::documents::{instant, maybe_instant};
use scim_protocol::Profile;
use scim_provisioning::ExistingUsers;
use scim_provisioning::policy::{
    Deactivation, GuardAction, MemberGuardAction, RepeatedExternalIds, UnknownMembers,
};

/// Who the audit says did it.
pub(crate) fn actor() -> Actor {
    Actor::new("command line", None)
}

/// `yes` or nothing.
pub(crate) fn yes(flag: bool) -> String {
    if flag { "yes" } else { "" }.to_owned()
}

/// Parses a time such as `2026-11-26T12:00:00Z`.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let read = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    read.map_err(|_error| "it is a time such as 2026-11-26T12:00:00Z".to_owned())
}

/// Which page of a list.
#[derive(Debug, Args)]
pub(crate) struct Page {
    /// Only those that contain this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
        value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
    /// Those behind this id, the last of the page before.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
}

impl Page {
    /// Behind what the next page begins, where this one is full and ends with `last`.
    pub(crate) fn next(&self, count: usize, last: Option<&str>) -> Option<String> {
        let full = i64::try_from(count).is_ok_and(|count| count == self.limit);
        last.filter(|_| full).map(str::to_owned)
    }
}

/// Parses what a person is.
pub(crate) fn user_type() -> impl TypedValueParser<Value = UserType> {
    use UserType::{Requester, Technician};
    known(
        [Requester, Technician].map(UserType::as_str),
        UserType::parse,
    )
}

/// Parses a role.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    let names = [Role::Administrator, Role::Auditor].map(Role::as_str);
    known(names, Role::parse)
}

/// Parses an identity provider.
pub(crate) fn identity_provider() -> impl TypedValueParser<Value = IdentityProvider> {
    known(
        IdentityProvider::ALL.map(IdentityProvider::as_str),
        IdentityProvider::parse,
    )
}

/// Parses a policy on people created by hand.
pub(crate) fn existing_users() -> impl TypedValueParser<Value = ExistingUsers> {
    use ExistingUsers::{Ask, Link, Refuse};
    known(
        [Ask, Link, Refuse].map(ExistingUsers::as_str),
        ExistingUsers::parse,
    )
}

/// Parses what `active: false` does.
pub(crate) fn deactivation() -> impl TypedValueParser<Value = Deactivation> {
    use Deactivation::{Archive, Block};
    known(
        [Block, Archive].map(Deactivation::as_str),
        Deactivation::parse,
    )
}

/// Parses what the guard does.
pub(crate) fn guard_action() -> impl TypedValueParser<Value = GuardAction> {
    use GuardAction::{Hold, Reject};
    known([Hold, Reject].map(GuardAction::as_str), GuardAction::parse)
}

/// Parses what the guard of a group's members does.
pub(crate) fn member_guard_action() -> impl TypedValueParser<Value = MemberGuardAction> {
    use MemberGuardAction::{Hold, Reject, Warn};
    known(
        [Hold, Reject, Warn].map(MemberGuardAction::as_str),
        MemberGuardAction::parse,
    )
}

/// Parses what becomes of members that nobody sees.
pub(crate) fn unknown_members() -> impl TypedValueParser<Value = UnknownMembers> {
    use UnknownMembers::{Refuse, Skip, Usual};
    known(
        [Usual, Refuse, Skip].map(UnknownMembers::as_str),
        UnknownMembers::parse,
    )
}

/// Parses what becomes of an externalId that another resource has.
pub(crate) fn external_ids() -> impl TypedValueParser<Value = RepeatedExternalIds> {
    use RepeatedExternalIds::{Accept, Refuse};
    known(
        [Accept, Refuse].map(RepeatedExternalIds::as_str),
        RepeatedExternalIds::parse,
    )
}

/// Parses a protocol profile.
pub(crate) fn profile() -> impl TypedValueParser<Value = Profile> {
    use scim_admin::configuration::{parse_profile, profile_name};
    known(
        [Profile::Tolerant, Profile::Strict].map(profile_name),
        parse_profile,
    )
}

fn known<T: Clone + Send + Sync + 'static, const N: usize>(
    names: [&'static str; N],
    parse: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names)
        .try_map(move |name| parse(&name).ok_or_else(|| format!("{name} is not known")))
}
