package dev.llmproxy.workbook;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Recognises headers that resemble a known header. */
final class LookAlike {
  private static final int SHORT = 7;
  private static final Map<String, Set<String>> OTHER_WORDS =
      Map.ofEntries(
          Map.entry(ApiKeySheet.API_KEY, Set.of("key", "keys", "apitoken", "secret")),
          Map.entry(
              ApiKeySheet.USER_EMAIL, Set.of("email", "mail", "emailaddress", "user", "owner")),
          Map.entry(ApiKeySheet.TIER, Set.of("plan", "level", "ratelimit", "usertier", "keytier")),
          Map.entry(
              ApiKeySheet.REVOKED,
              Set.of(
                  "revoke",
                  "isrevoked",
                  "disabled",
                  "blocked",
                  "banned",
                  "suspended",
                  "deactivated",
                  "inactive",
                  "active",
                  "enabled")),
          Map.entry(
              ApiKeySheet.EXPIRES_AT,
              Set.of(
                  "expiry",
                  "expires",
                  "expireson",
                  "expiration",
                  "expirydate",
                  "expiringdate",
                  "expirationdate",
                  "validuntil",
                  "validtill",
                  "validto",
                  "endsat",
                  "endson",
                  "enddate")),
          Map.entry(
              ApiKeySheet.LOG_CONVERSATIONS,
              Set.of("conversations", "conversationlog", "logchats", "keepconversations")),
          Map.entry(
              ApiKeySheet.ALLOWED_MODELS,
              Set.of(
                  "models",
                  "modelsallowed",
                  "modellist",
                  "modelpatterns",
                  "modelaccess",
                  "permittedmodels",
                  "usablemodels")),
          Map.entry(
              TierSheet.REQUESTS_PER_MINUTE,
              Set.of(
                  "rpm",
                  "requestsminute",
                  "requestsperminute",
                  "requestsaminute",
                  "ratelimit",
                  "requestlimit")),
          Map.entry(
              TierSheet.TOKENS_PER_MINUTE,
              Set.of(
                  "tpm",
                  "tokens",
                  "tokensminute",
                  "tokensperminute",
                  "tokensaminute",
                  "tokenlimit")),
          Map.entry(
              TierSheet.REQUESTS_PER_DAY,
              Set.of("rpd", "requestsperday", "requestsaday", "dailyrequests", "daylimit")),
          Map.entry(
              TierSheet.CONCURRENT,
              Set.of(
                  "concurrency",
                  "concurrentrequests",
                  "maxconcurrent",
                  "parallel",
                  "parallelrequests",
                  "simultaneous")),
          Map.entry(
              TierSheet.BUDGET,
              Set.of(
                  "budget",
                  "budgetusd",
                  "budgetmonth",
                  "budgetpermonth",
                  "budgetusdpermonth",
                  "monthlybudget",
                  "monthlybudgetusd",
                  "usdmonth",
                  "usdpermonth",
                  "spendlimit",
                  "maxbudget")),
          Map.entry(
              TierSheet.MODELS,
              Set.of(
                  "allowedmodels",
                  "modelsallowed",
                  "modellist",
                  "modelpatterns",
                  "modelspatterns",
                  "permittedmodels")),
          Map.entry(TierSheet.TOOLS, Set.of("allowedtools", "toolsallowed", "permittedtools")),
          Map.entry(ApiKeySheet.CREATED_AT, Set.of("created", "createdon", "creationdate")),
          Map.entry(ApiKeySheet.LAST_USED, Set.of("usedat", "lastusedat", "lastuse")),
          Map.entry(ApiKeySheet.KEY_NAME, Set.of("name", "label")),
          Map.entry(ApiKeySheet.NOTES, Set.of("comment", "comments", "remarks")));

  private LookAlike() {}

  /**
   * The known header of which this one is a misspelling.
   *
   * @param first the known headers that are preferred, because overlooking them does more harm
   */
  static Optional<String> misspelt(Object header, List<String> known, List<String> first) {
    String squeezed = SheetText.header(header);
    return inOrder(known, first)
        .filter(one -> {
          String right = SheetText.header(one);
          int most = right.length() <= SHORT ? 1 : 2;
          return squeezed.length() > 2
              && (new LevenshteinDistance(most).apply(squeezed, right) >= 0
                  || swapped(squeezed, right));
        })
        .findFirst();
  }

  /**
   * The known header of which this one is a synonym.
   *
   * @param first as in {@link #misspelt}
   */
  static Optional<String> meant(Object header, List<String> known, List<String> first) {
    String squeezed = SheetText.header(header);
    return inOrder(known, first)
        .filter(one -> OTHER_WORDS.getOrDefault(one, Set.of()).contains(squeezed))
        .findFirst();
  }

  private static Stream<String> inOrder(List<String> known, List<String> first) {
    return Stream.concat(
        known.stream().filter(first::contains), known.stream().filter(one -> !first.contains(one)));
  }

  /** Whether two neighbouring letters are swapped. */
  private static boolean swapped(String one, String other) {
    if (one.length() != other.length()) {
      return false;
    }
    int first = 0;
    while (first < one.length() && one.charAt(first) == other.charAt(first)) {
      first++;
    }
    return first + 1 < one.length()
        && one.charAt(first) == other.charAt(first + 1)
        && one.charAt(first + 1) == other.charAt(first)
        && one.substring(first + 2).equals(other.substring(first + 2));
  }
}
