//! A script's text to [`syntax`](super::syntax), by way of `brush-parser`.

use std::rc::Rc;

use brush_parser::{
    Parser, ParserOptions, SourceInfo,
    ast::{
        self, AndOr as ParsedAndOr, AssignmentName, AssignmentValue, BinaryPredicate,
        CommandPrefixOrSuffixItem, CompoundCommand, CompoundList, ExtendedTestExpr,
        IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, SeparatorOperator, UnaryPredicate,
    },
    word::{
        self, Parameter, ParameterExpr, ParameterTestType, SpecialParameter, SubstringMatchKind,
        WordPiece,
    },
};

use super::syntax::{
    AndOr, Change, Command, Comparison, Destination, Elements, Kind, List, Operator, Piece,
    Pipeline, Redirect, Test, Value, Word,
};

/// Longest script, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Deepest nesting of brackets and braces: the parser recurses for each.
const MAX_DEPTH: usize = 32;

/// Commands whose arguments assign variables.
const DECLARATIONS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];

/// Why a script cannot be read, to be read after "it".
pub(crate) type Unreadable = String;

/// Reads a script.
pub(crate) fn parse(script: &str) -> Result<List, Unreadable> {
    if script.len() > MAX_BYTES {
        return Err("runs a script of more than 64 KiB".to_owned());
    }
    if depth(script) > MAX_DEPTH {
        return Err(format!(
            "runs a script with brackets more than {MAX_DEPTH} deep"
        ));
    }
    let mut parser = Parser::new(script.as_bytes(), &options(), &SourceInfo::default());
    let program = parser
        .parse_program()
        .map_err(|error| format!("runs a script that cannot be read as shell: {error}"))?;
    let mut list = List::new();
    for commands in &program.complete_commands {
        list.extend(compound_list(commands)?);
    }
    Ok(list)
}

fn options() -> ParserOptions {
    ParserOptions {
        enable_extended_globbing: false,
        tilde_expansion: false,
        ..ParserOptions::default()
    }
}

/// Returns an upper bound of how deep brackets, braces and loops nest.
fn depth(script: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in script.bytes() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let keywords = ["if", "while", "until", "for", "case"];
    let nested = script
        .split_whitespace()
        .filter(|word| keywords.contains(word));
    deepest.max(nested.count() / 8)
}

fn compound_list(list: &CompoundList) -> Result<List, Unreadable> {
    let items = list.0.iter().map(|item| {
        if matches!(item.1, SeparatorOperator::Async) {
            return Err("starts a command in the background".to_owned());
        }
        and_or(&item.0)
    });
    items.collect()
}

fn and_or(list: &ast::AndOrList) -> Result<AndOr, Unreadable> {
    let rest = list.additional.iter().map(|next| {
        Ok(match next {
            ParsedAndOr::And(next) => (Operator::And, pipeline(next)?),
            ParsedAndOr::Or(next) => (Operator::Or, pipeline(next)?),
        })
    });
    Ok(AndOr {
        first: pipeline(&list.first)?,
        rest: rest.collect::<Result<_, Unreadable>>()?,
    })
}

fn pipeline(pipeline: &ast::Pipeline) -> Result<Pipeline, Unreadable> {
    Ok(Pipeline {
        is_negated: pipeline.bang,
        commands: pipeline.seq.iter().map(command).collect::<Result<_, _>>()?,
    })
}

fn command(command: &ast::Command) -> Result<Command, Unreadable> {
    let (kind, redirects) = match command {
        ast::Command::Simple(simple) => return simple_command(simple),
        ast::Command::Compound(compound, redirects) => {
            (compound_command(compound)?, redirects.as_ref())
        }
        ast::Command::Function(function) => (function_definition(function)?, None),
        ast::Command::ExtendedTest(test) => (Kind::Test(extended_test(&test.expr)?), None),
    };
    Ok(Command {
        kind,
        redirects: redirect_list(redirects)?,
    })
}

fn function_definition(function: &ast::FunctionDefinition) -> Result<Kind, Unreadable> {
    let body = Command {
        kind: compound_command(&function.body.0)?,
        redirects: redirect_list(function.body.1.as_ref())?,
    };
    Ok(Kind::Function {
        name: function.fname.value.clone(),
        body: Rc::new(body),
    })
}

fn compound_command(compound: &CompoundCommand) -> Result<Kind, Unreadable> {
    Ok(match compound {
        CompoundCommand::Arithmetic(arithmetic) => Kind::Arithmetic(text(&arithmetic.expr.value)?),
        CompoundCommand::ArithmeticForClause(clause) => {
            let part = |part: &Option<ast::UnexpandedArithmeticExpr>| {
                part.as_ref().map(|part| text(&part.value)).transpose()
            };
            Kind::ArithmeticFor {
                start: part(&clause.initializer)?,
                condition: part(&clause.condition)?,
                step: part(&clause.updater)?,
                body: compound_list(&clause.body.list)?,
            }
        }
        CompoundCommand::BraceGroup(group) => Kind::Group(compound_list(&group.list)?),
        CompoundCommand::Subshell(subshell) => Kind::Subshell(compound_list(&subshell.list)?),
        CompoundCommand::ForClause(clause) => Kind::For {
            name: clause.variable_name.clone(),
            items: clause.values.as_ref().map(|it| words(it)).transpose()?,
            body: compound_list(&clause.body.list)?,
        },
        CompoundCommand::CaseClause(clause) => case_clause(clause)?,
        CompoundCommand::IfClause(clause) => if_clause(clause)?,
        CompoundCommand::WhileClause(clause) => Kind::Loop {
            until: false,
            condition: compound_list(&clause.0)?,
            body: compound_list(&clause.1.list)?,
        },
        CompoundCommand::UntilClause(clause) => Kind::Loop {
            until: true,
            condition: compound_list(&clause.0)?,
            body: compound_list(&clause.1.list)?,
        },
    })
}

fn case_clause(clause: &ast::CaseClauseCommand) -> Result<Kind, Unreadable> {
    let arms = clause.cases.iter().map(|case| {
        let body = case.cmd.as_ref().map(compound_list).transpose()?;
        Ok((words(&case.patterns)?, body.unwrap_or_default()))
    });
    Ok(Kind::Case {
        word: text(&clause.value.value)?,
        arms: arms.collect::<Result<_, Unreadable>>()?,
    })
}

fn if_clause(clause: &ast::IfClauseCommand) -> Result<Kind, Unreadable> {
    let mut branches = vec![(
        compound_list(&clause.condition)?,
        compound_list(&clause.then)?,
    )];
    let mut otherwise = List::new();
    for next in clause.elses.iter().flatten() {
        let body = compound_list(&next.body)?;
        match &next.condition {
            Some(condition) => branches.push((compound_list(condition)?, body)),
            None => otherwise = body,
        }
    }
    Ok(Kind::If {
        branches,
        otherwise,
    })
}

fn simple_command(simple: &ast::SimpleCommand) -> Result<Command, Unreadable> {
    let mut assignments = Vec::new();
    let mut redirects = Vec::new();
    let mut words = Vec::new();
    for item in simple.prefix.iter().flat_map(|prefix| &prefix.0) {
        match item {
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                assignments.push(self::assignment(assignment)?);
            }
            CommandPrefixOrSuffixItem::IoRedirect(item) => redirects.push(redirect(item)?),
            CommandPrefixOrSuffixItem::Word(word) => words.push(text(&word.value)?),
            CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return Err(substitution()),
        }
    }
    if let Some(word) = &simple.word_or_name {
        words.push(text(&word.value)?);
    }
    let name = simple.word_or_name.as_ref().map(|word| word.value.as_str());
    let declares = name.is_some_and(|name| DECLARATIONS.contains(&name));
    for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
        match item {
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) if declares => {
                assignments.push(self::assignment(assignment)?);
                // The value is assigned as it is; the word itself has no other effect.
                words.clear();
            }
            CommandPrefixOrSuffixItem::AssignmentWord(_, word)
            | CommandPrefixOrSuffixItem::Word(word) => words.push(text(&word.value)?),
            CommandPrefixOrSuffixItem::IoRedirect(item) => redirects.push(redirect(item)?),
            CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return Err(substitution()),
        }
    }
    Ok(Command {
        kind: Kind::Simple { assignments, words },
        redirects,
    })
}

fn substitution() -> Unreadable {
    "uses process substitution".to_owned()
}

fn assignment(assignment: &ast::Assignment) -> Result<(String, Value), Unreadable> {
    let AssignmentName::VariableName(name) = &assignment.name else {
        return Err("assigns one element of an array".to_owned());
    };
    let value = match &assignment.value {
        AssignmentValue::Scalar(word) => {
            let mut value = text(&word.value)?;
            if assignment.append {
                value.insert(0, parameter(name, Change::None));
            }
            Value::Text(value)
        }
        AssignmentValue::Array(items) => {
            if items.iter().any(|(index, _)| index.is_some()) {
                return Err("assigns elements of an array by their indices".to_owned());
            }
            let items = items.iter().map(|(_, word)| text(&word.value));
            Value::Array {
                items: items.collect::<Result<_, _>>()?,
                appends: assignment.append,
            }
        }
    };
    Ok((name.clone(), value))
}

fn redirect_list(redirects: Option<&ast::RedirectList>) -> Result<Vec<Redirect>, Unreadable> {
    let redirects = redirects.iter().flat_map(|list| &list.0);
    redirects.map(redirect).collect()
}

fn redirect(redirect: &IoRedirect) -> Result<Redirect, Unreadable> {
    let (descriptor, to) = match redirect {
        IoRedirect::File(descriptor, kind, target) => {
            let to = match target {
                IoFileRedirectTarget::Filename(word) => match kind {
                    IoFileRedirectKind::Read => Destination::From(text(&word.value)?),
                    IoFileRedirectKind::DuplicateInput | IoFileRedirectKind::DuplicateOutput => {
                        Destination::Descriptor(text(&word.value)?)
                    }
                    _ => Destination::To(text(&word.value)?),
                },
                IoFileRedirectTarget::Fd(number) => {
                    Destination::Descriptor(vec![plain(number.to_string())])
                }
                IoFileRedirectTarget::Duplicate(word) => {
                    Destination::Descriptor(text(&word.value)?)
                }
                IoFileRedirectTarget::ProcessSubstitution(..) => return Err(substitution()),
            };
            (*descriptor, to)
        }
        IoRedirect::HereDocument(descriptor, document) => {
            (*descriptor, Destination::Here(here_document(document)?))
        }
        IoRedirect::HereString(descriptor, word) => {
            let mut line = text(&word.value)?;
            line.push(quoted("\n".to_owned()));
            (*descriptor, Destination::Here(line))
        }
        IoRedirect::OutputAndError(word, _) => (None, Destination::ToBoth(text(&word.value)?)),
    };
    Ok(Redirect {
        descriptor: descriptor.map(i64::from),
        to,
    })
}

/// Returns the text of a here document, in which a shell expands less than in a word.
fn here_document(document: &ast::IoHereDocument) -> Result<Word, Unreadable> {
    let content = &document.doc.value;
    if !document.requires_expansion {
        return Ok(vec![quoted(content.clone())]);
    }
    // Quotes stand for themselves.
    text(&format!("\"{}\"", content.replace('"', "\\\"")))
}

fn extended_test(expression: &ExtendedTestExpr) -> Result<Test, Unreadable> {
    let boxed = |test: &ExtendedTestExpr| extended_test(test).map(Box::new);
    Ok(match expression {
        ExtendedTestExpr::And(one, other) => Test::And(boxed(one)?, boxed(other)?),
        ExtendedTestExpr::Or(one, other) => Test::Or(boxed(one)?, boxed(other)?),
        ExtendedTestExpr::Not(test) => Test::Not(boxed(test)?),
        ExtendedTestExpr::Parenthesized(test) => extended_test(test)?,
        ExtendedTestExpr::UnaryTest(predicate, word) => {
            let operand = text(&word.value)?;
            match predicate {
                UnaryPredicate::StringHasZeroLength => Test::IsEmpty(operand),
                UnaryPredicate::StringHasNonZeroLength => Test::IsSet(operand),
                _ => Test::Unclear(format!("waits for the file {}", word.value)),
            }
        }
        ExtendedTestExpr::BinaryTest(predicate, one, other) => {
            let (one, other) = (text(&one.value)?, text(&other.value)?);
            binary_test(predicate, &one, &other)
        }
    })
}

fn binary_test(predicate: &BinaryPredicate, one: &Word, other: &Word) -> Test {
    use BinaryPredicate as Is;
    let test = |comparison| Test::Binary(comparison, one.clone(), other.clone());
    match predicate {
        Is::ArithmeticEqualTo => test(Comparison::NumberEqual),
        Is::ArithmeticNotEqualTo => Test::Not(Box::new(test(Comparison::NumberEqual))),
        Is::ArithmeticLessThan => test(Comparison::Less),
        Is::ArithmeticLessThanOrEqualTo => test(Comparison::AtMost),
        Is::ArithmeticGreaterThan => test(Comparison::More),
        Is::ArithmeticGreaterThanOrEqualTo => test(Comparison::AtLeast),
        Is::StringExactlyMatchesPattern | Is::StringExactlyMatchesString => test(Comparison::Equal),
        Is::StringDoesNotExactlyMatchPattern | Is::StringDoesNotExactlyMatchString => {
            Test::Not(Box::new(test(Comparison::Equal)))
        }
        Is::StringMatchesRegex | Is::StringContainsSubstring => test(Comparison::Match),
        _ => Test::Unclear("compares files".to_owned()),
    }
}

fn words(words: &[ast::Word]) -> Result<Vec<Word>, Unreadable> {
    words.iter().map(|word| text(&word.value)).collect()
}

/// Reads a word.
fn text(text: &str) -> Result<Word, Unreadable> {
    let pieces = word::parse(text, &options())
        .map_err(|error| format!("has a word that cannot be read as shell: {error}"))?;
    let mut word = Word::new();
    for piece in pieces {
        push(&mut word, piece.piece, false)?;
    }
    Ok(word)
}

fn push(word: &mut Word, piece: WordPiece, is_quoted: bool) -> Result<(), Unreadable> {
    word.push(match piece {
        WordPiece::Text(text) => Piece::Text { text, is_quoted },
        WordPiece::SingleQuotedText(text) => quoted(text),
        WordPiece::AnsiCQuotedText(text) => quoted(text.replace("\\n", "\n").replace("\\t", "\t")),
        WordPiece::DoubleQuotedSequence(pieces)
        | WordPiece::GettextDoubleQuotedSequence(pieces) => {
            word.push(quoted(String::new()));
            for piece in pieces {
                push(word, piece.piece, true)?;
            }
            return Ok(());
        }
        WordPiece::EscapeSequence(escape) => quoted(unescape(&escape, is_quoted)),
        WordPiece::ParameterExpansion(expansion) => parameter_expansion(expansion, is_quoted)?,
        WordPiece::CommandSubstitution(script) => Piece::Command {
            list: parse(&script)?,
            is_quoted,
        },
        WordPiece::BackquotedCommandSubstitution(script) => Piece::Command {
            list: parse(&script.replace("\\`", "`").replace("\\$", "$"))?,
            is_quoted,
        },
        WordPiece::ArithmeticExpression(expression) => Piece::Arithmetic(text(&expression.value)?),
        WordPiece::TildePrefix(_) => Piece::Unclear("uses the home folder".to_owned()),
    });
    Ok(())
}

/// In double quotes, a backslash before most characters stays.
fn unescape(escape: &str, is_quoted: bool) -> String {
    let character = escape.strip_prefix('\\').unwrap_or(escape);
    match character {
        "\n" => String::new(),
        "$" | "`" | "\"" | "\\" => character.to_owned(),
        _ if is_quoted => format!("\\{character}"),
        _ => character.to_owned(),
    }
}

fn quoted(text: String) -> Piece {
    Piece::Text {
        text,
        is_quoted: true,
    }
}

fn plain(text: String) -> Piece {
    Piece::Text {
        text,
        is_quoted: false,
    }
}

fn parameter(name: &str, change: Change) -> Piece {
    Piece::Parameter {
        name: name.to_owned(),
        change,
        is_quoted: true,
    }
}

fn parameter_expansion(expansion: ParameterExpr, is_quoted: bool) -> Result<Piece, Unreadable> {
    use ParameterExpr as Expr;
    let is_for_empty = |kind| matches!(kind, ParameterTestType::UnsetOrNull);
    let word = |word: Option<String>| text(&word.unwrap_or_default());
    let (parameter, change) = match expansion {
        Expr::Parameter {
            parameter,
            indirect: false,
        } => (parameter, Change::None),
        Expr::UseDefaultValues {
            parameter,
            indirect: false,
            test_type,
            default_value,
        } => (
            parameter,
            Change::Default {
                word: word(default_value)?,
                is_for_empty: is_for_empty(test_type),
            },
        ),
        Expr::AssignDefaultValues {
            parameter,
            indirect: false,
            test_type,
            default_value,
        } => (
            parameter,
            Change::Assign {
                word: word(default_value)?,
                is_for_empty: is_for_empty(test_type),
            },
        ),
        Expr::IndicateErrorIfNullOrUnset {
            parameter,
            indirect: false,
            ..
        } => (parameter, Change::Demand),
        Expr::UseAlternativeValue {
            parameter,
            indirect: false,
            alternative_value,
            ..
        } => {
            let word = word(alternative_value)?;
            (parameter, Change::Other { word })
        }
        Expr::ParameterLength {
            parameter,
            indirect: false,
        } => (parameter, Change::Length),
        Expr::ReplaceSubstring {
            parameter,
            indirect: false,
            pattern,
            replacement,
            match_kind: kind @ (SubstringMatchKind::Anywhere | SubstringMatchKind::FirstOccurrence),
        } => {
            let change = Change::Replace {
                pattern,
                with: word(replacement)?,
                everywhere: matches!(kind, SubstringMatchKind::Anywhere),
            };
            (parameter, change)
        }
        other => match affix(other) {
            Some(found) => found,
            None => return Ok(Piece::Unclear("changes a variable".to_owned())),
        },
    };
    if let Some(name) = parameter_name(&parameter) {
        return Ok(Piece::Parameter {
            name,
            change,
            is_quoted,
        });
    }
    elements(parameter, &change)
}

/// Returns what an expansion takes from an array.
fn elements(parameter: Parameter, change: &Change) -> Result<Piece, Unreadable> {
    Ok(match (parameter, change) {
        (Parameter::NamedWithAllIndices { name, .. }, Change::None) => Piece::Elements {
            name,
            which: Elements::All,
        },
        (Parameter::NamedWithAllIndices { name, .. }, Change::Length) => Piece::Elements {
            name,
            which: Elements::Count,
        },
        (Parameter::NamedWithIndex { name, index }, Change::None) => Piece::Elements {
            name,
            which: Elements::At(text(&index)?),
        },
        _ => Piece::Unclear("changes an array".to_owned()),
    })
}

fn affix(expansion: ParameterExpr) -> Option<(Parameter, Change)> {
    use ParameterExpr as Expr;
    let (parameter, pattern, is_suffix, longest) = match expansion {
        Expr::RemoveSmallestSuffixPattern {
            parameter, pattern, ..
        } => (parameter, pattern, true, false),
        Expr::RemoveLargestSuffixPattern {
            parameter, pattern, ..
        } => (parameter, pattern, true, true),
        Expr::RemoveSmallestPrefixPattern {
            parameter, pattern, ..
        } => (parameter, pattern, false, false),
        Expr::RemoveLargestPrefixPattern {
            parameter, pattern, ..
        } => (parameter, pattern, false, true),
        _ => return None,
    };
    let pattern = pattern?;
    let change = if is_suffix {
        Change::WithoutSuffix { pattern, longest }
    } else {
        Change::WithoutPrefix { pattern, longest }
    };
    Some((parameter, change))
}

fn parameter_name(parameter: &Parameter) -> Option<String> {
    Some(match parameter {
        Parameter::Named(name) => name.clone(),
        Parameter::Positional(number) => number.to_string(),
        Parameter::Special(special) => match special {
            SpecialParameter::AllPositionalParameters { .. } => "@",
            SpecialParameter::PositionalParameterCount => "#",
            SpecialParameter::LastExitStatus => "?",
            SpecialParameter::ProcessId => "$",
            SpecialParameter::ShellName => "0",
            SpecialParameter::CurrentOptionFlags | SpecialParameter::LastBackgroundProcessId => "!",
        }
        .to_owned(),
        Parameter::NamedWithIndex { .. } | Parameter::NamedWithAllIndices { .. } => return None,
    })
}
