//! `shmark completions` and `shmark man`: both are made from the arguments, so that they cannot differ from them.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Arguments;
use super::failure::CommandError;
use crate::report::streams::{print, print_bytes};
use crate::suggest::among;

/// Prints a script that completes commands and options in a shell.
pub(super) fn completions(shell: Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "shmark", &mut script);
    print_bytes(&script);
    0
}

/// Prints the manual page of a command, such as `subject check`; of shmark itself if no word is given.
pub(super) fn page(words: &[String]) -> Result<u8, CommandError> {
    let mut command = Arguments::command();
    // What is global becomes known to every command, and each gets its whole name.
    command.build();
    for word in words {
        let Some(found) = command.find_subcommand(word) else {
            let known: Vec<String> = command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
            return Err(CommandError::Unknown { what: "command", asked: words.join(" "), remedy: among(word, &known) });
        };
        command = found.clone();
    }
    let name = command.get_display_name().unwrap_or("shmark").to_owned();
    let mut text = Vec::new();
    // Writing to memory does not fail; if it did, what is there would still be the page's beginning.
    let _ = clap_mangen::Man::new(command).title(name).render(&mut text);
    print(&String::from_utf8_lossy(&text));
    Ok(0)
}
