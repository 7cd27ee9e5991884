//! What administrators did to something after the page was made on which its button stands.
//!
//! A button enters nothing that could be brought together with what others entered. Its form
//! carries the number of the last audit entry when the page was begun (`seen`). When the button is
//! pressed, later entries about the same thing are shown, as it was and as it is, and whoever
//! pressed it decides with one more button. A rule is moved or deleted at once when others changed
//! other rules alone.

mod buttons;

use std::collections::BTreeMap;

use scim_admin::account::Role;
use scim_admin::event::{AuditEntry, AuditQuery};
use scim_admin::{AdminError, AdminService, ConfigurationStatus};
use scim_feed::StreamState;
use scim_mapping::MappingSet;
use serde_json::{Value, json};

use self::buttons::Button;
use super::imported::{compare_import, has_rule};
use super::pages::audit::changes;
use super::pages::mappings::{Edited, imported};
use super::pages::meanwhile::{Entry, Meanwhile, Row};
use super::pages::{Shell, instant};
use super::{ConsoleAnswer, Failed, SEEN, Visit, address};

/// What a button is about, as it is now.
struct Subject {
    button: Button,
    about: About,
    /// Whether there is anything left to do.
    is_left: bool,
}

/// What was done after a page was made to what a button is about.
struct Later {
    /// The entries that tell of it, the oldest first.
    told: Vec<AuditEntry>,
    /// Whether everything was looked through that was done since.
    is_whole: bool,
}

enum About {
    Mapping(Box<Edited>),
    Configuration,
    /// A console account by its name; empty of one that is not there any more.
    Account(String),
    /// An API key, a custom field or a stream by what the audit calls it.
    Named(&'static str, String),
    /// A token by its id.
    Token(String),
}

/// The number of the last entry of the audit.
pub(super) fn last_entry(admin: &AdminService) -> Result<i64, Failed> {
    let last = admin.audit(&AuditQuery {
        limit: 1,
        ..AuditQuery::default()
    })?;
    Ok(last.first().map_or(0, |(number, _)| *number))
}

/// Looks whether anybody changed what a button is about after its page was made. If so, that is
/// shown; if not, the form is about what is there now.
pub(super) fn look(visit: &mut Visit<'_>, pattern: &str) -> Result<Option<ConsoleAnswer>, Failed> {
    let seen = visit.form.text(SEEN).parse::<i64>();
    let seen = seen.map_err(|_number| Failed::Form)?;
    let Some(button) = Button::of_form(pattern) else {
        return Ok(None);
    };
    let subject = Subject::find(visit, button)?;
    let base = subject.base().map(str::to_owned);
    // Whether it is so already: pressed twice it is as good as once.
    let is_status = matches!(button, Button::Enable | Button::Pause | Button::Disable);
    if is_status && !subject.is_left {
        return Ok(None);
    }
    let as_seen = base
        .as_deref()
        .is_some_and(|base| visit.form.text("base") == base);
    if as_seen && subject.is_left {
        return Ok(None);
    }
    let later = subject.later(visit, seen)?;
    if later.told.is_empty() && later.is_whole {
        if let Some(base) = base.filter(|_base| visit.form.given("base").is_some()) {
            visit.form.set("base", &base);
        }
        return Ok(None);
    }
    // What cannot be read is told before anything else.
    let imported = match (&subject.about, button) {
        (About::Mapping(edited), Button::ImportDraft) => match imported_rules(visit, edited) {
            Some(imported) => Some(imported),
            None => return Ok(None),
        },
        _ => None,
    };
    subject
        .told(visit, &later.told, imported.as_ref())
        .map(Some)
}

/// The rules of a document that somebody imports, if they are such.
fn imported_rules(visit: &Visit<'_>, edited: &Edited) -> Option<MappingSet> {
    Some(imported(visit, edited).ok()?.0)
}

impl Subject {
    fn find(visit: &Visit<'_>, button: Button) -> Result<Self, Failed> {
        use Button::*;
        let (about, is_left) = match button {
            MoveRule | DeleteRule | DiscardDraft | RestoreDefaults | ImportDraft
            | ActivateDraft | RollBack => {
                let word = match visit.part("resource") {
                    "" => "group",
                    word => word,
                };
                let edited = Edited::find(visit, word)?;
                let is_left = match button {
                    MoveRule | DeleteRule => has_rule(&edited.base().rules, visit.form.text("key")),
                    DiscardDraft | ActivateDraft => edited.draft.is_some(),
                    RollBack => visit.form.text("version") != edited.active.version.to_string(),
                    _ => true,
                };
                (About::Mapping(Box::new(edited)), is_left)
            }
            DeleteConfiguration | Enable | Pause | Disable => {
                let found = visit
                    .console
                    .admin
                    .find_configuration(visit.part("configuration"))?;
                let is_left = match button {
                    Enable => found.status != ConfigurationStatus::Enabled,
                    Pause => found.status != ConfigurationStatus::Paused,
                    Disable => found.status != ConfigurationStatus::Disabled,
                    _ => true,
                };
                (About::Configuration, is_left)
            }
            SetRole | DeleteAccount | BindAccount | UnbindAccount | UnlockAccount => {
                let found = match visit.console.admin.account(visit.part("account")) {
                    Err(AdminError::NotFound { .. }) => None,
                    found => Some(found?),
                };
                let is_left = found.as_ref().is_some_and(|account| match button {
                    SetRole => Role::parse(visit.form.text("role")) != Some(account.role),
                    UnbindAccount => account.person.is_some(),
                    UnlockAccount => account.failures > 0,
                    _ => true,
                });
                let name = found.map(|account| account.name).unwrap_or_default();
                (About::Account(name), is_left)
            }
            RevokeKey => {
                let keys = visit.console.admin.api_keys()?;
                let found = keys.into_iter().find(|key| key.id == visit.part("key"));
                let found = found.ok_or(Failed::NotFound)?;
                let is_left = found.is_live(visit.console.admin.now());
                (About::Named("api_key.", found.name), is_left)
            }
            PauseStream | ResumeStream | ReplayStream | RenewSecret | DeleteStream => {
                let found = visit.console.admin.stream(visit.part("stream"))?;
                let is_left = match button {
                    PauseStream => found.state == StreamState::Active,
                    ResumeStream => found.state == StreamState::Paused,
                    _ => true,
                };
                (About::Named("stream.", found.name), is_left)
            }
            DeleteField => {
                let key = visit.form.text("key");
                let fields = visit.console.admin.custom_fields()?;
                let is_left = fields.iter().any(|field| field.key == key);
                (About::Named("customField.", key.to_owned()), is_left)
            }
            DeleteTable => {
                let name = visit.part("table");
                let is_left = match visit.console.admin.lookup_table(name, None) {
                    Err(AdminError::NotFound { .. }) => false,
                    found => found.map(|_table| true)?,
                };
                (About::Named("table.", name.to_owned()), is_left)
            }
            EndToken | RevokeToken => {
                let admin = &visit.console.admin;
                let configuration = admin.find_configuration(visit.part("configuration"))?.id;
                let tokens = admin.tokens(configuration)?;
                let mut live = tokens.iter().filter(|token| token.is_live(admin.now()));
                let is_left = live.any(|token| token.id == visit.part("token"));
                (About::Token(visit.part("token").to_owned()), is_left)
            }
        };
        Ok(Self {
            button,
            about,
            is_left,
        })
    }

    /// The checksum of the rules that a button of a mapping changes.
    fn base(&self) -> Option<&str> {
        match &self.about {
            About::Mapping(edited) => Some(&edited.base().checksum),
            _ => None,
        }
    }

    /// What was done to it after an entry.
    fn later(&self, visit: &Visit<'_>, seen: i64) -> Result<Later, Failed> {
        let event = match &self.about {
            About::Mapping(_) => "mapping.",
            About::Configuration if self.button == Button::DeleteConfiguration => "",
            About::Configuration => "configuration.",
            About::Account(_) => "account.",
            About::Named(event, _) => event,
            About::Token(_) => "token.",
        };
        let configuration = match self.about {
            About::Account(_) | About::Named(..) => None,
            _ => Some(
                visit
                    .console
                    .admin
                    .find_configuration(visit.part("configuration"))?
                    .id,
            ),
        };
        let mut query = AuditQuery {
            configuration,
            event: Some(event.to_owned()).filter(|event| !event.is_empty()),
            limit: BLOCK,
            ..AuditQuery::default()
        };
        let mut told = Vec::new();
        let mut is_whole = false;
        for _ in 0..BLOCKS {
            let found = visit.console.admin.audit(&query)?;
            let is_full = i64::try_from(found.len()).is_ok_and(|count| count == BLOCK);
            query.before = found.last().map(|(number, _)| *number);
            let later = found.into_iter().take_while(|(number, _)| *number > seen);
            let later = later.map(|(_, entry)| entry);
            told.extend(later.filter(|entry| self.is_told_by(entry, visit)));
            if !is_full || query.before.is_none_or(|last| last <= seen) {
                is_whole = true;
                break;
            }
        }
        told.reverse();
        Ok(Later { told, is_whole })
    }

    /// Whether an entry tells of a change of what the button is about.
    fn is_told_by(&self, entry: &AuditEntry, visit: &Visit<'_>) -> bool {
        let event: &str = &entry.event;
        match (&self.about, self.button) {
            (About::Mapping(edited), button) => {
                let of_resource = entry.details.get("resource") == Some(&json!(edited.resource));
                of_resource
                    && match (event, button) {
                        ("mapping.activated", Button::MoveRule | Button::DeleteRule) => {
                            is_rolled_back(&entry.details)
                        }
                        ("mapping.activated", _) => true,
                        ("mapping.drafted", Button::MoveRule) => {
                            let key = visit.form.text("key");
                            rule_changes(&entry.details)
                                .any(|(rule, old, new)| rule == key || is_order_changed(old, new))
                        }
                        ("mapping.drafted", Button::DeleteRule) => {
                            let key = visit.form.text("key");
                            rule_changes(&entry.details).any(|(rule, ..)| rule == key)
                        }
                        ("mapping.drafted", button) => button != Button::RollBack,
                        _ => false,
                    }
            }
            (About::Configuration, Button::DeleteConfiguration) => [
                "configuration.",
                "mapping.",
                "token.created",
                "token.endSet",
                "token.revoked",
            ]
            .iter()
            .any(|beginning| event.starts_with(beginning)),
            (About::Configuration, _) => [
                "configuration.enabled",
                "configuration.paused",
                "configuration.disabled",
            ]
            .contains(&event),
            (About::Account(name), _) if name.is_empty() => event == "account.deleted",
            (About::Account(name), button) => {
                let told: &[&str] = match button {
                    Button::UnlockAccount => &["account.unlocked"],
                    Button::BindAccount | Button::UnbindAccount => {
                        &["account.bound", "account.unbound"]
                    }
                    _ => &["account.bound", "account.role_changed", "account.unbound"],
                };
                entry.object == *name && told.contains(&event)
            }
            (About::Named(_, name), _) => entry.object == *name,
            (About::Token(id), _) => {
                ["token.endSet", "token.revoked", "token.expired"].contains(&event)
                    && entry.details.get("token") == Some(&json!(id))
            }
        }
    }

    /// The page that shows what was changed, with the button once more.
    fn told(
        &self,
        visit: &Visit<'_>,
        entries: &[AuditEntry],
        imported: Option<&MappingSet>,
    ) -> Result<ConsoleAnswer, Failed> {
        let mut fields: BTreeMap<String, (String, String)> = BTreeMap::new();
        for entry in entries {
            for (name, old, new) in changes(&entry.event, &entry.details) {
                if !NO_CHANGES.contains(&name.as_str()) {
                    fields.entry(name).or_insert((old, String::new())).1 = new;
                }
            }
        }
        let mut rows: Vec<Row> = match (imported, &self.about) {
            (Some(yours), About::Mapping(edited)) => {
                compare_import(&fields, &edited.base().rules, yours)
            }
            _ => {
                let rows = fields.into_iter().map(|(name, (was, now))| Row {
                    yours: String::new(),
                    name,
                    was,
                    now,
                });
                rows.filter(|row| row.was != row.now).collect()
            }
        };
        let more = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        let mut hidden: Vec<(String, String)> = visit
            .form
            .0
            .iter()
            .filter(|(name, _)| !RENEWED.contains(&name.as_str()) && !name.contains("password"))
            .cloned()
            .collect();
        hidden.push((SEEN.to_owned(), visit.seen.to_string()));
        hidden.extend(self.base().map(|base| ("base".to_owned(), base.to_owned())));
        let mut who: Vec<&str> = Vec::new();
        for entry in entries {
            if !who.contains(&entry.actor.as_str()) {
                who.push(&entry.actor);
            }
        }
        let page = Meanwhile {
            shell: Shell::new(visit, "", "It was changed meanwhile")?,
            action: address(visit.request.path),
            back: visit.here(),
            who: who.join(", "),
            when: entries
                .last()
                .map(|entry| instant(entry.at))
                .unwrap_or_default(),
            word: match self.is_left {
                true => self.button.word(),
                false => "",
            },
            imported: imported.is_some(),
            entries: entries.iter().map(Entry::of).collect(),
            rows,
            more,
            hidden,
        };
        ConsoleAnswer::page(409, &page)
    }
}

/// The rules that an entry of a draft tells of, as they were and as they became.
fn rule_changes(details: &Value) -> impl Iterator<Item = (&str, Option<&Value>, Option<&Value>)> {
    let side = |name: &str| details.get(name).and_then(Value::as_object);
    let (old, new) = (side("old"), side("new"));
    let before = old.into_iter().flatten();
    let before = before.map(move |(key, rule)| (key, Some(rule), new.and_then(|new| new.get(key))));
    let added = new.into_iter().flatten();
    let added = added.filter(move |(key, _)| old.is_none_or(|old| !old.contains_key(*key)));
    let added = added.map(|(key, rule)| (key, None, Some(rule)));
    before
        .chain(added)
        .map(|(key, old, new)| (key.as_str(), old, new))
}

/// Whether the change of a rule is one of the order: it was moved, added or removed.
fn is_order_changed(old: Option<&Value>, new: Option<&Value>) -> bool {
    let moved = |rule: Option<&Value>| rule.is_some_and(|rule| rule.get("position").is_some());
    old.is_none() || new.is_none() || moved(new)
}

/// Whether an activation went back to an older version: what was drafted before stays as it is when
/// it is activated.
fn is_rolled_back(details: &Value) -> bool {
    let number = |name: &str| details.get(name).and_then(Value::as_i64);
    number("new") < number("old")
}

/// How many entries are read at once.
const BLOCK: i64 = 100;
/// How often so many are read for one button.
const BLOCKS: usize = 10;
/// How many fields are shown.
const ROWS: usize = 100;
/// What entries tell beside what was changed.
const NO_CHANGES: [&str; 4] = ["resource", "checksum", "token", "user name"];
/// Fields of the form that are written anew.
const RENEWED: [&str; 3] = ["form_token", SEEN, "base"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_to_an_older_version_changes_rules_and_activating_a_draft_does_not() {
        assert!(is_rolled_back(&json!({"old": 3, "new": 1})));
        assert!(!is_rolled_back(&json!({"old": 1, "new": 2})));
    }
}
