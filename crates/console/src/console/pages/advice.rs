//! What an administrator can do about an entry of the log, and on which page.

use scim_admin::event::LoggedEvent;
use scim_provisioning::{MendingPage, Outcome, ResourceKind};

use super::LIST;

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
            link: link(page, event),
        })
    }
}

/// What the link to a page says, and where it leads.
fn link(page: MendingPage, event: &LoggedEvent) -> Option<(&'static str, String)> {
    let configuration = format!("{LIST}/{}", event.configuration);
    let mapping = event.known_kind().unwrap_or(ResourceKind::User).word();
    Some(match page {
        MendingPage::Nowhere => return None,
        MendingPage::Overview => ("Open the configuration", configuration),
        MendingPage::Edit => ("Edit the configuration", format!("{configuration}/edit")),
        MendingPage::Tokens => ("Open its tokens", format!("{configuration}/tokens")),
        MendingPage::Policy => ("Open its policy", format!("{configuration}/policy")),
        MendingPage::Held => ("Open Held & pending", format!("{configuration}/held")),
        MendingPage::Links => ("Open Held & pending", format!("{configuration}/held#links")),
        MendingPage::Mapping => (
            "Open its mapping",
            format!("{configuration}/mappings/{mapping}"),
        ),
        MendingPage::Groups => ("Open its groups", format!("{configuration}/groups")),
        MendingPage::Directory => match event.known_kind() {
            Some(ResourceKind::Group) => ("Look among the groups", "/admin/groups".to_owned()),
            _ => ("Look among the users", "/admin/users".to_owned()),
        },
        _ => return None,
    })
}
