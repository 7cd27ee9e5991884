//! The copy of a directory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::Failed;

/// The rows of a directory by type and id, and the position up to which they go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Copy {
    position: i64,
    rows: BTreeMap<String, Value>,
}

impl Copy {
    /// The copy that a snapshot is.
    pub(crate) fn of_snapshot(lines: &str) -> Result<Self, Failed> {
        let mut lines = lines.lines();
        let first: Value = serde_json::from_str(lines.next().ok_or("the snapshot is empty")?)?;
        let position = first.get("position").and_then(Value::as_i64);
        Self::of_rows(position.ok_or("the snapshot has no position")?, lines)
    }

    /// The copy of which these are the rows.
    pub(crate) fn of_rows<'a>(
        position: i64,
        lines: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Failed> {
        let mut rows = BTreeMap::new();
        for line in lines {
            let row: Value = serde_json::from_str(line)?;
            let record = row.get("record").ok_or("a line has no record")?;
            rows.insert(key(&row)?, record.clone());
        }
        Ok(Self { position, rows })
    }

    /// Takes over a page of changes; answers how many there were.
    pub(crate) fn apply(&mut self, page: &Value) -> Result<usize, Failed> {
        let items = page.get("items").and_then(Value::as_array);
        let items = items.ok_or("the page has no items")?;
        for change in items {
            let at = change.get("position").and_then(Value::as_i64);
            // What comes twice was there before.
            if at.is_none_or(|at| at <= self.position) {
                continue;
            }
            let resource = change.get("resource").ok_or("a change has no resource")?;
            // What needs somebody is nothing of the directory.
            if resource.get("type").and_then(Value::as_str) == Some("alert") {
                self.position = at.unwrap_or(self.position);
                continue;
            }
            match change.get("record").filter(|record| !record.is_null()) {
                Some(record) => drop(self.rows.insert(key(resource)?, record.clone())),
                None => self.remove(resource)?,
            }
            self.position = at.unwrap_or(self.position);
        }
        let next = page.get("next").and_then(Value::as_i64);
        self.position = next.ok_or("the page does not say where to go on")?;
        Ok(items.len())
    }

    /// With a person or a group go its memberships and grants.
    fn remove(&mut self, resource: &Value) -> Result<(), Failed> {
        self.rows.remove(&key(resource)?);
        let (member, holder) = match resource.get("type").and_then(Value::as_str) {
            Some("user") => ("member", "user"),
            Some("group") => ("group", "group"),
            _ => return Ok(()),
        };
        let id = resource.get("id");
        self.rows.retain(|key, record| {
            let field = match key.split(':').next() {
                Some("membership") => member,
                Some("grant") => holder,
                _ => return true,
            };
            record.get(field) != id
        });
        Ok(())
    }

    /// Up to where it goes.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Where it is another than a directory.
    pub(crate) fn differences(&self, directory: &Self) -> Vec<String> {
        let keys = self.rows.keys().chain(directory.rows.keys());
        let mut differing: Vec<&String> = keys
            .filter(|key| self.rows.get(*key) != directory.rows.get(*key))
            .collect();
        differing.sort();
        differing.dedup();
        let shown = |row: Option<&Value>| row.map_or("nothing".to_owned(), Value::to_string);
        differing
            .into_iter()
            .map(|key| {
                let (copied, there) = (self.rows.get(key), directory.rows.get(key));
                format!("{key}: copied {}, there {}", shown(copied), shown(there))
            })
            .collect()
    }

    /// The copy in a file, if there is one.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failed> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kept: Value = serde_json::from_str(&text)?;
        let position = kept.get("position").and_then(Value::as_i64);
        let rows = kept.get("rows").and_then(Value::as_object);
        let rows = rows.ok_or("the file is no copy")?.clone();
        Ok(Some(Self {
            position: position.ok_or("the file is no copy")?,
            rows: rows.into_iter().collect(),
        }))
    }

    /// Writes rows and position at once: the file is the old copy or the new one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failed> {
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        let kept = json!({ "position": self.position, "rows": self.rows });
        file.write_all(kept.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        Ok(())
    }
}

/// What a row is known by.
fn key(row: &Value) -> Result<String, Failed> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    match (text("type"), text("id")) {
        (Some(kind), Some(id)) => Ok(format!("{kind}:{id}")),
        _ => Err("a row has no type or no id".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn snapshot() -> Copy {
        let lines = "{\"position\":5}\n\
            {\"type\":\"user\",\"id\":\"u\",\"record\":{\"userName\":\"ava\"}}\n\
            {\"type\":\"group\",\"id\":\"g\",\"record\":{\"name\":\"Ops\"}}\n\
            {\"type\":\"membership\",\"id\":\"g/u\",\"record\":{\"group\":\"g\",\"member\":\"u\"}}\n";
        Copy::of_snapshot(lines).unwrap()
    }

    #[test]
    fn with_a_group_goes_who_was_in_it_and_nothing_comes_twice() {
        let mut copy = snapshot();
        let gone = json!({"position": 6, "resource": {"type": "group", "id": "g"}, "record": null});
        let page = json!({"items": [gone], "next": 6});
        assert_eq!(copy.apply(&page).unwrap(), 1);
        assert_eq!((copy.rows(), copy.position()), (1, 6));
        let again = json!({"position": 5, "resource": {"type": "user", "id": "u"}, "record": null});
        copy.apply(&json!({"items": [again], "next": 6})).unwrap();
        assert_eq!(copy.rows(), 1);
        assert_eq!(copy.differences(&snapshot()).len(), 2);
    }

    #[test]
    fn an_alert_is_passed_over() {
        let mut copy = snapshot();
        let alert = json!({"position": 6, "resource": {"type": "alert", "id": "a"}, "record": {}});
        copy.apply(&json!({"items": [alert], "next": 6})).unwrap();
        assert_eq!((copy.rows(), copy.position()), (3, 6));
        assert!(copy.differences(&snapshot()).is_empty());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = std::env::temp_dir().join(format!("copy-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("copy.json");
        assert_eq!(Copy::read(&path).unwrap(), None);
        snapshot().write(&path).unwrap();
        assert_eq!(Copy::read(&path).unwrap(), Some(snapshot()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
