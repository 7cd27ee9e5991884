//! The endpoints by which the service provider describes itself (RFC 7644 section 4).

use scim_protocol::ResourceDefinition;
use scim_protocol::discovery::{Catalog, schema};
use scim_protocol::query::ListResponse;

use crate::answer::Answer;
use crate::error::Refusal;
use crate::policy::Session;
use crate::route::Route;

/// Answers a discovery endpoint.
pub(crate) fn answer<S: Session>(
    session: &S,
    route: Route<'_, S::Kind>,
    query: &str,
) -> Result<Answer, S::Failure> {
    // RFC 7644 section 4: a filter on a discovery endpoint is 403.
    let filtered = query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("filter"));
    if filtered {
        return Err(Refusal::FilteredDiscovery.into());
    }
    let base_url = session.base_url();
    let kinds = session.kinds();
    let served = kinds.iter().map(|kind| session.definition(*kind));
    let served: Vec<&ResourceDefinition> = served.collect();
    let config = session.config();
    let catalog = match config.security_events {
        Some(_) => Catalog::new(&served).with_security_events(),
        None => Catalog::new(&served),
    };
    let found = match route {
        Route::ServiceProviderConfig => Some(config.to_resource(base_url)),
        Route::ResourceTypes => {
            Some(ListResponse::whole(catalog.resource_types(base_url)).to_json())
        }
        Route::ResourceType(name) => catalog.resource_type(name, base_url),
        Route::Schemas => {
            let schemas = catalog.schemas();
            let schemas = schemas.iter().map(|s| schema(s, base_url)).collect();
            Some(ListResponse::whole(schemas).to_json())
        }
        Route::Schema(uri) => catalog.schema(uri).map(|found| schema(&found, base_url)),
        _ => None,
    };
    Ok(Answer::json(200, found.ok_or(Refusal::NotFound)?))
}
