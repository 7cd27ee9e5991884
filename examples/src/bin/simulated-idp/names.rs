//! The words that users and groups are made of.

/// A name as people write it, and as it appears in a user name.
pub(crate) type Name = (&'static str, &'static str);

/// Given names.
pub(crate) const GIVEN: &[Name] = &[
    ("Amélie", "amelie"),
    ("Björn", "bjoern"),
    ("Carla", "carla"),
    ("Dragoș", "dragos"),
    ("Elif", "elif"),
    ("Fatima", "fatima"),
    ("Grace", "grace"),
    ("Håkon", "haakon"),
    ("Inés", "ines"),
    ("Jürgen", "juergen"),
    ("Kateřina", "katerina"),
    ("Łucja", "lucja"),
    ("Marie-Claire", "marie-claire"),
    ("Ngozi", "ngozi"),
    ("Ólafur", "olafur"),
    ("Priya", "priya"),
    ("Quentin", "quentin"),
    ("Renée", "renee"),
    ("Şebnem", "sebnem"),
    ("Thi Mai", "thimai"),
    ("美咲", "misaki"),
    ("Ульяна", "ulyana"),
    ("Ελένη", "eleni"),
    ("Zoë", "zoe"),
];

/// Family names.
pub(crate) const FAMILY: &[Name] = &[
    ("Andersson", "andersson"),
    ("Bøgh", "boegh"),
    ("Çelik", "celik"),
    ("D'Angelo", "d'angelo"),
    ("Eriksen", "eriksen"),
    ("Fernández López", "fernandez.lopez"),
    ("Großmann", "grossmann"),
    ("Horváth", "horvath"),
    ("Iyer", "iyer"),
    ("Jóhannsdóttir", "johannsdottir"),
    ("Kowalczyk", "kowalczyk"),
    ("van der Linden", "vanderlinden"),
    ("Müller-Lüdenscheid", "mueller-luedenscheid"),
    ("Nguyễn", "nguyen"),
    ("O'Brien", "o'brien"),
    ("Papadopoulos", "papadopoulos"),
    ("佐藤", "sato"),
    ("Smith", "smith"),
    ("Šimunić", "simunic"),
    ("Tanaka", "tanaka"),
    ("Ünal", "uenal"),
    ("Weiß", "weiss"),
];

/// Titles.
pub(crate) const TITLES: &[&str] = &[
    "Service Desk Analyst",
    "Field Engineer",
    "Account Manager",
    "Controller",
    "Chargé de mission",
    "Systems Administrator",
    "Werkstudent",
    "Product Designer",
    "Legal Counsel, Privacy & Contracts",
    "Warehouse Lead",
];

/// Departments, each with its cost center.
pub(crate) const DEPARTMENTS: &[(&str, &str)] = &[
    ("IT Operations", "CC-1010"),
    ("Network Services", "CC-1020"),
    ("Finance", "CC-2000"),
    ("People & Culture", "CC-3000"),
    ("Sales EMEA", "CC-4100"),
    ("Sales APAC", "CC-4200"),
    ("Research / Development", "CC-5000"),
    ("Qualitätssicherung", "CC-5100"),
    ("Logistics", "CC-6000"),
];

/// Languages, as RFC 5646 tags.
pub(crate) const LANGUAGES: &[&str] = &["en-GB", "en-US", "de-DE", "fr-FR", "es-ES", "ja-JP"];

/// A place of work: street, postal code, locality, country.
pub(crate) type Place = (&'static str, &'static str, &'static str, &'static str);

/// Places of work.
pub(crate) const PLACES: &[Place] = &[
    ("1 Harbour Road", "SW1A 0AA", "London", "GB"),
    ("Königsallee 27", "40212", "Düsseldorf", "DE"),
    ("12 Rue de l'Église", "75015", "Paris", "FR"),
    ("Calle Mayor 5", "28013", "Madrid", "ES"),
    ("450 Mission Street", "94105", "San Francisco", "US"),
];

/// What groups are about; the punctuation is there to be quoted and encoded.
pub(crate) const TOPICS: &[&str] = &[
    "All Staff",
    "Service Desk",
    "R&D \"North\"",
    "Büro Köln",
    "VPN Users",
    "Change Advisory Board",
    "Night shift (EU/US)",
    "Printer owners + floor 3",
    "Contractors 100%",
    "C:\\Shares",
    "Laptop rollout #4",
    "Approvers",
];
