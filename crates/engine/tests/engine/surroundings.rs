//! Surroundings that a process does not choose: its mask, its limits, its home, its working folder, and a namespace that is
//! taken away beneath it. What cannot be mended is refused, with the path and what helps.
//!
//! Masks, limits and mounts hold for a whole process, so that those tests run in one of their own.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, geteuid, setresuid};
use shmark_engine::error::{LoanError, NodeError, PortError, ServiceError, SystemError};
use shmark_engine::{AllocationStrategy, Config, DeploymentProfile, Inventory, Node, PollSet, Root};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::common::{Scratch, eventually, name, numbers, slices};

const ROLE: &str = "SHMARK_TEST_SURROUNDINGS";
const FOLDER: &str = "SHMARK_TEST_FOLDER";

/// A process of the test, behind a shell that has prepared its surroundings: `"$1"` is the folder for it.
fn behind(script: &str, role: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{script}; shift; exec \"$@\""), "sh"])
        .args([folder, &std::env::current_exe().unwrap()])
        .args(["--exact", "surroundings::another_process", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// In a mount namespace of its own, where this process may make one.
fn unshared(script: &str, role: &str, folder: &Path) -> Option<Command> {
    let may = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        println!("not tested: this process may not mount a file system");
        return None;
    }
    let inner = behind(script, role, folder);
    let mut command = Command::new("unshare");
    command.arg("-rm").arg(inner.get_program()).args(inner.get_args()).env(ROLE, role).env(FOLDER, folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// Runs it to its end, which has to be a good one.
#[track_caller]
fn run(command: &mut Command) {
    let mut child = command.spawn().unwrap();
    let ended = eventually("the end of a process of the test", || child.try_wait().unwrap());
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(ended.success(), "a process of the test ended with {ended} and said:\n{said}");
    assert!(said.contains("1 passed"), "a process of the test tested nothing:\n{said}");
}

/// No test, but what the processes of the tests run.
#[test]
#[ignore = "run by the tests that need another process"]
fn another_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    // Dies with the test that started it.
    prctl::set_pdeathsig(Signal::SIGKILL).unwrap();
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    match role.as_str() {
        "everything" => everything(&folder.join("root")),
        "file-sizes" => file_sizes(&folder.join("root")),
        "relative" => relative(),
        "home" => assert_eq!(load(), Ok(Config::default()), "a configuration file that nobody has named"),
        "named" => {
            let error = load().unwrap_err();
            assert!(error.contains("cannot be read") && error.contains("SHMARK_CONFIG"), "{error}");
        }
        "small" => small(&folder),
        "read-only" => {
            says(
                &at(&folder.join("root")).unwrap_err(),
                &[&folder.join("root").to_string_lossy(), "mount it", "SHMARK_ROOT"],
            );
        }
        "locked" => locked(&folder.join("root")),
        "huge" => {
            says(&at(&folder.join("root")).unwrap_err(), &["hugetlbfs", &folder.to_string_lossy(), "SHMARK_ROOT"]);
        }
        other => panic!("no role: {other}"),
    }
}

fn at(root: &Path) -> Result<Node, NodeError> {
    Node::builder().config(Config::default()).name("n").root(root).create()
}

#[track_caller]
fn says(error: &dyn std::error::Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "the error does not say {part:?}: {text}");
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut at = 0;
    while at < found.len() {
        if fs::symlink_metadata(&found[at]).unwrap().is_dir() {
            found.extend(fs::read_dir(&found[at]).unwrap().map(|entry| entry.unwrap().path()));
        }
        at += 1;
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Makes a file of each kind, and uses them all.
fn everything(root: &Path) {
    let node = at(root).unwrap();
    let service = slices(&node).create().unwrap();
    let grows = AllocationStrategy::BestFit;
    let server = service.server_builder().allocation_strategy(grows).create().unwrap();
    let mut set = PollSet::new().unwrap();
    set.attach(&server).unwrap();
    let client = service.client_builder().allocation_strategy(grows).create().unwrap();
    let found = below(root);
    for kind in ["lock", "static.toml", "registry", "segment-", "connection-", "bell-"] {
        let is_kind = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(kind);
        assert!(found.iter().any(is_kind), "no file {kind} is there to be looked at: {found:?}");
    }
    for path in found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "mode {:04o} of {}", mode(&path), path.display());
    }
    let pending = client.loan_slice(100).unwrap().send().unwrap();
    assert_eq!(server.receive().unwrap().unwrap().len(), 100);
    drop(pending);
    assert!(below(root).iter().filter(|path| !path.is_dir()).all(|path| mode(path) == 0o600));
    let other = at(root).unwrap();
    slices(&other).open().unwrap();
}

#[test]
fn files_and_folders_have_their_modes_under_any_mask() {
    for mask in ["0000", "0177", "0277", "0777"] {
        let scratch = Scratch::new();
        run(&mut behind(&format!("umask {mask}"), "everything", scratch.path()));
    }
}

#[test]
fn a_folder_that_its_owner_cannot_use_is_mended_by_who_creates_and_named_to_who_looks() {
    for broken in ["", "nodes", "services"] {
        let scratch = Scratch::new();
        drop(scratch.node());
        let folder = scratch.path().join(broken);
        fs::set_permissions(&folder, Permissions::from_mode(0o600)).unwrap();
        match Root::existing(scratch.path()) {
            Err(error) => says(&error, &[folder.to_str().unwrap().trim_end_matches('/'), "0600", "chmod u+rwx"]),
            Ok(_) => panic!("{} has mode 0600, and nobody says so", folder.display()),
        }
        let node = scratch.node();
        assert_eq!(mode(&folder), 0o700, "{} was not mended", folder.display());
        drop(numbers(&node).create().unwrap());
    }
}

/// A namespace needs no more of the system than its calls.
#[test]
fn a_node_needs_no_proc() {
    let scratch = Scratch::new();
    let Some(mut command) = unshared("mount -t tmpfs tmpfs /proc || exit 9", "everything", scratch.path()) else {
        return;
    };
    run(&mut command);
}

/// As long as it is held, no file may become longer.
struct FileSize(u64, u64);

impl FileSize {
    fn set(bytes: u64) -> Self {
        let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
        setrlimit(Resource::RLIMIT_FSIZE, bytes, hard).unwrap();
        Self(soft, hard)
    }
}

impl Drop for FileSize {
    fn drop(&mut self) {
        setrlimit(Resource::RLIMIT_FSIZE, self.0, self.1).unwrap();
    }
}

fn file_sizes(root: &Path) {
    let node = at(root).unwrap();
    let service = slices(&node).create().unwrap();
    let grows = AllocationStrategy::BestFit;
    let client = service.client_builder().allocation_strategy(grows).create().unwrap();
    let before = below(root);
    let mut refused = [0; 4];
    for bytes in [0, 500, 3000, 10_000] {
        let limit = FileSize::set(bytes);
        let (named, other) = (at(root), node.service_builder(&name("other")).request_response::<u64, u64>().create());
        let (port, loan) = (service.server_builder().create(), client.loan_slice(100_000));
        drop(limit);
        let told = |error: &SystemError| {
            assert!(error.is_exhaustion(), "{bytes} bytes allowed: {error}");
            says(error, &["ulimit -f", &root.to_string_lossy()]);
        };
        match &named {
            Err(NodeError::System(error)) => told(error),
            other => assert!(other.is_ok(), "{other:?}"),
        }
        match &other {
            Err(ServiceError::System(error)) => told(error),
            other => assert!(other.is_ok(), "{other:?}"),
        }
        match &port {
            Err(PortError::System(error)) => told(error),
            other => assert!(other.is_ok(), "{other:?}"),
        }
        assert!(matches!(loan, Err(LoanError::CannotGrow { .. })), "{:?}", loan.map(drop));
        for (count, is) in refused.iter_mut().zip([named.is_err(), other.is_err(), port.is_err(), true]) {
            *count += usize::from(is);
        }
        drop((named, other, port));
        assert_eq!(below(root), before, "left by what failed with {bytes} bytes allowed");
    }
    assert!(refused.iter().all(|times| *times > 0), "never refused: {refused:?}");
}

#[test]
fn a_limit_of_file_sizes_is_an_error_and_kills_nobody() {
    let scratch = Scratch::new();
    run(&mut behind("true", "file-sizes", scratch.path()));
}

fn relative() {
    let error = Node::builder().config(Config::default()).create().unwrap_err();
    says(&error, &["relative", "\"here\"", "begins with a slash"]);
    assert_eq!(below(Path::new(".")), [PathBuf::from(".")], "made in the working folder");
}

/// It would be another namespace in every working folder.
#[test]
fn a_relative_root_is_refused_wherever_it_comes_from() {
    let scratch = Scratch::new();
    let here = Path::new("shmark-relative-root");
    let in_config = Config { root: Some(here.to_owned()), ..Config::default() };
    let refusals = [
        ("NodeBuilder::root", at(here).map(drop).map_err(|error| error.to_string())),
        ("Root::at", Root::at(here).map(drop).map_err(|error| error.to_string())),
        ("Root::existing", Root::existing(here).map(drop).map_err(|error| error.to_string())),
        ("Root::existing", Root::existing(Path::new("")).map(drop).map_err(|error| error.to_string())),
        ("Node::list_in", Node::list_in(here).map(drop).map_err(|error| error.to_string())),
        ("Node::clean_up", Node::clean_up(here).map(drop).map_err(|error| error.to_string())),
        ("Config::root", Root::from_environment(&in_config).map(drop).map_err(|error| error.to_string())),
    ];
    let made = fs::remove_dir_all(here).is_ok();
    for (by, refusal) in refusals {
        let error = refusal.expect_err(by);
        assert!(error.contains("relative") && error.contains("begins with a slash"), "{by}: {error}");
    }
    assert!(!made, "a folder was made in the working folder");
    run(behind("cd \"$1\"", "relative", scratch.path()).env("SHMARK_ROOT", "here"));
}

/// The configuration as another user sees it, or one whose home it is but who may not look into it.
fn load() -> Result<Config, String> {
    if geteuid().is_root() {
        let nobody = Uid::from_raw(65534);
        setresuid(nobody, nobody, nobody).unwrap();
    }
    Config::load().map_err(|error| error.to_string())
}

#[test]
fn a_home_that_may_not_be_read_has_no_configuration_and_a_named_file_must_be_readable() {
    let scratch = Scratch::new();
    let home = scratch.path().join("home");
    let file = home.join(".config/shmark/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[service]\nmax_clients = 3\n").unwrap();
    fs::set_permissions(&home, Permissions::from_mode(0o000)).unwrap();
    let unnamed = |role| {
        let mut command = behind("true", role, scratch.path());
        command.env("HOME", &home).env_remove("XDG_CONFIG_HOME").env_remove("SHMARK_CONFIG");
        command
    };
    run(&mut unnamed("home"));
    run(unnamed("home").env("XDG_CONFIG_HOME", home.join(".config")));
    run(unnamed("named").env("SHMARK_CONFIG", &file));
    fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
}

/// What logind does at logout, and what tidies up `/dev/shm`: removed, or only moved, with and without another in its place.
#[test]
fn a_namespace_that_is_taken_away_is_noticed_and_what_is_connected_goes_on() {
    let takings: [fn(&Path); 4] = [
        |root| fs::remove_dir_all(root).unwrap(),
        |root| fs::rename(root, root.with_extension("moved")).unwrap(),
        |root| {
            fs::remove_dir_all(root).unwrap();
            Root::at(root).unwrap();
        },
        |root| {
            fs::remove_dir_all(root).unwrap();
            fs::write(root, "a file").unwrap();
        },
    ];
    for (case, take) in takings.into_iter().enumerate() {
        let scratch = Scratch::new();
        let root = scratch.path().join("root");
        let node = at(&root).unwrap();
        let service = numbers(&node).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let client = service.client_builder().create().unwrap();
        drop(client.send_copy(1).unwrap());
        assert_eq!(*server.receive().unwrap().unwrap(), 1);
        assert_eq!(node.list().unwrap().len(), 1);
        take(&root);
        let other = || node.service_builder(&name("other")).request_response::<u64, u64>();
        let calls = [
            ("Node::list", node.list().map(drop).map_err(|error| error.to_string())),
            ("Node::services", node.services().map(drop).map_err(|error| error.to_string())),
            ("Node::service_exists", node.service_exists(&name("x")).map(drop).map_err(|error| error.to_string())),
            ("create", other().create().map(drop).map_err(|error| error.to_string())),
            ("open", other().open().map(drop).map_err(|error| error.to_string())),
            ("open_or_create", other().open_or_create().map(drop).map_err(|error| error.to_string())),
        ];
        for (call, result) in calls {
            let error = result.expect_err(call);
            for part in
                [root.to_str().unwrap(), "removed or moved", "RemoveIPC", "loginctl enable-linger", "SHMARK_ROOT"]
            {
                assert!(error.contains(part), "case {case}: {call} does not say {part:?}: {error}");
            }
        }
        let pending = client.send_copy(2).unwrap();
        server.receive().unwrap().unwrap().send_copy(3).unwrap();
        assert_eq!(*pending.receive().unwrap().unwrap(), 3, "case {case}: what is connected stopped");
        drop((pending, client, server, service, node));
        let _ = fs::remove_file(&root);
        let again = at(&root).unwrap();
        drop(numbers(&again).create().unwrap());
    }
}

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C, align(8192))]
struct Wide([u8; 8192]);

impl Default for Wide {
    fn default() -> Self {
        Self([0; 8192])
    }
}

/// What nobody could open is not created: it would be in the way of its name, and be called damaged.
#[test]
fn what_could_not_be_opened_is_not_created() {
    const MIB: usize = 1 << 20;
    let scratch = Scratch::new();
    let node = scratch.node();
    let builder = || node.service_builder(&name("x")).request_response::<u64, u64>();
    let refused = |error: ServiceError, parts: &[&str]| {
        assert!(!matches!(error, ServiceError::Corrupted { .. }), "{error}");
        says(&error, parts);
        assert_eq!(scratch.files_like("static.toml"), Vec::<PathBuf>::new(), "left by: {error}");
        assert_eq!(builder().open().unwrap_err(), ServiceError::DoesNotExist, "left by: {error}");
    };
    let large = "x".repeat(MIB);
    let limit = MIB.to_string();
    refused(builder().attribute("k", &large).create().unwrap_err(), &["attributes", &limit]);
    refused(builder().attribute("k", &large).open_or_create().unwrap_err(), &["attributes", &limit]);
    refused(builder().attribute(&large, "v").create().unwrap_err(), &["attributes", &limit]);
    // Each of them is an escape of six bytes in the file.
    refused(builder().attribute("k", &"\u{1}".repeat(MIB / 6)).create().unwrap_err(), &["attributes", &limit]);
    let wide = || node.service_builder(&name("x"));
    let parts = ["8192", "4096", "Wide"];
    refused(
        wide().request_response::<Wide, u64>().create().unwrap_err(),
        &["request type", parts[0], parts[1], parts[2]],
    );
    refused(wide().request_response::<u64, [Wide]>().create().unwrap_err(), &["response type", parts[0], parts[1]]);
    refused(builder().request_user_header::<Wide>().create().unwrap_err(), &["request user header", parts[0]]);
    refused(
        builder().response_user_header::<Wide>().open_or_create().unwrap_err(),
        &["response user header", parts[0]],
    );
    let huge = node.service_builder(&name("x")).request_response::<[u8; 2 << 40], u64>().create();
    refused(huge.map(drop).unwrap_err(), &["request type", &(2_usize << 40).to_string(), &(1_usize << 40).to_string()]);
    // Up to the last byte, what is created is opened.
    let other = scratch.node();
    let fits = |bytes: usize| {
        let value = "x".repeat(bytes);
        let service = builder().attribute("k", &value).create().ok()?;
        let opened = other.service_builder(&name("x")).request_response::<u64, u64>().open();
        assert!(opened.is_ok(), "created with an attribute of {bytes} bytes, and not opened: {:?}", opened.err());
        assert_eq!(Inventory::of(&Root::at(scratch.path()).unwrap()).unwrap().remains, []);
        drop(service);
        Some(())
    };
    let (mut least, mut most) = (0, MIB);
    while least + 1 < most {
        let middle = usize::midpoint(least, most);
        if fits(middle).is_some() { least = middle } else { most = middle }
    }
    assert!(least > MIB - 4096, "at most {least} bytes of an attribute");
}

/// In a file system of one mebibyte.
fn small(folder: &Path) {
    let root = folder.join("root");
    let node = at(&root).unwrap();
    let service = slices(&node).create().unwrap();
    let error = service.client_builder().initial_max_slice_len(1 << 20).preallocate(3).create().unwrap_err();
    says(&error, &["payload segment", "3 chunks", "bytes", &root.to_string_lossy(), "--shm-size", "preallocate"]);
    assert!(matches!(&error, PortError::System(error) if error.is_exhaustion()), "{error:?}");
}

#[test]
fn a_shortage_names_the_place_the_size_and_what_helps() {
    let scratch = Scratch::new();
    let missing = scratch.path().join("no/root");
    says(&at(&missing).unwrap_err(), &[missing.to_str().unwrap(), "folder above", "tmpfs", "SHMARK_ROOT"]);
    for (script, role) in [
        ("mount -t tmpfs -o size=1m tmpfs \"$1\" || exit 9", "small"),
        ("mount -t tmpfs -o ro tmpfs \"$1\" || exit 9", "read-only"),
        ("true", "locked"),
    ] {
        let Some(mut command) = unshared(script, role, scratch.path()) else { return };
        run(&mut command);
    }
}

/// Without the right to lock more than the limit, which it lacks in a user namespace.
fn locked(root: &Path) {
    let config = Config { profile: DeploymentProfile::SafetyCritical, ..Config::default() };
    let node = Node::builder().config(config).root(root).create().unwrap();
    let service = numbers(&node).create().unwrap();
    for limit in [0, 4096] {
        setrlimit(Resource::RLIMIT_MEMLOCK, limit, getrlimit(Resource::RLIMIT_MEMLOCK).unwrap().1).unwrap();
        let error = service.client_builder().create().unwrap_err();
        says(&error, &["ulimit -l", &root.to_string_lossy()]);
        assert!(matches!(&error, PortError::System(error) if error.is_exhaustion()), "{limit}: {error:?}");
    }
}

#[test]
fn a_file_system_of_huge_pages_is_named() {
    let scratch = Scratch::new();
    let mut may = Command::new("unshare");
    may.args(["-m", "mount", "-t", "hugetlbfs", "none"]).arg(scratch.path()).stderr(Stdio::null());
    if !may.status().is_ok_and(|status| status.success()) {
        println!("not tested: this process may not mount a file system of huge pages");
        return;
    }
    let inner = behind("mount -t hugetlbfs none \"$1\" || exit 9", "huge", scratch.path());
    let mut command = Command::new("unshare");
    command.arg("-m").arg(inner.get_program()).args(inner.get_args()).env(ROLE, "huge").env(FOLDER, scratch.path());
    run(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
}
