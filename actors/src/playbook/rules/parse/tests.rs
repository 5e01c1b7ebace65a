//! Bounds of rules, and what is no rule.

use super::*;

fn on_a_small_stack(text: String) -> Result<Tree, Fault> {
    std::thread::Builder::new().stack_size(2 << 20).spawn(move || parse(&text)).unwrap().join().unwrap()
}

#[test]
fn a_rule_can_not_exhaust_the_stack() {
    let deep = [
        ("(".repeat(4000), false),
        (format!("{}1{}", "(".repeat(23), ")".repeat(23)), true),
        (format!("{}1{}", "(".repeat(24), ")".repeat(24)), false),
        (format!("1{}", " + 1".repeat(96)), true),
        (format!("1{}", " + 1".repeat(97)), false),
        (format!("1{} > 1", " - 1".repeat(900)), false),
        (format!("{}1{}", "1 + (1 + (1 - ".repeat(11), "))".repeat(11)), true),
        (format!("c{}", ".a".repeat(2000)), false),
        (format!("{}c.x", "!".repeat(2000)), false),
        (format!("{}c.x", "!(".repeat(2000)), false),
        ("a in ".repeat(800), false),
        (format!("c.x == 1{}", " && c.x == 1".repeat(300)), true),
        (format!("c.x in [1{}]", ",1".repeat(1500)), true),
        ("x".repeat(5000), false),
        ("a?b:".repeat(900), false),
    ];
    for (text, good) in deep {
        let begin: String = text.chars().take(40).collect();
        assert_eq!(on_a_small_stack(text).is_ok(), good, "{begin}");
    }
}

#[test]
fn what_is_not_in_the_subset_is_refused() {
    for text in [
        "",
        " ",
        "t.age >=",
        "[1].map(x, x)",
        "{1: 2}",
        "t.a % 2",
        "a ? b : c",
        "size(t.a)",
        "t.a[0]",
        "null",
        "'x",
        "b'x'",
        "1u",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn conjunctions_are_one_flat_list() {
    let Ok(Tree::All(parts)) = parse("c.a && c.b && (c.c && c.d) && c.e") else { panic!("a list") };
    let names: Vec<String> = parts
        .into_iter()
        .map(|part| match part {
            Tree::Path(path) => path.join("."),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["c.a", "c.b", "c.c", "c.d", "c.e"]);
}
