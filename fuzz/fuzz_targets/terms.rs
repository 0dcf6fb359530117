//! Any text is a list of terms or signals that survives parsing and printing, or an error with a
//! position in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oncue::language::{Signal, Term};

fuzz_target!(|text: &str| {
    match Term::parse_list(text) {
        Ok(terms) => {
            for term in terms {
                assert_eq!(term.value.to_string().parse::<Term>(), Ok(term.value));
            }
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.at.column)),
    }
    if let Ok(signals) = Signal::parse_list(text) {
        for signal in signals {
            assert_eq!(signal.value.to_string().parse::<Signal>(), Ok(signal.value));
        }
    }
});
