//! The TAB key in bash, zsh and fish, on a terminal and with a table.

use std::fs;
use std::path::Path;

use nix::sched::{CloneFlags, unshare};

use crate::programs::{unpacked, unpacked_program};
use crate::support::*;
use crate::tmux::Tmux;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

/// Starts a shell with our completions, and without the folder of the program in its path, as ordinary users have it.
fn shell(name: &str, folder: &Path) -> Tmux {
    let path = format!("{SCRIPTS}:/usr/bin:/bin");
    let setup = match name {
        "bash" => format!(
            "PS1='ready$ '; PATH={path}\n\
             bind 'set show-all-if-ambiguous on'; . {SCRIPTS}/completions/ipvsadm.bash"
        ),
        // Of the many completions that zsh brings along, only what these need: reading all takes long.
        "zsh" => {
            let functions = unpacked("usr/share/zsh/functions/Completion");
            format!(
                "PS1='ready$ '; PATH={path}\n\
                 fpath=({SCRIPTS}/completions {functions}{{,/Base}})\nautoload -Uz compinit; compinit -u -D\n\
                 autoload -Uz {functions}/Unix/{{_files,_path_files,_list_files,_have_glob_qual}}"
            )
        }
        _ => format!(
            "set fish_function_path {} $fish_function_path; set -x PATH (string split : {path})\n\
             set fish_greeting; set -g fish_autosuggestion_enabled 0\n\
             function fish_prompt; echo 'ready$ '; end; source {SCRIPTS}/completions/ipvsadm.fish",
            unpacked("usr/share/fish/functions")
        ),
    };
    let file = folder.join(if name == "zsh" { ".zshrc" } else { name });
    fs::write(&file, setup).unwrap();
    let (file, folder) = (file.display(), folder.display());
    let command = match name {
        "bash" => format!("bash --noprofile --rcfile {file} -i"),
        "zsh" => format!("env ZDOTDIR={folder} {} -i", unpacked_program("zsh-static").display()),
        _ => format!(
            "env HOME={folder} {} --no-config --init-command 'source {file}'",
            unpacked_program("fish").display()
        ),
    };
    Tmux::run_shell(140, 40, &command)
}

/// Types the start of a line and presses TAB, and waits until all these words are in the line or below it.
fn press_tab(terminal: &Tmux, typed: &str, expected: &[&str]) {
    terminal.run(&["send-keys", "-l", typed]);
    terminal.keys(&["Tab"]);
    let what = format!("{typed}<TAB> shows {expected:?}");
    terminal.wait_until(&what, |screen| expected.iter().all(|word| screen.contains(word)));
    terminal.keys(&["C-c"]);
    // What is typed before may be thrown away.
    terminal.wait_until("a prompt", |screen| screen.trim_end().ends_with("ready$"));
    terminal.type_line("clear");
    terminal.wait_until("an empty line", |screen| screen.trim() == "ready$");
}

fn every_kind_of_word_is_completed(name: &str) {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    director.system(&format!("mount --make-rprivate / && mount --bind {programs} /usr/local/sbin"));
    let rules = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m\n\
                 -A -t [2001:db8::1]:443 -s rr\n-A -f 4711 -s rr\n";
    assert_eq!(director.feed("-R", rules).stderr, "");
    let folder = Folder::new();
    let terminal = shell(name, &folder.0);
    for (typed, expected) in [
        ("ipvsadm --add-", &["--add-serv"][..]),
        ("ipvsadm -D -t 1", &["ipvsadm -D -t 192.0.2.1:80"]),
        ("ipvsadm -D -t ", &["192.0.2.1:80", "2001:db8::1", ":443"]),
        ("ipvsadm -e -t 192.0.2.1:80 -r ", &["-r 198.51.100.1:8080"]),
        ("ipvsadm -D -f ", &["-f 4711"]),
        ("ipvsadm -D --tcp-service=", &["192.0.2.1:80", "2001:db8::1", ":443"]),
        ("ipvsadm -A -t 192.0.2.1:81 -s w", &["wrr", "wlc"]),
        ("ipvsadm -A -t 192.0.2.1:81 -s mh -b mh-f", &["mh-fallback"]),
        ("ipvsadm --start-daemon m", &["--start-daemon master"]),
        ("ipvsadm --start-daemon master --mcast-interface l", &["--mcast-interface lo"]),
        ("ipvsadm -R /etc/passw", &["/etc/passwd"]),
        ("ipvsadm-save --output=/etc/passw", &["--output=/etc/passwd"]),
        ("ipvsadm-save --f", &["ipvsadm-save --full"]),
        ("ipvsadm-restore --dry", &["--dry-run"]),
        ("ipvsadm-restore /etc/passw", &["/etc/passwd"]),
    ] {
        press_tab(&terminal, typed, expected);
    }
}

#[test]
fn bash_completes() {
    every_kind_of_word_is_completed("bash");
}

#[test]
fn zsh_completes() {
    every_kind_of_word_is_completed("zsh");
}

#[test]
fn fish_completes() {
    every_kind_of_word_is_completed("fish");
}
