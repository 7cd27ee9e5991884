//! What a service provider says of itself.

use scim_protocol::discovery::ServiceProviderConfig;
use scim_protocol::query::Query;
use scim_protocol::schema::{ResourceType, Schema};
use scim_protocol::{Error, ResourceDefinition};
use serde_json::Value;

use crate::client::{Client, unusable};
use crate::error::{ClientError, Problem};
use crate::transport::{Method, Transport};

impl<T: Transport> Client<T> {
    /// What the service provider supports (RFC 7643 section 5).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn service_provider_config(&self) -> Result<ServiceProviderConfig, ClientError<T::Error>> {
        let path = "/ServiceProviderConfig";
        let (status, document) = self.send_json(Method::Get, path, None, None)?;
        let document = document.ok_or_else(|| unusable(status, Problem::Empty))?;
        ServiceProviderConfig::from_json(document)
            .map_err(|error| unusable(status, Problem::Document(error)))
    }

    /// The resource types (RFC 7643 section 6).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn resource_types(&self) -> Result<Vec<ResourceType>, ClientError<T::Error>> {
        self.documents("/ResourceTypes", ResourceType::from_json)
    }

    /// The schemas (RFC 7643 section 7).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn schemas(&self) -> Result<Vec<Schema>, ClientError<T::Error>> {
        self.documents("/Schemas", Schema::from_json)
    }

    /// The definitions of all resource types whose schemas are published: with them any resource is
    /// read ([`Resource::read_response`](scim_protocol::Resource::read_response)), without structs.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn definitions(&self) -> Result<Vec<ResourceDefinition>, ClientError<T::Error>> {
        let schemas = self.schemas()?;
        let types = self.resource_types()?;
        let described = types.iter();
        let described = described.filter_map(|one| ResourceDefinition::described_by(one, &schemas));
        Ok(described.collect())
    }

    fn documents<D>(
        &self,
        endpoint: &str,
        read: fn(Value) -> Result<D, Error>,
    ) -> Result<Vec<D>, ClientError<T::Error>> {
        // RFC 7644 section 4: these lists have no pages.
        let list = self.page_at(endpoint, &Query::default())?;
        let read = list.try_map(read);
        let read = read.map_err(|error| unusable(200, Problem::Document(error)))?;
        Ok(read.resources)
    }
}
