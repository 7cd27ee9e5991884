//! The endpoints by which the service provider describes itself (RFC 7644 section 4).

use scim_protocol::discovery::{Catalog, ServiceProviderConfig, schema};
use scim_protocol::query::ListResponse;
use scim_protocol::{Error, ResourceDefinition};

use crate::id::ResourceKind;
use crate::operation::query::CURSOR_SECONDS;
use crate::operation::{Answer, Failure};
use crate::refusal::Cause;
use crate::route::Route;
use crate::service::Context;

/// Answers a discovery endpoint.
pub(crate) fn answer(context: &Context, route: Route<'_>, query: &str) -> Result<Answer, Failure> {
    // RFC 7644 section 4: a filter on a discovery endpoint is 403.
    let filtered = query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("filter"));
    if filtered {
        let error = Error::with_status(403, "Discovery endpoints cannot be filtered.");
        return Err(Failure::because(Cause::RequestUnsupported, error));
    }
    let base_url = &context.shared.base_url;
    let served: Vec<&ResourceDefinition> = [ResourceKind::User, ResourceKind::Group]
        .into_iter()
        .filter(|kind| context.provisions(*kind))
        .map(|kind| context.definition(kind))
        .collect();
    let catalog = Catalog::new(&served);
    let found = match route {
        Route::ServiceProviderConfig => {
            let config = ServiceProviderConfig::new(&context.shared.limits, CURSOR_SECONDS);
            Some(config.to_resource(base_url))
        }
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
    let body = found.ok_or_else(Failure::not_found)?;
    Ok(Answer::json(200, body))
}
