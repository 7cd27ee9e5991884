//! The identity provider's own directory: what users and groups should look like.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The schema URI of a user.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema URI of a group.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema URI of the enterprise extension.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Users and groups by their number; a number whose resource is deleted or not there yet is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Directory {
    /// The users.
    pub(crate) users: Vec<Option<User>>,
    /// The groups.
    pub(crate) groups: Vec<Option<Group>>,
}

impl Directory {
    /// The user with this number.
    pub(crate) fn user(&self, number: usize) -> Option<&User> {
        self.users.get(number)?.as_ref()
    }

    /// The group with this number.
    pub(crate) fn group(&self, number: usize) -> Option<&Group> {
        self.groups.get(number)?.as_ref()
    }
}

/// A user that is provisioned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct User {
    /// The identity provider's key.
    pub(crate) external_id: String,
    /// What the user signs in with, and is matched by.
    pub(crate) user_name: String,
    /// Whether the user may sign in.
    pub(crate) active: bool,
    /// The given name.
    pub(crate) given_name: String,
    /// The family name.
    pub(crate) family_name: String,
    /// The title.
    pub(crate) title: String,
    /// The language, also used as the locale.
    pub(crate) language: String,
    /// The e-mail address at work.
    pub(crate) email: Option<Email>,
    /// The phone number at work.
    pub(crate) work_phone: Option<String>,
    /// The mobile phone number.
    pub(crate) mobile: Option<String>,
    /// The address at work.
    pub(crate) address: Option<Address>,
    /// The employee number.
    pub(crate) employee_number: String,
    /// The department.
    pub(crate) department: String,
    /// The cost center.
    pub(crate) cost_center: String,
    /// The number of the user that this one reports to.
    pub(crate) manager: Option<usize>,
}

/// An e-mail address at work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Email {
    /// The address.
    pub(crate) value: String,
    /// Whether it was sent as the primary one.
    pub(crate) primary: bool,
}

/// An address at work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address {
    /// Street and house number.
    pub(crate) street: String,
    /// The postal code.
    pub(crate) postal_code: String,
    /// The city.
    pub(crate) locality: String,
    /// The ISO 3166-1 code of the country.
    pub(crate) country: String,
}

impl User {
    /// Given and family name together.
    pub(crate) fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// The user as a SCIM resource, with `manager` as the service provider's id of the manager.
    pub(crate) fn resource(&self, manager: Option<&str>) -> Value {
        let mut resource = json!({
            "schemas": [USER, ENTERPRISE],
            "externalId": self.external_id,
            "userName": self.user_name,
            "active": self.active,
            "displayName": self.display_name(),
            "name": {
                "formatted": self.display_name(),
                "familyName": self.family_name,
                "givenName": self.given_name,
            },
            "title": self.title,
            "preferredLanguage": self.language,
            "locale": self.language,
        });
        if let Some(attributes) = resource.as_object_mut() {
            self.insert_multi_valued(attributes);
            attributes.insert(ENTERPRISE.to_owned(), self.enterprise(manager));
        }
        resource
    }

    fn insert_multi_valued(&self, attributes: &mut Map<String, Value>) {
        if let Some(email) = &self.email {
            let mut element = json!({"type": "work", "value": email.value});
            if let (true, Some(element)) = (email.primary, element.as_object_mut()) {
                element.insert("primary".to_owned(), Value::Bool(true));
            }
            attributes.insert("emails".to_owned(), json!([element]));
        }
        let phones: Vec<Value> = [("work", &self.work_phone), ("mobile", &self.mobile)]
            .into_iter()
            .filter_map(|(kind, number)| Some(json!({"type": kind, "value": number.as_deref()?})))
            .collect();
        if !phones.is_empty() {
            attributes.insert("phoneNumbers".to_owned(), Value::Array(phones));
        }
        if let Some(address) = &self.address {
            let element = json!({
                "type": "work",
                "streetAddress": address.street,
                "postalCode": address.postal_code,
                "locality": address.locality,
                "country": address.country,
            });
            attributes.insert("addresses".to_owned(), json!([element]));
        }
    }

    fn enterprise(&self, manager: Option<&str>) -> Value {
        let mut extension = json!({
            "employeeNumber": self.employee_number,
            "department": self.department,
            "costCenter": self.cost_center,
        });
        if let (Some(id), Some(attributes)) = (manager, extension.as_object_mut()) {
            attributes.insert("manager".to_owned(), json!({"value": id}));
        }
        extension
    }
}

/// A group that is provisioned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The identity provider's key, if it sends one for groups.
    pub(crate) external_id: Option<String>,
    /// What the group is called, and matched by.
    pub(crate) display_name: String,
    /// The numbers of the users in it.
    pub(crate) members: BTreeSet<usize>,
}
