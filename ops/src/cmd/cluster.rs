//! `rapport cluster`: which nodes there are and what they own, as the node asked sees it.

use crate::cli::ClusterCommand;
use crate::error::Failure;
use crate::output::{Shape, Table, field, print, print_json};
use serde_json::Value;

/// Runs one verb.
pub fn run(command: &ClusterCommand) -> Result<(), Failure> {
    let ClusterCommand::Status { talk } = command;
    let (client, shape) = super::open(talk);
    let cluster = client.get("/v1/cluster")?;
    match shape {
        Shape::Json => print_json(&cluster),
        Shape::Text => print(&render(&cluster, client.server())),
    }
    Ok(())
}

/// Says whose view it is: another node may know more or less.
fn render(cluster: &Value, server: &str) -> String {
    let mut table =
        Table::new(&["node", "ready", "shards>", "of>", "epoch>", "customers>", "memory>", "calls>"]);
    let resident = &cluster["residency"];
    let megabytes = resident["bytes"].as_f64().unwrap_or_default() / f64::from(1 << 20);
    table.row([
        field(cluster, "node"),
        if cluster["ready"] == true { "yes" } else { "no" }.to_owned(),
        field(cluster, "owned_shards"),
        field(cluster, "shard_count"),
        field(cluster, "epoch"),
        field(resident, "customers"),
        format!("{megabytes:.1} MB"),
        field(cluster, "calls_in_hand"),
    ]);
    format!(
        "as seen by {} at {server}, version {}, playbook {}\n\n{table}",
        field(cluster, "node"),
        field(cluster, "version"),
        field(cluster, "playbook"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_state_of_a_node_is_one_row_and_says_whose_view_it_is() {
        let cluster = json!({
            "node": "n1", "version": "0.1.0", "epoch": 3, "shard_count": 16384, "owned_shards": 16384,
            "residency": {"customers": 20000, "bytes": 31457280, "calls": 0}, "calls_in_hand": 2,
            "playbook": null, "ready": false,
        });
        let expected = "as seen by n1 at http://h:1, version 0.1.0, playbook -\n\n\
            node  ready  shards     of  epoch  customers   memory  calls\n\
            n1    no      16384  16384      3      20000  30.0 MB      2";
        assert_eq!(render(&cluster, "http://h:1"), expected);
    }
}
