//! Who speaks.

use std::sync::Arc;

use scim_service::Environment;

use crate::configuration::Configuration;
use crate::id::RunId;

/// Who speaks: the configuration whose token came with the request, and what the log says of it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The configuration.
    pub configuration: Arc<Configuration>,
    /// The id of the HTTP request.
    pub request_id: String,
    /// Where the request came from.
    pub source: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The administrator who does it in the name of the configuration.
    pub actor: Option<String>,
    /// The run that this is, where an administrator does it.
    pub run: Option<RunId>,
}

impl Caller {
    /// An administrator's work, which no request asked for.
    pub(crate) fn silent(configuration: &Configuration, environment: &dyn Environment) -> Self {
        Self {
            configuration: Arc::new(configuration.clone()),
            request_id: environment.uuid().to_string(),
            source: None,
            user_agent: None,
            actor: None,
            run: None,
        }
    }
}
