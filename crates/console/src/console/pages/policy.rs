//! What leaving means, who is linked, and when leaving is too much at once.

use askama::Template;
use scim_admin::configuration::parse_networks;
use scim_admin::{AdminError, ConfigurationInput, InputField, Problem};
use scim_protocol::Profile;
use scim_provisioning::policy::{
    Deactivation, Deletion, GuardAction, MemberGuardAction, RepeatedExternalIds, UnknownMembers,
};
use scim_provisioning::{ExistingUsers, Policies};

use super::super::form_field::form_field;
use super::super::{ConsoleAnswer, Failed, Form, Visit, sentence};
use super::configuration::{Shown, Tabs};
use super::configurations::written;
use super::{LIST, Shell};

#[derive(Template)]
#[template(path = "policy.html")]
struct Page {
    shell: Shell,
    tabs: Tabs,
    error: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: &'static str,
    version: i64,
    existing: &'static str,
    deactivation: &'static str,
    deletion: &'static str,
    days: String,
    /// The guard's number, share and window.
    guard: [String; 3],
    guard_action: &'static str,
    /// The number and share of the guard of a group's members.
    member_guard: [String; 2],
    member_guard_action: &'static str,
    unknown_members: &'static str,
    /// What is usual for the identity provider.
    usual_members: &'static str,
    external_ids: &'static str,
    networks: String,
    strict: bool,
}

impl Page {
    fn new(visit: &Visit<'_>, shown: &Shown, input: &ConfigurationInput) -> Result<Self, Failed> {
        let (policies, guard) = (input.policies, input.policies.guard);
        let (deletion, days) = match policies.deletion {
            Deletion::Archive => ("archive", DAYS),
            Deletion::Block => ("block", DAYS),
            Deletion::Delete { after_days } => ("delete", after_days),
        };
        Ok(Self {
            shell: shown.shell(visit, "Policy")?,
            tabs: shown.tabs(visit, "policy"),
            error: String::new(),
            wrong: "",
            version: shown.configuration.version,
            existing: policies.existing_users.as_str(),
            deactivation: policies.deactivation.as_str(),
            deletion,
            days: days.to_string(),
            guard: [
                guard.count.to_string(),
                guard.percent.to_string(),
                guard.minutes.to_string(),
            ],
            guard_action: guard.action.as_str(),
            member_guard: [
                policies.member_guard.count.to_string(),
                policies.member_guard.percent.to_string(),
            ],
            member_guard_action: policies.member_guard.action.as_str(),
            unknown_members: policies.unknown_members.as_str(),
            usual_members: match input.identity_provider.unknown_members(Policies::default()) {
                UnknownMembers::Skip => "leave them out",
                _ => "refuse the request",
            },
            external_ids: policies.external_ids.as_str(),
            networks: written(&input.networks),
            strict: input.profile == Profile::Strict,
        })
    }

    /// The page as it was filled in.
    fn filled(self, form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        let chosen = form.text("deletion");
        Self {
            existing: ExistingUsers::parse(form.text("existing"))
                .map_or(self.existing, ExistingUsers::as_str),
            deactivation: Deactivation::parse(form.text("deactivation"))
                .map_or(self.deactivation, Deactivation::as_str),
            deletion: ["archive", "block", "delete"]
                .into_iter()
                .find(|one| *one == chosen)
                .unwrap_or(self.deletion),
            days: text("days"),
            guard: GUARD.map(text),
            guard_action: match form.text("guard_action") {
                "reject" => "reject",
                _ => "hold",
            },
            member_guard: MEMBER_GUARD.map(text),
            member_guard_action: MemberGuardAction::parse(form.text("member_guard_action"))
                .map_or(self.member_guard_action, MemberGuardAction::as_str),
            unknown_members: UnknownMembers::parse(form.text("unknown_members"))
                .map_or(self.unknown_members, UnknownMembers::as_str),
            external_ids: RepeatedExternalIds::parse(form.text("external_ids"))
                .map_or(self.external_ids, RepeatedExternalIds::as_str),
            networks: text("networks"),
            strict: form.checked("strict"),
            ..self
        }
    }
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let input = ConfigurationInput::of(&shown.configuration);
    ConsoleAnswer::page(200, &Page::new(visit, &shown, &input)?)
}

pub(in super::super) fn save(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let (actor, before) = (visit.actor()?, ConfigurationInput::of(&shown.configuration));
    let saved = entered(&visit.form, before.clone()).and_then(|input| {
        let seen = visit.form.text("version").parse::<i64>();
        if seen != Ok(shown.configuration.version) {
            return Err(AdminError::Stale);
        }
        visit
            .console
            .admin
            .edit_configuration(&actor, &shown.configuration, &input)
    });
    match saved {
        Ok(_) => Ok(ConsoleAnswer::redirect(format!(
            "{LIST}/{}/policy?done=saved",
            shown.id
        ))),
        Err(error @ AdminError::Invalid(_)) => {
            let page = Page {
                wrong: form_field(&error),
                error: sentence(&error),
                ..Page::new(visit, &shown, &before)?.filled(&visit.form)
            };
            ConsoleAnswer::page(422, &page)
        }
        Err(error) => Err(error.into()),
    }
}

fn entered(form: &Form, before: ConfigurationInput) -> Result<ConfigurationInput, AdminError> {
    let number = |name: &str, field: InputField, what: &str| -> Result<u32, AdminError> {
        let text = form.text(name).trim();
        text.parse()
            .map_err(|_number| Problem::entry(format!("{what} is a whole number")).at(field))
    };
    let small = |name: &str, field: InputField, what: &str| {
        u16::try_from(number(name, field, what)?)
            .map_err(|_number| Problem::entry(format!("{what} is too large")).at(field))
    };
    let old = before.policies;
    let mut guard = old.guard;
    guard.count = number("guard_count", InputField::GuardCount, "the guard's number")?;
    guard.percent = u8::try_from(small(
        "guard_percent",
        InputField::GuardPercent,
        "the guard's share",
    )?)
    .map_err(|_number| {
        Problem::entry("the guard's share is too large").at(InputField::GuardPercent)
    })?;
    guard.minutes = small(
        "guard_minutes",
        InputField::GuardMinutes,
        "the guard's window",
    )?;
    guard.action = match form.text("guard_action") {
        "reject" => GuardAction::Reject,
        _ => GuardAction::Hold,
    };
    let mut members = old.member_guard;
    members.count = number(
        "member_guard_count",
        InputField::MemberGuardCount,
        "the members' number",
    )?;
    members.percent = u8::try_from(small(
        "member_guard_percent",
        InputField::MemberGuardPercent,
        "the members' share",
    )?)
    .map_err(|_number| {
        Problem::entry("the members' share is too large").at(InputField::MemberGuardPercent)
    })?;
    members.action =
        MemberGuardAction::parse(form.text("member_guard_action")).unwrap_or(members.action);
    let days = small("days", InputField::DeleteAfterDays, "the number of days")?;
    let shown = match old.deletion {
        Deletion::Delete { after_days } => after_days,
        _ => DAYS,
    };
    if form.text("deletion") != "delete" && days != shown {
        return Err(Problem::entry(
            "days count only where the record is deleted for good; choose that, or leave them",
        )
        .at(InputField::DeleteAfterDays));
    }
    Ok(ConfigurationInput {
        policies: Policies {
            existing_users: ExistingUsers::parse(form.text("existing"))
                .unwrap_or(old.existing_users),
            deactivation: Deactivation::parse(form.text("deactivation"))
                .unwrap_or(old.deactivation),
            deletion: match form.text("deletion") {
                "block" => Deletion::Block,
                "delete" => Deletion::Delete { after_days: days },
                _ => Deletion::Archive,
            },
            guard,
            member_guard: members,
            unknown_members: UnknownMembers::parse(form.text("unknown_members"))
                .unwrap_or(old.unknown_members),
            external_ids: RepeatedExternalIds::parse(form.text("external_ids"))
                .unwrap_or(old.external_ids),
        },
        networks: parse_networks(form.text("networks"))?,
        profile: match form.checked("strict") {
            true => Profile::Strict,
            false => Profile::Tolerant,
        },
        ..before
    })
}

const DAYS: u16 = 30;
const MEMBER_GUARD: [&str; 2] = ["member_guard_count", "member_guard_percent"];
const GUARD: [&str; 3] = ["guard_count", "guard_percent", "guard_minutes"];
