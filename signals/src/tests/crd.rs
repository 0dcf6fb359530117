//! The CRD of the chart is the one that follows from the types.
//!
//! `UPDATE_GOLDEN=1` writes it anew; read the diff before you commit it.

use std::{collections::BTreeSet, env, fs, path::Path};

use kube::{CustomResourceExt, Resource};
use serde_json::json;

use crate::{GROUP, KIND, PLURAL, Signal, SignalSpec, VERSION};

const HEADER: &str = "\
# Generated from signals/src/resource.rs. To write it anew: UPDATE_GOLDEN=1 cargo test -p oncue-signals
";

#[test]
fn the_crd_of_the_chart_is_fresh() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/oncue/files/signals.oncue.dev.yaml");
    let yaml = oncue_manifests::to_yaml(&json!(Signal::crd())).unwrap();
    let crd = format!("{HEADER}{yaml}");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &crd).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        found,
        crd,
        "{} is outdated: UPDATE_GOLDEN=1 writes it",
        file.display()
    );
}

#[test]
fn the_constants_name_the_resource() {
    let names = [
        Signal::group(&()),
        Signal::version(&()),
        Signal::kind(&()),
        Signal::plural(&()),
    ];
    assert_eq!(names, [GROUP, VERSION, KIND, PLURAL]);
    assert_eq!(Signal::crd_name(), format!("{PLURAL}.{GROUP}"));
}

#[test]
fn kubectl_prints_what_a_person_looks_for() {
    let crd = Signal::crd();
    let columns = crd.spec.versions[0]
        .additional_printer_columns
        .iter()
        .flatten();
    let names: Vec<_> = columns.map(|column| column.name.to_uppercase()).collect();
    assert_eq!(names, ["VARIABLE", "VALUE", "KIND", "OWNER", "AGE"]);
}

/// What `kubectl explain` shows.
#[test]
fn every_field_is_explained() {
    let crd = json!(Signal::crd());
    let spec = crd
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
        .unwrap();
    let mut fields = vec![("spec", spec)];
    let owner = &spec["properties"]["owner"];
    for parent in [spec, owner] {
        let properties = parent["properties"].as_object().unwrap();
        fields.extend(
            properties
                .iter()
                .map(|(name, schema)| (name.as_str(), schema)),
        );
    }
    assert_eq!(fields.len(), 10);
    let properties = spec["properties"].as_object().unwrap();
    let names: BTreeSet<_> = properties.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(SignalSpec::FIELDS));
    for (name, schema) in fields {
        let description = schema["description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.'), "{name}: {description:?}");
    }
}
