package dev.llmproxy.ledger;

import java.util.List;

/**
 * Some rows of a statistic.
 *
 * @param rows in the wanted order
 * @param count the number of rows of the whole statistic
 */
public record UsagePage(List<UsageRow> rows, long count) {}
