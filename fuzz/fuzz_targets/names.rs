//! Any text is a variable name that survives parsing and printing, or an error that names a rule.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oncue::language::{NameTemplate, Namespace, VariableName};

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<VariableName>() {
        assert_eq!(name.to_string().parse::<VariableName>().as_ref(), Ok(&name));
        assert!(name.ancestors().all(|ancestor| name.is_below(&ancestor)));
    }
    if let Ok(template) = text.parse::<NameTemplate>() {
        assert_eq!(template.to_string().parse::<NameTemplate>(), Ok(template));
    }
    let _ = text.parse::<Namespace>();
});
