//! The `shmark` command.

fn main() -> std::process::ExitCode {
    shmark::cli::main()
}
