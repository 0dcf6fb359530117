//! webhook-certs
