//! `trainable completions` and `trainable man`. Both are generated from the program's description of its options.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, print_bytes};

/// Options of `trainable completions`.
#[derive(Args)]
pub(crate) struct Options {
    /// Shell for which the completion script is printed
    shell: Shell,
}

/// Prints a completion script. Users `source` it, or put it into the shell's directory of completions.
pub(crate) fn completions(options: &Options, mut program: Command) -> Result<(), Failure> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut program, name, &mut script);
    print_bytes(&script)
}

/// Prints the manual pages in roff: first the program's, then those of its subcommands.
pub(crate) fn man(mut program: Command) -> Result<(), Failure> {
    program.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(program.clone()).render(&mut page)?;
    for subcommand in program
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        clap_mangen::Man::new(subcommand.clone()).render(&mut page)?;
    }
    print_bytes(&page)
}
