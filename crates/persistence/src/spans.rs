//! What the database spends its time on, as spans within that of a request. Their targets say that
//! they are for traces and not for the log.

use scim_provisioning::StoreError;
use tracing::Span;
use tracing::field::Empty;

pub(crate) fn reading(system: &'static str) -> Span {
    tracing::debug_span!(
        target: "spans::scim_persistence",
        "database read",
        otel.kind = "client",
        db.system.name = system,
    )
}

pub(crate) fn writing(system: &'static str) -> Span {
    tracing::debug_span!(
        target: "spans::scim_persistence",
        "database write",
        otel.kind = "client",
        otel.status_code = Empty,
        "error.type" = Empty,
        db.system.name = system,
    )
}

/// A write waits for those before it.
pub(crate) fn waiting_for_writer() -> Span {
    tracing::debug_span!(target: "spans::scim_persistence", "wait for the writer")
}

/// What was written waits for the commit that it shares with others.
pub(crate) fn committing() -> Span {
    tracing::debug_span!(target: "spans::scim_persistence", "commit")
}

pub(crate) fn waiting_for_connection() -> Span {
    tracing::debug_span!(target: "spans::scim_persistence", "wait for a connection")
}

/// Notes that the database failed a write; that the rules refuse it is no failure of its.
pub(crate) fn failed(span: &Span, fault: Option<&StoreError>) {
    let Some(fault) = fault.filter(|fault| fault.is_fault()) else {
        return;
    };
    let kind = match fault {
        StoreError::Busy => "busy",
        StoreError::Full(_) => "full",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Replaced(_) => "replaced",
        StoreError::Unreadable(_) => "unreadable",
        _ => "_OTHER",
    };
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}

pub(crate) const SQLITE: &str = "sqlite";
#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: &str = "postgresql";
