//! Limits on what a request may ask for.

use serde::{Deserialize, Serialize};

/// Limits on the size, depth and work of requests; every excess is a 4xx, never a hang.
///
/// Settings name those that differ from the defaults:
///
/// ```
/// use scim_protocol::Limits;
///
/// let limits: Limits = serde_json::from_str(r#"{"pageMax": 500}"#)?;
/// assert_eq!(limits, Limits { page_max: 500, ..Limits::default() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Bytes of a request body.
    pub body: usize,
    /// Bytes of a bulk request body (`bulk.maxPayloadSize`).
    pub bulk_body: usize,
    /// Operations of a bulk request (`bulk.maxOperations`).
    pub bulk_operations: usize,
    /// Nesting of JSON arrays and objects.
    pub json_depth: usize,
    /// Bytes of a filter.
    pub filter_bytes: usize,
    /// Nesting of parentheses, brackets and `not` in a filter.
    pub filter_depth: usize,
    /// Attribute expressions in a filter.
    pub filter_terms: usize,
    /// Resources in a page when the client names no `count`.
    pub page_default: usize,
    /// Resources in a page at most (`filter.maxResults`).
    pub page_max: usize,
    /// Operations of a PATCH request, and the attributes that they change: of an operation without
    /// path every key counts.
    pub patch_operations: usize,
    /// Members named by one PATCH request, or by one group of a POST or PUT.
    pub patch_members: usize,
    /// Values of a multi-valued attribute, unless they are entries of their own, as members are.
    pub values: usize,
    /// Names in `attributes` or `excludedAttributes`.
    pub attributes: usize,
    /// The work of one request, in the units of [`Budget`](crate::Budget).
    pub work: u64,
    /// Bytes of one string value.
    pub string_bytes: usize,
    /// Characters of a `userName`, `externalId` or `displayName`, which are indexed.
    pub key_characters: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            bulk_body: 8 * 1024 * 1024,
            bulk_operations: 1_000,
            json_depth: 32,
            filter_bytes: 16 * 1024,
            filter_depth: 40,
            filter_terms: 500,
            page_default: 100,
            page_max: 1_000,
            patch_operations: 1_000,
            patch_members: 10_000,
            values: 1_000,
            attributes: 200,
            work: 1_000_000,
            string_bytes: 64 * 1024,
            key_characters: 512,
        }
    }
}
