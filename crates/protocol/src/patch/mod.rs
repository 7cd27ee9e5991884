//! PATCH requests (RFC 7644 section 3.5.2).
//!
//! A request is read ([`PatchRequest::read`]), resolved against the schemas of a resource type
//! ([`PatchRequest::resolve`]), which turns every operation into [`Edit`]s of one attribute each,
//! and applied ([`Patch::apply`]) to a copy: an operation that fails leaves the resource as it was.
//!
//! A service provider that stores the values of a multi-valued attribute one by one, such as the
//! members of a group, takes their edits out first ([`Patch::take_list`]) and never needs the
//! values that the request does not name.
//!
//! ```
//! use scim_protocol::{Limits, Resource, ResourceDefinition, Tolerance, patch::PatchRequest};
//! use serde_json::json;
//!
//! let users = ResourceDefinition::user();
//! let mut ava = Resource::default();
//! ava.attributes_mut().insert("userName".into(), "ava".into());
//!
//! let body = json!({
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@x.example"}]
//! });
//! let mut tolerance = Tolerance::default();
//! let request = PatchRequest::read(body, &Limits::default(), &mut tolerance)?;
//! let patch = request.resolve(&users, &mut tolerance)?;
//! let patched = patch.apply(&ava, &mut tolerance)?;
//! assert_eq!(
//!     patched.attributes()["emails"],
//!     json!([{"type": "work", "value": "a@x.example"}])
//! );
//! # Ok::<(), scim_protocol::Error>(())
//! ```
//!
//! # Filters that select nothing
//!
//! What is to be removed and is not there is no error. What is to be set there is created where the
//! request is tolerated, and `noTarget` under the strict profile ([`Patch::apply`] has it for each
//! operation):
//!
//! ```
//! use scim_protocol::patch::PatchRequest;
//! use scim_protocol::{Error, Profile, Resource, ResourceDefinition, ScimType, Tolerance};
//! use serde_json::{Value, json};
//!
//! let users = ResourceDefinition::user();
//! let pager = |profile: Profile, operation: Value| -> Result<Resource, Error> {
//!     let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!         "Operations": [operation]});
//!     let mut tolerance = Tolerance::new(profile);
//!     let patch = PatchRequest::from_json(body)?.resolve(&users, &mut tolerance)?;
//!     let ava = Resource::read(&users, json!({"userName": "ava"}), &mut Tolerance::default())?;
//!     patch.apply(&ava, &mut tolerance)
//! };
//! let path = "phoneNumbers[type eq \"pager\"].value";
//! let gone = pager(Profile::Strict, json!({"op": "remove", "path": path}))?;
//! assert!(!gone.attributes().contains_key("phoneNumbers"));
//!
//! let replace = json!({"op": "replace", "path": path, "value": "12"});
//! let created = pager(Profile::default(), replace.clone())?;
//! assert_eq!(created.attributes()["phoneNumbers"], json!([{"type": "pager", "value": "12"}]));
//! let refused = pager(Profile::Strict, replace).unwrap_err();
//! assert_eq!(refused.scim_type(), Some(ScimType::NoTarget));
//! # Ok::<(), Error>(())
//! ```

mod apply;
mod describe;
mod edit;
mod list;
mod path;
mod request;
mod resolve;
mod values;

pub use apply::Patch;
pub use edit::{Edit, Selection};
pub use list::ListEdit;
pub use path::PatchPath;
pub use request::{PatchOperation, PatchRequest, Verb};
