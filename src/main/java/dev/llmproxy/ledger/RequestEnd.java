package dev.llmproxy.ledger;

import java.math.BigDecimal;

/**
 * The end of a request, by the ledger.
 *
 * @param cost in US dollars; 0 for a request that was never admitted; null when it is unknown
 */
public record RequestEnd(BigDecimal cost) {}
