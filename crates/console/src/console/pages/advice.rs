//! What an administrator can do about an entry of the log, and on which page.

use scim_admin::event::LoggedEvent;
use scim_provisioning::{MendingPage, Outcome};

use crate::mending;

/// A sentence, and the page that mends it.
pub(super) struct Advice {
    pub(super) said: &'static str,
    /// What the link says, and where it leads.
    pub(super) link: Option<(&'static str, String)>,
}

impl Advice {
    /// The advice about an entry; `None` where nothing is to be done or the cause is not known.
    pub(super) fn of(event: &LoggedEvent) -> Option<Self> {
        let (said, page) = match event.known_cause() {
            Some(cause) => (cause.advice(), cause.mending_page()),
            None if event.cause.is_none() && event.outcome == Outcome::Warning => (
                "It was done. The warnings say what was accepted although it deviates, or what a \
                 rule could not fill.",
                MendingPage::Nowhere,
            ),
            None => return None,
        };
        Some(Self {
            said,
            link: mending::link(page, Some(event.configuration), event.known_kind()),
        })
    }
}
