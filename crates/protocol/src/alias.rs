//! URIs that clients write in the place of those of the RFC.

use crate::uri;

/// The core schema of users or groups.
pub(crate) const CORE: &str = "core";

/// The longer of two with the same start comes first. Those of drafts before the RFC, and those that
/// documentation of providers has misspelt.
pub(crate) const ALIASES: [(&str, &str); 18] = [
    (
        "urn:scim:schemas:extension:enterprise:1.0:User",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:scim:schemas:extension:enterprise:1.0",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:scim:schemas:extension:enterprise:2.0:User",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:scim:schemas:extension:enterprise:2.0",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:1.0:User",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:1.0",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:ietf:params:scim:schemas:enterprise:2.0:User",
        uri::ENTERPRISE_USER,
    ),
    (
        "urn:ietf:params:scim:schemas:core:2.0:EnterpriseUser",
        uri::ENTERPRISE_USER,
    ),
    ("urn:scim:schemas:core:1.0:User", uri::USER),
    ("urn:scim:schemas:core:1.0:Group", uri::GROUP),
    ("urn:scim:schemas:core:1.0", CORE),
    ("urn:scim:schemas:core:2.0:User", uri::USER),
    ("urn:scim:schemas:core:2.0:Group", uri::GROUP),
    ("urn:scim:schemas:core:2.0", CORE),
    ("urn:ietf:params:scim:schemas:core:1.0:User", uri::USER),
    ("urn:ietf:params:scim:schemas:core:1.0:Group", uri::GROUP),
];
