//! The form of standard output where people read it.

use std::io::{IsTerminal, stdout};

use crate::grammar::Color;

/// The width and the colours of standard output.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Screen {
    /// The width of the terminal in characters. Elsewhere nothing is cut.
    pub(crate) width: Option<usize>,
    pub(crate) colored: bool,
}

impl Screen {
    /// Looks at standard output and the environment.
    pub(crate) fn of_stdout(color: Color) -> Self {
        let width = stdout().is_terminal().then(|| rustix::termios::tcgetwinsize(stdout()).ok()).flatten();
        Self {
            // A terminal that does not know its width says 0.
            width: width.map(|size| size.ws_col.into()).filter(|&width| width > 0),
            colored: match color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => stdout().is_terminal() && wants_color(|name| std::env::var_os(name)),
            },
        }
    }
}

/// Returns whether the environment asks for colours: `NO_COLOR` is not set to anything, and the terminal has some.
fn wants_color(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_can_refuse_colors() {
        for (no_color, term, expected) in [
            (None, Some("xterm"), true),
            (Some(""), Some("xterm"), true),
            (Some("1"), Some("xterm"), false),
            (None, Some("dumb"), false),
            (None, None, false),
        ] {
            let variable = |name: &str| if name == "TERM" { term } else { no_color }.map(Into::into);
            assert_eq!(wants_color(variable), expected, "{no_color:?} {term:?}");
        }
    }
}
