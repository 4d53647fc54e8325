/**
 * Writes usage from the ledger to the workbook: the users' sheets and the counters of keys, each
 * request exactly once.
 */
package dev.llmproxy.flush;
