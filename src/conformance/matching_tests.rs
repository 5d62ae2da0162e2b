use serde_json::json;

use super::*;

fn ok(value: &Value) -> Reply {
    Reply::Ok(value.as_object().unwrap().clone())
}

fn one(path: &str, matcher: Matcher, answer: &Value) -> Result<(), String> {
    let answers =
        Answers::from([("c/earlier".to_owned(), json!({"a": 5, "b": {"c": "x"}}).as_object().unwrap().clone())]);
    let expect = [Expectation::Ok([(path.to_owned(), matcher)].into())];
    check(&expect, &ok(answer), &answers).map_err(|differences| StableText::joined(&differences, "; ").text)
}

fn earlier(field: &str) -> Reference {
    Reference { tag: "c/earlier".to_owned(), field: field.to_owned() }
}

/// Each matcher holds for a right value and does not for a wrong one, a missing one and one of another type.
#[test]
fn every_matcher_can_hold_and_can_fail() {
    let cases = [
        (Matcher::Equal(json!(3)), json!(3), vec![json!(4), json!("3"), json!(true)]),
        (Matcher::Equal(json!(true)), json!(true), vec![json!(false), json!(1)]),
        (Matcher::Equal(json!([{"s": 1}])), json!([{"s": 1, "t": 2}]), vec![json!([]), json!([{"t": 2}])]),
        (Matcher::AtLeast(3), json!(3), vec![json!(2), json!(2.9), json!(-1), json!("9")]),
        (Matcher::AtMost(3), json!(3), vec![json!(4), json!(3.1), json!(null)]),
        (Matcher::SameAs(earlier("a")), json!(5), vec![json!(6), json!("5")]),
        (Matcher::SameAs(earlier("b.c")), json!("x"), vec![json!("y")]),
        (Matcher::DifferentFrom(earlier("a")), json!(6), vec![json!(5), json!(5.0)]),
        (Matcher::NoMoreThan(earlier("a"), 2), json!(7), vec![json!(8), json!("7")]),
    ];
    for (matcher, right, wrong) in cases {
        assert_eq!(one("q.f", matcher.clone(), &json!({"q": {"f": right}, "free": 1})), Ok(()), "{matcher:?}");
        for value in wrong {
            let seen = one("q.f", matcher.clone(), &json!({"q": {"f": value}})).unwrap_err();
            assert!(seen.starts_with("`q.f` is"), "{matcher:?} {value}: {seen}");
        }
        assert_eq!(one("q.f", matcher, &json!({"q": {}})), Err("`q.f` is missing".to_owned()));
    }
}

#[test]
fn a_reference_to_nothing_never_holds() {
    for matcher in
        [Matcher::SameAs(earlier("z")), Matcher::DifferentFrom(earlier("z")), Matcher::NoMoreThan(earlier("z"), 1)]
    {
        assert!(one("f", matcher, &json!({"f": 1})).unwrap_err().contains("has no such field"));
    }
}

#[test]
fn a_payload_is_judged_by_length_and_checksum() {
    let answer = |len: u64, bytes: u64, crc32: u32| json!({"len": len, "bytes": bytes, "crc32": crc32});
    let good = crc32_of(9, 16);
    let seed = || Matcher::Seed(9);
    assert_eq!(one("payload", seed(), &answer(2, 16, good)), Ok(()));
    assert_eq!(one("payload", seed(), &answer(16, 16, good)), Ok(()));
    assert_eq!(one("payload", seed(), &answer(0, 0, 0)), Ok(()));
    assert!(one("payload", seed(), &answer(2, 16, good ^ 1)).unwrap_err().contains("is damaged"));
    assert!(one("payload", Matcher::Seed(8), &answer(2, 16, good)).unwrap_err().contains("is damaged"));
    assert!(one("payload", seed(), &answer(3, 16, good)).unwrap_err().contains("fits no payload type"));
    assert!(one("payload", seed(), &answer(u64::MAX, u64::MAX, good)).unwrap_err().contains("at most"));
    assert!(one("payload", seed(), &json!({"len": 2, "bytes": 16})).unwrap_err().contains("`crc32` is missing"));
}

#[test]
fn what_is_missing_is_told_only_if_nothing_is_wrong() {
    let wanted = || ("received".to_owned(), Matcher::Equal(json!(true)));
    let expect = [Expectation::Ok([wanted(), ("payload".to_owned(), Matcher::Seed(1))].into())];
    let told = |answer: Value| -> Vec<String> {
        check(&expect, &ok(&answer), &Answers::new()).unwrap_err().into_iter().map(|said| said.text).collect()
    };
    assert_eq!(told(json!({"received": false})), ["`received` is false, required true"]);
    assert_eq!(told(json!({"received": true})), ["`payload` cannot be judged: `len` is missing"]);
}

#[test]
fn the_checksum_is_that_of_the_published_bytes() {
    let bytes: Vec<u8> = (0..5000).map(|i| payload_byte(3, i)).collect();
    assert_eq!(crc32_of(3, 5000), crc32fast::hash(&bytes));
}

#[test]
fn errors_are_legal_by_class_and_setting() {
    let reply = |setting: Option<&str>| Reply::Err {
        class: "does-not-support".to_owned(),
        native: String::new(),
        setting: setting.map(str::to_owned),
    };
    let expect = |class: Option<&str>, setting: Option<&str>| {
        [Expectation::Err { class: class.map(str::to_owned), setting: setting.map(str::to_owned) }]
    };
    let legal = |expect: &[Expectation], reply: &Reply| check(expect, reply, &Answers::new()).is_ok();
    let (class, nodes) = (Some("does-not-support"), Some("max_nodes"));
    assert!(legal(&expect(class, nodes), &reply(nodes)));
    assert!(legal(&expect(class, None), &reply(nodes)));
    assert!(legal(&expect(None, None), &reply(None)));
    assert!(!legal(&expect(class, nodes), &reply(Some("max_clients"))));
    assert!(!legal(&expect(class, nodes), &reply(None)));
    assert!(!legal(&expect(Some("other"), None), &reply(None)));
    assert!(!legal(&expect(None, None), &ok(&json!({}))));
    assert!(!legal(&[], &reply(None)) && legal(&[], &ok(&json!({}))));
}

#[test]
fn one_alternative_is_enough_and_all_are_described() {
    let expect = [
        Expectation::Err { class: Some("timeout".to_owned()), setting: None },
        Expectation::Ok([("n".to_owned(), Matcher::AtLeast(2)), ("m".to_owned(), Matcher::Equal(json!(1)))].into()),
    ];
    assert_eq!(check(&expect, &ok(&json!({"n": 2, "m": 1})), &Answers::new()), Ok(()));
    assert!(check(&expect, &ok(&json!({"n": 1, "m": 1})), &Answers::new()).is_err());
    assert_eq!(describe_all(&expect), "err timeout, or ok with m = 1, n at least 2");
    assert_eq!(describe_all(&[]), "ok");
}

/// What a list of known deviations names has to be the same in the next run; what tells two deviations apart has to stay.
#[test]
fn what_varies_is_not_part_of_the_stable_form() {
    let answers =
        Answers::from([("c/earlier".to_owned(), json!({"a": 5, "b": {"c": "x"}}).as_object().unwrap().clone())]);
    let stable = |path: &str, matcher: Matcher, answer: Value| {
        let expect = [Expectation::Ok([(path.to_owned(), matcher)].into())];
        StableText::joined(&check(&expect, &ok(&answer), &answers).unwrap_err(), "; ").stable
    };
    for (matcher, value, form) in [
        (Matcher::Equal(json!(1)), json!(0), "`f` is 0, required 1"),
        (Matcher::Equal(json!(true)), json!(false), "`f` is false, required true"),
        (Matcher::Equal(json!("a")), json!("b-17"), "`f` is \"b-*\", required \"a\""),
        (Matcher::AtLeast(3), json!(2), "`f` is *, required at least 3"),
        (Matcher::AtMost(3), json!(4), "`f` is *, required at most 3"),
        (Matcher::SameAs(earlier("a")), json!(6), "`f` is *, required the same as `a` of `c/earlier`"),
        (Matcher::DifferentFrom(earlier("a")), json!(5), "`f` is *, required different from `a` of `c/earlier`"),
        (Matcher::NoMoreThan(earlier("a"), 2), json!(9), "`f` is *, required no more than `a` of `c/earlier` plus 2"),
    ] {
        assert_eq!(stable("f", matcher, json!({"f": value})), form);
    }
    let damaged = stable("payload", Matcher::Seed(9), json!({"len": 2, "bytes": 16, "crc32": 4711}));
    let wanted = crc32_of(9, 16);
    assert_eq!(
        damaged,
        format!("`payload` is damaged: crc32 of its 16 bytes is *, of those filled from seed 9 it is {wanted}")
    );
}
