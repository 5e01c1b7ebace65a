//! A decision and its reasons as a page of text.

use super::words;
use crate::output::{Table, field, list, moment, plain, short};
use serde_json::Value;

/// The list, what speaks for each offer, and why others were held back.
pub fn render(decision: &Value) -> String {
    let mut page = format!(
        "decision {} for {}, {} {}, {}\n{}, based on {}, playbook {}",
        field(decision, "decision_id"),
        field(decision, "customer"),
        field(decision, "direction"),
        field(decision, "channel"),
        moment(&decision["at"]),
        words::arm(&field(decision, "arm")),
        words::basis(&field(decision, "basis")),
        field(decision, "playbook").chars().take(12).collect::<String>(),
    );
    let items = list(decision, "items");
    if items.is_empty() {
        page.push_str("\n\nNothing is offered.");
    } else {
        page.push_str(&format!("\n\n{}", offers(items)));
    }
    if let Some(contact) = items.first().and_then(|item| item["contact_id"].as_str()) {
        page.push_str(&format!("\n\nreserved contact {contact}"));
    }
    if let Some(script) =
        items.first().and_then(|item| item["script"].as_str()).filter(|text| !text.is_empty())
    {
        page.push_str(&format!("\n\nan agent can say: {script}"));
    }
    let withheld = withheld(list(decision, "withheld"));
    if !withheld.is_empty() {
        page.push_str(&format!("\n\nHeld back\n{withheld}"));
    }
    if let Some(at) = decision["next_free_at"].as_str() {
        page.push_str(&format!("\n\nmore becomes possible at {}", moment(&at.into())));
    }
    page
}

fn offers(items: &[Value]) -> Table {
    let mut table = Table::new(&["#>", "offer", "P>", "C>", "V>", "L>", "priority>", "because"]);
    for item in items {
        let number = |key: &str| item[key].as_f64().map_or_else(|| "-".to_owned(), short);
        table.row([
            field(item, "rank"),
            field(item, "offer"),
            number("propensity"),
            number("context_weight"),
            number("value"),
            number("lever"),
            number("priority"),
            because(item),
        ]);
    }
    table
}

/// The reasons of an item in plain words.
pub fn because(item: &Value) -> String {
    let reasons: Vec<String> = list(item, "reasons").iter().map(|reason| field(reason, "text")).collect();
    if reasons.is_empty() { "usually well received".to_owned() } else { reasons.join("; ") }
}

fn withheld(reasons: &[Value]) -> Table {
    let mut table = Table::new(&["offers>", "why", "cap", "possible again"]).indented(2);
    for reason in reasons {
        let cap = match &reason["cap"] {
            Value::Null => String::new(),
            cap => format!("{} ({} of {})", plain(cap), field(reason, "used"), field(reason, "limit")),
        };
        let again = reason["next_free_at"].as_str().map_or_else(String::new, |at| moment(&at.into()));
        table.row([field(reason, "offers"), words::reason(&field(reason, "code")), cap, again]);
    }
    table
}

/// What became of one offer, stage by stage as far as it came.
pub fn render_why(explanation: &Value, offer: &str) -> String {
    let Some(fate) = fate_of(explanation, offer) else {
        return format!("\n{offer}: not an offer of this playbook");
    };
    let code = field(fate, "code");
    let mut page = format!("\n{offer}: {} (stage {}, {code})", words::reason(&code), field(fate, "stage"));
    for (key, title) in [("needed", "needed"), ("actual", "found"), ("rank", "rank")] {
        if !fate[key].is_null() {
            page.push_str(&format!("\n  {title:<12}{}", field(fate, key)));
        }
    }
    if let Some(at) = fate["next_free_at"].as_str() {
        page.push_str(&format!("\n  possible at {}", moment(&at.into())));
    }
    if let Some(score) = fate["score"].as_object() {
        for (key, title) in [
            ("propensity", "P"),
            ("context_weight", "C"),
            ("value", "V"),
            ("lever", "L"),
            ("priority", "priority"),
        ] {
            if let Some(x) = score.get(key).and_then(Value::as_f64) {
                page.push_str(&format!("\n  {title:<12}{}", short(x)));
            }
        }
        for contribution in list(&fate["score"], "contributions") {
            let tag = field(contribution, "tag");
            let shift = contribution["contribution"].as_f64().unwrap_or_default();
            page.push_str(&format!("\n    {tag} moves the log-odds by {shift:+.3}"));
        }
    }
    if explanation["replay_matches"] == false {
        page.push_str("\n  ALARM: the replay did not give the logged decision");
    }
    page
}

/// An offer's entry in an explanation.
pub fn fate_of<'a>(explanation: &'a Value, offer: &str) -> Option<&'a Value> {
    list(explanation, "candidates").iter().find(|candidate| candidate["offer"] == offer)
}
