//! What the commands of `mapping` show.

use anyhow::bail;
use scim_admin::VersionChoice;
use scim_console::documents;
use scim_provisioning::ResourceKind;
use scim_provisioning::reapply::Impact;
use serde_json::{Value, json};

use super::super::value::{actor, instant, yes};
use super::{Diff, Mapping, Preview, Reapply, Which, read};
use crate::host::Instance;
use crate::output::{self, Table};
use crate::settings::Common;

pub(super) fn show(common: &Common, instance: &Instance, which: &Which) -> anyhow::Result<()> {
    let admin = instance.admin();
    let resource = which.mapping.resource.kind();
    let found = admin.find_configuration(&which.mapping.configuration)?.id;
    let (configuration, versions) = admin.mappings(found, resource)?;
    let active = match resource {
        ResourceKind::User => configuration.model.user,
        ResourceKind::Group => configuration.model.group,
    };
    let chosen = which.find(instance)?;
    if common.json {
        let versions = versions
            .iter()
            .map(|version| documents::version(version, active));
        let mut document = json!(documents::version(&chosen, active));
        if let Some(members) = document.as_object_mut() {
            members.insert("mapping".to_owned(), chosen.document());
            members.insert("versions".to_owned(), json!(versions.collect::<Vec<_>>()));
        }
        return output::json(&document);
    }
    let mut table = Table::titled(["rule", "from", "to", "where", "written", "on error"]);
    for (at, rule) in chosen.rules.rules.iter().enumerate() {
        let document = serde_json::to_value(rule)?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or("");
        let state = if rule.enabled { "" } else { " (off)" };
        table.row([
            format!("{}{state}", at + 1),
            rule.source.to_string(),
            rule.target.key(),
            text("when").to_owned(),
            text("apply").to_owned(),
            text("onError").to_owned(),
        ]);
    }
    table.print()?;
    output::line("")?;
    let mut table = Table::titled(["version", "state", "made", "by", "note"]);
    for version in versions {
        table.row([
            version.version.to_string(),
            version.state(active).to_owned(),
            instant(version.created),
            version.created_by,
            version.note,
        ]);
    }
    table.print()
}

pub(super) fn preview(
    common: &Common,
    instance: &Instance,
    options: &Preview,
) -> anyhow::Result<()> {
    let Which { mapping, .. } = &options.which;
    let admin = instance.admin();
    let name = &mapping.configuration;
    let configuration = admin.find_configuration(name)?.to_provisioning();
    let source = admin.model(
        configuration.id,
        mapping.resource.kind(),
        options.which.choice(),
    )?;
    let provider = instance.provider();
    let (kind, document) = (mapping.resource.kind(), read(&options.file)?);
    let preview = provider.preview(&configuration, &source, kind, document)?;
    let document = serde_json::to_value(&preview)?;
    if common.json {
        return output::json(&document);
    }
    let rows = |name: &str| document.get(name).and_then(Value::as_array).cloned();
    let mut table = Table::titled(["rule", "from", "value", "to", "field value", "verdict"]);
    for rule in rows("rules").unwrap_or_default() {
        table.row([
            cell(&rule, "number"),
            cell(&rule, "source"),
            cell(&rule, "sourceValue"),
            cell(&rule, "target"),
            cell(&rule, "value"),
            [cell(&rule, "status"), cell(&rule, "message")]
                .join(" ")
                .trim()
                .to_owned(),
        ]);
    }
    table.print()?;
    let changes = rows("changes").unwrap_or_default();
    output::line(&format!("\n{} fields would change", changes.len()))
}

/// The command fails when a test does, so that a script can go by it.
pub(super) fn run_tests(common: &Common, instance: &Instance, which: &Which) -> anyhow::Result<()> {
    let (admin, mapping) = (instance.admin(), &which.mapping);
    let configuration = admin.find_configuration(&mapping.configuration)?.id;
    let outcomes = admin.test_mapping(configuration, mapping.resource.kind(), which.choice())?;
    let report = documents::test_report(outcomes);
    if common.json {
        output::json(&json!(report))?;
    } else {
        let mut table = Table::titled(["test", "outcome", "why"]);
        for outcome in &report.tests {
            let word = if outcome.passed { "passed" } else { "failed" };
            table.row([outcome.key.clone(), word.to_owned(), outcome.to_string()]);
        }
        table.print()?;
        output::line(&format!(
            "\n{} passed, {} failed",
            report.passed, report.failed
        ))?;
    }
    match report.failed {
        0 => Ok(()),
        1 => bail!("a test of the mapping failed"),
        failed => bail!("{failed} tests of the mapping failed"),
    }
}

pub(super) fn impact(common: &Common, instance: &Instance, mut which: Which) -> anyhow::Result<()> {
    // Without a word about the version the draft is meant: what is active has had its impact.
    which.draft |= which.version.is_none();
    let admin = instance.admin();
    let name = &which.mapping.configuration;
    let configuration = admin.find_configuration(name)?.to_provisioning();
    let source = admin.model(
        configuration.id,
        which.mapping.resource.kind(),
        which.choice(),
    )?;
    let impact = instance.provider().impact(&configuration, &source)?;
    if common.json {
        return output::json(&serde_json::to_value(&impact)?);
    }
    let Impact {
        users,
        unchanged,
        changed,
        warnings,
        errors,
        examples,
    } = impact;
    output::line(&format!(
        "{users} users: {unchanged} unchanged, {changed} changed, {warnings} with warnings, \
         {errors} refused"
    ))?;
    let mut table = Table::titled(["user", "field", "old", "new"]);
    for example in examples {
        let mut messages = example.messages;
        messages.extend(example.choices.iter().map(ToString::to_string));
        for change in example.changes {
            table.row([
                example.user_name.clone(),
                change.field,
                plain(change.old.as_ref()),
                plain(change.new.as_ref()),
            ]);
        }
        for message in messages {
            table.row([
                example.user_name.clone(),
                String::new(),
                String::new(),
                message,
            ]);
        }
    }
    table.print()
}

pub(super) fn diff(common: &Common, instance: &Instance, options: &Diff) -> anyhow::Result<()> {
    let resource = options.mapping.resource.kind();
    let from = options
        .from
        .map_or(VersionChoice::Active, VersionChoice::Number);
    let to = options
        .to
        .map_or(VersionChoice::Draft, VersionChoice::Number);
    let admin = instance.admin();
    let configuration = admin.find_configuration(&options.mapping.configuration)?.id;
    let differences = admin.mapping_differences(configuration, resource, from, to)?;
    let document = serde_json::to_value(&differences)?;
    if common.json {
        return output::items(document.as_array().into_iter().flatten());
    }
    for difference in document.as_array().into_iter().flatten() {
        let members = difference.get("members").and_then(Value::as_array);
        let members: Vec<&str> = members
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let line = format!(
            "{} {} {}",
            cell(difference, "change"),
            cell(difference, "key"),
            members.join(", ")
        );
        output::line(line.trim())?;
    }
    Ok(())
}

pub(super) fn attributes(
    common: &Common,
    instance: &Instance,
    mapping: &Mapping,
) -> anyhow::Result<()> {
    let resource = mapping.resource.kind();
    let admin = instance.admin();
    let configuration = admin.find_configuration(&mapping.configuration)?.id;
    let received = admin.received_attributes(configuration, resource)?;
    if common.json {
        return output::items(received.into_iter().map(documents::received_attribute));
    }
    let mut table = Table::titled(["attribute", "mapped", "times", "type", "last", "sample"]);
    for attribute in received {
        table.row([
            attribute.path,
            yes(attribute.mapped),
            attribute.count.to_string(),
            attribute.value_type,
            instant(attribute.last_seen),
            attribute.sample,
        ]);
    }
    table.print()
}

pub(super) fn drift(common: &Common, instance: &Instance, name: &str) -> anyhow::Result<()> {
    let configuration = instance.admin().find_configuration(name)?.to_provisioning();
    let drift = instance.provider().drift(&configuration)?;
    if common.json {
        return output::json(&serde_json::to_value(&drift)?);
    }
    output::line(&format!(
        "{} of {} users were edited by hand",
        drift.drifted, drift.users
    ))?;
    let mut table = Table::titled(["user", "fields", "id"]);
    for user in drift.examples {
        table.row([user.user_name, user.fields.join(", "), user.id]);
    }
    table.print()
}

pub(super) fn reapply(
    common: &Common,
    instance: &Instance,
    options: &Reapply,
) -> anyhow::Result<()> {
    let admin = instance.admin();
    let name = &options.configuration;
    let configuration = admin.find_configuration(name)?.to_provisioning();
    let mut job = match options.status {
        true => match admin.jobs(configuration.id)?.into_iter().next() {
            Some(job) => job,
            None => bail!("the mapping of \"{name}\" was never applied again"),
        },
        false => admin.begin_reapply(&actor(), configuration.id)?,
    };
    if !options.status && !options.background {
        let provider = instance.provider();
        while !job.finished {
            let Some(claimed) = admin.claim_job(Some(job.id))? else {
                bail!("somebody else works on it; see --status");
            };
            job = provider.reapply(&configuration, &claimed)?;
        }
    }
    if common.json {
        return output::json(&documents::reapplication(&job));
    }
    output::line(&format!(
        "{} of {} users: {} changed, {} failed{}",
        job.done,
        job.total,
        job.changed,
        job.failed,
        if job.finished { "" } else { ", not finished" }
    ))
}

fn cell(row: &Value, name: &str) -> String {
    plain(row.get(name))
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
