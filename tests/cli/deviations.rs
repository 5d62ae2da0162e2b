//! A list of known deviations that `--update-expected` has written holds in the next run.

use std::fs;

use super::shmark;

/// Each of these fails with a message that is another one in every run: a process id, a number that was measured.
#[test]
fn what_update_expected_writes_matches_again() {
    let dir = tempfile::tempdir().unwrap();
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken_peers");
    let group = dir.path().join("mine/conformance/own");
    fs::create_dir_all(&group).unwrap();
    let scenario = |name: &str, step: &str| {
        let text = format!(
            "id = \"own/{name}\"\nrequirements = [\"RR-RCL-01\"]\npeers = {{ s = \"server\" }}\nsteps = [\n  \
             {{ on = \"s\", do = \"server.create\", as = \"srv\" }},\n  {step},\n]\n"
        );
        fs::write(group.join(format!("{name}.toml")), text).unwrap();
    };
    scenario("leaves", "{ on = \"s\", do = \"resources\", check = \"RR-RCL-01\", expect = { ok = {} } }");
    scenario(
        "measures",
        "{ on = \"s\", do = \"resources\", check = \"RR-RCL-01\", expect = { ok = { fds = { at_most = 1 } } } }",
    );
    let subject = dir.path().join("subject.toml");
    // Its number of open descriptors is another one each time, and it leaves a process behind, which waits for ever.
    let script = dir.path().join("peer.sh");
    let here = dir.path().display();
    let text = format!(
        ". {scripts}/peer.sh\nleave() {{ mkfifo {here}/$$; (read -r word <{here}/$$) & exit 0; }}\nanswer() {{ case $op in hello) hello ;; \
         node.create) ok '{{}}' ;; service.open_or_create) ok '{{\"qos\":{{}},\"attributes\":{{}}}}' ;; \
         server.create) ok '{{\"port_id\":\"p\"}}' ;; resources) ok \"{{\\\"fds\\\":$$,\\\"files\\\":0}}\" ;; \
         *) unsupported ;; esac; }}\nserve\n"
    );
    fs::write(&script, text).unwrap();
    let manifest = "name = \"mine\"\ndescription = \"d\"\nfeatures = [\"fixed\", \"resources\"]\n\
                    peer = [\"sh\", \"{here}/peer.sh\"]\n";
    fs::write(&subject, manifest).unwrap();
    let own = dir.path().join("mine");
    let words =
        ["conform", "--subject", subject.to_str().unwrap(), "--scenarios", own.to_str().unwrap(), "--run", "own/*"];
    let first = shmark(&[&words[..], &["--update-expected"]].concat());
    assert_eq!(first.code, Some(1), "{first:?}");
    let list = fs::read_to_string(dir.path().join("expected.toml")).unwrap();
    for part in ["process * (sh)", "`fds` is *, required at most 1"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let second = shmark(&words);
    assert_eq!(second.code, Some(0), "{list}\n{second:?}");
    assert!(second.out.contains("2 known deviations"), "{}", second.out);
}
