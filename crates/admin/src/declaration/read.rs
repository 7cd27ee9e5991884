//! What a document says, typed.

use std::collections::BTreeSet;

use scim_feed::{StreamKind, StreamState, Topic, WebhookUrl};
use scim_mapping::{CustomField, LookupTable, MappingSet, ResourceKind, TableContent};
use serde_json::Value;

use super::document::{Declaration, DeclaredConfiguration, DeclaredStream, DeclaredTable, FORM};
use super::merge_policies;
use crate::configuration::{
    ConfigurationInput, ConfigurationStatus, IdentityProvider, parse_networks, parse_profile,
};
use crate::error::AdminError;
use crate::invalid::Problem;
use crate::service::StreamInput;

impl Declaration {
    /// The document of a JSON value.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] where it does not fit, with the place.
    pub fn from_json(document: Value) -> Result<Self, AdminError> {
        let read: Self = serde_path_to_error::deserialize(document).map_err(|error| {
            let place = error.path().to_string();
            let syntax = error.into_inner().to_string();
            Problem::Document { place, syntax }.refused()
        })?;
        match read.version {
            FORM => Ok(read),
            version => Err(Problem::DocumentVersion { version }.refused()),
        }
    }
}

/// A custom field.
pub(super) fn field(document: &Value) -> Result<CustomField, AdminError> {
    let refused = |syntax: String| {
        let key = document.get("key").and_then(Value::as_str);
        Problem::Document {
            place: format!("customFields.{}", key.unwrap_or("?")),
            syntax,
        }
        .refused()
    };
    let members = document.as_object().into_iter().flatten();
    if let Some((name, _)) = members
        .into_iter()
        .find(|(name, _)| !FIELD.contains(&name.as_str()))
    {
        return Err(refused(format!("unknown member `{name}`")));
    }
    let field: CustomField =
        serde_json::from_value(document.clone()).map_err(|error| refused(error.to_string()))?;
    field.check()?;
    Ok(field)
}

/// A lookup table.
pub(super) fn table(declared: &DeclaredTable) -> Result<LookupTable, AdminError> {
    let content = TableContent {
        columns: declared.columns.clone(),
        rows: declared.rows.clone(),
    };
    Ok(LookupTable::new(&declared.name, content)?)
}

/// What is entered of a configuration, and its status; what is not named is as before.
pub(super) fn configuration(
    declared: &DeclaredConfiguration,
    before: ConfigurationInput,
    status: ConfigurationStatus,
) -> Result<(ConfigurationInput, ConfigurationStatus), AdminError> {
    let types = declared.provisioning_type.unwrap_or_default();
    let input = ConfigurationInput {
        name: declared.name.trim().to_owned(),
        description: match &declared.description {
            Some(text) => text.trim().to_owned(),
            None => before.description,
        },
        users: types.users.unwrap_or(before.users),
        groups: types.groups.unwrap_or(before.groups),
        identity_provider: match &declared.identity_provider {
            Some(word) => known("identity provider", word, IdentityProvider::parse)?,
            None => before.identity_provider,
        },
        profile: match &declared.profile {
            Some(word) => known("profile", word, parse_profile)?,
            None => before.profile,
        },
        policies: match &declared.policy {
            Some(policy) => merge_policies(&before.policies, policy)?,
            None => before.policies,
        },
        networks: match &declared.allowed_networks {
            Some(networks) => parse_networks(&networks.join(","))?,
            None => before.networks,
        },
    };
    let status = match &declared.status {
        // It ends by a decision of its own.
        _ if status == ConfigurationStatus::Rehearsing => status,
        Some(word) => known("status", word, ConfigurationStatus::parse)?,
        None => status,
    };
    Ok((input, status))
}

/// The rules that a configuration declares.
pub(super) fn rules(declared: &DeclaredConfiguration) -> Result<Vec<MappingSet>, AdminError> {
    let Some(mappings) = &declared.mappings else {
        return Ok(Vec::new());
    };
    let kinds = [
        (ResourceKind::User, &mappings.user),
        (ResourceKind::Group, &mappings.group),
    ];
    let mut found = Vec::new();
    for (kind, document) in kinds {
        let Some(document) = document else { continue };
        let rules = MappingSet::from_json(document)?;
        if rules.resource != kind {
            return Err(Problem::OtherResource.refused());
        }
        found.push(rules);
    }
    Ok(found)
}

/// What a stream declares.
pub(super) struct StreamWish {
    pub(super) kind: StreamKind,
    /// Where what changed is sent to; nothing for one that is asked for.
    pub(super) url: Option<WebhookUrl>,
    pub(super) topics: Option<BTreeSet<Topic>>,
    /// Whether it is paused, where that is said.
    pub(super) state: Option<StreamState>,
}

/// What a stream declares.
pub(super) fn stream(declared: &DeclaredStream) -> Result<StreamWish, AdminError> {
    let kind = match &declared.kind {
        Some(word) => known("kind", word, StreamKind::parse)?,
        None => StreamKind::Read,
    };
    let topics = declared.topics.as_ref().map(|words| {
        let topics = words.iter().map(|word| known("topic", word, Topic::parse));
        topics.collect::<Result<BTreeSet<_>, _>>()
    });
    let parse = |word: &str| StreamState::parse(word).filter(|state| *state != StreamState::Broken);
    let state = declared
        .state
        .as_ref()
        .map(|word| known("state", word, parse));
    let topics = topics.transpose()?;
    StreamInput::check_topics(kind, topics.iter().flatten())?;
    Ok(StreamWish {
        kind,
        url: StreamInput::read_url(kind, declared.url.as_deref())?,
        topics,
        state: state.transpose()?,
    })
}

fn known<T>(
    what: &'static str,
    word: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, AdminError> {
    let unknown = || {
        let word = word.chars().take(64).collect();
        Problem::UnknownWord { what, word }.refused()
    };
    parse(word).ok_or_else(unknown)
}

/// The members of a custom field.
const FIELD: [&str; 4] = ["key", "label", "type", "required"];
