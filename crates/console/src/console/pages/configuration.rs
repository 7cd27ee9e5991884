//! One configuration: how it is, and the tabs that all of its pages have.

use askama::Template;
use chrono::{DateTime, Duration, Utc};
use scim_admin::event::{Activity, EventQuery};
use scim_admin::people::ManagedCounts;
use scim_admin::survey::{Survey, SurveyKind};
use scim_admin::token::{in_use, rotation};
use scim_admin::{AccessToken, ConfigurationStatus, ProvisioningConfiguration};
use scim_mapping::Catalog;
use scim_provisioning::ConfigurationId;
use scim_provisioning::reapply::Drift;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::{ConsoleAnswer, Failed, Visit};
use super::charts::{Chart, begin, thousands};
use super::rule::called;
use super::{LIST, Shell, ago, instant, maybe, runs, spaced};

/// How a configuration is, in a word.
pub(super) struct Health {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl Health {
    /// What its tokens and its last 24 hours say.
    pub(super) fn new(
        configuration: &ProvisioningConfiguration,
        tokens: &[AccessToken],
        activity: &[&Activity],
        requests: &[&Activity],
        now: DateTime<Utc>,
    ) -> Self {
        let said = |kind, text: &str| Self {
            kind,
            text: text.to_owned(),
        };
        match configuration.status {
            ConfigurationStatus::Enabled => {}
            ConfigurationStatus::Paused => return said("held", "Paused"),
            ConfigurationStatus::Disabled => return said("", "Disabled"),
            ConfigurationStatus::Rehearsing => return said("held", "Rehearsing"),
            ConfigurationStatus::Deleting => return said("held", "Being deleted"),
        }
        if configuration.provisions_nothing() {
            return said("warning", "Provisions nothing");
        }
        if !tokens.iter().any(|token| token.is_live(now)) {
            return said("bad", NO_TOKEN);
        }
        if tokens.iter().all(|token| token.last_used.is_none()) {
            return said("", "Waiting");
        }
        let of = |activity: &[&Activity], outcomes: &[&str]| {
            let found = activity
                .iter()
                .filter(|one| outcomes.contains(&one.outcome.as_str()));
            found.map(|one| one.entries).sum::<i64>()
        };
        let recent = |of: &'_ [&Activity]| -> Vec<Activity> {
            let recent = of.iter().filter(|one| one.hour >= begin(now, 24, 1));
            recent.map(|one| (*one).clone()).collect()
        };
        let (logged, asked) = (recent(activity), recent(requests));
        // The log has no reads that were answered; older versions did not count requests.
        let counted = if asked.is_empty() { &logged } else { &asked };
        let last = counted.iter().map(|one| one.hour).max();
        let last = counted.iter().filter(|one| Some(one.hour) == last);
        let last: Vec<&Activity> = last.collect();
        let recent: Vec<&Activity> = logged.iter().collect();
        let failures = of(&recent, &["failure"]);
        if of(&last, &["failure"]) * 2 > of(&last, &["success", "warning", "failure"]) {
            return said("bad", &format!("Failing: {failures}"));
        }
        let warnings = of(&recent, &["warning", "held"]);
        match (failures, warnings) {
            (0, 0) => said("good", "Healthy"),
            (0, warnings) => said("warning", &format!("Warnings: {warnings}")),
            (failures, _) => said("warning", &format!("Failures: {failures}")),
        }
    }
}

/// A status as people read it.
pub(super) fn said(status: &ConfigurationStatus) -> &'static str {
    match status {
        ConfigurationStatus::Enabled => "Enabled",
        ConfigurationStatus::Paused => "Paused",
        ConfigurationStatus::Disabled => "Disabled",
        ConfigurationStatus::Rehearsing => "Rehearsing",
        ConfigurationStatus::Deleting => "Being deleted",
    }
}

/// What is to be said of a token that ends soon, or of no token at all.
pub(super) fn expiring(tokens: &[AccessToken], now: DateTime<Utc>) -> String {
    // Another one helps nobody as long as the identity provider does not use it.
    let Some(used) = in_use(tokens, now) else {
        return String::new();
    };
    let alone = tokens.iter().filter(|token| token.is_live(now)).count() == 1;
    let subject = match alone {
        true => "The token".to_owned(),
        false => format!("The token that is used, …{},", used.hint),
    };
    match used.ends() {
        Some(end) if end < now + Duration::days(SOON) => match (end - now).num_days() {
            0 => format!("{subject} expires within a day."),
            1 => format!("{subject} expires in 1 day."),
            days => format!("{subject} expires in {days} days."),
        },
        _ => String::new(),
    }
}

/// What is to be said of a rotation whose new token the identity provider does not use.
fn unused(tokens: &[AccessToken], now: DateTime<Utc>) -> String {
    match rotation(tokens) {
        Some((new, old))
            if new.is_live(now)
                && old.is_live(now)
                && new.first_used.is_none()
                && old.last_used > Some(new.created) =>
        {
            format!(
                "The identity provider still uses the old token, …{} ({}). The new one, …{}, was never \
                 used; the old one goes on until it is.",
                old.hint,
                ago(old.last_used, now),
                new.hint
            )
        }
        _ => String::new(),
    }
}

/// What stands above every page of a configuration.
pub(super) struct Tabs {
    pub(super) base: String,
    pub(super) name: String,
    pub(super) status: ConfigurationStatus,
    pub(super) active: &'static str,
    pub(super) health: Health,
    pub(super) held: i64,
    pub(super) links: i64,
    pub(super) expiring: String,
    /// What is to be said of a rotation that does not go on.
    pub(super) unused: String,
    /// Whether neither users nor groups are provisioned.
    pub(super) nothing: bool,
    pub(super) administers: bool,
}

impl Tabs {
    pub(super) fn links_to(&self) -> Vec<(&'static str, &'static str, String)> {
        let base = &self.base;
        let mut links = vec![
            ("overview", "Overview", base.clone()),
            ("mapping", "Mapping", format!("{base}/mappings/user")),
            ("groups", "Groups & roles", format!("{base}/groups")),
            ("tokens", "Tokens", format!("{base}/tokens")),
            ("policy", "Policy", format!("{base}/policy")),
            ("waiting", "Held & pending", format!("{base}/held")),
            ("runs", "Runs", format!("{base}/runs")),
            ("logs", "Logs", format!("{base}/logs")),
            ("guide", "Setup guide", format!("{base}/setup")),
            ("history", "History", format!("{base}/history")),
        ];
        links.retain(|(key, ..)| self.administers || *key != "tokens");
        links
    }
}

/// A configuration with what its pages show of it.
pub(super) struct Shown {
    pub(super) configuration: ProvisioningConfiguration,
    pub(super) id: ConfigurationId,
    pub(super) tokens: Vec<AccessToken>,
    pub(super) activity: Vec<Activity>,
    pub(super) requests: Vec<Activity>,
    pub(super) counts: ManagedCounts,
    pub(super) now: DateTime<Utc>,
}

impl Shown {
    /// The configuration that the first part of the path names.
    pub(super) fn find(visit: &Visit<'_>) -> Result<Self, Failed> {
        let admin = &visit.console.admin;
        let configuration = admin.find_configuration(visit.part("configuration"))?;
        let (id, now) = (configuration.id, visit.console.admin.now());
        Ok(Self {
            tokens: admin.tokens(id)?,
            counts: admin.managed_counts(configuration.id)?,
            activity: admin.activity(now - Duration::days(7), Some(configuration.id))?,
            requests: admin.requests(now - Duration::days(7), Some(configuration.id))?,
            configuration,
            id,
            now,
        })
    }

    fn requests(&self) -> Vec<&Activity> {
        self.requests.iter().collect()
    }

    fn activity(&self) -> Vec<&Activity> {
        self.activity.iter().collect()
    }

    pub(super) fn tabs(&self, visit: &Visit<'_>, active: &'static str) -> Tabs {
        Tabs {
            base: format!("{LIST}/{}", self.id),
            name: self.configuration.name.clone(),
            status: self.configuration.status,
            active,
            health: Health::new(
                &self.configuration,
                &self.tokens,
                &self.activity(),
                &self.requests(),
                self.now,
            ),
            held: self.counts.held,
            links: self.counts.links,
            expiring: expiring(&self.tokens, self.now),
            unused: unused(&self.tokens, self.now),
            nothing: self.configuration.provisions_nothing(),
            administers: visit.administers(),
        }
    }

    pub(super) fn shell(&self, visit: &Visit<'_>, title: &str) -> Result<Shell, Failed> {
        let shell = Shell::new(visit, "provisioning", title)?;
        Ok(shell.within(&self.configuration.name, &self.id.to_string()))
    }
}

/// What is to be done until provisioning runs, and whether it is done.
struct Step {
    done: bool,
    text: &'static str,
    when: String,
}

#[derive(Template)]
#[template(path = "configuration.html")]
struct Overview {
    shell: Shell,
    tabs: Tabs,
    id: String,
    counts: ManagedCounts,
    description: String,
    types: &'static str,
    endpoint: String,
    hint: String,
    last_used: String,
    last_client: String,
    steps: Vec<Step>,
    chart: Chart,
    /// How many entries the log has of these days.
    entries: i64,
    last: Option<(i64, String)>,
    runs: Vec<runs::Row>,
    created: String,
}

impl Overview {
    /// Whether something of the checklist is left to do.
    fn is_open(&self) -> bool {
        self.steps.iter().any(|step| !step.done)
    }
}

pub(in super::super) fn overview(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let newest = shown.tokens.first();
    let used = shown.tokens.iter().max_by_key(|token| token.last_used);
    let used = used.filter(|token| token.last_used.is_some());
    let query = EventQuery {
        configuration: Some(shown.configuration.id),
        before: Some(i64::MAX),
        limit: 1,
        ..EventQuery::default()
    };
    let last = visit.console.admin.events(&query)?;
    let log = format!("{LIST}/{}/logs", shown.id);
    let chart = Chart::new("Requests, 7 days", log, &shown.requests(), shown.now, 28, 6);
    let entries = shown.activity.iter().map(|one| one.entries).sum();
    let page = Overview {
        shell: shown.shell(visit, "Overview")?,
        tabs: shown.tabs(visit, "overview"),
        id: shown.id.to_string(),
        counts: shown.counts,
        description: shown.configuration.description.clone(),
        types: types(&shown.configuration),
        endpoint: visit.console.scim_endpoint.clone(),
        hint: newest.map(|token| token.hint.clone()).unwrap_or_default(),
        last_used: ago(used.and_then(|token| token.last_used), shown.now),
        last_client: used
            .into_iter()
            .flat_map(|token| [&token.last_used_from, &token.last_used_by])
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(" · "),
        steps: steps(&shown),
        chart,
        entries,
        last: last.first().map(|event| {
            let name = event.resource_name.as_deref().unwrap_or_default();
            let action = spaced(event.action.as_str());
            let said = format!("{} {action} {name}", ago(Some(event.at), shown.now));
            (event.id, said)
        }),
        runs: runs::last(visit, &shown, RUNS)?,
        created: instant(shown.configuration.created),
    };
    ConsoleAnswer::page(200, &page)
}

/// How many runs are on the overview.
const RUNS: i64 = 5;

pub(super) fn types(configuration: &ProvisioningConfiguration) -> &'static str {
    match (configuration.users, configuration.groups) {
        (true, true) => "Users, groups",
        (true, false) => "Users",
        (false, true) => "Groups",
        (false, false) => "Nothing",
    }
}

fn steps(shown: &Shown) -> Vec<Step> {
    let counts = shown.counts;
    let used = shown
        .tokens
        .iter()
        .filter_map(|token| token.last_used)
        .max();
    let mut steps = vec![
        Step {
            done: shown.tokens.iter().any(|token| token.is_live(shown.now)),
            text: "A token is there",
            when: maybe(shown.tokens.last().map(|token| token.created)),
        },
        Step {
            done: used.is_some(),
            text: "The identity provider has asked with it",
            when: used.map(instant).unwrap_or_default(),
        },
    ];
    let mut resources = |wanted: bool, there: bool, text| {
        if wanted {
            steps.push(Step {
                done: there,
                text,
                when: String::new(),
            });
        }
    };
    let users = counts.active + counts.blocked + counts.archived;
    let configuration = &shown.configuration;
    resources(configuration.users, users > 0, "The first user has come");
    resources(
        configuration.groups,
        counts.groups > 0,
        "The first group has come",
    );
    steps
}

#[derive(Template)]
#[template(path = "drift.html")]
struct Drifted {
    shell: Shell,
    tabs: Tabs,
    /// Whether it is being counted.
    waiting: bool,
    /// Why there is nothing to show.
    uncounted: &'static str,
    /// When it was counted last.
    done: String,
    drift: Option<Drift>,
    catalog: Catalog,
}

/// Who was edited by hand since the identity provider wrote them.
pub(in super::super) fn drift(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let admin = &visit.console.admin;
    let survey = admin.survey(&shown.configuration, SurveyKind::Drift)?;
    let page = Drifted {
        shell: shown.shell(visit, "Drift")?,
        tabs: shown.tabs(visit, "overview"),
        waiting: waits(survey.as_ref()),
        uncounted: uncounted(survey.as_ref()),
        done: ago(survey.as_ref().and_then(|survey| survey.done), shown.now),
        drift: result_of(survey),
        catalog: admin.catalog()?,
    };
    ConsoleAnswer::page(200, &page)
}

/// Whether a survey is being carried out.
pub(super) fn waits(survey: Option<&Survey>) -> bool {
    survey.is_some_and(|survey| survey.done.is_none())
}

/// Why a survey has nothing to show; empty where it has something.
pub(super) fn uncounted(survey: Option<&Survey>) -> &'static str {
    match survey.map(|survey| (survey.done, &survey.result)) {
        None => "Nobody has counted yet.",
        Some((None, _)) => "Counting; this page shows it when it is done.",
        Some((_, None)) => "The rules have changed since they were counted.",
        Some((_, Some(Value::Null))) => {
            "The rules do not fit the fields. There is nothing to count until they do."
        }
        Some(_) => "",
    }
}

/// What a survey has to show. While it is being carried out, what came of the one before is old.
pub(super) fn result_of<T: DeserializeOwned>(survey: Option<Survey>) -> Option<T> {
    let survey = survey.filter(|survey| survey.done.is_some())?;
    serde_json::from_value(survey.result?).ok()
}

/// Has it counted who was edited by hand.
pub(in super::super) fn count_drift(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, provider) = (&visit.console.admin, &visit.console.provider);
    let id = admin.find_configuration(visit.part("configuration"))?.id;
    admin.ask_survey(&visit.actor()?, provider, id, SurveyKind::Drift)?;
    Ok(ConsoleAnswer::redirect(format!("{LIST}/{id}/drift")))
}

/// The health of a configuration whose tokens have all ended.
pub(super) const NO_TOKEN: &str = "No live token";
/// How many days before its end a token is talked about.
const SOON: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn token(days: Option<i64>, now: DateTime<Utc>) -> AccessToken {
        AccessToken {
            id: days.unwrap_or_default().to_string(),
            configuration: ConfigurationId::new(),
            hash: String::new(),
            sealed: String::new(),
            key_id: String::new(),
            hint: "abcd".to_owned(),
            created: now - Duration::days(300) + Duration::days(days.unwrap_or_default()),
            created_by: String::new(),
            made_by: None,
            expires: days.map(|days| now + Duration::days(days) + Duration::hours(1)),
            retirement: None,
            revoked: None,
            first_used: None,
            last_used: None,
            last_used_from: None,
            last_used_by: None,
        }
    }

    #[test]
    fn a_token_that_ends_soon_is_talked_about_unless_one_that_lives_on_is_used() {
        let now = Utc::now();
        let said = |days: &[Option<i64>]| {
            let tokens: Vec<_> = days.iter().map(|days| token(*days, now)).collect();
            expiring(&tokens, now)
        };
        assert_eq!(said(&[Some(7)]), "The token expires in 7 days.");
        assert_eq!(said(&[Some(0)]), "The token expires within a day.");
        assert_eq!(said(&[Some(1)]), "The token expires in 1 day.");
        assert_eq!(said(&[Some(7), Some(299)]), "");
        assert_eq!(said(&[None]), "");
        assert_eq!(said(&[]), "");
        // Another one helps nobody as long as the old one is used.
        let used = AccessToken {
            last_used: Some(now),
            ..token(Some(7), now)
        };
        let both = [token(Some(299), now), used];
        assert_eq!(
            expiring(&both, now),
            "The token that is used, …abcd, expires in 7 days."
        );
    }
}
