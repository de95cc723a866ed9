//! A terminal in tmux, for what is only to be seen on one.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::programs::unpacked_program;
use crate::support::run;

/// The longest time for something to appear on the screen: shells take long to start beside other tests.
const PATIENCE: Duration = Duration::from_secs(150);

/// A terminal in tmux, in the network namespace of the test.
pub struct Tmux {
    name: String,
}

impl Tmux {
    /// Starts bash on a terminal of this size.
    pub fn start(width: usize, height: usize) -> Self {
        Self::run_shell(width, height, "env PS1='ready$ ' bash --norc --noprofile -i")
    }

    /// Starts this shell, which says "ready$" when it waits for a command.
    pub fn run_shell(width: usize, height: usize, shell: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tmux = Self { name: format!("ipvsadm-{}-{number}", std::process::id()) };
        let size = [width.to_string(), height.to_string()];
        tmux.run(&["new-session", "-d", "-x", &size[0], "-y", &size[1], shell]);
        tmux.wait_for("ready$");
        tmux
    }

    pub fn run(&self, words: &[&str]) -> String {
        let mut tmux = Command::new(unpacked_program("tmux"));
        tmux.args(["-u", "-L", &self.name, "-f", "/dev/null"]).args(words);
        tmux.env("TMUX_TMPDIR", std::env::temp_dir()).env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
        let run = run(&mut tmux);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{words:?}");
        run.stdout
    }

    pub fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    pub fn type_line(&self, line: &str) {
        self.run(&["send-keys", "-l", line]);
        self.keys(&["Enter"]);
    }

    pub fn resize(&self, width: usize, height: usize) {
        self.run(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits until the screen satisfies the condition, and returns it.
    pub fn wait_until(&self, what: &str, is_right: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if is_right(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "{what}:\n{screen}");
            sleep(Duration::from_millis(100));
        }
    }

    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut tmux = Command::new(unpacked_program("tmux"));
        tmux.args(["-L", &self.name, "kill-server"]).env("TMUX_TMPDIR", std::env::temp_dir());
        let _ = tmux.output();
    }
}
