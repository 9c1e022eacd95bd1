//! The scripts for the shells. They know nothing but how to ask the program.

use super::Shell;

/// The script for `shell`.
pub(super) const fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("complete.bash"),
        Shell::Zsh => include_str!("complete.zsh"),
        Shell::Fish => include_str!("complete.fish"),
        Shell::Powershell => include_str!("complete.ps1"),
    }
}
