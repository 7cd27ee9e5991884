//! What is shown once more than by the form that made it, and by no page after that.

use scim_admin::Sealed;
use serde::{Deserialize, Serialize};

use super::{ConsoleAnswer, Failed, Visit, cookies};

/// A secret on its way from the form that made it to the page that shows it, sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Flash {
    pub(super) text: String,
    /// Whose it is.
    account: String,
    /// Until when it is shown, in seconds since 1970.
    until: i64,
}

impl Visit<'_> {
    /// What is shown once, and was put into the browser by the answer before.
    pub(super) fn flash(&self) -> Option<Flash> {
        let sealed = self
            .request
            .cookie
            .and_then(|all| cookies::find(all, cookies::FLASH))?;
        let kept = self.console.admin.unseal(Sealed::Flash, sealed)?;
        let flash: Flash = serde_json::from_str(&kept).ok()?;
        let fresh = self.console.admin.now().timestamp() <= flash.until;
        let own = self
            .who()
            .is_ok_and(|who| who.session.account == flash.account);
        (fresh && own).then_some(flash)
    }

    /// Leads to a page that shows something once more than the form that made it: whoever loads
    /// that page again sees it for another minute, and makes nothing twice.
    pub(super) fn shown_at(&self, location: &str, text: &str) -> Result<ConsoleAnswer, Failed> {
        let flash = Flash {
            text: text.to_owned(),
            account: self.who()?.session.account.clone(),
            until: self.console.admin.now().timestamp() + FLASH_SECONDS,
        };
        let kept = serde_json::to_string(&flash).map_err(|error| Failed::internal(&error))?;
        let sealed = self.console.admin.seal(Sealed::Flash, &kept)?;
        Ok(ConsoleAnswer {
            cookies: vec![cookies::keep(cookies::FLASH, &sealed, FLASH_SECONDS)],
            ..ConsoleAnswer::redirect(location)
        })
    }
}

const FLASH_SECONDS: i64 = 60;
