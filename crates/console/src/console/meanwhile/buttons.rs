//! The buttons that others can have been quicker than, and where their forms are posted to.

/// What a button does, of those that others can have been quicker than.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Button {
    MoveRule,
    DeleteRule,
    DiscardDraft,
    RestoreDefaults,
    ImportDraft,
    ActivateDraft,
    RollBack,
    DeleteConfiguration,
    Enable,
    Pause,
    Disable,
    SetRole,
    DeleteAccount,
    BindAccount,
    UnbindAccount,
    UnlockAccount,
    RevokeKey,
    DeleteField,
    DeleteTable,
    EndToken,
    RevokeToken,
    PauseStream,
    ResumeStream,
    ReplayStream,
    RenewSecret,
    DeleteStream,
}

impl Button {
    /// The button whose form is posted to the path of a route.
    pub(super) fn of_form(pattern: &str) -> Option<Self> {
        let mut buttons = BUTTONS.iter();
        let (_, button) = buttons.find(|(path, _)| *path == pattern)?;
        Some(*button)
    }

    /// What is on the button that does it all the same.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::MoveRule => "Move the rule",
            Self::DeleteRule => "Delete the rule",
            Self::DiscardDraft => "Discard the draft",
            Self::RestoreDefaults => "Make the default rules the draft",
            Self::ImportDraft => "Import mine in its place",
            Self::ActivateDraft => "Activate the draft",
            Self::RollBack => "Roll back",
            Self::DeleteConfiguration => "Delete the configuration",
            Self::Enable => "Enable",
            Self::Pause => "Pause",
            Self::Disable => "Disable",
            Self::SetRole => "Change the role",
            Self::DeleteAccount => "Delete the account",
            Self::BindAccount => "Bind the account",
            Self::UnbindAccount => "Unbind the account",
            Self::UnlockAccount => "Unlock the account",
            Self::RevokeKey => "Revoke the key",
            Self::DeleteField => "Delete the field",
            Self::DeleteTable => "Delete the table",
            Self::EndToken => "Change when it ends",
            Self::RevokeToken => "Revoke the token",
            Self::PauseStream => "Pause the stream",
            Self::ResumeStream => "Resume the stream",
            Self::ReplayStream => "Begin again there",
            Self::RenewSecret => "Make a new secret",
            Self::DeleteStream => "Delete the stream",
        }
    }
}

/// Every such button, by the path that its form is posted to.
const BUTTONS: [(&str, Button); 28] = {
    use Button::*;
    [
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/reorder",
            MoveRule,
        ),
        (
            "/users/scim-provisioning/{configuration}/groups/reorder",
            MoveRule,
        ),
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/delete-rule",
            DeleteRule,
        ),
        (
            "/users/scim-provisioning/{configuration}/groups/delete-rule",
            DeleteRule,
        ),
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/discard",
            DiscardDraft,
        ),
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/restore-defaults",
            RestoreDefaults,
        ),
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/import",
            ImportDraft,
        ),
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/activate",
            ActivateDraft,
        ),
        (
            "/users/scim-provisioning/{configuration}/mappings/{resource}/rollback",
            RollBack,
        ),
        (
            "/users/scim-provisioning/{configuration}/delete",
            DeleteConfiguration,
        ),
        ("/users/scim-provisioning/{configuration}/enable", Enable),
        ("/users/scim-provisioning/{configuration}/pause", Pause),
        ("/users/scim-provisioning/{configuration}/disable", Disable),
        (
            "/users/scim-provisioning/{configuration}/tokens/{token}/end",
            EndToken,
        ),
        (
            "/users/scim-provisioning/{configuration}/tokens/{token}/revoke",
            RevokeToken,
        ),
        ("/settings/accounts/{account}/role", SetRole),
        ("/settings/accounts/{account}/delete", DeleteAccount),
        ("/settings/accounts/{account}/bind", BindAccount),
        ("/settings/accounts/{account}/unbind", UnbindAccount),
        ("/settings/accounts/{account}/unlock", UnlockAccount),
        ("/settings/api-keys/{key}/revoke", RevokeKey),
        ("/users/user-form/delete", DeleteField),
        ("/users/tables/{table}/delete", DeleteTable),
        ("/settings/streams/{stream}/pause", PauseStream),
        ("/settings/streams/{stream}/resume", ResumeStream),
        ("/settings/streams/{stream}/replay", ReplayStream),
        ("/settings/streams/{stream}/secret", RenewSecret),
        ("/settings/streams/{stream}/delete", DeleteStream),
    ]
};

#[cfg(test)]
mod tests {
    use super::super::super::routes::{Access, ROUTES};
    use super::*;

    /// Forms that change something and show nothing of what others did, each with the reason.
    const OTHERWISE: [(&str, &[&str]); 5] = [
        (
            "what is entered is brought together with what others entered",
            &[
                "/users/scim-provisioning/{configuration}/edit",
                "/users/scim-provisioning/{configuration}/policy",
                "/users/scim-provisioning/{configuration}/mappings/{resource}/save-rule",
                "/users/scim-provisioning/{configuration}/groups/save-rule",
                "/users/user-form/edit",
                "/users/tables/{table}/edit",
            ],
        ),
        (
            "it is new",
            &[
                "/users/scim-provisioning/new",
                "/users/scim-provisioning/{configuration}/tokens",
                "/users/user-form",
                "/users/tables/new",
                "/settings/accounts",
                "/settings/api-keys",
                "/settings/streams",
            ],
        ),
        (
            "it is about one thing that others can have decided as well, which is then gone",
            &[
                "/users/scim-provisioning/logs/{event}/resolve",
                "/users/scim-provisioning/logs/{event}/reopen",
                "/users/scim-provisioning/logs/{event}/replay",
                "/users/scim-provisioning/{configuration}/held/allow",
                "/users/scim-provisioning/{configuration}/held/reject",
                "/users/scim-provisioning/{configuration}/links/approve",
                "/users/scim-provisioning/{configuration}/links/dismiss",
                "/users/scim-provisioning/{configuration}/links/restore",
                "/users/scim-provisioning/{configuration}/runs/{run}/undo",
                "/users/scim-provisioning/{configuration}/rehearsal/begin",
                "/users/scim-provisioning/{configuration}/rehearsal/go-live",
                "/users/scim-provisioning/{configuration}/rehearsal/discard",
                "/users/scim-provisioning/{configuration}/mappings/{resource}/keep-test",
                "/users/scim-provisioning/{configuration}/mappings/{resource}/delete-test",
                "/settings/sessions/{session}/end",
                "/settings/accounts/{account}/password",
            ],
        ),
        (
            "it sends something and changes nothing",
            &[
                "/settings/streams/{stream}/test",
                "/settings/streams/{stream}/deliveries/{delivery}/again",
            ],
        ),
        (
            "it is about whoever is there, whom the identity provider changes at any time",
            &[
                "/users/{person}/block",
                "/users/{person}/unblock",
                "/users/{person}/archive",
                "/users/{person}/convert",
                "/users/{person}/unlink",
                "/groups/{group}/unlink",
                "/users/scim-provisioning/{configuration}/mappings/user/reapply",
                "/users/scim-provisioning/logs/export",
                "/users/scim-provisioning/{configuration}/tokens/{token}/reveal",
            ],
        ),
    ];

    #[test]
    fn every_form_that_changes_something_heeds_what_others_did_or_says_why_not() {
        let buttons = BUTTONS.iter().map(|(path, _)| *path);
        let otherwise = OTHERWISE
            .iter()
            .flat_map(|(_, paths)| paths.iter().copied());
        let mut known: Vec<&str> = buttons.chain(otherwise).collect();
        let changes = ROUTES
            .iter()
            .filter(|route| route.method == "POST" && route.access == Access::Administrator);
        let mut changes: Vec<&str> = changes.map(|route| route.path).collect();
        known.sort_unstable();
        changes.sort_unstable();
        assert_eq!(known, changes);
    }
}
