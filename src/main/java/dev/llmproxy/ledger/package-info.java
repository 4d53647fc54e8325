/** The ledger: a durable record of every request, in SQLite or PostgreSQL. */
package dev.llmproxy.ledger;
