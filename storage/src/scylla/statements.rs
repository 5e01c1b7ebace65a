//! Every statement, prepared once. None of those for serving reads more than one partition.

use super::link::Link;
use crate::StoreError;
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;

/// Slots of the ring of changes.
pub(super) const SLOTS: usize = 15;

/// Prepared statements, by what they do.
pub(super) struct Statements {
    pub load: PreparedStatement,
    pub put_state: PreparedStatement,
    pub put_change: Vec<PreparedStatement>,
    pub put_dead: PreparedStatement,
    pub put_row: PreparedStatement,
    pub erase: PreparedStatement,
    pub dead: PreparedStatement,
    pub rows: PreparedStatement,
    pub row: PreparedStatement,
    pub count_rows: PreparedStatement,
    pub put_piece: PreparedStatement,
    pub piece: PreparedStatement,
    pub put_playbook: PreparedStatement,
    pub playbook: PreparedStatement,
    pub playbooks: PreparedStatement,
    pub put_activation: PreparedStatement,
    pub activations: PreparedStatement,
    pub put_first_dictionary: PreparedStatement,
    pub put_dictionary: PreparedStatement,
    pub dictionary: PreparedStatement,
    pub put_first_ownership: PreparedStatement,
    pub ownership: PreparedStatement,
    pub claim: PreparedStatement,
    pub renew: PreparedStatement,
    pub release: PreparedStatement,
    pub put_history: PreparedStatement,
    pub history: PreparedStatement,
    pub put_evidence: PreparedStatement,
    pub put_first_evidence: PreparedStatement,
    pub evidence: PreparedStatement,
    pub all_evidence: PreparedStatement,
    pub put_evidence_table: PreparedStatement,
    pub evidence_table: PreparedStatement,
    pub evidence_tables: PreparedStatement,
    pub walk: PreparedStatement,
    pub put_due_bucket: PreparedStatement,
    pub remove_due_bucket: PreparedStatement,
    pub due_buckets: PreparedStatement,
    pub put_due: PreparedStatement,
    pub remove_due: PreparedStatement,
    pub due: PreparedStatement,
    pub put_first_total: PreparedStatement,
    pub put_total: PreparedStatement,
    pub total: PreparedStatement,
}

impl Statements {
    pub async fn prepare(link: &Link) -> Result<Box<Statements>, StoreError> {
        let slots: Vec<String> = (1..=SLOTS).map(|slot| format!("c{slot}")).collect();
        let mut put_change = Vec::with_capacity(SLOTS);
        for slot in &slots {
            let text = format!("UPDATE ks.customers USING TIMESTAMP ? SET {slot} = ? WHERE id = ?");
            put_change.push(link.prepare(&text).await?);
        }
        let load = format!("SELECT DISTINCT id, state, {} FROM ks.customers WHERE id = ?", slots.join(", "));
        let walk = format!(
            "SELECT DISTINCT id, state, {} FROM ks.customers WHERE token(id) > ? LIMIT ?",
            slots.join(", ")
        );
        let write = async |text: &str| link.prepare(text).await;
        let read = async |text: &str| link.prepare_read(text).await;
        Ok(Box::new(Statements {
            load: read(&load).await?,
            put_state: write("UPDATE ks.customers USING TIMESTAMP ? SET state = ? WHERE id = ?").await?,
            put_change,
            put_dead: write("UPDATE ks.customers USING TIMESTAMP ? AND TTL ? SET dead[?] = ? WHERE id = ?").await?,
            put_row: write(
                "UPDATE ks.customers USING TIMESTAMP ? AND TTL ? SET body = ? WHERE id = ? AND kind = ? AND at = ? \
                 AND key = ?",
            )
            .await?,
            erase: write("DELETE FROM ks.customers USING TIMESTAMP ? WHERE id = ?").await?,
            dead: read("SELECT DISTINCT id, dead FROM ks.customers WHERE id = ?").await?,
            rows: read(
                "SELECT at, key, body, writetime(body) FROM ks.customers WHERE id = ? \
                 AND (kind, at, key) < (?, ?, ?) AND (kind, at, key) >= (?, ?, ?) LIMIT ?",
            )
            .await?,
            row: read(
                "SELECT body, writetime(body) FROM ks.customers WHERE id = ? AND kind = ? AND at = ? AND key = ?",
            )
            .await?,
            count_rows: read("SELECT COUNT(*) FROM ks.customers WHERE id = ? AND kind = ?").await?,
            put_piece: write("INSERT INTO ks.bodies (id, piece, body) VALUES (?, ?, ?)").await?,
            piece: read("SELECT body FROM ks.bodies WHERE id = ? AND piece = ?").await?,
            put_playbook: write(
                "INSERT INTO ks.playbooks (one, id, stored_at, pieces) VALUES ('all', ?, ?, ?) IF NOT EXISTS",
            )
            .await?,
            playbook: read("SELECT stored_at, pieces FROM ks.playbooks WHERE one = 'all' AND id = ?").await?,
            playbooks: read("SELECT id, stored_at FROM ks.playbooks WHERE one = 'all'").await?,
            put_activation: write(
                "INSERT INTO ks.activations (one, number, playbook_id, at) VALUES ('all', ?, ?, ?) IF NOT EXISTS",
            )
            .await?,
            activations: read("SELECT number, playbook_id, at FROM ks.activations WHERE one = 'all'").await?,
            put_first_dictionary: write(
                "INSERT INTO ks.dictionary (one, version, body_id, pieces) VALUES ('all', ?, ?, ?) IF NOT EXISTS",
            )
            .await?,
            put_dictionary: write(
                "UPDATE ks.dictionary SET version = ?, body_id = ?, pieces = ? WHERE one = 'all' IF version = ?",
            )
            .await?,
            dictionary: read("SELECT version, body_id, pieces FROM ks.dictionary WHERE one = 'all'").await?,
            put_first_ownership: write(
                "INSERT INTO ks.ownership (one, epoch, beat, shard_count) VALUES ('all', 0, 0, ?) IF NOT EXISTS",
            )
            .await?,
            ownership: serial(
                read("SELECT epoch, beat, holder, node, shard_count FROM ks.ownership WHERE one = 'all'").await?,
            ),
            claim: write(
                "UPDATE ks.ownership SET epoch = ?, beat = 0, holder = ?, node = ? WHERE one = 'all' \
                 IF epoch = ? AND beat = ?",
            )
            .await?,
            renew: write("UPDATE ks.ownership SET beat = ? WHERE one = 'all' IF epoch = ?").await?,
            release: write("UPDATE ks.ownership SET holder = null WHERE one = 'all' IF epoch = ?").await?,
            put_history: write(
                "INSERT INTO ks.ownership_history (one, epoch, node, holder, claimed_at) VALUES ('all', ?, ?, ?, ?)",
            )
            .await?,
            history: read(
                "SELECT epoch, node, claimed_at FROM ks.ownership_history WHERE one = 'all' LIMIT 100",
            )
            .await?,
            put_evidence: write(
                "UPDATE ks.evidence SET fence = ?, body = ? WHERE part = ? AND shard = ? IF fence <= ?",
            )
            .await?,
            put_first_evidence: write(
                "INSERT INTO ks.evidence (part, shard, fence, body) VALUES (?, ?, ?, ?) IF NOT EXISTS",
            )
            .await?,
            evidence: read("SELECT fence, body FROM ks.evidence WHERE part = ? AND shard = ?").await?,
            all_evidence: read("SELECT shard, fence, body FROM ks.evidence WHERE part = ?").await?,
            put_evidence_table: write("INSERT INTO ks.evidence_tables (id, pieces) VALUES (?, ?) IF NOT EXISTS")
                .await?,
            evidence_table: read("SELECT pieces FROM ks.evidence_tables WHERE id = ?").await?,
            evidence_tables: read("SELECT id FROM ks.evidence_tables").await?,
            walk: read(&walk).await?,
            put_due_bucket: write(
                "INSERT INTO ks.due_hours (shard, hour, noted) VALUES (?, ?, ?) USING TIMESTAMP ?",
            )
            .await?,
            remove_due_bucket: write("DELETE FROM ks.due_hours USING TIMESTAMP ? WHERE shard = ? AND hour = ?").await?,
            due_buckets: read(
                "SELECT hour, noted FROM ks.due_hours WHERE shard = ? AND hour <= ? LIMIT ?",
            )
            .await?,
            put_due: write(
                "INSERT INTO ks.due (shard, hour, at, customer, key) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
            )
            .await?,
            remove_due: write(
                "DELETE FROM ks.due USING TIMESTAMP ? WHERE shard = ? AND hour = ? AND at = ? AND customer = ? \
                 AND key = ?",
            )
            .await?,
            due: read(
                "SELECT at, customer, key FROM ks.due WHERE shard = ? AND hour = ? AND at < ? LIMIT ?",
            )
            .await?,
            put_first_total: write("INSERT INTO ks.totals (name, granted) VALUES (?, ?) IF NOT EXISTS").await?,
            put_total: write("UPDATE ks.totals SET granted = ? WHERE name = ? IF granted = ?").await?,
            total: serial(read("SELECT granted FROM ks.totals WHERE name = ?").await?),
        }))
    }
}

/// Reads what compare-and-set may still be about to finish.
fn serial(mut statement: PreparedStatement) -> PreparedStatement {
    statement.set_consistency(Consistency::LocalSerial);
    statement
}
