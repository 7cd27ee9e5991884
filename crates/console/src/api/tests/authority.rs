//! Who may do what: the table that the operations are held to.

use scim_admin::scope::Scope;

/// An operation, and who may carry it out.
pub(super) struct Authority {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Whether auditors may, beside administrators.
    pub(super) by_auditors: bool,
    /// What the key must be for, all of them.
    pub(super) needs: Vec<Scope>,
}

/// Every operation with who may carry it out.
pub(super) fn authorities() -> Vec<Authority> {
    let lines = TABLE.lines().filter(|line| !line.is_empty());
    let read = |line: &'static str| {
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap();
        let (method, path) = (next(), next());
        let by_auditors = match next() {
            "auditor" => true,
            "administrator" => false,
            other => panic!("{other} is no role"),
        };
        let needs = words.map(|scope| Scope::parse(scope).unwrap()).collect();
        Authority {
            method,
            path,
            by_auditors,
            needs,
        }
    };
    lines.map(read).collect()
}

/// Method, path, the least role, and the scopes.
const TABLE: &str = "
GET    /accounts                                                    auditor read
GET    /accounts/{account}                                          auditor read
GET    /alerts                                                      auditor read
GET    /api-keys                                                    administrator tokens
POST   /api-keys                                                    administrator tokens
DELETE /api-keys/{apiKey}                                           administrator tokens
GET    /api-keys/{apiKey}                                           administrator tokens
GET    /api-keys/{apiKey}/made                                      administrator tokens
POST   /apply                                                       administrator read configure
GET    /audit                                                       auditor read
GET    /configurations                                              auditor read
POST   /configurations                                              administrator configure tokens
DELETE /configurations/{configuration}                              administrator configure
GET    /configurations/{configuration}                              auditor read
PATCH  /configurations/{configuration}                              administrator configure
POST   /configurations/{configuration}/disable                      administrator operate
POST   /configurations/{configuration}/enable                       administrator operate
POST   /configurations/{configuration}/drift                        administrator configure
GET    /configurations/{configuration}/held                         auditor read
POST   /configurations/{configuration}/held/allow                   administrator operate
POST   /configurations/{configuration}/held/reject                  administrator operate
GET    /configurations/{configuration}/links                        auditor read
POST   /configurations/{configuration}/links/approve                administrator operate
POST   /configurations/{configuration}/links/dismiss                administrator operate
GET    /configurations/{configuration}/links/dismissed              auditor read
POST   /configurations/{configuration}/links/restore                administrator operate
GET    /configurations/{configuration}/mappings/{resource}          auditor read
PUT    /configurations/{configuration}/mappings/{resource}          administrator configure
POST   /configurations/{configuration}/mappings/{resource}/activate administrator configure
GET    /configurations/{configuration}/mappings/{resource}/attributes auditor read
POST   /configurations/{configuration}/mappings/{resource}/import   administrator configure
POST   /configurations/{configuration}/mappings/{resource}/impact   administrator configure
POST   /configurations/{configuration}/mappings/{resource}/preview  administrator configure
POST   /configurations/{configuration}/mappings/{resource}/test     administrator configure
GET    /configurations/{configuration}/mappings/{resource}/versions auditor read
POST   /configurations/{configuration}/pause                        administrator operate
GET    /configurations/{configuration}/policy                       auditor read
PATCH  /configurations/{configuration}/policy                       administrator configure
GET    /configurations/{configuration}/reapply                      auditor read
POST   /configurations/{configuration}/reapply                      administrator configure
DELETE /configurations/{configuration}/rehearsal                    administrator configure
GET    /configurations/{configuration}/rehearsal                    auditor read
POST   /configurations/{configuration}/rehearsal                    administrator configure
POST   /configurations/{configuration}/rehearsal/go-live            administrator operate
GET    /configurations/{configuration}/tokens                       administrator tokens
POST   /configurations/{configuration}/tokens                       administrator tokens
DELETE /configurations/{configuration}/tokens/{token}               administrator tokens
GET    /configurations/{configuration}/tokens/{token}               administrator tokens
PATCH  /configurations/{configuration}/tokens/{token}               administrator tokens
POST   /configurations/{configuration}/tokens/{token}/reveal        administrator tokens
GET    /custom-fields                                               auditor read
POST   /custom-fields                                               administrator configure
DELETE /custom-fields/{key}                                         administrator configure
GET    /custom-fields/{key}                                         auditor read
PUT    /custom-fields/{key}                                         administrator configure
GET    /events                                                      auditor read
GET    /events/{event}                                              auditor read
POST   /events/{event}/reopen                                       administrator operate
POST   /events/{event}/replay                                       administrator operate
POST   /events/{event}/resolve                                      administrator operate
GET    /export                                                      auditor read
GET    /groups                                                      auditor read
GET    /groups/{group}                                              auditor read
PATCH  /groups/{group}                                              administrator operate
GET    /groups/{group}/members                                      auditor read
GET    /keys                                                        auditor read
GET    /openapi.json                                                auditor read
POST   /plan                                                        administrator read configure
GET    /runs                                                        auditor read
GET    /runs/{run}                                                  auditor read
GET    /runs/{run}/changes                                          auditor read
POST   /runs/{run}/undo                                             administrator operate
GET    /sessions                                                    administrator read operate
DELETE /sessions/{session}                                          administrator operate
GET    /streams                                                     auditor read
POST   /streams                                                     administrator read tokens
DELETE /streams/{stream}                                            administrator tokens
GET    /streams/{stream}                                            auditor read
GET    /streams/{stream}/deliveries                                 auditor read
POST   /streams/{stream}/deliveries/{delivery}/again                administrator operate
POST   /streams/{stream}/pause                                      administrator operate
POST   /streams/{stream}/replay                                     administrator operate
POST   /streams/{stream}/resume                                     administrator operate
POST   /streams/{stream}/secret                                     administrator read tokens
POST   /streams/{stream}/test                                       administrator operate
GET    /tables                                                      auditor read
POST   /tables                                                      administrator configure
DELETE /tables/{table}                                              administrator configure
GET    /tables/{table}                                              auditor read
PUT    /tables/{table}                                              administrator configure
GET    /tables/{table}/csv                                          auditor read
POST   /tokens/revoke                                               administrator tokens
GET    /users                                                       auditor read
GET    /users/{user}                                                auditor read
PATCH  /users/{user}                                                administrator operate
GET    /why                                                         auditor read
";
