//! The 360-degree view as a page of text.

use crate::output::{Table, field, grouped, list, moment, plain};
use serde_json::Value;

/// All sections that have something in them.
pub fn render(view: &Value) -> String {
    let mut page = format!("customer {}, revision {}", field(view, "customer"), field(view, "revision"));
    if view["revision"] == 0 {
        page.push_str("\nnothing is known; the first event, tag or consent makes the customer");
    }
    for (title, table) in [
        ("Other ids", links(view)),
        ("Tags", tags(view)),
        ("Consents", consents(view)),
        ("Products", products(view)),
        ("Contacts", contacts(list(view, "contacts"))),
        ("Caps", caps(view)),
        ("Never or not now", refusals(view)),
        ("Open decisions", open_decisions(view)),
    ] {
        if !table.is_empty() {
            page.push_str(&format!("\n\n{title}\n{table}"));
        }
    }
    page
}

fn links(view: &Value) -> Table {
    let mut table = Table::new(&["id", "line", "since", "state"]).indented(2);
    for link in list(view, "links") {
        let [alias, line, state] = ["alias", "line", "state"].map(|key| field(link, key));
        table.row([alias, line, moment(&link["since"]), state]);
    }
    table
}

fn tags(view: &Value) -> Table {
    let mut table = Table::new(&["tag", "value", "as of", "source", ""]).indented(2);
    for (id, tag) in view["tags"].as_object().into_iter().flatten() {
        let stale = if tag["stale"] == true { "stale" } else { "" };
        table.row([id.clone(), value_of(tag), moment(&tag["as_of"]), field(tag, "source"), stale.to_owned()]);
    }
    table
}

/// A time among the values reads like the other times.
fn value_of(tag: &Value) -> String {
    match &tag["value"] {
        text @ Value::String(_) => moment(text),
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.3}", number.as_f64().unwrap_or_default());
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => plain(other),
    }
}

fn consents(view: &Value) -> Table {
    let mut table = Table::new(&["purpose", "channel", "state", "since", "until", "source"]).indented(2);
    for consent in list(view, "consents") {
        let [purpose, channel, state, source] =
            ["purpose", "channel", "state", "source"].map(|key| field(consent, key));
        table.row([purpose, channel, state, moment(&consent["at"]), moment(&consent["expires_at"]), source]);
    }
    table
}

fn products(view: &Value) -> Table {
    let mut table = Table::new(&["owns"]).indented(2);
    for product in list(view, "products") {
        table.row([plain(product)]);
    }
    table
}

/// Also used for the history.
pub fn contacts(contacts: &[Value]) -> Table {
    let mut table = Table::new(&["at", "offer", "channel", "purpose", "state", "contact"]).indented(2);
    for contact in contacts {
        let [offer, channel, purpose, state, id] =
            ["offer", "channel", "purpose", "state", "contact_id"].map(|key| field(contact, key));
        table.row([moment(&contact["at"]), offer, channel, purpose, state, id]);
    }
    table
}

fn caps(view: &Value) -> Table {
    let mut table = Table::new(&["cap", "used>", "limit>", "next"]).indented(2);
    for cap in list(view, "caps") {
        let next = match &cap["next_free_at"] {
            Value::Null => "now".to_owned(),
            at => moment(at),
        };
        table.row([field(cap, "id"), field(cap, "used"), field(cap, "limit"), next]);
    }
    table
}

fn refusals(view: &Value) -> Table {
    let mut table = Table::new(&["scope", "what", "since", "until"]).indented(2);
    for refusal in list(view, "refusals") {
        let until = match &refusal["until"] {
            Value::Null => "for ever".to_owned(),
            at => moment(at),
        };
        table.row([field(refusal, "scope"), field(refusal, "id"), moment(&refusal["at"]), until]);
    }
    table
}

fn open_decisions(view: &Value) -> Table {
    let mut table = Table::new(&["decision", "offer", "channel", "stands until"]).indented(2);
    for open in list(view, "open_decisions") {
        let [id, offer, channel] = ["decision_id", "offer", "channel"].map(|key| field(open, key));
        table.row([id, offer, channel, moment(&open["expires_at"])]);
    }
    table
}

/// What was removed, and the number to prove it by.
pub fn render_receipt(receipt: &Value) -> String {
    let mut text = format!("erased at {}, receipt {}", moment(&receipt["at"]), field(receipt, "receipt_id"));
    for (what, count) in receipt["removed"].as_object().into_iter().flatten() {
        if let Some(count) = count.as_u64() {
            text.push_str(&format!("\n  {} {}", grouped(count), what.replace('_', " ")));
        }
    }
    text
}
