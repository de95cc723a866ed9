//! The program accepts every command line in the documents.

use ipvsadm::stages::mistake;

use crate::markdown::sections;
use crate::{documents, manual, read};

/// Splits a line of shell into the words of its simple commands. Redirections end a command.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '|' | ';' | '&' | '<' | '>' | '(' | ')') => {
                // The number of a file descriptor belongs to the redirection.
                let descriptor = c == '>' && word.as_deref().is_some_and(|word| word == "2");
                words.extend(word.take().filter(|_| !descriptor));
                commands.push(std::mem::take(&mut words));
            }
            (None, '#') if word.is_none() => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands.retain(|command| !command.is_empty());
    commands
}

/// Returns why a command is wrong, if it is one of ours and wrong.
fn wrong(command: &[String]) -> Option<String> {
    let mut words =
        command.iter().map(String::as_str).skip_while(|word| matches!(*word, "sudo" | "!" | "do"));
    let program = words.next()?.trim_start_matches("/sbin/");
    let words: Vec<&str> = words.collect();
    // What a variable stands for, only a shell knows.
    if words.iter().any(|word| word.contains('$')) {
        return None;
    }
    match program {
        "ipvsadm" => mistake(&words),
        "ipvsadm-save" | "ipvsadm-restore" => {
            let help = read(&format!("scripts/{program}"));
            let options = words.iter().map(|word| word.split('=').next().unwrap_or_default());
            let help: Vec<&str> = help.split(|c: char| c.is_whitespace() || ",[]|)".contains(c)).collect();
            options
                .filter(|word| word.starts_with('-'))
                .find(|word| !help.contains(word))
                .map(|word| format!("there is no option {word}"))
        }
        _ => None,
    }
}

/// Returns lines of shell in a document: those of code blocks, and pieces of code in the text.
fn lines(document: &str, text: &str) -> Vec<String> {
    if document.ends_with(".8") {
        return manual::lines(text);
    }
    let mut lines = Vec::new();
    for section in sections(text) {
        for (_, block) in section.blocks {
            let block = block.replace("\\\n", " ");
            lines.extend(block.lines().map(|line| {
                // The prompt of a machine.
                let (prompt, command) = line.split_once(' ').unwrap_or(("", line));
                if prompt.ends_with(['#', '$']) { command.to_owned() } else { line.trim_start().to_owned() }
            }));
        }
        // The name of a command, without what it needs, is no command.
        let codes = section.codes.into_iter().filter(|code| code.split_whitespace().count() > 2);
        lines.extend(codes.map(|code| code.replace(" SECONDS", " 60")));
    }
    lines
}

#[test]
fn the_program_accepts_every_command_in_the_documents() {
    let (mut refused, mut count) = (Vec::new(), 0);
    for document in documents(".md").into_iter().chain(documents(".8")) {
        for line in lines(&document, &read(&document)) {
            for command in simple_commands(&line) {
                count += usize::from(command[0].starts_with("ipvsadm"));
                if let Some(reason) = wrong(&command) {
                    refused.push(format!("{document}: {}: {reason}", command.join(" ")));
                }
            }
        }
    }
    assert!(refused.is_empty(), "these commands are refused: {refused:#?}");
    assert!(count > 300, "{count}");
}

#[test]
fn shell_is_split_into_commands() {
    let commands = simple_commands("ipvsadm -S -n 2>'a b' | grep \"x|y\" & ipvsadm -C # a; b");
    let expected: [&[&str]; 5] =
        [&["ipvsadm", "-S", "-n"], &["a b"], &["grep", "x|y"], &["ipvsadm", "-C"], &[]];
    assert_eq!(commands, expected[..4]);
    let wrong = |line: &str| simple_commands(line).iter().find_map(|command| wrong(command));
    assert_eq!(wrong("sudo ipvsadm -A -t 192.0.2.1:80 -s rr"), None);
    assert_eq!(wrong("ipvsadm -A -t $VIP:80"), None);
    assert!(wrong("true && ipvsadm -A -t 192.0.2.1:80 --shceduler rr").is_some());
    assert_eq!(wrong("ipvsadm-restore --dry-run FILE"), None);
    assert_eq!(wrong("ipvsadm-restore --dry FILE").as_deref(), Some("there is no option --dry"));
}
