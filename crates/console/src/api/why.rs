//! Why somebody is as they are.

use scim_admin::{AdminError, WhyQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::Auditor;
use super::answer::Computed;
use super::extract::Query;
use super::operation::{Operation, operations};
use crate::documents::{self, Why};

pub(super) fn operations() -> Vec<Operation> {
    operations![explain_person]
}

/// Who, and what of them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// Any name, the beginning of a word of one, an e-mail address, an externalId or an id
    #[param(max_length = 200)]
    q: String,
    /// The key of a field: where it has its value from
    field: Option<String>,
    /// The id or the name
    configuration: Option<String>,
}

/// Say why somebody is as they are: not here, refused, held, blocked or fine.
#[utoipa::path(get, path = "/why")]
fn explain_person(by: Auditor, Query(asked): Query<Asked>) -> Result<Computed<Why>, Problem> {
    let query = WhyQuery {
        configuration: by.named_configuration(asked.configuration.as_deref())?,
        who: asked.q,
        field: asked.field,
    };
    // Whatever does not fit stands in the query.
    let unfit = |error| match error {
        invalid @ AdminError::Invalid(_) => Problem::new(400, invalid.to_string()),
        other => other.into(),
    };
    let answer = by.admin.why(&by.actor, &by.provider, &query);
    let answer = answer.map_err(unfit)?;
    Ok(Computed(documents::why(&answer)))
}
