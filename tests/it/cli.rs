//! The command line against a live node: exit codes, JSON on stdout, files in and every row accounted for.

use crate::harness::{Home, Node, Said, event, rapport};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[test]
fn commands_end_with_0_done_1_failed_2_wrong_usage() {
    let home = Home::new();
    let node = home.start();
    let server = node.server();
    let missing = home.path().join("missing.csv");
    let missing = missing.to_str().unwrap();
    let empty = home.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let nobody = "http://127.0.0.1:1";
    for (exit_code, words) in [
        (0, &["--help"][..]),
        (0, &["--version"]),
        (0, &["node", "--sample-config"]),
        (0, &["customer", "show", "nobody", "--server", server]),
        (0, &["customer", "export", "nobody", "--server", server]),
        (0, &["customer", "events", "nobody", "--server", server]),
        (0, &["customer", "erase", "nobody", "--yes", "--server", server]),
        (0, &["cluster", "status", "--server", server]),
        (0, &["playbook", "list", "--server", server]),
        (1, &["customer", "show", "ann", "--server", nobody]),
        (1, &["cluster", "status", "--server", nobody]),
        (1, &["store", "compact", "--data-dir", missing]),
        (
            1,
            &[
                "customer",
                "decide",
                "ann",
                "--channel",
                "app",
                "--why-not",
                "no-such-offer",
                "--server",
                server,
            ],
        ),
        (2, &[]),
        (2, &["dance"]),
        (2, &["customer", "decide", "ann", "--server", server]),
        (2, &["customer", "show", "", "--server", server]),
        (2, &["customer", "erase", "ann", "--server", server]),
        (2, &["playbook", "validate", empty.to_str().unwrap()]),
        (2, &["import", "tags", missing, "--server", server]),
        (2, &["import", "tags", "tags.xlsx", "--server", server]),
        (2, &["node", "--store", "scylla", "--keyspace", "No Name"]),
        (2, &["store", "migrate", "--scylla", "without-a-port"]),
        (2, &["node", "--config", missing]),
    ] {
        let said = rapport(words);
        assert_eq!(said.exit_code, exit_code, "{words:?}: {said:?}");
        let told = if exit_code == 0 { &said.stdout } else { &said.stderr };
        assert!(!told.is_empty(), "{words:?} says something");
        assert!(exit_code == 0 || said.stdout.is_empty(), "{words:?}: talk goes to stderr: {said:?}");
    }
}

#[test]
fn a_stopped_store_is_compacted_and_no_file_holds_an_erased_customer() {
    const ERASED: &str = "subscriber-49170555";
    let home = Home::new();
    let node = home.start();
    for customer in [ERASED, "ann"] {
        assert_eq!(node.client().hear(&event("e1", customer, 1)).accepted, 1);
    }
    rapport(&["customer", "erase", ERASED, "--yes", "--server", node.server()]).done();
    let data_dir = home.path().join("data");
    let compact = ["store", "compact", "--data-dir", data_dir.to_str().unwrap(), "--json"];
    let in_use = rapport(&compact);
    assert_eq!(in_use.exit_code, 1, "{in_use:?}");
    assert!(in_use.stderr.contains("already open in another process"), "{in_use:?}");
    assert!(node.terminate().success());

    let sizes = rapport(&compact).done().json();
    assert!(sizes["after_bytes"].as_u64() <= sizes["before_bytes"].as_u64(), "{sizes}");
    for file in fs::read_dir(&data_dir).unwrap() {
        let file = file.unwrap().path();
        let bytes = fs::read(&file).unwrap();
        let traces = bytes.windows(ERASED.len()).filter(|part| *part == ERASED.as_bytes()).count();
        assert_eq!(traces, 0, "{}", file.display());
    }
    let node = home.start();
    assert_eq!(node.client().hear(&event("e1", "ann", 1)).duplicate, 1, "everybody else is still there");
    assert_eq!(node.client().hear(&event("e1", ERASED, 1)).accepted, 1, "a late event begins a new customer");
}

#[test]
fn a_node_that_is_not_there_is_told_with_what_to_do() {
    let said = rapport(&["customer", "show", "ann", "--server", "http://127.0.0.1:1"]);
    assert!(said.stderr.contains("no node answers at http://127.0.0.1:1"), "{said:?}");
    assert!(said.stderr.contains("rapport node") && said.stderr.contains("--server"), "{said:?}");
}

#[test]
fn a_second_node_on_the_same_data_is_refused_and_says_why() {
    let home = Home::new();
    let _node = home.start();
    let data = home.path().join("data");
    let said = rapport(&["node", "--data-dir", data.to_str().unwrap(), "--http", "127.0.0.1:0"]);
    assert_eq!(said.exit_code, 1, "{said:?}");
    assert!(said.stderr.contains("rapport: the store in the data directory"), "{said:?}");
}

#[test]
fn json_of_every_command_is_what_the_node_said() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    client.grant("ann");
    client.tag("ann", &json!({"age": 31})).ok();
    let say =
        |words: &[&str]| rapport(&[words, &["--server", node.server(), "--json"]].concat()).done().json();

    assert_eq!(say(&["customer", "show", "ann"]), client.view("ann"));
    let decision = say(&["customer", "decide", "ann", "--channel", "app"]);
    assert_eq!(decision["items"][0]["offer"], "data-xl", "{decision}");
    let both = say(&["customer", "decide", "ann", "--channel", "app", "--why-not", "senior"]);
    assert_eq!(both["explanation"]["candidates"][0]["code"], "not_eligible", "{both}");
    let message = [
        "customer",
        "decide",
        "ann",
        "--channel",
        "sms",
        "--direction",
        "outbound",
        "--purpose",
        "marketing",
    ];
    assert!(say(&message)["items"][0]["contact_id"].is_string());
    assert_ne!(say(&message)["decision_id"], say(&message)["decision_id"], "each command asks anew");

    let history = say(&["customer", "events", "ann"]);
    assert_eq!((lengths(&history, "contacts"), lengths(&history, "decisions")), (3, 5), "{history}");
    let page = say(&["customer", "events", "ann", "--limit", "2"]);
    assert_eq!((lengths(&page, "contacts"), lengths(&page, "decisions")), (2, 2));
    assert_eq!(lengths(&say(&["customer", "export", "ann"]), "decisions"), 5);
    assert!(say(&["cluster", "status"]).to_string().contains("\"n1\""));
    assert_eq!(say(&["customer", "erase", "ann", "--yes"])["removed"]["decisions"], 5);
    assert_eq!(client.view("ann")["tags"], json!({}));
}

#[test]
fn text_for_people_says_the_same() {
    let home = Home::new();
    let node = home.start();
    node.client().grant("ann");
    node.client().tag("ann", &json!({"age": 31})).ok();
    let say = |words: &[&str]| rapport(&[words, &["--server", node.server()]].concat()).done().stdout;
    for (words, parts) in [
        (&["customer", "decide", "ann", "--channel", "app"][..], &["data-xl", "coupon"][..]),
        (&["customer", "decide", "ann", "--channel", "app", "--why-not", "senior"], &["t.age >= 65", "31"]),
        (&["customer", "show", "ann"], &["customer ann", "age", "marketing", "month4"]),
        (&["customer", "events", "ann"], &["Decisions", "data-xl"]),
        (&["playbook", "list"], &["active"]),
        (&["cluster", "status"], &["n1"]),
        (&["customer", "erase", "ann", "--yes"], &["erased at", "receipt"]),
    ] {
        let page = say(words);
        for part in parts {
            assert!(page.contains(part), "{words:?} says {part}: {page}");
        }
    }
}

const TABLE: &str = "\
customer_id,years,plan,town,churn
c1,31,Prepaid,Ulm,no
c2,45,Contract,\"Bad Tölz, centre\",no
c3,,Prepaid,,yes
c4,old,Prepaid,Ulm,no
c5,19,Satellite,Ulm,no
,50,Prepaid,Ulm,no
c7,51
c8,28,Contract,Köln,no
";
const MAPPING: &str = "\
customer: customer_id
source: dwh
columns:
  years: {tag: age}
  plan: {tag: plan, values: {Prepaid: prepaid, Contract: postpaid}}
  town: {tag: city}
  churn: skip
";

#[test]
fn a_table_is_imported_by_its_mapping_and_again_without_effect() {
    let home = Home::new();
    let node = home.start();
    let file = written(home.path(), "churn.csv", TABLE);
    let mapping = written(home.path(), "mapping.yaml", MAPPING);
    let rejects = home.path().join("rejects.ndjson");
    let import = || {
        let words = ["import", "tags", &file, "--mapping", &mapping, "--as-of", "2026-10-01T00:00:00Z"];
        let said = import_of(&node, &words, &rejects).done();
        (numbers(&said), rejected(&rejects))
    };
    let (first, told) = import();
    assert_eq!(first, counted(8, ("applied", 4), ("unchanged", 0), 4));
    let expected =
        [(5, "bad_tag_value"), (6, "unmapped_value"), (7, "bad_customer"), (8, "wrong_column_count")];
    assert_eq!(told, expected.map(|(line, code)| (line, code.to_owned())));
    let client = node.client();
    assert_eq!(
        (client.value("c2", "city"), client.value("c2", "plan")),
        (json!("Bad Tölz, centre"), json!("postpaid"))
    );
    assert_eq!((client.value("c3", "age"), client.value("c3", "plan")), (Json::Null, json!("prepaid")));
    assert_eq!(client.view("c1")["tags"]["age"]["source"], "dwh");
    assert_eq!(client.view("c1")["tags"]["age"]["as_of"], "2026-10-01T00:00:00Z");
    assert_eq!(client.view("c4")["revision"], 0, "a rejected row changes nothing, not even its good cells");

    let before = client.view("c1");
    assert_eq!(import().0, counted(8, ("applied", 0), ("unchanged", 4), 4));
    assert_eq!(client.view("c1"), before);

    let wrong = written(home.path(), "wrong.yaml", &MAPPING.replace("  churn: skip\n", ""));
    let said = rapport(&["import", "tags", &file, "--mapping", &wrong, "--server", node.server()]);
    assert_eq!(said.exit_code, 2);
    assert!(said.stderr.contains("column churn is not in the mapping"), "{said:?}");
}

#[test]
fn lines_of_events_are_imported_once_in_order_and_the_bad_ones_are_told() {
    let home = Home::new();
    let node = home.start();
    let mut lines: Vec<String> =
        (0..3000).map(|n| event(&format!("e{n}"), &format!("c{}", n % 50), n).to_string()).collect();
    lines[9] = "{\"half".to_owned();
    lines[99] = String::new();
    lines[999] = lines[999].replace("test.step", "test.stepp");
    lines[1999] = lines[1999].replace("\"subject\"", "\"object\"");
    let file = written(home.path(), "events.ndjson", &lines.join("\n"));
    let rejects = home.path().join("rejects.csv");
    for (accepted, duplicate) in [(2996, 0), (0, 2996)] {
        let said = import_of(&node, &["import", "events", &file], &rejects).done();
        assert_eq!(numbers(&said), counted(2999, ("accepted", accepted), ("duplicate", duplicate), 3));
        let told = fs::read_to_string(&rejects).unwrap();
        let lines: Vec<&str> = told.lines().map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(lines.len(), 4, "{told}");
        for line in ["line", "10", "1000", "2000"] {
            assert!(lines.contains(&line), "{line}: {told}");
        }

        for customer in [0, 7, 48] {
            assert_eq!(node.client().value(&format!("c{customer}"), "step"), 2950 + customer);
            assert_eq!(node.client().value(&format!("c{customer}"), "heard"), 60 - i64::from(customer == 9));
        }
    }
    let text = rapport(&["import", "events", &file, "--server", node.server()]).done();
    assert_eq!(text.stdout.trim(), "2,999 in = 0 accepted + 2,996 duplicate + 3 rejected");
}

#[test]
fn lines_of_tags_are_imported_and_again_without_effect() {
    let home = Home::new();
    let node = home.start();
    let line = |n: u32| json!({"customer": format!("c{n}"), "source": "crm", "as_of": "2026-10-01T00:00:00Z", "set": {"age": 18 + n % 60}});
    let mut text: String = (0..1200).map(|n| format!("{}\n", line(n))).collect();
    text += "{\"customer\": \"c1\", \"set\": {\"agee\": 1}}\n";
    let file = written(home.path(), "tags.ndjson", &text);
    let rejects = home.path().join("rejects.ndjson");
    for (applied, unchanged) in [(1200, 0), (0, 1200)] {
        let said = import_of(&node, &["import", "tags", &file], &rejects).done();
        assert_eq!(numbers(&said), counted(1201, ("applied", applied), ("unchanged", unchanged), 1));
        assert_eq!(rejected(&rejects), [(1201, "unknown_tag".to_owned())]);
    }
    assert_eq!(node.client().value("c61", "age"), 19);
}

#[test]
fn an_import_without_a_node_fails_and_says_what_to_do() {
    let home = Home::new();
    let file = written(home.path(), "events.ndjson", &event("e1", "ann", 1).to_string());
    let said = rapport(&["import", "events", &file, "--server", "http://127.0.0.1:1"]);
    assert_eq!(said.exit_code, 1);
    assert!(said.stderr.contains("no node answers") && said.stderr.contains("Run it again"), "{said:?}");
}

fn import_of(node: &Node, words: &[&str], rejects: &Path) -> Said {
    let more = ["--rejects", rejects.to_str().expect("text"), "--server", node.server(), "--json"];
    rapport(&[words, &more].concat())
}

fn numbers(said: &Said) -> BTreeMap<String, u64> {
    let json = said.json();
    json.as_object()
        .expect("counts")
        .iter()
        .map(|(key, count)| (key.clone(), count.as_u64().expect("a count")))
        .collect()
}

fn counted(rows: u64, changed: (&str, u64), unchanged: (&str, u64), rejected: u64) -> BTreeMap<String, u64> {
    let counts = [("in", rows), changed, unchanged, ("rejected", rejected), ("unanswered", 0)];
    counts.into_iter().map(|(key, count)| (key.to_owned(), count)).collect()
}

/// Line and code of every row of a rejects file, by line.
fn rejected(path: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(path).expect("a rejects file");
    let row = |line: &str| {
        let row: Json = serde_json::from_str(line).expect("a line of JSON");
        (row["line"].as_u64().expect("a line"), row["code"].as_str().expect("a code").to_owned())
    };
    let mut rows: Vec<_> = text.lines().map(row).collect();
    rows.sort();
    rows
}

fn written(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("written");
    path.to_str().expect("text").to_owned()
}

fn lengths(json: &Json, key: &str) -> usize {
    json[key].as_array().unwrap_or_else(|| panic!("{key} in {json}")).len()
}
