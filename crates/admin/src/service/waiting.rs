//! What waits for an administrator.

use serde_json::json;

use super::{Actor, AdminService, entry_of, now};
use crate::error::AdminError;
use crate::policy::{Decision, HeldChange, LinkRequest, Which};

impl AdminService {
    /// What the guard holds of a configuration, in order of time.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn held(&self, name_or_id: &str) -> Result<Vec<HeldChange>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        Ok(self.store.held(configuration.id)?)
    }

    /// Carries out or drops what the guard holds, and answers what it was.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when nothing of it is held.
    pub fn decide_held(
        &self,
        actor: &Actor,
        name_or_id: &str,
        which: Which,
        allow: bool,
    ) -> Result<Vec<HeldChange>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let event = match allow {
            true => "held.allowed",
            false => "held.rejected",
        };
        let audit = entry_of(
            actor,
            event,
            &configuration,
            json!({ "users": match &which { Which::All => json!("all"), Which::Users(users) => json!(users) } }),
        );
        let named = match &which {
            Which::Users(users) => users.join(", "),
            Which::All => configuration.name.clone(),
        };
        let decision = Decision {
            configuration: configuration.id,
            which,
            allow,
            actor: actor.name.clone(),
            now: now(),
        };
        let decided = self.store.decide_held(&decision, &audit)?;
        if decided.is_empty() {
            return Err(AdminError::not_found("held change of", &named));
        }
        Ok(decided)
    }

    /// The links of a configuration that wait, the oldest first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn link_requests(&self, name_or_id: &str) -> Result<Vec<LinkRequest>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        Ok(self.store.link_requests(configuration.id)?)
    }

    /// Notes that a link was approved, and that it waits no longer.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn link_approved(
        &self,
        actor: &Actor,
        name_or_id: &str,
        link: &LinkRequest,
    ) -> Result<(), AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let audit = entry_of(
            actor,
            "link.approved",
            &configuration,
            json!({ "person": link.person, "userName": link.user_name() }),
        );
        Ok(self
            .store
            .forget_link(configuration.id, &link.person, &audit)?)
    }
}
