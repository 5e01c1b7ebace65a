//! What a mapping makes of cells, and which mistakes it names.

use super::*;

const FILE: &str = "
customer: id
source: churn-table
columns:
  tenure: {tag: tenure_months}
  contract: {tag: contract_term, values: {Month-to-month: monthly, 1: one_year, '': none}}
  postcode: {tag: postcode, as: text, empty: unset}
  churn: skip
";

fn header(names: &str) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}

fn record(cells: &str) -> csv::StringRecord {
    cells.split(',').collect()
}

fn defaults() -> Defaults {
    Defaults { source: "s".to_owned(), as_of: Timestamp::from_ms(0) }
}

fn outcome(plan: &Plan, cells: &str) -> String {
    match plan.row(2, &record(cells), &defaults()) {
        Row::Ready(entry) => {
            let row: Value = serde_json::from_slice(&entry.json).expect("json");
            format!("{} {} {} {}", row["customer"], row["as_of"], row["set"], row["unset"])
        }
        Row::Rejected(reject) => reject.code,
    }
}

#[test]
fn cells_become_tags_as_the_mapping_says() {
    let mapping = Mapping::parse(FILE).expect("a mapping");
    assert_eq!(mapping.source.as_deref(), Some("churn-table"));
    let plan = Plan::by_mapping(&mapping, &header("id,tenure,contract,postcode,churn")).expect("a plan");
    let check = |cells: &str, expected: &str| assert_eq!(outcome(&plan, cells), expected, "{cells}");
    let epoch = "\"1970-01-01T00:00:00Z\"";
    check(
        "c1, 12,Month-to-month,01234,x",
        &format!(r#""c1" {epoch} {{"contract_term":"monthly","postcode":"01234","tenure_months":12}} []"#),
    );
    check("c1,,1,,x", &format!(r#""c1" {epoch} {{"contract_term":"one_year"}} ["postcode"]"#));
    check(
        "c1,1,,9,x",
        &format!(r#""c1" {epoch} {{"contract_term":"none","postcode":"9","tenure_months":1}} []"#),
    );
    check("c1,1,Three year,9,x", "unmapped_value");
    check(",1,1,9,x", "bad_customer");
}

#[test]
fn without_a_mapping_every_column_is_a_tag_and_its_type_is_seen() {
    let plan = Plan::by_names(&header("a,customer,as_of,b")).expect("a plan");
    let check = |cell: &str, expected: Value| {
        let Row::Ready(entry) =
            plan.row(2, &record(&format!("x,c1,2026-03-01T10:00:00+01:00,{cell}")), &defaults())
        else {
            panic!("{cell}")
        };
        let row: Value = serde_json::from_slice(&entry.json).expect("json");
        assert_eq!(row["set"]["b"], expected, "{cell}");
        assert_eq!(row["as_of"], "2026-03-01T09:00:00Z");
    };
    check("12", json!(12));
    check("-3.50", json!(-3.5));
    check("0.5", json!(0.5));
    check("TRUE", json!(true));
    check("01234", json!("01234"));
    check("+4915", json!("+4915"));
    check("nan", json!("nan"));
    check("1e5", json!("1e5"));
    check("99999999999999999999", json!(1e20));
    assert_eq!(outcome(&plan, "x,c1,yesterday,1"), "bad_time");
}

#[test]
fn mistakes_are_named_before_the_first_row() {
    let parse = |text: &str, expected: &str| {
        let error = Mapping::parse(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    };
    parse("columns: {}", "customer: name the column");
    parse("customer: a\nsauce: b", "unknown key sauce");
    parse("customer: a\ncolumns: {b: {values: {x: y}}}", "column b: tag: name the tag");
    parse("customer: a\ncolumns: {b: {tag: t, empty: drop}}", "column b: empty: expected skip or unset");
    parse("customer: a\ncolumns: {b: {tag: t, as: date}}", "column b: as: expected");
    parse("customer: a\ncolumns: {b: leave}", "column b: expected");
    parse("customer: [", "line 2");

    let mapping = Mapping::parse("customer: id\ncolumns: {a: {tag: t}, b: {tag: t}}").expect("a mapping");
    let bind = |names: &str, expected: &str| {
        let error = Plan::by_mapping(&mapping, &header(names)).expect_err(names);
        assert!(error.contains(expected), "{names}: {error}");
    };
    bind("id,a", "names column b, which the file does not have");
    bind("id,a,b,c", "column c is not in the mapping");
    bind("id,a,b", "another column sets tag t already");
}
