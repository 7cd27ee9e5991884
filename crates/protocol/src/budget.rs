//! How much work one request may cause (RFC 7644 section 3.4.2.1 asks that too much is refused).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;
use crate::limits::Limits;

/// The work that one request may still cause, charged where the work is done.
///
/// A unit is one value that is visited for one term, or compared with another. Limits on the size of
/// a request do not bound the work: what is asked for many values times many terms is small to write
/// down. A clone is the same budget, so that everything that belongs to one request, such as the
/// operations of a bulk request, draws on one.
///
/// ```
/// use scim_protocol::{Budget, Limits};
///
/// let budget = Budget::of(&Limits { work: 10, ..Limits::default() });
/// assert!(budget.clone().charge(7).is_ok());
/// assert_eq!(budget.spent(), 7);
/// assert!(budget.charge(7).is_err());
/// assert!(budget.charge(1).is_err(), "what is at its end stays there");
/// ```
#[derive(Debug, Clone)]
pub struct Budget {
    spent: Arc<AtomicU64>,
    limit: u64,
    values: usize,
}

/// A request asked for more work than one request may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The request asks for more work than one request may; split it.")]
pub struct Exhausted;

impl From<Exhausted> for Error {
    fn from(exhausted: Exhausted) -> Self {
        Self::with_status(413, exhausted.to_string())
    }
}

impl Budget {
    /// The budget of one request within limits.
    ///
    /// ```
    /// use scim_protocol::{Budget, Limits};
    ///
    /// assert_eq!(Budget::of(&Limits::default()).spent(), 0);
    /// ```
    pub fn of(limits: &Limits) -> Self {
        Self {
            spent: Arc::new(AtomicU64::new(0)),
            limit: limits.work,
            values: limits.values,
        }
    }

    /// Takes units away before the work is done.
    ///
    /// # Errors
    /// [`Exhausted`] when fewer are left; from then on always.
    pub fn charge(&self, units: usize) -> Result<(), Exhausted> {
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        // The counter orders nothing else.
        let before = self
            .spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                Some(spent.saturating_add(units))
            });
        match before {
            Ok(before) if before.saturating_add(units) <= self.limit => Ok(()),
            _ => Err(Exhausted),
        }
    }

    /// Gives back what was charged since so much was spent, because the work is done anew for a
    /// reason that is not the request's.
    pub fn return_to(&self, spent: u64) {
        self.spent.fetch_min(spent, Ordering::Relaxed);
    }

    /// What was charged.
    ///
    /// ```
    /// use scim_protocol::Budget;
    ///
    /// let budget = Budget::default();
    /// budget.charge(3)?;
    /// assert_eq!(budget.spent(), 3);
    /// # Ok::<(), scim_protocol::budget::Exhausted>(())
    /// ```
    pub fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// How many values an attribute may have.
    pub(crate) fn values(&self) -> usize {
        self.values
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}
