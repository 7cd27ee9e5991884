//! What identity providers do differently: the requests that each one makes of the same change.

use scim_client::Method;
use serde_json::{Value, json};

use crate::client::Call;
use crate::model::{Group, User};
use crate::population::Habits;

/// A provisioning client's way of speaking SCIM.
pub(crate) trait Dialect: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// The headers of its requests.
    fn headers(&self) -> Headers;

    /// What it decides about the directory.
    fn habits(&self) -> Habits;

    /// The requests of its connection test.
    fn probes(&self) -> Vec<Probe>;

    /// Looks a user up by its user name.
    fn user_lookup(&self, user_name: &str) -> Call;

    /// Looks a group up by its display name.
    fn group_lookup(&self, display_name: &str) -> Call;

    /// Creates a user, without its manager.
    fn user_creation(&self, user: &User) -> Call;

    /// Brings a user from what the service provider has to what is wanted, but for its manager.
    fn user_changes(&self, id: &str, current: &Value, wanted: &User) -> Vec<Call>;

    /// Makes somebody the manager of a user, or nobody.
    fn manager_change(&self, id: &str, current: &Value, manager: Option<&str>) -> Call;

    /// Creates a group; the request may carry members from the front of `members`.
    fn group_creation(&self, group: &Group, members: &[Member<'_>]) -> GroupCreation;

    /// Gives a group its display name.
    fn group_rename(&self, id: &str, group: &Group) -> Call;

    /// Adds and removes members, in the order in which the requests must be sent.
    fn member_changes(
        &self,
        id: &str,
        group: &Group,
        added: &[Member<'_>],
        removed: &[String],
    ) -> Vec<Call>;

    /// Asks whether a user is a member of a group, if this identity provider does.
    fn membership_lookup(&self, group: &str, user: &str) -> Option<Call>;
}

/// The headers that tell identity providers apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Headers {
    /// `User-Agent`.
    pub(crate) user_agent: &'static str,
    /// `Accept`.
    pub(crate) accept: &'static str,
    /// `Content-Type` of requests with a body.
    pub(crate) content_type: &'static str,
}

/// A request of the connection test.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The request.
    pub(crate) call: Call,
    /// What its answer must be.
    pub(crate) wanted: Wanted,
}

/// What the answer to a probe must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A list response with nothing in it.
    EmptyList,
    /// A list response.
    List,
    /// The service provider's configuration.
    Configuration,
}

/// A member of a group.
#[derive(Debug, Clone)]
pub(crate) struct Member<'a> {
    /// The service provider's id of the user.
    pub(crate) id: String,
    /// The user.
    pub(crate) user: &'a User,
}

/// The request that creates a group.
#[derive(Debug)]
pub(crate) struct GroupCreation {
    /// The request.
    pub(crate) call: Call,
    /// How many members it carries.
    pub(crate) carried: usize,
}

/// A PATCH request of these operations.
pub(crate) fn patch(path: String, operations: Vec<Value>) -> Call {
    Call::new(Method::Patch, path).body(json!({"schemas": [PATCH_OP], "Operations": operations}))
}

/// The path of a user.
pub(crate) fn user_path(id: &str) -> String {
    format!("/Users/{}", encode(id))
}

/// The path of a group.
pub(crate) fn group_path(id: &str) -> String {
    format!("/Groups/{}", encode(id))
}

/// A filter of the form `attribute eq "value"`, encoded for a query.
pub(crate) fn equals(attribute: &str, value: &str) -> String {
    // RFC 7644 section 3.4.2.2: a comparison value is a JSON value, quoted as JSON quotes it.
    encode(&format!("{attribute} eq {}", Value::from(value)))
}

/// Text percent-encoded for a path segment or a query value.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The schema URI of a PATCH request.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_value_is_quoted_then_encoded() {
        assert_eq!(
            equals("displayName", "R&D \"é\\"),
            "displayName%20eq%20%22R%26D%20%5C%22%C3%A9%5C%5C%22"
        );
    }
}
