//! On which page of the console something is mended.

use scim_admin::why::Mend;
use scim_provisioning::{ConfigurationId, MendingPage, ResourceKind};

/// What the link to a page says, and where it leads.
pub(crate) fn link(
    page: MendingPage,
    configuration: Option<ConfigurationId>,
    kind: Option<ResourceKind>,
) -> Option<(&'static str, String)> {
    if page == MendingPage::Directory {
        return Some(match kind {
            Some(ResourceKind::Group) => ("Look among the groups", "/admin/groups".to_owned()),
            _ => ("Look among the users", "/admin/users".to_owned()),
        });
    }
    let configuration = format!("/admin{}", configuration_page(configuration?));
    let mapping = kind.unwrap_or(ResourceKind::User).word();
    Some(match page {
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
        _ => return None,
    })
}

/// Where the console shows a configuration, below `/admin`.
pub fn configuration_page(configuration: ConfigurationId) -> String {
    format!("/users/scim-provisioning/{configuration}")
}

/// What the link says that mends why somebody is as they are, and where it leads.
pub(crate) fn mend(mend: &Mend) -> Option<(&'static str, String)> {
    match mend {
        Mend::Page(page, configuration) => link(*page, *configuration, None),
        Mend::Person(id) => Some(("Open the user", format!("/admin/users/{id}"))),
        Mend::Entry(id) => Some((
            "Open the log entry",
            format!("/admin/users/scim-provisioning/logs/{id}"),
        )),
    }
}
