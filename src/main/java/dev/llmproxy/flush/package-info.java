/**
 * From the ledger to the workbook: usage sheets and the counters of keys, each request exactly
 * once.
 */
package dev.llmproxy.flush;
