//! The codes of a decision in plain words.
//!
//! A code that is not here is printed as it is: a newer node may know more than this program.

/// Why offers were held back.
pub fn reason(code: &str) -> String {
    let words = match code {
        "channel" => "not made for this channel",
        "purpose" => "for another purpose than asked for",
        "inbound_only" => "can't be sent, only shown when the customer comes to us",
        "not_yet_valid" => "not valid yet",
        "no_longer_valid" => "no longer valid",
        "consent" => "no consent",
        "calendar" => "another campaign has the customer to itself",
        "not_eligible" => "may not have it",
        "not_applicable" => "makes no sense now",
        "not_suitable" => "not right for this customer",
        "missing_tag" => "something a rule asks for is not known",
        "refused" => "refused by the customer, for good",
        "suppressed" => "resting after the customer's answers",
        "cap" => "contacted often enough",
        "quiet_hours" => "quiet hours",
        "holdout" => "in the control group, service only",
        "no_value" => "worth nothing for the active KPI",
        "not_finite" => "its score is not a number",
        "family_max" => "enough better ones of its family",
        "cap_in_list" => "better ones in the list take the last room of a cap",
        "outranked" => "better ones fill the list",
        "shown" => "chosen",
        other => return other.replace('_', " "),
    };
    words.to_owned()
}

/// Which list a decision gave.
pub fn arm(arm: &str) -> &str {
    match arm {
        "optimised" => "the best list",
        "test" => "an exploring list",
        "control" => "control group: service only",
        other => other,
    }
}

/// What a decision was based on.
pub fn basis(basis: &str) -> &str {
    match basis {
        "full" => "everything known",
        "context_only" => "the moment only, no consent to profiling",
        other => other,
    }
}
