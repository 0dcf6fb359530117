//! Commands that only print, let time pass, or steer the script.

use super::{
    machine::{Machine, Run, Status, Stop, refuse},
    parse, read,
    syntax::Piece,
};
use crate::{
    check::Check,
    duration,
    text::{OWN_NAMESPACE, Text},
};

/// When a run begins, in seconds since 1970.
const EPOCH: u64 = 1_700_000_000;

/// Most numbers that `seq` prints.
const MAX_NUMBERS: i64 = 10_000;

/// Where a pod finds the name of its own namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Runs the command of this name, if it is one of these.
pub(super) fn run(machine: &mut Machine<'_>, name: &str, arguments: &[Text]) -> Option<Run> {
    let first = arguments.first().and_then(Text::as_known);
    Some(match name {
        "false" => Ok(Status::FAILURE),
        ":" | "true" | "cd" | "umask" | "ulimit" | "wait" | "hash" | "alias" | "type" | "which"
        | "sync" | "clear" | "shopt"
        // These change the container's own file system only, which ends with it.
        | "apk" | "apt" | "apt-get" | "dnf" | "microdnf" | "yum" => Ok(Status::SUCCESS),
        "date" => Ok(date(machine, arguments)),
        "echo" => Ok(machine.echo(skip_options(arguments, &["-n", "-e", "-ne", "-en", "-E"]))),
        "printf" => Ok(printf(machine, arguments)),
        "env" | "printenv" if arguments.is_empty() => Ok(unclear(name)),
        "hostname" | "id" | "ifconfig" | "ip" | "whoami" | "uname" | "pwd" | "ps" | "df"
        | "free" | "netstat" | "ss" | "printenv" => {
            machine.write(Text::unknown(format!("uses what `{name}` prints")));
            Ok(unclear(name))
        }
        "cat" | "ls" | "stat" | "find" | "readlink" => read_file(machine, name, arguments),
        "tee" => tee(machine, arguments),
        "sleep" => sleep(machine, arguments.first()),
        "usleep" => machine.pass(1000).map(|()| Status::SUCCESS),
        "[" => match arguments.split_last() {
            Some((last, words)) if last.as_known() == Some("]") => machine.test(words),
            _ => refuse("has a [ without ]"),
        },
        "test" => machine.test(arguments),
        "exit" | "return" => leave(machine, name, first),
        "break" => Err(Stop::Break(levels(first))),
        "continue" => Err(Stop::Continue(levels(first))),
        "export" if first == Some("-f") => Ok(export(machine, &arguments[1..])),
        "export" | "local" | "declare" | "readonly" | "typeset" => Ok(declare(machine, arguments)),
        "trap" => trap(machine, arguments),
        "unset" => Ok(unset(machine, arguments)),
        "set" => Ok(set(machine, arguments)),
        "shift" => Ok(shift(machine, first)),
        "let" => arguments
            .iter()
            .try_fold(Status::SUCCESS, |_, text| expression(machine, text)),
        "expr" => Ok(expr(machine, arguments)),
        "seq" => Ok(seq(machine, arguments)),
        "exec" => exec(machine, arguments),
        "command" | "builtin" => command(machine, arguments),
        "busybox" | "nice" | "nohup" | "stdbuf" | "sudo" | "tini" | "dumb-init" => {
            wrapped(machine, arguments)
        }
        "time" => wrapped(machine, arguments),
        "env" => environment(machine, arguments),
        "timeout" => timeout(machine, arguments),
        "." | "source" => source(machine, arguments),
        "eval" => eval(machine, arguments),
        "read" => read::run(machine, arguments),
        _ => return None,
    })
}

fn unclear(name: &str) -> Status {
    Status::Unclear(format!("decides by what `{name}` returns"))
}

fn skip_options(arguments: &[Text], options: &[&str]) -> Vec<Text> {
    let is_option = |text: &&Text| text.as_known().is_some_and(|text| options.contains(&text));
    arguments.iter().skip_while(is_option).cloned().collect()
}

fn printf(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    let Some((format, values)) = arguments.split_first() else {
        return Status::SUCCESS;
    };
    let text = match (format.as_known(), values) {
        (Some("%s" | "%s\\n" | "%d" | "%d\\n"), [value]) => value.clone(),
        (Some(format), []) if !format.contains('%') => Text::known(format.replace("\\n", "\n")),
        _ => Text::unknown("uses what `printf` prints"),
    };
    machine.write(text);
    Status::SUCCESS
}

fn date(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    machine.progress = true;
    let now = match arguments.first().and_then(Text::as_known) {
        Some("+%s") => Text::known((EPOCH + machine.clock / 1000).to_string()),
        _ => Text::unknown("uses the time of day"),
    };
    machine.write(now);
    Status::SUCCESS
}

fn read_file(machine: &mut Machine<'_>, name: &str, arguments: &[Text]) -> Run {
    let files: Vec<_> = arguments
        .iter()
        .filter(|text| !text.as_known().is_some_and(|text| text.starts_with('-')))
        .collect();
    let [file, ..] = files.as_slice() else {
        let input = machine.input.take();
        machine.write(input.unwrap_or(Text::unknown(format!("uses what `{name}` prints"))));
        return Ok(Status::SUCCESS);
    };
    let path = file.as_known().unwrap_or_default();
    if name == "cat" && path == NAMESPACE_FILE {
        let namespace = machine.surroundings.namespace.as_deref();
        machine.write(Text::known(namespace.unwrap_or(OWN_NAMESPACE)));
        return Ok(Status::SUCCESS);
    }
    if let Some(content) = machine.surroundings.file(path).filter(|_| name == "cat") {
        machine.write(Text::known(content));
        return Ok(Status::SUCCESS);
    }
    machine.write(Text::unknown(format!("reads the file {file}")));
    machine.ask_status(Check::Opaque(format!("waits for the file {file}")))
}

fn tee(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    for file in skip_options(arguments, &["-a"]) {
        machine.write_file(&file)?;
    }
    if let Some(input) = machine.input.take() {
        machine.write(input);
    }
    Ok(Status::SUCCESS)
}

fn sleep(machine: &mut Machine<'_>, time: Option<&Text>) -> Run {
    let time = time.and_then(Text::as_known);
    if matches!(time, Some("inf" | "infinity")) {
        return Err(Stop::Endless);
    }
    let millis = time.and_then(duration::of_sleep);
    // An unknown time changes how long a wait lasts, not what it waits for.
    machine
        .pass(millis.unwrap_or(1000))
        .map(|()| Status::SUCCESS)
}

fn leave(machine: &Machine<'_>, name: &str, code: Option<&str>) -> Run {
    let status = match code {
        Some(code) => match code.parse::<i64>() {
            Ok(code) => Status::Code(u8::try_from(code.rem_euclid(256)).unwrap_or(1)),
            Err(_) => Status::Code(2),
        },
        None => machine.last.clone(),
    };
    Err(if name == "exit" {
        Stop::Exit(status)
    } else {
        Stop::Return(status)
    })
}

fn levels(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

/// Runs `export -f FUNCTION...`.
fn export(machine: &mut Machine<'_>, names: &[Text]) -> Status {
    for name in names.iter().filter_map(Text::as_known) {
        if let Some(body) = machine.functions.get(name) {
            machine.exported.insert(name.to_owned(), body.clone());
        }
    }
    Status::SUCCESS
}

/// Takes `A=B` out of arguments that the parser did not take for assignments.
fn declare(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    for text in arguments.iter().filter_map(Text::as_known) {
        if let Some((name, value)) = text.split_once('=') {
            machine.assign(name, Text::known(value));
        }
    }
    Status::SUCCESS
}

/// Sees what a script does at its end; what it does on a signal does not matter.
fn trap(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let Some((command, signals)) = arguments.split_first() else {
        return Ok(Status::SUCCESS);
    };
    let is_end = |text: &Text| matches!(text.as_known(), Some("EXIT" | "0" | "ERR" | "DEBUG"));
    if !signals.iter().any(is_end) || matches!(command.as_known(), Some("" | "-")) {
        return Ok(Status::SUCCESS);
    }
    let status = machine.subshell(|machine| eval(machine, std::slice::from_ref(command)));
    status.map(|_| Status::SUCCESS)
}

fn unset(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    for name in arguments.iter().filter_map(Text::as_known) {
        machine.assign(name, Text::known(""));
    }
    Status::SUCCESS
}

/// Applies one option of `set` or of a shell, and returns whether the next word belongs to it.
pub(super) fn set_options(machine: &mut Machine<'_>, option: &str) -> bool {
    let is_on = option.starts_with('-');
    if option.contains('e') && !option.starts_with("--") {
        machine.options.exits_on_error = is_on;
    }
    !option.starts_with("--") && option.ends_with('o')
}

fn set(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_known() {
            Some("--") => {
                machine.positional = words.cloned().collect();
                break;
            }
            Some(option) if option.starts_with(['-', '+']) => {
                if set_options(machine, option) {
                    let is_on = option.starts_with('-');
                    match words.next().and_then(Text::as_known) {
                        Some("errexit") => machine.options.exits_on_error = is_on,
                        Some("pipefail") => machine.options.fails_in_pipes = is_on,
                        _ => {}
                    }
                }
            }
            _ => {
                machine.positional = std::iter::once(word).chain(words).cloned().collect();
                break;
            }
        }
    }
    Status::SUCCESS
}

fn shift(machine: &mut Machine<'_>, count: Option<&str>) -> Status {
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(1);
    if count > machine.positional.len() {
        return Status::FAILURE;
    }
    machine.positional.drain(..count);
    machine.progress = true;
    Status::SUCCESS
}

fn expression(machine: &mut Machine<'_>, text: &Text) -> Run {
    let word = vec![match text {
        Text::Known(text) => Piece::Text {
            text: text.clone(),
            is_quoted: true,
        },
        _ => Piece::Unclear("computes with what a command prints".to_owned()),
    }];
    Ok(match machine.compute(&word)? {
        Ok(number) => Status::of(number != 0),
        Err(reason) => Status::Unclear(reason),
    })
}

/// Computes `expr A OP B`.
fn expr(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    let words: Option<Vec<_>> = arguments.iter().map(Text::as_known).collect();
    let number = words.and_then(|words| match words.as_slice() {
        [one, operator, other] => {
            let (one, other) = (one.parse::<i64>().ok()?, other.parse::<i64>().ok()?);
            match *operator {
                "+" => one.checked_add(other),
                "-" => one.checked_sub(other),
                "*" => one.checked_mul(other),
                "/" => one.checked_div(other),
                "<" => Some(i64::from(one < other)),
                ">" => Some(i64::from(one > other)),
                _ => None,
            }
        }
        _ => None,
    });
    let Some(number) = number else {
        machine.write(Text::unknown("uses what `expr` prints"));
        return unclear("expr");
    };
    machine.write(Text::known(number.to_string()));
    Status::of(number != 0)
}

fn seq(machine: &mut Machine<'_>, arguments: &[Text]) -> Status {
    let numbers: Option<Vec<i64>> = arguments
        .iter()
        .map(|text| text.as_known()?.parse().ok())
        .collect();
    let range = match numbers.as_deref() {
        Some([last]) => Some((1, 1, *last)),
        Some([first, last]) => Some((*first, 1, *last)),
        Some([first, step, last]) if *step > 0 => Some((*first, *step, *last)),
        _ => None,
    };
    let Some((first, step, last)) = range else {
        machine.write(Text::unknown("counts up to a number that it does not say"));
        return Status::SUCCESS;
    };
    let last = last.min(first.saturating_add(step.saturating_mul(MAX_NUMBERS)));
    let step = usize::try_from(step).unwrap_or(1);
    let lines: Vec<_> = (first..=last)
        .step_by(step)
        .map(|number| number.to_string())
        .collect();
    machine.write(Text::Known(lines.join("\n")));
    Status::SUCCESS
}

/// Replaces the shell, or only opens files.
fn exec(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    if arguments.is_empty() {
        return Ok(Status::SUCCESS);
    }
    let status = machine.call(arguments.to_vec())?;
    Err(Stop::Exit(status))
}

/// Runs `command NAME`; `command -v NAME` finds every program.
fn command(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    match arguments.first().and_then(Text::as_known) {
        Some("-v" | "-V") => Ok(Status::SUCCESS),
        _ => machine.call(arguments.to_vec()),
    }
}

/// Runs a program that another one starts: what follows the options.
fn wrapped(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let is_option = |text: &&Text| text.as_known().is_some_and(|text| text.starts_with('-'));
    let words: Vec<_> = arguments.iter().skip_while(is_option).cloned().collect();
    if words.is_empty() {
        return refuse("starts a program that it does not name");
    }
    machine.call(words)
}

/// Runs `env A=B PROGRAM`.
fn environment(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let mut words = arguments;
    while let [first, rest @ ..] = words
        && first.as_known().is_some_and(|text| text.contains('='))
    {
        declare(machine, std::slice::from_ref(first));
        words = rest;
    }
    wrapped(machine, words)
}

fn timeout(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let mut words = arguments;
    // `timeout -t 5 nc`, as old versions of busybox have it.
    let mut time = None;
    while let [first, rest @ ..] = words
        && let Some(option) = first.as_known()
        && option.starts_with('-')
    {
        words = rest;
        if matches!(option, "-k" | "-s" | "-t" | "--signal" | "--kill-after") {
            if option == "-t" {
                time = words.first();
            }
            words = words.get(1..).unwrap_or_default();
        }
    }
    if time.is_none() {
        time = words.first();
        words = words.get(1..).unwrap_or_default();
    }
    let millis = time.and_then(Text::as_known).and_then(duration::of_sleep);
    let Some(millis) = millis else {
        return refuse("limits a command to a time that it does not say");
    };
    let words = words.to_vec();
    if millis == 0 {
        return machine.call(words);
    }
    machine.limit(millis, |machine| machine.call(words))
}

/// Reads a script of the files, or one of bitnami's libraries, into this shell.
fn source(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let file = arguments
        .first()
        .and_then(Text::as_known)
        .unwrap_or_default();
    if let Some(content) = machine.surroundings.file(file) {
        let list = parse::parse(content).map_err(Stop::Refused)?;
        return machine.nest(|machine| machine.list(&list));
    }
    let name = file.strip_prefix("/opt/bitnami/scripts/lib");
    match name {
        Some("log.sh" | "os.sh" | "net.sh" | "validations.sh" | "fs.sh" | "file.sh") => {
            machine.has_bitnami = true;
            Ok(Status::SUCCESS)
        }
        _ => refuse(format!(
            "reads the script {file}, which is not in the files"
        )),
    }
}

fn eval(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let words: Result<Vec<_>, _> = arguments.iter().map(Text::get).collect();
    let script =
        words.map_err(|reason| Stop::Refused(format!("runs a command that it {reason}")))?;
    let list = parse::parse(&script.join(" ")).map_err(Stop::Refused)?;
    machine.nest(|machine| machine.list(&list))
}
