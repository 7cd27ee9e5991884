//! Leaving: what `active: false` and DELETE mean, and the guard against too much of it at once.

use chrono::Duration;
use scim_protocol::Error;

use super::user::PreparedUser;
use crate::context::Context;
use crate::directory::{Departure, DirectoryTransaction, HeldAction, Status, StoredUser};
use crate::event::{Action, Event, Outcome};
use crate::failure::Failure;
use crate::id::ResourceId;
use crate::policy::{Deletion, GuardAction};
use crate::refusal::Cause;

/// What becomes of the status that an update asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is set.
    Free,
    /// It is held.
    Held(Hold),
    /// What was held is taken back.
    Withdrawn,
}

/// Why it is held that somebody leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    cause: Cause,
    /// What the log says.
    reason: String,
}

impl Hold {
    /// Writes it into the entry of the log.
    pub(super) fn tell(self, event: &mut Event) {
        event.outcome = Outcome::Held;
        event.cause = Some(self.cause);
        event.reason = Some(self.reason);
    }
}

/// Sets the status that the user gets with this update.
pub(super) fn check(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    stored: &StoredUser,
    prepared: &mut PreparedUser,
) -> Result<Verdict, Failure> {
    match prepared.active {
        None => return Ok(Verdict::Free),
        Some(true) if stored.held => return Ok(Verdict::Withdrawn),
        Some(true) => return Ok(Verdict::Free),
        Some(false) => {}
    }
    // Who is out stays out the way it was, and what is held stays held.
    if stored.status != Status::Active || stored.held {
        prepared.write.status = stored.status;
        return Ok(Verdict::Free);
    }
    Ok(match guard(context, transaction, stored.id)? {
        None => Verdict::Free,
        Some(hold) => {
            prepared.write.status = stored.status;
            Verdict::Held(hold)
        }
    })
}

/// Holds the deactivation of a user.
pub(super) fn hold(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
) -> Result<(), Failure> {
    let held = HeldAction {
        deleted: false,
        status: context.configuration().policies.deactivation.status(),
        purge: None,
    };
    Ok(transaction.hold(context.scope(), id, held, context.now)?)
}

/// Takes a user out of the scope, as the policy says.
///
/// Answers what was asked for, and why it is held if it is.
pub(super) fn delete(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    stored: &StoredUser,
) -> Result<(Action, Option<Hold>), Failure> {
    let deletion = context.configuration().policies.deletion;
    let (action, purge) = match deletion {
        Deletion::Archive => (Action::Archive, None),
        Deletion::Block => (Action::Block, None),
        Deletion::Delete { after_days } => {
            let after = Duration::days(i64::from(after_days));
            (Action::Delete, Some(context.now + after))
        }
    };
    let hold = guard(context, transaction, stored.id)?;
    let departure = Departure {
        status: deletion.status(),
        purge,
        held: hold.is_some(),
    };
    let (scope, now) = (context.scope(), context.now);
    if stored.held {
        transaction.withdraw(stored.id, now)?;
    }
    transaction.release_user(scope, stored.id, &departure, now)?;
    if hold.is_some() {
        let held = HeldAction {
            deleted: true,
            status: departure.status,
            purge,
        };
        transaction.hold(scope, stored.id, held, now)?;
    }
    Ok((action, hold))
}

/// Why a user may not leave just now; `None` when the user may. What an administrator took back is
/// not done again at once, however few leave: whoever else left meanwhile is in nobody's way.
///
/// # Errors
/// 403 where the policy is to reject.
fn guard(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
) -> Result<Option<Hold>, Failure> {
    if transaction.was_brought_back(id, context.now - REPEATED)? {
        return Ok(Some(Hold {
            cause: Cause::GuardRepeated,
            reason: BROUGHT_BACK.to_owned(),
        }));
    }
    let configuration = context.configuration();
    let guard = configuration.policies.guard;
    if guard.count == 0 {
        return Ok(None);
    }
    let window = context.now - Duration::minutes(i64::from(guard.minutes));
    let since = configuration
        .guard_reset
        .map_or(window, |reset| reset.max(window));
    let scope = context.scope();
    // Nothing is counted further than the answer needs.
    let few = u64::from(guard.count);
    if transaction.departures(scope, since, few)? < few {
        return Ok(None);
    }
    let users = transaction.users_at(scope, since)?;
    let share = users * u64::from(guard.percent) / 100;
    let most = few.max(share);
    let departed = transaction.departures(scope, since, most)?;
    if departed < most {
        return Ok(None);
    }
    let counted = format!(
        "{departed} of {users} users left within {} minutes",
        guard.minutes
    );
    match guard.action {
        GuardAction::Hold => Ok(Some(Hold {
            cause: Cause::GuardHeld,
            reason: format!("Held by the guard: {counted}."),
        })),
        GuardAction::Reject => Err(Failure::Refused {
            cause: Cause::GuardRejected,
            error: Error::with_status(
                403,
                "Too many users would be blocked or deleted at once. An administrator has to \
                 raise the limit of this configuration.",
            ),
            reason: format!("Refused by the guard: {counted}."),
            outcome: Outcome::Failure,
            pending: Vec::new(),
        }),
    }
}

/// For how long it is held that somebody leaves, or leaves a group, whose leaving was taken back.
pub(super) const REPEATED: Duration = Duration::hours(24);
/// What the log says of it.
pub(super) const BROUGHT_BACK: &str =
    "Held: an administrator took it back within the last 24 hours.";
