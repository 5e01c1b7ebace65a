//! The command line: nouns, verbs and long flags. What is not built yet is not here.
//!
//! Only shapes and help; what the commands do is in [`crate::cmd`].

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Customer state and next best action for telecoms.
#[derive(Debug, Parser)]
#[command(name = "rapport", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage. Data goes to stdout, talk to stderr.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it all at once: a node, made-up subscribers, a telco day, and what was decided and why
    Demo(DemoArgs),
    /// Run a node until SIGTERM or Ctrl-C
    Node(NodeArgs),
    /// Check, compare and activate playbooks
    #[command(subcommand)]
    Playbook(PlaybookCommand),
    /// Look at one customer, decide for one, forget one
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Stream tags or events from a file to a node
    #[command(subcommand)]
    Import(ImportCommand),
    /// Look at what responses have taught
    #[command(subcommand)]
    Learning(LearningCommand),
    /// Look at the cluster
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Look after the stores: a stopped node's files, a keyspace in ScyllaDB
    #[command(subcommand)]
    Store(StoreCommand),
}

/// Which node to talk to, and how to print.
#[derive(Clone, Debug, Args)]
pub struct Talk {
    /// The node to talk to
    #[arg(long, env = "RAPPORT_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub server: String,
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub json: bool,
}

/// `rapport demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many subscribers to make up
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(200..=5_000_000))]
    pub customers: u32,
    /// Names the world: the same seed makes the same subscribers and sends the same events
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Where the node listens
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub http: String,
    /// Stop after the report instead of serving until Ctrl-C
    #[arg(long)]
    pub exit: bool,
    /// Keep the customers here; left out, they live in a temporary directory that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// `rapport node`. A flag wins over its RAPPORT_ variable, and that over the configuration file.
#[derive(Debug, Args)]
#[command(
    after_help = "Every key of the configuration file is also a variable: deadline_ms is RAPPORT_DEADLINE_MS. \
A flag wins over a variable, a variable over the file. `rapport node --sample-config` prints a file with every key, its \
default and what it is for."
)]
pub struct NodeArgs {
    /// The node's name, kept for life
    #[arg(long, value_name = "NAME")]
    pub node_id: Option<String>,
    /// Where customers are kept
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where to listen for HTTP [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub http: Option<String>,
    /// Which store remembers the customers [default: embedded]
    #[arg(long, value_name = "STORE")]
    pub store: Option<StoreKind>,
    /// Servers of the scylla store to begin with, separated by commas [default: 127.0.0.1:9042]
    #[arg(long, value_name = "HOST:PORT")]
    pub scylla: Option<String>,
    /// Keyspace of the scylla store [default: rapport]
    #[arg(long, value_name = "NAME")]
    pub keyspace: Option<String>,
    /// Playbook to put in force at the start; the one in force before stays when left out
    #[arg(long, value_name = "DIR")]
    pub playbook: Option<PathBuf>,
    /// Configuration file (YAML); the same names as the flags, with underscores
    #[arg(long, env = "RAPPORT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print a configuration file with every key at its default, and stop
    #[arg(long)]
    pub sample_config: bool,
}

/// Where customers are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// A file in the data directory
    Embedded,
    /// A ScyllaDB or Cassandra cluster; see `rapport store migrate`
    Scylla,
}

/// `rapport playbook`.
#[derive(Debug, Subcommand)]
pub enum PlaybookCommand {
    /// Check a playbook here, without a node: every mistake as file:line, and how to mend it
    Validate {
        /// Directory of YAML or JSON files
        dir: PathBuf,
        /// Print one JSON document instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Say what would change: this directory against the node's active playbook
    Diff {
        /// Directory of YAML or JSON files
        dir: PathBuf,
        #[command(flatten)]
        talk: Talk,
    },
    /// Print the JSON Schema of a playbook's files
    Schema,
    /// Look at a playbook with the node's stored customers: whom each offer reaches, what nobody gets, what looks wrong
    Preflight(PreflightArgs),
    /// Print the plan, then store the playbook and activate it
    Apply {
        /// Directory of YAML or JSON files
        dir: PathBuf,
        /// When to activate it (RFC 3339); now when left out
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Look at it with the stored customers first, and leave it at that when this fails
        #[arg(long)]
        preflight: bool,
        #[command(flatten)]
        talk: Talk,
    },
    /// Playbooks the node keeps, newest first
    List {
        #[command(flatten)]
        talk: Talk,
    },
    /// Activate an earlier playbook again
    Rollback {
        /// Its id, or the first characters of it
        id: String,
        #[command(flatten)]
        talk: Talk,
    },
}

/// `rapport playbook preflight`.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// Directory of YAML or JSON files
    pub dir: PathBuf,
    /// Look at so many customers at most; all when left out
    #[arg(long, value_name = "N")]
    pub customers_max: Option<u64>,
    /// Look at so many customers in a second at most; 2000 when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub customers_per_second: Option<u32>,
    /// Fail on warnings too
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub talk: Talk,
}

/// `rapport customer`.
#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Everything known, for a person to read
    Show {
        /// The customer's id
        id: String,
        #[command(flatten)]
        talk: Talk,
    },
    /// Decide the next best action now, with its reasons. Outbound reserves a contact
    Decide(DecideArgs),
    /// Recent contacts and decisions
    Events {
        /// The customer's id
        id: String,
        /// At most so many of each
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        #[command(flatten)]
        talk: Talk,
    },
    /// Everything known, as one JSON document
    Export {
        /// The customer's id
        id: String,
        #[command(flatten)]
        talk: Talk,
    },
    /// Other ids of the same customer: lines, devices, e-mail
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Take another customer in: one customer under all ids of both
    Merge {
        /// The customer's id
        id: String,
        /// Who is taken in
        #[arg(long, value_name = "ID")]
        from: String,
        /// Names the merge: repeated, it has one effect; needed to undo it
        #[arg(long, value_name = "NAME")]
        merge_id: String,
        #[command(flatten)]
        talk: Talk,
    },
    /// Undo a merge: both go on alone, and both keep what protects them
    Unmerge {
        /// The customer's id
        id: String,
        /// The merge's name
        #[arg(long, value_name = "NAME")]
        merge_id: String,
        #[command(flatten)]
        talk: Talk,
    },
    /// Forget the customer for good, under all of its ids: no way back
    Erase {
        /// The customer's id
        id: String,
        /// Yes, forget
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        talk: Talk,
    },
}

/// `rapport customer alias`.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Make an id another id of a customer
    Add {
        /// The customer's id
        id: String,
        /// The other id, such as msisdn:49170123456
        alias: String,
        /// The line it belongs to
        #[arg(long)]
        line: Option<String>,
        #[command(flatten)]
        talk: Talk,
    },
    /// End an alias: its id is nobody's afterwards
    Remove {
        /// The customer's id
        id: String,
        /// The other id
        alias: String,
        #[command(flatten)]
        talk: Talk,
    },
}

/// `rapport customer decide`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// The customer's id
    pub id: String,
    /// Where it will be shown or sent: sms, app, web, desk, ivr, email, push
    #[arg(long)]
    pub channel: String,
    /// Who begins
    #[arg(long, value_enum, default_value = "inbound")]
    pub direction: Direction,
    /// The place in the channel, such as home_banner
    #[arg(long)]
    pub placement: Option<String>,
    /// Only offers of this purpose, such as marketing
    #[arg(long)]
    pub purpose: Option<String>,
    /// Also explain this offer: why it was chosen, or why not
    #[arg(long, value_name = "OFFER")]
    pub why_not: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "explained at its type")]
    pub talk: Talk,
}

/// Who begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// The customer came to us
    Inbound,
    /// We go to the customer
    Outbound,
}

/// `rapport import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Set customers' tags from a table (.csv) or from lines of JSON (.ndjson)
    #[command(after_help = TAGS_HELP)]
    Tags(TagsArgs),
    /// Send CloudEvents, one structured event a line
    #[command(after_help = TRANSFER_HELP)]
    Events(EventsArgs),
}

const MOVE_HELP: &str = "Moves customers with all contacts and decisions, playbooks with their times, the tag \
dictionary and evidence; the source stays as it is. Run it again when it was cut short: what is over is left alone.";

const TRANSFER_HELP: &str = "Ends with `N in = A accepted + D duplicate + R rejected`. Exit code 0 when every row was \
read and counted, rejected ones included; 1 when the transfer failed. Event ids make repeating it harmless.";

const TAGS_HELP: &str = "\
Ends with `N in = A applied + U unchanged + R rejected`. Exit code 0 when every row was read and counted, rejected \
ones included; 1 when the transfer failed. With --as-of (or a column `as_of`) repeating an import is harmless.

A mapping says how columns become tags; a column it does not list is an error:
    customer: customer_id            # the column with the customer's id
    source: churn-table
    columns:
      tenure: {tag: tenure_months}
      contract: {tag: contract_term, values: {Month-to-month: monthly}}
      postcode: {tag: postcode, as: text}       # text | int | number | bool; guessed when left out
      phone: {tag: phone_lines, empty: unset}   # skip (default): an empty cell leaves the tag alone
      churn: skip
Without a mapping the first column (or the one named `customer`) is the customer and every other one a tag of its name.
Lines of JSON look like {\"customer\": \"c-1\", \"source\": \"crm\", \"as_of\": \"2026-03-01T00:00:00Z\", \"set\": {\"age\": 41}, \"unset\": []}.";

/// `rapport import tags`.
#[derive(Debug, Args)]
pub struct TagsArgs {
    /// .csv or .ndjson
    pub file: PathBuf,
    /// How columns become tags (YAML); for .csv only
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Who says so; the mapping's source, or `import`, when left out
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// When it was true (RFC 3339), for rows that don't say; the start of the import when left out
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "explained at its type")]
    pub transfer: TransferArgs,
}

/// `rapport import events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// .ndjson
    pub file: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "explained at its type")]
    pub transfer: TransferArgs,
}

/// How rows travel and where rejected ones go.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Write rejected rows here, each with line, code and detail: CSV when it ends in .csv, else lines of JSON
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "explained at its type")]
    pub talk: Talk,
}

/// `rapport cluster`.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Nodes and the shards they own
    Status {
        #[command(flatten)]
        talk: Talk,
    },
}

/// `rapport learning`.
#[derive(Debug, Subcommand)]
pub enum LearningCommand {
    /// Priors as written, what was counted, and priors as decisions use them, by offer and channel
    Show {
        /// Only this offer
        #[arg(long, value_name = "ID")]
        offer: Option<String>,
        /// At most so many pairs of offer and channel
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        talk: Talk,
    },
}

/// `rapport store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Write the store of a stopped node anew: smaller, and without a trace of erased customers
    #[command(after_help = "Takes as much free disk as the store is large. Being interrupted loses nothing.")]
    Compact {
        /// The node's data directory
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Bring a keyspace in ScyllaDB or Cassandra to this program's schema; making it when it is not there
    #[command(
        after_help = "Run it again as often as you like: what is applied stays. The role's name and password come \
from RAPPORT_SCYLLA_USER and RAPPORT_SCYLLA_PASSWORD."
    )]
    Migrate {
        #[command(flatten)]
        keyspace: KeyspaceArgs,
        /// Copies of everything, when the keyspace is made; at most as many as there are servers
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=15))]
        replicas: u32,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Copy a stopped node's data directory into a new keyspace in ScyllaDB: from a pilot to a cluster
    #[command(after_help = MOVE_HELP)]
    Export(MoveArgs),
    /// Copy a keyspace in ScyllaDB, which no node serves, into a new data directory
    #[command(after_help = MOVE_HELP)]
    Import(MoveArgs),
}

/// The two ends of a move.
#[derive(Debug, Args)]
pub struct MoveArgs {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "explained at its type")]
    pub keyspace: KeyspaceArgs,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Where customers are in ScyllaDB or Cassandra.
#[derive(Debug, Args)]
pub struct KeyspaceArgs {
    /// Servers to begin with, separated by commas [default: 127.0.0.1:9042]
    #[arg(long, value_name = "HOST:PORT")]
    pub scylla: Option<String>,
    /// The keyspace [default: rapport]
    #[arg(long, value_name = "NAME")]
    pub keyspace: Option<String>,
    /// Configuration file (YAML), as the node's
    #[arg(long, env = "RAPPORT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_of_the_contract_are_understood_and_others_are_wrong_usage() {
        let check = |line: &str, right: bool| {
            let words = std::iter::once("rapport").chain(line.split_whitespace());
            assert_eq!(Cli::try_parse_from(words).is_ok(), right, "{line}");
        };
        check("demo", true);
        check("demo --customers 20000 --seed 7 --http 127.0.0.1:8080 --exit --data-dir d", true);
        check("demo --customers 3", false);
        check("node --node-id n1 --data-dir d --store embedded --playbook p --config c.yaml", true);
        check("node --store oracle", false);
        check("node --store scylla --scylla a:9042,b:9042 --keyspace rapport", true);
        check("store migrate --scylla a:9042 --keyspace rapport --replicas 3 --json", true);
        check("store migrate --replicas 0", false);
        check("store export --data-dir d --scylla a:9042 --keyspace k", true);
        check("store import --data-dir d --json", true);
        check("store import", false);
        check("playbook validate p", true);
        check("playbook apply p --at 2026-03-01T00:00:00Z --server http://h:1 --json", true);
        check("playbook rollback", false);
        check("customer decide c-1 --channel app --direction outbound --placement x --why-not y", true);
        check("customer decide c-1", false);
        check("customer erase c-1", true);
        check("customer alias add c-1 msisdn:1 --line l --json", true);
        check("customer alias remove c-1 msisdn:1", true);
        check("customer alias add c-1", false);
        check("customer merge c-1 --from c-2 --merge-id m", true);
        check("customer merge c-1 --from c-2", false);
        check("customer unmerge c-1 --merge-id m --json", true);
        check("import tags f.csv --mapping m --source s --as-of t --rejects r", true);
        check("import events f.ndjson --mapping m", false);
        check("cluster status --json", true);
        check("learning show --offer data-xl --limit 20 --json", true);
        check("learning show --limit 0", false);
        check("cluster plan", false);
        check("shard list", false);
        check("bench", false);
    }
}
