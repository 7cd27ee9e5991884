//! Who leaves while a configuration rehearses that was live before: that does not wait.

use std::sync::Arc;

use scim_provisioning::{Caller, Configuration, Method, Request, RunId, ServiceProvider};

use super::AdminService;
use crate::configuration::ConfigurationStatus;
use crate::error::AdminError;
use crate::run::{Chosen, RowChange, RowSubject, by_resource};
use crate::store::{AdminStoreExt, AdminView};

impl AdminService {
    /// Has those leave the directory at once whom a request blocked or deleted in a rehearsal and who
    /// were managed before it: leaving does not wait for it. `provider` is that of the directory.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn let_leave(
        &self,
        provider: &ServiceProvider,
        caller: &Caller,
        id: RunId,
    ) -> Result<(), AdminError> {
        let copy = self.copy(id)?;
        let of_request = Chosen {
            request: Some(caller.request_id.clone()),
            ..Chosen::default()
        };
        let leaving = copy.store.read(|rows| leaving(rows, id, &of_request))?;
        if leaving.is_empty() {
            return Ok(());
        }
        let of = caller.configuration.id;
        let rehearsal = self.store.read(|rows| Ok(rows.rehearsal_of(of)?))?;
        if rehearsal.is_none_or(|one| one.before != ConfigurationStatus::Enabled) {
            return Ok(());
        }
        let mut live = Configuration::clone(&caller.configuration);
        live.rehearsal = None;
        let caller = Caller {
            configuration: Arc::new(live),
            ..caller.clone()
        };
        let ids: Vec<String> = leaving.iter().map(|(id, _)| id.clone()).collect();
        self.copies()?.changing(id, &ids, &mut || {
            for (id, is_deleted) in &leaving {
                let path = format!("/Users/{id}");
                let (method, body) = match is_deleted {
                    true => (Method::Delete, ""),
                    false => (Method::Patch, BLOCKING),
                };
                let answer = provider.answer(
                    &caller,
                    &Request {
                        method,
                        path: &path,
                        query: "",
                        body: body.as_bytes(),
                        if_match: None,
                        if_none_match: None,
                    },
                );
                if answer.status >= 400 {
                    let status = answer.status;
                    tracing::warn!(id, status, "somebody did not leave beside a rehearsal");
                }
            }
        })?;
        Ok(())
    }
}

/// Who left by a request in a rehearsal, of those who were managed before it, and whether by a
/// deletion.
fn leaving(
    rows: &mut dyn AdminView,
    run: RunId,
    of_request: &Chosen,
) -> Result<Vec<(String, bool)>, AdminError> {
    let touched = rows.touched(run, of_request, 0, AT_ONCE)?;
    let ids: Vec<String> = touched.into_iter().map(|one| one.id).collect();
    let mut leaving = Vec::new();
    let by_request = by_resource(rows.images_of(run, of_request, &ids)?);
    for (id, images) in by_request {
        let change = RowChange::of(images.iter().filter(|one| one.subject == RowSubject::User));
        let Some(after) = change.and_then(|change| change.after) else {
            continue;
        };
        let is_deleted = after.get("leftAt").is_some_and(|at| !at.is_null());
        let status = after.get("status").and_then(serde_json::Value::as_str);
        if !is_deleted && status.is_none_or(|status| status == "active") {
            continue;
        }
        let all = rows.images_of(run, &Chosen::default(), std::slice::from_ref(&id))?;
        let of_all = RowChange::of(all.iter().filter(|one| one.subject == RowSubject::User));
        // Whom the rehearsal created or linked nobody else knows of.
        let was_managed = of_all
            .and_then(|change| change.before)
            .is_some_and(|before| !before.contains_key("managedBy"));
        if was_managed {
            leaving.push((id, is_deleted));
        }
    }
    Ok(leaving)
}

/// What blocks a user, or archives one where the policy says so.
const BLOCKING: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": false}]}"#;
/// How many one request lets leave at once.
const AT_ONCE: i64 = 1_000;
