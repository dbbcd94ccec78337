"""The operator's door: admission, verticals, arbitration, the ledger and the audit log."""
