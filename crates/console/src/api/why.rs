//! Why somebody is as they are.

use scim_admin::WhyQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::Auditor;
use super::answer::{Answer, Computed};
use super::description::Description;
use super::extract::Query;
use super::operation::{Operation, operations};
use super::{ApiAnswer, Problem};
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
    q: String,
    /// The key of a field: where it has its value from
    field: Option<String>,
    /// The id or the name
    configuration: Option<String>,
}

/// Say why somebody is as they are: not here, refused, held, blocked or fine.
#[utoipa::path(get, path = "/why")]
fn explain_person(by: Auditor, Query(asked): Query<Asked>) -> Result<Explained, Problem> {
    let query = WhyQuery {
        configuration: by.named_configuration(asked.configuration.as_deref())?,
        who: asked.q,
        field: asked.field,
    };
    let answer = by.admin.why(&by.actor, &by.provider, &query)?;
    Ok(Explained(documents::why(&answer)))
}

/// Why.
struct Explained(Why);

impl Answer for Explained {
    fn describe(description: &mut Description) {
        Computed::<Why>::describe(description);
        description.problem("422", "Nobody is asked for, or there is no such field");
    }

    fn into_answer(self) -> ApiAnswer {
        Computed(self.0).into_answer()
    }
}
