//! What is configured, as one document.

use scim_admin::Application;
use scim_admin::declaration::{Declaration, Plan};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Configure, Read};
use super::answer::{Answer, Computed, One};
use super::description::Description;
use super::extract::{Json, MaybeJson, Query};
use super::operation::{Operation, operations};
use super::{ApiAnswer, Problem};

pub(super) fn operations() -> Vec<Operation> {
    operations![export, plan, apply]
}

/// What becomes of what the document does not name.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PlanQuery {
    /// Whether what is in none of the lists of the document is deleted
    #[serde(default)]
    prune: bool,
}

/// The same, and which plan is carried out.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ApplyQuery {
    /// Whether what is in none of the lists of the document is deleted
    #[serde(default)]
    prune: bool,
    /// The digest of the plan that is carried out, and nothing else
    #[param(pattern = "^[0-9a-f]{64}$")]
    plan: Option<String>,
}

/// Read what is configured, as one document without secrets.
#[utoipa::path(get, path = "/export")]
fn export(by: Auditor) -> Result<One<Declaration>, Problem> {
    Ok(One::new(by.admin.export()?))
}

/// Show what applying a document would do. Nothing is changed.
#[utoipa::path(post, path = "/plan")]
fn plan(
    by: Administrator<(Read, Configure)>,
    Query(query): Query<PlanQuery>,
    document: Json<Declaration>,
) -> Result<Computed<Plan>, Problem> {
    let declared = Declaration::from_json(document.into_document())?;
    Ok(Computed(by.admin.plan(
        &by.actor,
        &declared,
        query.prune,
    )?))
}

/// Make what is there what a document says, or carry out a plan: all of it or nothing. Without a
/// document the plan has one.
#[utoipa::path(post, path = "/apply")]
fn apply(
    by: Administrator<(Read, Configure)>,
    Query(query): Query<ApplyQuery>,
    document: MaybeJson<Declaration>,
) -> Result<Applied, Problem> {
    let document = document.into_document();
    let (document, planned) = match (&query.plan, document.is_null()) {
        (Some(digest), true) => {
            let stored = by.admin.stored_plan(digest)?;
            (stored.document, stored.prune)
        }
        (None, true) => return Err(missing()),
        _ => (document, false),
    };
    let applied = Application {
        declared: Declaration::from_json(document)?,
        prune: query.prune || planned,
        digest: query.plan,
        position: by.feed_head()?,
    };
    Ok(Applied(by.admin.apply(&by.actor, applied)?))
}

/// What was done.
struct Applied(Plan);

impl Answer for Applied {
    fn describe(description: &mut Description) {
        Computed::<Plan>::describe(description);
        description.problem("412", "Things are not as the plan found them");
    }

    fn into_answer(self) -> ApiAnswer {
        Computed(self.0).into_answer()
    }
}

fn missing() -> Problem {
    let said = "A document is needed, or the digest of a plan.";
    Problem::new(422, said)
}

impl MaybeJson<Declaration> {
    /// The document as it was sent; null without a body.
    fn into_document(self) -> Value {
        self.0.into_document()
    }
}
