package dev.llmproxy.gate;

import java.math.BigDecimal;

/**
 * What an account has used of a limit.
 *
 * @param limit {@code requests_per_minute}, {@code requests_per_day}, {@code tokens_per_minute} or
 *     {@code budget_usd_month}
 * @param most the limit
 * @param used what was used in the present window, with what requests under way have reserved
 */
public record LimitUse(String limit, BigDecimal most, BigDecimal used) {}
