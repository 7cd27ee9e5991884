//! Looks for what needs somebody, as one of the servers that share a database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::alert::{Alert, behind_since};
use crate::error::AdminError;
use crate::mailing::{Mailer, Postman};
use crate::service::alerts::OwnFacts;
use crate::services::Services;

/// When the certificate ends that the server presents.
pub(crate) type CertificateEnd = Box<dyn Fn() -> Option<DateTime<Utc>> + Send + Sync>;

/// Looks for what needs somebody.
pub(crate) struct Watcher {
    services: Services,
    certificate: CertificateEnd,
    /// Who holds the lease of this server.
    owner: String,
    /// What the database refused, and that is not written yet.
    refused: Mutex<Option<(DateTime<Utc>, DateTime<Utc>)>>,
    /// Whether the log was told that it refuses now.
    refusal_told: AtomicBool,
    /// Since when mail is not taken.
    unmailed: Arc<Mutex<Option<DateTime<Utc>>>>,
}

impl Watcher {
    pub(crate) fn new(services: Services, certificate: CertificateEnd) -> Self {
        Self {
            owner: services.admin.new_id(),
            services,
            certificate,
            refused: Mutex::default(),
            refusal_told: AtomicBool::default(),
            unmailed: Arc::default(),
        }
    }

    /// Writes to people about the alerts of this server.
    pub(crate) fn mailer(&self, postman: Arc<dyn Postman>, console: String) -> Mailer {
        let (services, owner) = (self.services.clone(), self.owner.clone());
        Mailer::new(
            services,
            owner,
            postman,
            console,
            Arc::clone(&self.unmailed),
        )
    }

    /// Looks once, unless another server does; answers the alerts that are told now.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn look(&self, now: DateTime<Utc>) -> Result<Vec<Alert>, AdminError> {
        let Services { admin, feed, .. } = &self.services;
        if let Some(since) = admin.writes_refused_since(now) {
            if !self.refusal_told.swap(true, Ordering::Relaxed) {
                tracing::error!(since = since.to_rfc3339(), "the database takes no writes");
            }
            return Ok(Vec::new());
        }
        self.refusal_told.store(false, Ordering::Relaxed);
        let behind = match admin.streams()?.is_empty() {
            true => 0,
            false => feed.position_at(behind_since(now))?,
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = admin.take_refused_writes() {
            *refused = Some((since, now));
        }
        let own = OwnFacts {
            behind,
            certificate: (self.certificate)(),
            unmailed: *self.unmailed.lock().unwrap_or_else(PoisonError::into_inner),
            refused: *refused,
        };
        let told = admin.watch(&self.owner, own, now)?;
        *refused = None;
        for alert in &told {
            let (kind, message) = (alert.kind.as_str(), alert.message());
            match alert.over {
                None => tracing::warn!(kind, message, page = alert.page(), "alert"),
                Some(_) => tracing::info!(kind, message, "alert is over"),
            }
        }
        Ok(told)
    }
}
