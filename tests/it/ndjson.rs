//! A stream of lines: all of it counted, each customer's lines in their order, and again without effect.

use crate::harness::chance::Chance;
use crate::harness::{Client, Home, event};
use serde_json::{Value as Json, json};

const CUSTOMERS: usize = 500;
const LINES_PER_CUSTOMER: usize = 10;
const LINES: usize = CUSTOMERS * LINES_PER_CUSTOMER;

#[test]
fn five_thousand_lines_are_applied_once_and_in_the_order_of_each_customer() {
    let mut chance = Chance::of_this_run("ndjson");
    let home = Home::new();
    let node = home.start();
    let (lines, last) = shuffled_lines(&mut chance);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();

    assert_eq!(post(node.client(), &text), (LINES, 0, 0));
    assert_customers(node.client(), &last);
    assert_eq!(post(node.client(), &text), (0, LINES, 0));
    assert_customers(node.client(), &last);

    let status = node.terminate();
    assert!(status.success(), "{status}");
    let node = home.start();
    assert_eq!(post(node.client(), &text), (0, LINES, 0), "ids are remembered over a restart");
    assert_customers(node.client(), &last);
}

#[test]
fn bad_lines_are_told_by_their_place_and_cost_only_themselves() {
    let home = Home::new();
    let node = home.start();
    let mut lines: Vec<String> = (0..300).map(|n| event(&format!("e{n}"), "c", n).to_string()).collect();
    lines[7] = "not json".to_owned();
    lines[70] = lines[70].replace("test.step", "test.stepp");
    lines[170] = String::new();
    lines[270] = lines[270].replace("\"n\":270", "\"n\":\"many\"");
    let half = &lines[299][..20];
    let text = format!("{}\n{half}", lines[..299].join("\n"));
    let answer = node.client().lines("/v1/events", &text).ok();
    assert_eq!(
        (&answer["accepted"], &answer["duplicate"], &answer["rejected_count"]),
        (&json!(295), &json!(0), &json!(4))
    );
    let rejected: Vec<(u64, &str)> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["index"].as_u64().unwrap(), it["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rejected,
        [(7, "bad_json"), (70, "unknown_event_type"), (270, "bad_event_data"), (299, "bad_json")]
    );
    assert_eq!(
        (node.client().value("c", "heard"), node.client().value("c", "step")),
        (json!(295), json!(298))
    );
}

/// Every customer's lines in order, the customers all mixed up; and the step each customer's last line sets.
///
/// All events happened at one time, so only the order of arrival can decide which step stays.
fn shuffled_lines(chance: &mut Chance) -> (Vec<Json>, Vec<i64>) {
    let mut next = vec![0; CUSTOMERS];
    let mut open: Vec<usize> = (0..CUSTOMERS).collect();
    let (mut lines, mut last) = (Vec::with_capacity(LINES), vec![0; CUSTOMERS]);
    while !open.is_empty() {
        let place = chance.below(open.len() as u64) as usize;
        let customer = open[place];
        let step = chance.below(1_000_000) as i64;
        let mut line = event(&format!("c{customer}-{}", next[customer]), &format!("c{customer}"), step);
        line["time"] = json!("2026-10-01T09:00:00Z");
        lines.push(line);
        last[customer] = step;
        next[customer] += 1;
        if next[customer] == LINES_PER_CUSTOMER {
            open.swap_remove(place);
        }
    }
    (lines, last)
}

fn post(client: &Client, text: &str) -> (usize, usize, usize) {
    let answer = client.lines("/v1/events", text).ok();
    let count = |key: &str| answer[key].as_u64().unwrap() as usize;
    (count("accepted"), count("duplicate"), count("rejected_count"))
}

fn assert_customers(client: &Client, last: &[i64]) {
    for (customer, step) in last.iter().enumerate() {
        let tags = client.view(&format!("c{customer}"))["tags"].clone();
        assert_eq!(tags["step"]["value"], *step, "c{customer} ends at its last line");
        assert_eq!(tags["heard"]["value"], LINES_PER_CUSTOMER, "c{customer}");
    }
}
