//! The User (RFC 7643 section 4.1) and its enterprise extension (section 4.3) as structs.
//!
//! Servers work on [`Resource`], whose schema may grow at run time. These structs are for those
//! who know what they want: clients, tests, importers. Nothing is lost on the way: what a struct
//! has no field for is kept in `other`, and an attribute that is not named is told from one that is
//! null ([`Given`]). A struct reads names as the RFCs write them; to read them in any case, and bare
//! or otherwise deviating values, read a [`Resource`] first.
//!
//! ```
//! use scim_protocol::Resource;
//! use scim_protocol::common::MultiValue;
//! use scim_protocol::user::{EnterpriseUser, Manager, Name, User};
//!
//! let ava = User {
//!     name: Name { given_name: "Ava".into(), ..Name::default() }.into(),
//!     emails: vec![MultiValue::new("ava@corp.example", "work").preferred()].into(),
//!     enterprise: EnterpriseUser {
//!         manager: Manager { value: "26118915".into(), ..Manager::default() }.into(),
//!         ..EnterpriseUser::default()
//!     }
//!     .into(),
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

use crate::common::{Given, Meta, MultiValue, typed, untyped};
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
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub id: Given<String>,
    /// The id that the provisioning client gave.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub external_id: Given<String>,
    /// The name by which the user is known to the service provider.
    pub user_name: String,
    /// The parts of the user's name.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub name: Given<Name>,
    /// The name that is shown to other people.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub display_name: Given<String>,
    /// The casual way to address the user.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub nick_name: Given<String>,
    /// The address of the user's online profile.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub profile_url: Given<String>,
    /// The job title.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub title: Given<String>,
    /// How the user relates to the organization.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub user_type: Given<String>,
    /// The languages the user prefers, as in `Accept-Language`.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub preferred_language: Given<String>,
    /// Where the user is, to localize currency, dates and numbers.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub locale: Given<String>,
    /// The time zone in the form of the IANA database.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub timezone: Given<String>,
    /// Whether the user may work.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub active: Given<bool>,
    /// The password, to set or compare; a service provider never returns it.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub password: Given<Password>,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub emails: Given<Vec<MultiValue>>,
    /// Phone numbers.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub phone_numbers: Given<Vec<MultiValue>>,
    /// Instant messaging addresses.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub ims: Given<Vec<MultiValue>>,
    /// Addresses of pictures.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub photos: Given<Vec<MultiValue>>,
    /// Postal addresses.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub addresses: Given<Vec<Address>>,
    /// The groups that the user is a member of, which the service provider alone writes.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub groups: Given<Vec<MultiValue>>,
    /// What the user is entitled to.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub entitlements: Given<Vec<MultiValue>>,
    /// The roles of the user.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub roles: Given<Vec<MultiValue>>,
    /// Certificates in DER, in base64.
    #[serde(
        rename = "x509Certificates",
        default,
        skip_serializing_if = "Given::is_absent"
    )]
    pub x509_certificates: Given<Vec<MultiValue>>,
    /// The enterprise extension.
    #[serde(
        rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        default,
        skip_serializing_if = "Given::is_absent"
    )]
    pub enterprise: Given<EnterpriseUser>,
    /// What the service provider says of the resource.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub meta: Given<Meta>,
    /// Further attributes, those of other extensions under the URI of their schema.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// A user who has a name to sign in with, and nothing else.
    ///
    /// ```
    /// use scim_protocol::user::User;
    ///
    /// assert_eq!(User::new("ava").user_name, "ava");
    /// ```
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
            Given::Value(_) => untyped(&user, &[uri::USER, uri::ENTERPRISE_USER]),
            Given::Absent | Given::Null => untyped(&user, &[uri::USER]),
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
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub formatted: Given<String>,
    /// The family name or last name.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub family_name: Given<String>,
    /// The given name or first name.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub given_name: Given<String>,
    /// The middle names.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub middle_name: Given<String>,
    /// A title in front of the name, such as Dr.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub honorific_prefix: Given<String>,
    /// A suffix behind the name, such as III.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub honorific_suffix: Given<String>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A postal address (RFC 7643 section 4.1.2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The whole address, as it is written on a letter.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub formatted: Given<String>,
    /// Street, house number and the like.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub street_address: Given<String>,
    /// The city.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub locality: Given<String>,
    /// The state or region.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub region: Given<String>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub postal_code: Given<String>,
    /// The country, as a two-letter code.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub country: Given<String>,
    /// `type`: what the address is for, such as `work`.
    #[serde(rename = "type", default, skip_serializing_if = "Given::is_absent")]
    pub kind: Given<String>,
    /// Whether it is the preferred address; one at most is.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub primary: Given<bool>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The enterprise extension of a User (RFC 7643 section 4.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseUser {
    /// The number that the organization gave the user.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub employee_number: Given<String>,
    /// The cost center.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub cost_center: Given<String>,
    /// The organization.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub organization: Given<String>,
    /// The division.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub division: Given<String>,
    /// The department.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub department: Given<String>,
    /// The user's manager.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub manager: Given<Manager>,
    /// Attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A user's manager.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manager {
    /// The id of the manager.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub value: Given<String>,
    /// The URI of the manager.
    #[serde(rename = "$ref", default, skip_serializing_if = "Given::is_absent")]
    pub reference: Given<String>,
    /// The name of the manager, which the service provider alone writes.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub display_name: Given<String>,
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
        assert_eq!(
            user.x509_certificates.values()[0].value.as_deref(),
            Some("MIIDQzCC")
        );
        assert_eq!(Resource::from(user), resource());
    }

    #[test]
    fn names_are_read_in_any_case_and_null_is_told_from_absent() {
        let document = json!({"schemas": null, "USERNAME": "ava", "emails": null, "title": null,
            "Name": {"GivenName": "Ava", "familyName": null}, "roles": [],
            "phoneNumbers": [null, {"VALUE": "1", "type": null}],
            uri::ENTERPRISE_USER.to_uppercase(): {"Department": "Ops", "manager": {"VALUE": "7"}}});
        let user =
            User::try_from(Resource::from_map(document.as_object().unwrap().clone())).unwrap();
        assert_eq!(user.user_name, "ava");
        assert_eq!((&user.emails, &user.title), (&Given::Null, &Given::Null));
        assert_eq!(
            (&user.photos, &user.locale),
            (&Given::Absent, &Given::Absent)
        );
        assert_eq!(user.roles, Given::Value(Vec::new()));
        let name = user.name.value().unwrap();
        assert_eq!(name.given_name.as_deref(), Some("Ava"));
        assert!(name.family_name.is_null() && name.middle_name.is_absent());
        let [number] = user.phone_numbers.values() else {
            panic!("one number");
        };
        assert_eq!(
            (number.value.as_deref(), &number.kind),
            (Some("1"), &Given::Null)
        );
        let enterprise = user.enterprise.value().unwrap();
        assert_eq!(enterprise.department.as_deref(), Some("Ops"));
        let manager = enterprise.manager.value().unwrap();
        assert_eq!(manager.value.as_deref(), Some("7"));
        assert!(user.other.is_empty());
        let written = Resource::from(user.clone()).into_map();
        assert_eq!(written["emails"], Value::Null);
        assert!(!written.contains_key("photos"));
        assert_eq!(
            written["name"],
            json!({"familyName": null, "givenName": "Ava"})
        );
        assert_eq!(
            User::try_from(Resource::from_map(written)).unwrap().emails,
            user.emails
        );
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
        let meta = User::try_from(resource())
            .unwrap()
            .meta
            .into_value()
            .unwrap();
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
