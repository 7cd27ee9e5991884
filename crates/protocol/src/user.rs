//! The User (RFC 7643 section 4.1) and its enterprise extension (section 4.3) as structs.
//!
//! Servers work on [`Resource`], whose schema may grow at run time. These structs are for those
//! who know what they want: clients, tests, importers. Nothing is lost on the way: what a struct
//! has no field for is kept in `other`.
//!
//! ```
//! use scim_protocol::Resource;
//! use scim_protocol::common::MultiValue;
//! use scim_protocol::user::{EnterpriseUser, Manager, Name, User};
//!
//! let ava = User {
//!     name: Some(Name { given_name: Some("Ava".into()), ..Name::default() }),
//!     emails: vec![MultiValue::new("ava@corp.example", "work").preferred()],
//!     enterprise: Some(EnterpriseUser {
//!         manager: Some(Manager { value: Some("26118915".into()), ..Manager::default() }),
//!         ..EnterpriseUser::default()
//!     }),
//!     ..User::new("ava@corp.example")
//! };
//! let resource = Resource::from(ava.clone());
//! assert_eq!(resource.attributes()["emails"][0]["type"], "work");
//! assert_eq!(resource.attributes()["schemas"].as_array().map(Vec::len), Some(2));
//! assert_eq!(User::try_from(resource)?.name, ava.name);
//! # Ok::<(), scim_protocol::Error>(())
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::common::{Meta, MultiValue, typed, untyped};
use crate::error::Error;
use crate::resource::Resource;
use crate::schema::ResourceDefinition;
use crate::uri;

/// A User.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The URIs of the schemas that the resource has data of.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// The id that the service provider gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id that the provisioning client gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name by which the user is known to the service provider.
    pub user_name: String,
    /// The parts of the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The name that is shown to other people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The casual way to address the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nick_name: Option<String>,
    /// The address of the user's online profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_url: Option<String>,
    /// The job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How the user relates to the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// The languages the user prefers, as in `Accept-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_language: Option<String>,
    /// Where the user is, to localize currency, dates and numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The time zone in the form of the IANA database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Whether the user may work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The password, to set or compare; a service provider never returns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<MultiValue>,
    /// Phone numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phone_numbers: Vec<MultiValue>,
    /// Instant messaging addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ims: Vec<MultiValue>,
    /// Addresses of pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<MultiValue>,
    /// Postal addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The groups that the user is a member of, which the service provider alone writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<MultiValue>,
    /// What the user is entitled to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<MultiValue>,
    /// The roles of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<MultiValue>,
    /// Certificates in DER, in base64.
    #[serde(
        rename = "x509Certificates",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub x509_certificates: Vec<MultiValue>,
    /// The enterprise extension.
    #[serde(
        rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        skip_serializing_if = "Option::is_none"
    )]
    pub enterprise: Option<EnterpriseUser>,
    /// What the service provider says of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// Further attributes, those of other extensions under the URI of their schema.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// A user who has a name to sign in with, and nothing else.
    pub fn new(user_name: impl Into<String>) -> Self {
        Self {
            schemas: vec![uri::USER.to_owned()],
            user_name: user_name.into(),
            ..Self::default()
        }
    }
}

impl From<User> for Resource {
    fn from(user: User) -> Self {
        match user.enterprise {
            Some(_) => untyped(&user, &[uri::USER, uri::ENTERPRISE_USER]),
            None => untyped(&user, &[uri::USER]),
        }
    }
}

impl TryFrom<Resource> for User {
    type Error = Error;

    /// # Errors
    /// `invalidValue` when the resource is no User: without `userName`, or with a value of
    /// another type than the RFC's.
    fn try_from(resource: Resource) -> Result<Self, Error> {
        typed(resource, &ResourceDefinition::user())
    }
}

/// The parts of a user's name (RFC 7643 section 4.1.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// The whole name, as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The family name or last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The given name or first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// A title in front of the name, such as Dr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    /// A suffix behind the name, such as III.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A postal address (RFC 7643 section 4.1.2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The whole address, as it is written on a letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street, house number and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// The city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// The state or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The country, as a two-letter code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `type`: what the address is for, such as `work`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred address; one at most is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The enterprise extension of a User (RFC 7643 section 4.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseUser {
    /// The number that the organization gave the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// The cost center.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The division.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The user's manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// Attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A user's manager.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manager {
    /// The id of the manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The URI of the manager.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The name of the manager, which the service provider alone writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A password, which debugging output does not show.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7643 section 8.3 in little, and what the RFC does not know.
    fn resource() -> Resource {
        let document = json!({
            "schemas": [uri::USER, uri::ENTERPRISE_USER, "urn:example:2.0:User"],
            "id": "2819c223",
            "externalId": "701984",
            "userName": "bjensen@example.com",
            "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen",
                "givenName": "Barbara", "middleName": "Jane", "honorificPrefix": "Ms.",
                "honorificSuffix": "III", "patronym": "x"},
            "displayName": "Babs Jensen", "nickName": "Babs", "title": "Tour Guide",
            "profileUrl": "https://login.example.com/bjensen", "userType": "Employee",
            "preferredLanguage": "en-US", "locale": "en-US", "timezone": "America/Los_Angeles",
            "active": true, "password": "t1meMa$heen",
            "emails": [{"value": "b@example.com", "type": "work", "primary": true},
                {"value": "babs@example.org", "type": "home", "verified": false}],
            "phoneNumbers": [{"value": "555-555-5555", "type": "work"}],
            "ims": [{"value": "someaimhandle", "type": "aim"}],
            "photos": [{"value": "https://photos.example.com/F", "type": "photo"}],
            "addresses": [{"streetAddress": "100 Universal City Plaza", "locality": "Hollywood",
                "region": "CA", "postalCode": "91608", "country": "USA", "type": "work",
                "formatted": "100 Universal City Plaza\nHollywood", "primary": true, "floor": 3}],
            "groups": [{"value": "e9e30dba", "$ref": "https://example.com/v2/Groups/e9e30dba",
                "display": "Tour Guides", "type": "direct"}],
            "entitlements": [{"value": "e"}], "roles": [{"value": "r", "display": "R"}],
            "x509Certificates": [{"value": "MIIDQzCC"}],
            uri::ENTERPRISE_USER: {"employeeNumber": "701984", "costCenter": "4130",
                "organization": "Universal Studios", "division": "Theme Park",
                "department": "Tour Operations", "grade": 7,
                "manager": {"value": "26118915", "$ref": "../Users/26118915",
                    "displayName": "John Smith"}},
            "urn:example:2.0:User": {"badge": {"colour": "red", "numbers": [1, 2.5]}},
            "meta": {"resourceType": "User", "created": "2010-01-23T04:56:22.000Z",
                "lastModified": "2011-05-13T04:42:34+02:00", "version": "W/\"3694e05e9dff591\"",
                "location": "https://example.com/v2/Users/2819c223"},
        });
        match document {
            Value::Object(map) => Resource::from_map(map),
            _ => Resource::default(),
        }
    }

    #[test]
    fn nothing_is_lost_on_the_way_to_a_struct_and_back() {
        let user = User::try_from(resource()).unwrap();
        assert!(user.other.keys().eq(["urn:example:2.0:User"]));
        assert_eq!(user.x509_certificates[0].value.as_deref(), Some("MIIDQzCC"));
        assert_eq!(Resource::from(user), resource());
    }

    #[test]
    fn names_are_read_in_any_case_and_null_is_no_value() {
        let document = json!({"schemas": null, "USERNAME": "ava", "emails": null, "title": null,
            "Name": {"GivenName": "Ava", "familyName": null},
            "phoneNumbers": [null, {"VALUE": "1", "type": null}],
            uri::ENTERPRISE_USER.to_uppercase(): {"Department": "Ops", "manager": {"VALUE": "7"}}});
        let user =
            User::try_from(Resource::from_map(document.as_object().unwrap().clone())).unwrap();
        assert_eq!(user.user_name, "ava");
        assert_eq!(user.name.unwrap().given_name.as_deref(), Some("Ava"));
        assert_eq!(
            user.phone_numbers,
            [MultiValue {
                value: Some("1".into()),
                ..MultiValue::default()
            }]
        );
        let enterprise = user.enterprise.unwrap();
        assert_eq!(enterprise.department.as_deref(), Some("Ops"));
        assert_eq!(enterprise.manager.unwrap().value.as_deref(), Some("7"));
        assert!(user.emails.is_empty() && user.other.is_empty());
    }

    #[test]
    fn schemas_name_every_extension_that_has_data() {
        let mut user = User::new("ava");
        user.other
            .insert("urn:example:2.0:User".into(), json!({"badge": 1}));
        user.other
            .insert("urn:example:empty:2.0:User".into(), json!({}));
        let resource = Resource::from(user);
        assert_eq!(
            resource.attributes()["schemas"],
            json!([uri::USER, "urn:example:2.0:User"])
        );
    }

    #[test]
    fn dates_are_read_as_instants() {
        let meta = User::try_from(resource()).unwrap().meta.unwrap();
        let modified = meta.last_modified_at().unwrap();
        assert_eq!(modified.to_rfc3339(), "2011-05-13T02:42:34+00:00");
        assert!(meta.created_at().unwrap() < modified);
    }

    #[test]
    fn a_resource_that_is_no_user_is_refused() {
        let mut other = resource();
        other.attributes_mut()["userName"] = json!(7);
        assert_eq!(User::try_from(other).unwrap_err().status(), 400);
        let mut other = resource();
        other.attributes_mut().remove("userName");
        assert!(
            User::try_from(other)
                .unwrap_err()
                .detail()
                .contains("userName")
        );
    }

    #[test]
    fn a_password_is_not_printed() {
        let user = User::try_from(resource()).unwrap();
        assert!(!format!("{user:?}").contains("t1meMa$heen"));
    }
}
