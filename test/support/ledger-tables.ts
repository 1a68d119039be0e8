/** What the ledger writer writes, and nobody else. */
export const ledgerTables = [
  'ledger_event',
  'ledger_packed',
  'ledger_archive',
  'ledger_contradiction',
  'ledger_partition',
  'ledger_run',
  'ledger_run_slice',
  'ledger_share',
  'ledger_heard',
  'ledger_request',
  'ledger_acknowledgement',
  'ledger_alert',
  'ledger_worker',
  'ledger_offset',
] as const
