//! Limits on requests as options.

use std::time::Duration;

use clap::Args;
use scim_protocol::Limits;

/// Limits on what a request may ask for.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// Bytes of a request body.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_BODY", value_name = "BYTES",
        default_value_t = Limits::default().body, value_parser = between::<1_024, GIBIBYTE>)]
    limit_body: usize,
    /// Bytes of a bulk request body.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_BULK_BODY", value_name = "BYTES",
        default_value_t = Limits::default().bulk_body, value_parser = between::<1_024, GIBIBYTE>)]
    limit_bulk_body: usize,
    /// Operations of a bulk request.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_BULK_OPERATIONS", value_name = "NUMBER",
        default_value_t = Limits::default().bulk_operations, value_parser = between::<1, 100_000>)]
    limit_bulk_operations: usize,
    /// Nesting of arrays and objects in a body.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_JSON_DEPTH", value_name = "NUMBER",
        default_value_t = Limits::default().json_depth, value_parser = between::<8, 100>)]
    limit_json_depth: usize,
    /// Bytes of a filter.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_FILTER_BYTES", value_name = "BYTES",
        default_value_t = Limits::default().filter_bytes, value_parser = between::<64, 1_048_576>)]
    limit_filter_bytes: usize,
    /// Nesting of parentheses, brackets and `not` in a filter.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_FILTER_DEPTH", value_name = "NUMBER",
        default_value_t = Limits::default().filter_depth, value_parser = between::<1, 100>)]
    limit_filter_depth: usize,
    /// Attribute expressions in a filter.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_FILTER_TERMS", value_name = "NUMBER",
        default_value_t = Limits::default().filter_terms, value_parser = between::<1, 10_000>)]
    limit_filter_terms: usize,
    /// Resources in a page when the client names no count.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_PAGE_DEFAULT", value_name = "NUMBER",
        default_value_t = Limits::default().page_default, value_parser = between::<1, 10_000>)]
    limit_page_default: usize,
    /// Resources in a page at most.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_PAGE_MAX", value_name = "NUMBER",
        default_value_t = Limits::default().page_max, value_parser = between::<1, 10_000>)]
    limit_page_max: usize,
    /// Operations of a PATCH request.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_PATCH_OPERATIONS", value_name = "NUMBER",
        default_value_t = Limits::default().patch_operations, value_parser = between::<1, 100_000>)]
    limit_patch_operations: usize,
    /// Members that one request may name.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_PATCH_MEMBERS", value_name = "NUMBER",
        default_value_t = Limits::default().patch_members, value_parser = between::<1, 1_000_000>)]
    limit_patch_members: usize,
    /// Values of a multi-valued attribute other than members.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_VALUES", value_name = "NUMBER",
        default_value_t = Limits::default().values, value_parser = between::<1, 100_000>)]
    limit_values: usize,
    /// Names in a list of attributes that a request asks for.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_ATTRIBUTES", value_name = "NUMBER",
        default_value_t = Limits::default().attributes, value_parser = between::<1, 10_000>)]
    limit_attributes: usize,
    /// Values that one request may have visited or compared.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_WORK", value_name = "NUMBER",
        default_value_t = Limits::default().work, value_parser = work)]
    limit_work: u64,
    /// Bytes of one string value.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_STRING_BYTES", value_name = "BYTES",
        default_value_t = Limits::default().string_bytes, value_parser = between::<512, 16_777_216>)]
    limit_string_bytes: usize,
    /// Characters of a userName, externalId or displayName.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_KEY_CHARACTERS", value_name = "NUMBER",
        default_value_t = Limits::default().key_characters, value_parser = between::<64, 640>)]
    limit_key_characters: usize,
    /// Failed authentications of one address in a minute before further failures answer 429.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_FAILED_AUTHENTICATIONS", value_name = "NUMBER",
        default_value_t = 20, value_parser = between::<1, 1_000_000>)]
    limit_failed_authentications: usize,
    /// Requests of one configuration a second, over some time; five times as many may come at once.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_RATE", value_name = "NUMBER",
        default_value_t = 1_000, value_parser = between::<50, 1_000_000>)]
    limit_rate: usize,
    /// Requests of one configuration that are worked on at once, reads and writes each; a third of
    /// the database connections without it.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_CONCURRENT", value_name = "NUMBER",
        value_parser = between::<1, 1_000>)]
    limit_concurrent: Option<usize>,
    /// Bytes of request bodies of one configuration that are held at once.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_HELD_BYTES", value_name = "BYTES",
        default_value_t = 33_554_432, value_parser = between::<1_048_576, GIBIBYTE>)]
    limit_held_bytes: usize,
    /// Seconds that a client waits for an answer before it is sent away; ten times as many for a
    /// bulk request.
    #[arg(long, env = "SERVICEOPS_SCIM_LIMIT_WAIT", value_name = "SECONDS",
        default_value_t = 30, value_parser = between::<1, 3_600>)]
    limit_wait: usize,
}

impl LimitOptions {
    /// The limits of the protocol.
    pub fn protocol(&self) -> Limits {
        Limits {
            body: self.limit_body,
            bulk_body: self.limit_bulk_body,
            bulk_operations: self.limit_bulk_operations,
            json_depth: self.limit_json_depth,
            filter_bytes: self.limit_filter_bytes,
            filter_depth: self.limit_filter_depth,
            filter_terms: self.limit_filter_terms,
            page_default: self.limit_page_default.min(self.limit_page_max),
            page_max: self.limit_page_max,
            patch_operations: self.limit_patch_operations,
            patch_members: self.limit_patch_members,
            values: self.limit_values,
            attributes: self.limit_attributes,
            work: self.limit_work,
            string_bytes: self.limit_string_bytes,
            key_characters: self.limit_key_characters,
        }
    }

    /// How many requests are worked on at once, and how many of one configuration, reads and writes
    /// each.
    pub fn at_once_and_share(&self, connections: u32) -> (usize, usize) {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        // Console and probes have connections left that SCIM does not take.
        let at_once = (connections * 3 / 4).max(1);
        let share = self.limit_concurrent.unwrap_or(connections / 3);
        (at_once, share.clamp(1, at_once))
    }

    /// Requests of one configuration a second.
    pub fn rate(&self) -> u32 {
        u32::try_from(self.limit_rate).unwrap_or(u32::MAX)
    }

    /// Bytes of request bodies of one configuration that are held at once.
    pub fn held_bytes(&self) -> usize {
        self.limit_held_bytes
    }

    /// How long a client waits for an answer.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.limit_wait).unwrap_or(u64::MAX))
    }

    /// Failed authentications of one address in a minute.
    pub fn failed_authentications(&self) -> usize {
        self.limit_failed_authentications
    }
}

/// A number from `LEAST` to `MOST`. Depths have a ceiling because what is nested is walked by
/// recursion; keys have one because PostgreSQL indexes no longer ones.
fn between<const LEAST: usize, const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (LEAST..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("it is a number from {LEAST} to {MOST}")),
    }
}

/// Below ten thousand, a group that the other limits allow could not be changed.
fn work(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (10_000..=1_000_000_000).contains(&number) => Ok(number),
        _ => Err("it is a number from 10000 to 1000000000".to_owned()),
    }
}

const GIBIBYTE: usize = 1 << 30;
