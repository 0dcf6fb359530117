//! The waits that are held, with the state of each term.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::{Condition, Namespace};
use oncue_wire::{JudgedTerm, Waiter, WaiterList, limits::MAX_PAGE_BYTES};

use super::{
    Api,
    caller::Caller,
    documents,
    error::ApiError,
    path::InNamespace,
    query::{PageParameters, PageSize, Parameters},
    wait::refusal,
};
use crate::{
    cross_namespace::Asked,
    store::{WaiterInfo, WaiterPosition},
};

pub(super) async fn list_all(
    State(api): State<Api>,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters<WaiterPosition>>,
) -> Result<Response, ApiError> {
    caller.may_read_all(&api)?;
    answer_list(&api, None, &parameters)
}

pub(super) async fn list(
    State(api): State<Api>,
    InNamespace(namespace): InNamespace,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters<WaiterPosition>>,
) -> Result<Response, ApiError> {
    caller.may_read(&api, &namespace, Asked::Details)?;
    answer_list(&api, Some(&namespace), &parameters)
}

/// The longest waiting comes first.
fn answer_list(
    api: &Api,
    namespace: Option<&Namespace>,
    parameters: &PageParameters<WaiterPosition>,
) -> Result<Response, ApiError> {
    let PageSize(limit) = parameters.limit;
    let mut position = parameters.token;
    let mut list = Listed::new(api);
    for _ in 0..MAX_STEPS {
        let left = limit.saturating_sub(list.waiters.len());
        let page = api.store().waiters(namespace, left.min(STEP), position);
        for info in &page.waiters {
            let terms = list.judged(info)?;
            list.add(documents::waiter(info, terms));
        }
        list.revision = page.revision.to_string();
        position = page.next;
        if position.is_none() || list.waiters.len() >= limit || list.bytes >= MAX_PAGE_BYTES {
            break;
        }
    }
    let token = position.map(|position| position.to_string());
    api.json((StatusCode::OK, namespace), &list.finish(token))
}

/// A page that is being put together.
struct Listed<'a> {
    api: &'a Api,
    revision: String,
    waiters: Vec<Waiter>,
    /// About how long their documents are.
    bytes: usize,
    /// Many wait for the same, which is judged once; the conditions are kept, so that no other
    /// list can come to stand at their address.
    judged: HashMap<*const Condition, (Arc<[Condition]>, Vec<JudgedTerm>)>,
}

impl<'a> Listed<'a> {
    fn new(api: &'a Api) -> Self {
        Self {
            api,
            revision: String::new(),
            waiters: Vec::new(),
            bytes: 0,
            judged: HashMap::new(),
        }
    }

    fn judged(&mut self, info: &WaiterInfo) -> Result<Vec<JudgedTerm>, ApiError> {
        let WaiterInfo {
            conditions,
            grace,
            who,
        } = info;
        let key = conditions.as_ptr();
        if let Some((_, terms)) = self.judged.get(&key) {
            return Ok(terms.clone());
        }
        let answer = self
            .api
            .store()
            .judge(conditions, (*grace, &who.namespace))
            .map_err(refusal)?;
        let terms = documents::judged(&answer);
        let kept = (Arc::clone(conditions), terms.clone());
        self.judged.insert(key, kept);
        Ok(terms)
    }

    fn add(&mut self, waiter: Waiter) {
        let size = |it: &JudgedTerm| it.term.len() + it.reason.as_ref().map_or(0, String::len);
        self.bytes += FIXED
            + waiter
                .terms
                .iter()
                .map(|it| FIXED + size(it))
                .sum::<usize>();
        self.waiters.push(waiter);
    }

    fn finish(self, token: Option<String>) -> WaiterList {
        WaiterList {
            revision: self.revision,
            waiters: self.waiters,
            r#continue: token,
        }
    }
}

/// How many waiters are read under one lock.
const STEP: usize = 2;

/// How often the lock is taken for one page, even if few waiters are found.
const MAX_STEPS: usize = 256;

/// The members of a waiter, or of a term, that are about equally long in all of them.
const FIXED: usize = 48;
