/** Stored conversations: in the ledger's database, in the workbook, and their erasure. */
package dev.llmproxy.conversation;
