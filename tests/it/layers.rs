//! Who may import whom: `ops -> node -> actors -> {storage, cluster}`, as ARCHITECTURE.md draws it.
//!
//! Reads what cargo knows of the crates, and the sources of the customer's core, which has to stay a plain function of
//! its arguments: no runtime, no store, no cluster.

use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Our crates and the ones of ours they may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("cluster", &[]),
    ("storage", &[]),
    ("actors", &["cluster", "storage"]),
    ("node", &["actors", "cluster", "storage"]),
    ("ops", &["actors", "node"]),
    ("tests", &[]),
    ("benches", &["actors", "cluster", "storage", "node"]),
];

/// Foreign crates that stay where they are understood. Tests and benchmarks may use what they like.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("actix-web", &["node"]),
    ("serde_json", &["node", "ops"]),
    ("rusqlite", &["storage"]),
    ("actix", &["actors", "node"]),
    ("cel", &["actors"]),
    ("hashring", &["cluster"]),
    ("clap", &["ops"]),
    ("ureq", &["ops"]),
];

/// Words of a crate's path, and the only places of `actors/src` where they may stand. Empty: nowhere in the core.
const OUTSIDE_THE_CORE: &[&str] = &["actix", "tokio", "cluster", "storage"];
const CORE: &[&str] = &["customer", "decision", "learning", "playbook"];
const CONFINED: &[(&str, &[&str])] = &[("cel", &[]), ("actix", &["region.rs", "shard.rs"])];

#[test]
fn crates_import_only_downwards() {
    let imports = imports();
    let ours: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        imports.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        ours,
        "every crate has its place"
    );
    assert_eq!(against_directions(&imports), Vec::<String>::new());
}

#[test]
fn the_core_of_a_customer_knows_no_runtime_and_no_store() {
    let sources = sources(&workspace().join("actors/src"));
    for folder in CORE {
        let seen = sources.iter().filter(|(path, _)| path.starts_with(&format!("{folder}/"))).count();
        assert!(seen > 3, "the sources of {folder} are where they were");
    }
    assert_eq!(against_layers(&sources), Vec::<String>::new());
}

#[test]
fn a_wrong_import_is_seen() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        assert_eq!(against_layers(&[(path.to_owned(), text.to_owned())]), expected, "{path}: {text}");
    };
    check("customer/tags.rs", "use tokio::time::Instant;", &["customer/tags.rs:1: tokio"]);
    check("decision.rs", "fn f() {}\n    let now = tokio::time::now();", &["decision.rs:2: tokio"]);
    check("playbook/compile.rs", "use { storage };", &["playbook/compile.rs:1: storage"]);
    check("customer/event.rs", "pub use ::cluster::Epoch;", &["customer/event.rs:1: cluster"]);
    check("customer.rs", "use actix::Actor;", &["customer.rs:1: actix", "customer.rs:1: actix"]);
    check("call.rs", "use actix as runtime;", &["call.rs:1: actix"]);
    check("shard.rs", "use actix::Actor;", &[]);
    check("shard/turn.rs", "use tokio::time::Instant;", &[]);
    check("playbook/rules/eval.rs", "let p = cel::Program::compile(x);", &["playbook/rules/eval.rs:1: cel"]);
    check("playbook/rules/parse.rs", "use cel::parser::Parser;", &["playbook/rules/parse.rs:1: cel"]);
    check("playbook/rules/parse/oracle_tests.rs", "use cel::Program;", &[]);
    check("customer/patch.rs", "// tokio::time would be wrong here\nuse crate::storage_like::X;", &[]);
    check("customer/patch.rs", "let text = \"storage: full\"; self.cluster.len()", &[]);

    let wrong = |from: &str, to: &str| {
        let imports = BTreeMap::from([(from.to_owned(), BTreeSet::from([to.to_owned()]))]);
        against_directions(&imports)
    };
    assert_eq!(wrong("storage", "cluster"), ["storage imports cluster"]);
    assert_eq!(wrong("actors", "node"), ["actors imports node"]);
    assert_eq!(wrong("actors", "serde_json"), ["actors imports serde_json"]);
    assert_eq!(wrong("ops", "actix-web"), ["ops imports actix-web"]);
    assert_eq!(wrong("node", "storage"), Vec::<String>::new());
}

/// Imports that go the wrong way, or foreign crates in the wrong place.
fn against_directions(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let allowed = |from: &str, to: &str| {
        let ours = MAY_IMPORT.iter().any(|(name, _)| *name == to);
        let downwards = MAY_IMPORT.iter().any(|(name, below)| *name == from && below.contains(&to));
        let confined = ONLY_IN.iter().find(|(name, _)| *name == to);
        (!ours || downwards) && confined.is_none_or(|(_, places)| places.contains(&from))
    };
    let all = imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
    all.filter(|(from, to)| !allowed(from, to)).map(|(from, to)| format!("{from} imports {to}")).collect()
}

/// What every crate of the workspace imports outside its tests.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(workspace())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |json: &Json| json.as_str().expect("text").to_owned();
    let imports = |package: &Json| {
        let all = package["dependencies"].as_array().expect("a list").iter();
        all.filter(|import| import["kind"] != "dev").map(|import| text(&import["name"])).collect()
    };
    let packages = metadata["packages"].as_array().expect("a list");
    packages.iter().map(|package| (text(&package["name"]), imports(package))).collect()
}

/// Places in `actors/src` that name a crate they must not know, as `file:line: crate`.
fn against_layers(sources: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| !is_test(path)) {
        for (number, line) in (1..).zip(text.lines()) {
            let mut note = |krate: &str| found.push(format!("{path}:{number}: {krate}"));
            if in_core(path) {
                OUTSIDE_THE_CORE.iter().filter(|krate| names(line, krate)).for_each(|krate| note(krate));
            }
            for (krate, places) in CONFINED {
                if names(line, krate) && !places.contains(&path.as_str()) {
                    note(krate);
                }
            }
        }
    }
    found
}

fn in_core(path: &str) -> bool {
    CORE.iter().any(|folder| path == format!("{folder}.rs") || path.starts_with(&format!("{folder}/")))
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs")
}

/// Whether a line of code, not of comment, begins a path with the crate or imports it by its bare name.
fn names(line: &str, krate: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let imports = code.trim_start().trim_start_matches("pub ").starts_with("use ");
    code.match_indices(krate).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + krate.len()..]);
        let within_a_path = before.ends_with("::") && before[..at - 2].ends_with(|c: char| is_letter(c));
        let begins = !before.ends_with(|c: char| is_letter(c) || c == '.') && !within_a_path;
        let ends = !after.starts_with(is_letter);
        begins && ends && (after.starts_with("::") || imports)
    })
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every source below `dir`, by its path from there.
fn sources(dir: &Path) -> Vec<(String, String)> {
    let mut sources = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(&next).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(dir).expect("below").to_str().expect("text").to_owned();
                sources.push((name, fs::read_to_string(&path).expect("a source")));
            }
        }
    }
    sources.sort();
    sources
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}
