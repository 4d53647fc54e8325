/**
 * Conversations that are kept: in the ledger's database, in the workbook, and how they are erased.
 */
package dev.llmproxy.conversation;
