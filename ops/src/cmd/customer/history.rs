//! What happened with a customer lately: contacts we made and decisions we took.

use super::show;
use crate::output::{Table, field, list, moment};
use serde_json::Value;

/// Two tables, newest first as the node gives them.
pub fn render(contacts: &Value, decisions: &Value) -> String {
    let made = show::contacts(list(contacts, "contacts"));
    let taken = taken(list(decisions, "decisions"));
    let section = |title: &str, table: &Table| match table.is_empty() {
        true => format!("{title}\n  none"),
        false => format!("{title}\n{table}"),
    };
    format!("{}\n\n{}", section("Contacts", &made), section("Decisions", &taken))
}

fn taken(decisions: &[Value]) -> Table {
    let mut table =
        Table::new(&["at", "channel", "direction", "number one", "offers>", "arm", "decision"]).indented(2);
    for decision in decisions {
        let items = list(decision, "items");
        let [channel, direction, arm, id] =
            ["channel", "direction", "arm", "decision_id"].map(|key| field(decision, key));
        let first = items.first().map_or_else(|| "-".to_owned(), |item| field(item, "offer"));
        table.row([moment(&decision["at"]), channel, direction, first, items.len().to_string(), arm, id]);
    }
    table
}
