//! Runs a simple command: an assignment, a function, a script of the files, or a program.

use std::collections::HashMap;

use super::{
    builtin, filter,
    machine::{Machine, Options, Run, Status, Stop, refuse},
    parse,
    syntax::{Value, Word},
};
use crate::{program, surroundings::Dialect, text::Text};

impl Machine<'_> {
    pub(super) fn simple(&mut self, assignments: &[(String, Value)], words: &[Word]) -> Run {
        self.substituted = None;
        let mut values = Vec::new();
        for (name, value) in assignments {
            match value {
                Value::Text(word) => values.push((name, self.expand_one(word)?)),
                Value::Array { items, appends } => self.assign_array(name, items, *appends)?,
            }
        }
        if words.is_empty() {
            for (name, value) in values {
                self.assign(name, value);
            }
            // The status of an assignment is that of the last command in it.
            return Ok(self.substituted.take().unwrap_or(Status::SUCCESS));
        }
        let words = self.expand(words)?;
        if words.is_empty() {
            // `$(nc -z db 5432)`: what is left is the status of the substitution.
            return Ok(self.substituted.take().unwrap_or(Status::SUCCESS));
        }
        if values.is_empty() {
            return self.call(words);
        }
        let names = values.iter().map(|(name, _)| (*name).clone());
        let outer: Vec<_> = names
            .map(|name| (self.variables.get(&name).cloned(), name))
            .collect();
        for (name, value) in values {
            self.variables.insert(name.clone(), value);
        }
        let ended = self.call(words);
        for (value, name) in outer {
            match value {
                Some(value) => self.variables.insert(name, value),
                None => self.variables.remove(&name),
            };
        }
        ended
    }

    /// Runs a command with its arguments.
    pub(crate) fn call(&mut self, words: Vec<Text>) -> Run {
        let mut words = words.into_iter();
        let Some(name) = words.next() else {
            return Ok(Status::SUCCESS);
        };
        let arguments: Vec<_> = words.collect();
        let name = match name.get() {
            Ok(name) => name.to_owned(),
            Err(reason) => return refuse(format!("runs a program whose name it {reason}")),
        };
        if let Some(body) = self.functions.get(&name).cloned() {
            return self.call_function(&body, arguments);
        }
        if let Some(script) = self.surroundings.file(&name) {
            let dialect = Dialect::of_script(script);
            return self.script((Text::known(name.as_str()), script), dialect, arguments);
        }
        let base = name.rsplit('/').next().unwrap_or(&name);
        if let Some(dialect) = Dialect::of_shell(base) {
            return self.shell(dialect, &arguments);
        }
        if let Some(ended) = builtin::run(self, base, &arguments) {
            return ended;
        }
        if let Some(ended) = filter::run(self, base, &arguments) {
            return ended;
        }
        if let Some(ended) = program::run(self, base, &arguments) {
            return ended;
        }
        refuse(format!("runs `{name}`"))
    }

    /// Runs `sh -c SCRIPT`, or `sh FILE`.
    fn shell(&mut self, dialect: Dialect, arguments: &[Text]) -> Run {
        let mut rest = arguments;
        let mut is_command = false;
        let options = self.options;
        self.options = Options::default();
        while let [first, others @ ..] = rest
            && let Some(option) = first.as_known()
            && (option.starts_with('-') || option.starts_with('+'))
            && option.len() > 1
        {
            rest = others;
            if option == "--" {
                break;
            }
            is_command |= !option.starts_with("--") && option.contains('c');
            if builtin::set_options(self, option) {
                rest = rest.get(1..).unwrap_or_default();
            }
            if is_command && option.starts_with('-') && rest.first().is_none_or(is_no_option) {
                break;
            }
        }
        let ended = match rest {
            [script, arguments @ ..] if is_command => match script.get() {
                Ok(script) => {
                    let mut arguments = arguments.iter().cloned();
                    let name = arguments.next().unwrap_or(Text::known("sh"));
                    self.script((name, script), dialect, arguments.collect())
                }
                Err(reason) => refuse(format!("runs a script that it {reason}")),
            },
            [file, arguments @ ..] => self.script_file(file, dialect, arguments.to_vec()),
            [] => match self.input.take() {
                // `sh <<EOF`: the shell reads its script.
                Some(script) => match script.get() {
                    Ok(script) => self.script((Text::known("sh"), script), dialect, Vec::new()),
                    Err(reason) => refuse(format!("runs a script that it {reason}")),
                },
                None => refuse("runs a shell without a script"),
            },
        };
        self.options = options;
        ended
    }

    fn script_file(&mut self, file: &Text, dialect: Dialect, arguments: Vec<Text>) -> Run {
        let content = file
            .as_known()
            .and_then(|name| self.surroundings.file(name));
        if let Some(content) = content {
            return self.script((file.clone(), content), dialect, arguments);
        }
        let base = file.as_known().and_then(|name| name.rsplit('/').next());
        let known = base.and_then(|base| program::run(self, base, &arguments));
        known
            .unwrap_or_else(|| refuse(format!("runs the script {file}, which is not in the files")))
    }

    /// Runs a script, which has a name, in a shell of its own.
    pub(crate) fn script(
        &mut self,
        (name, script): (Text, &str),
        dialect: Dialect,
        arguments: Vec<Text>,
    ) -> Run {
        let list = parse::parse(script).map_err(Stop::Refused)?;
        // Only bash reads the functions that another bash exports.
        let inherited = match dialect {
            Dialect::Bash => self.exported.clone(),
            Dialect::Posix => HashMap::new(),
        };
        let outer = (
            self.dialect,
            std::mem::replace(&mut self.functions, inherited),
        );
        self.dialect = dialect;
        let ended = self.nest(|machine| {
            machine.subshell(|machine| {
                machine.script_name = name;
                machine.positional = arguments;
                machine.list(&list)
            })
        });
        (self.dialect, self.functions) = outer;
        ended
    }
}

fn is_no_option(text: &Text) -> bool {
    !text.as_known().is_some_and(|text| text.starts_with('-'))
}
