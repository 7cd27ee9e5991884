//! Every metric.

use super::{Metric, MetricKind};

/// Every metric under one name, and all of them in a list.
macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal, $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric {
                name: concat!("serviceops_scim_", $name),
                help: $help,
                kind: MetricKind::$kind,
            };
        )+

        /// Every metric.
        pub const ALL: &[Metric] = &[$($constant,)+];
    };
}

metrics! {
    Counter REQUESTS = "requests_total",
        "Requests that were answered, by operation, class of the status and configuration";
    Histogram REQUEST_DURATION = "request_duration_seconds",
        "How long requests took until their answer began";
    Counter REFUSED = "refused_total",
        "Attempts that the provisioning log tells of and that were not carried out, by outcome and cause";
    Gauge ADMISSION_PLACES = "admission_places",
        "How many requests may be worked on at once, by way";
    Gauge ADMISSION_USED = "admission_places_used",
        "How many requests are worked on, by way";
    Gauge ADMISSION_WAITING = "admission_waiting",
        "How many requests wait for a place, by way";
    Counter ADMISSION_REFUSED = "admission_refused_total",
        "Requests that were told to come again later, by reason";
    Gauge DATABASE_CONNECTIONS = "database_connections",
        "Connections to the database in the pool";
    Gauge DATABASE_CONNECTIONS_USED = "database_connections_used",
        "Connections of the pool that are in use";
    Gauge DATABASE_CONNECTIONS_MOST = "database_connections_most",
        "How many connections the pool holds at most";
    Gauge WRITER_QUEUE = "writer_queue",
        "Writes that wait for the writer of SQLite";
    Gauge DATABASE_ANSWERS = "database_answers",
        "1 when the database answered what is read for these metrics, else 0";
    Gauge DATABASE_WRITES = "database_takes_writes",
        "1 when the last write was taken, 0 when the database refused it";
    Gauge HELD = "held_changes",
        "Changes that a guard holds until an administrator decides, by configuration";
    Gauge LINKS = "pending_links",
        "People who wait to be linked, by configuration";
    Gauge TOKENS_ENDING = "tokens_ending",
        "Live tokens that end within two weeks, by configuration";
    Gauge TOKENS_LIVE = "tokens_live",
        "Live tokens, by configuration";
    Gauge STREAM_LAG = "stream_lag_changes",
        "Changes that the receiver of a stream has not got yet, as positions of the feed, by stream";
    Gauge STREAM_BROKEN = "stream_broken",
        "1 when the receiver of a stream was away for too long, else 0, by stream";
    Gauge ALERTS = "alerts_open",
        "Alerts that are not over, by kind";
    Gauge CERTIFICATE_END = "certificate_end_timestamp_seconds",
        "When the certificate ends that is presented";
    Gauge HOUSEKEEPING = "housekeeping_timestamp_seconds",
        "When housekeeping was last done to its end, or until then when the process began";
    Gauge BUILD = "build_info",
        "1, with the version of the server";
}
