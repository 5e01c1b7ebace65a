//! The sample playbook, inside the program: the demo needs no files.

use crate::client::{CallError, Client};
use serde_json::{Value, json};

/// The files of `playbooks/telco`, by name.
pub const FILES: &[(&str, &str)] = &[
    ("channels.yaml", include_str!("../../../../playbooks/telco/channels.yaml")),
    ("events.yaml", include_str!("../../../../playbooks/telco/events.yaml")),
    ("life.yaml", include_str!("../../../../playbooks/telco/life.yaml")),
    ("offers-devices.yaml", include_str!("../../../../playbooks/telco/offers-devices.yaml")),
    ("offers-insurance.yaml", include_str!("../../../../playbooks/telco/offers-insurance.yaml")),
    ("offers-moment.yaml", include_str!("../../../../playbooks/telco/offers-moment.yaml")),
    ("offers-partners.yaml", include_str!("../../../../playbooks/telco/offers-partners.yaml")),
    ("offers-plans.yaml", include_str!("../../../../playbooks/telco/offers-plans.yaml")),
    ("offers-retention.yaml", include_str!("../../../../playbooks/telco/offers-retention.yaml")),
    ("offers-roaming.yaml", include_str!("../../../../playbooks/telco/offers-roaming.yaml")),
    ("offers-service.yaml", include_str!("../../../../playbooks/telco/offers-service.yaml")),
    ("partners.yaml", include_str!("../../../../playbooks/telco/partners.yaml")),
    ("rules.yaml", include_str!("../../../../playbooks/telco/rules.yaml")),
    ("tags.yaml", include_str!("../../../../playbooks/telco/tags.yaml")),
    ("tenant.yaml", include_str!("../../../../playbooks/telco/tenant.yaml")),
];

/// Puts the sample playbook in force. Doing it again changes nothing.
pub fn apply(client: &Client) -> Result<Value, CallError> {
    let files: Vec<Value> = FILES.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect();
    client.post("/v1/playbooks", &json!({ "files": files, "activate": true }))
}

/// The sample playbook as a node compiles it.
#[cfg(test)]
pub fn compiled() -> actors::playbook::Playbook {
    let files: Vec<_> = FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    match actors::playbook::compile::compile(&files, &actors::playbook::Dictionary::default()) {
        Ok(compiled) => compiled.playbook,
        Err(mistakes) => panic!("{mistakes:#?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_holds_every_file_of_the_sample_playbook() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../playbooks/telco");
        let entries = std::fs::read_dir(dir).expect("the sample playbook");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
        names.sort();
        assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
